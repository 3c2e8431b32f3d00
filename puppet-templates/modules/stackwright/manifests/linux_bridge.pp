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
  $script = "/usr/local/libexec/stackwright/bridge-${name}"
  $unit   = "stackwright-bridge-${name}.service"

  ensure_resource('file', ['/usr/local/libexec', '/usr/local/libexec/stackwright'], { 'ensure' => 'directory', 'mode' => '0755' })

  file { $script:
    mode    => '0755',
    content => epp('stackwright/linux_bridge.epp', {
        'bridge'     => $name,
        'interfaces' => $interfaces,
        'address'    => $address,
        'masquerade' => $masquerade,
    }),
    notify  => Service[$unit],
  }
  -> file { "/etc/systemd/system/${unit}":
    content => epp('stackwright/linux_bridge.service.epp', { 'bridge' => $name, 'script' => $script }),
    notify  => Service[$unit],
  }
  ~> exec { "systemctl daemon-reload for ${unit}":
    command     => 'systemctl daemon-reload',
    path        => ['/usr/bin', '/bin'],
    refreshonly => true,
  }
  -> service { $unit:
    ensure => running,
    enable => true,
  }
}
