# An Open vSwitch bridge to a physical or an external network, configured at each boot.
#
# Open vSwitch stores its bridges in its database, but not their addresses and masquerading rules; a systemd unit restores
# those. With the datapath in user space, the kernel relies on checksum offload that does not exist (ping and DHCP work,
# TCP fails), so transmit offload is disabled on the bridge.
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
  # Must come before Neutron's class, which would create the bridge in the kernel's datapath.
  Service['openvswitch'] -> Service["stackwright-bridge-${name}.service"] -> Vs_bridge <| title == $name |>
}
