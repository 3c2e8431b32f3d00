# A program of our own and the systemd unit that runs it, `stackwright-NAME.service`. A change of either restarts it.
#
# @param script Content of /usr/local/libexec/stackwright/NAME.
# @param unit Content of the unit file.
define stackwright::unit (
  String[1] $script,
  String[1] $unit,
) {
  include stackwright::libexec
  $service = "stackwright-${name}.service"

  file { "/usr/local/libexec/stackwright/${name}":
    mode    => '0755',
    content => $script,
    notify  => Service[$service],
  }
  -> file { "/etc/systemd/system/${service}":
    mode    => '0644',
    content => $unit,
    notify  => Service[$service],
  }
  ~> exec { "systemctl daemon-reload for ${service}":
    command     => 'systemctl daemon-reload',
    path        => ['/usr/bin', '/bin'],
    refreshonly => true,
  }
  -> service { $service:
    ensure => running,
    enable => true,
  }
}
