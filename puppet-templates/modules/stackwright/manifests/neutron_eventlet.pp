# Debian 12's neutron-api service, run by Neutron's own server in place of uwsgi.
#
# The package's uwsgi service runs green threads in 32 native ones. Their locks sometimes wait forever: requests hang.
# Nor do the workers of ML2/OVN ever enter its hash ring there. The unit keeps its name, so that the upstream module, the
# clients and people find what they expect.
class stackwright::neutron_eventlet {
  ensure_resource('file', '/etc/systemd/system/neutron-api.service.d', { 'ensure' => 'directory' })
  file { '/etc/systemd/system/neutron-api.service.d/stackwright.conf':
    content => file('stackwright/neutron-api-eventlet.conf'),
    require => Anchor['neutron::install::end'],
    before  => Anchor['neutron::config::end'],
  }
  ~> exec { 'systemctl daemon-reload for neutron-api':
    command     => 'systemctl daemon-reload',
    path        => ['/usr/bin', '/bin'],
    refreshonly => true,
    before      => Anchor['neutron::service::begin'],
    notify      => Service['neutron-api'],
  }
  # Its work is done by neutron-api's own RPC workers.
  service { 'neutron-rpc-server':
    ensure  => stopped,
    enable  => false,
    require => Anchor['neutron::install::end'],
  }
}
