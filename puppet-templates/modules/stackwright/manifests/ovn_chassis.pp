# Chassis of OVN as Neutron's Zed knows them: files/ovn-chassis.py has the reason.
class stackwright::ovn_chassis {
  $script = '/usr/local/libexec/stackwright/ovn-chassis'
  $unit   = 'stackwright-ovn-chassis.service'

  ensure_resource('file', ['/usr/local/libexec', '/usr/local/libexec/stackwright'], { 'ensure' => 'directory', 'mode' => '0755' })
  file { $script:
    mode    => '0755',
    content => file('stackwright/ovn-chassis.py'),
    notify  => Service[$unit],
  }
  -> file { "/etc/systemd/system/${unit}":
    mode    => '0644',
    content => file('stackwright/ovn-chassis.service'),
    notify  => Service[$unit],
  }
  ~> exec { "systemctl daemon-reload for ${unit}":
    command     => 'systemctl daemon-reload',
    path        => ['/usr/bin', '/bin'],
    refreshonly => true,
  }
  -> service { $unit:
    ensure  => running,
    enable  => true,
    require => Service['northd'],
  }
}
