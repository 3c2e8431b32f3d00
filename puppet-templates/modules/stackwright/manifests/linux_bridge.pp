# A bridge of the Linux kernel to a physical or an external network, made again at each boot; for the linuxbridge agent.
#
# @param interfaces Network interfaces that become ports of the bridge. They must not carry the host's own address.
# @param address The host's address on the bridge, with prefix length: the gateway of a demonstration network.
# @param masquerade The network whose traffic leaves the host under the host's own address.
define stackwright::linux_bridge (
  Array[String]       $interfaces = [],
  Optional[String[1]] $address    = undef,
  Optional[String[1]] $masquerade = undef,
) {
  stackwright::unit { "bridge-${name}":
    script => epp('stackwright/linux_bridge.epp', {
        'bridge'     => $name,
        'interfaces' => $interfaces,
        'address'    => $address,
        'masquerade' => $masquerade,
    }),
    unit   => epp('stackwright/linux_bridge.service.epp', {
        'bridge' => $name,
        'script' => "/usr/local/libexec/stackwright/bridge-${name}",
    }),
  }
}
