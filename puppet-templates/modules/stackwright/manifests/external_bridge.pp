# An Open vSwitch bridge to a physical or an external network, made again at each boot.
#
# Open vSwitch keeps its bridges in its own database, but neither their addresses nor a masquerading rule; a small
# systemd unit puts those back. On the userspace datapath the kernel leaves checksums of TCP packets to hardware that is
# not there (ping and DHCP work, TCP dies), so transmit offload is switched off on the bridge.
#
# @param datapath_type `system` for the kernel's datapath, `netdev` for Open vSwitch's own.
# @param interfaces Network interfaces that become ports of the bridge, which takes over their addresses and routes.
# @param address The host's address on the bridge, with prefix length: the gateway of a demonstration network.
# @param masquerade The network whose traffic leaves the host under the host's own address.
define stackwright::external_bridge (
  Enum['system', 'netdev'] $datapath_type = 'system',
  Array[String]            $interfaces    = [],
  Optional[String[1]]      $address       = undef,
  Optional[String[1]]      $masquerade    = undef,
) {
  stackwright::unit { "bridge-${name}":
    script => epp('stackwright/external_bridge.epp', {
        'bridge'        => $name,
        'datapath_type' => $datapath_type,
        'interfaces'    => $interfaces,
        'address'       => $address,
        'masquerade'    => $masquerade,
    }),
    unit   => epp('stackwright/external_bridge.service.epp', {
        'bridge' => $name,
        'script' => "/usr/local/libexec/stackwright/bridge-${name}",
    }),
  }
  # Neutron's own class makes the bridge too, in the kernel's datapath, where this one has not done it before.
  Service['openvswitch'] -> Service["stackwright-bridge-${name}.service"] -> Vs_bridge <| title == $name |>
}
