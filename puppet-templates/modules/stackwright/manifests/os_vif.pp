# Changes a default of os-vif for the integration bridge; files/os-vif/sitecustomize.py has the reason.
#
# The files go where the host's datapath has become the kernel's, for which os-vif is right.
#
# @param datapath_type `system` for the kernel's datapath, `netdev` for Open vSwitch's own.
class stackwright::os_vif (
  Enum['system', 'netdev'] $datapath_type = 'system',
) {
  include nova::params
  include stackwright::libexec
  $folder = '/usr/local/libexec/stackwright/os-vif'
  $dropins = "/etc/systemd/system/${nova::params::compute_service_name}.service.d"
  $ensure = $datapath_type ? { 'netdev' => 'file', default => 'absent' }

  file { [$folder, $dropins]: ensure => directory, mode => '0755' }
  file {
    default:
      ensure  => $ensure,
      mode    => '0644',
      require => Anchor['nova::install::end'],
      before  => Anchor['nova::config::end'],
      notify  => Exec['systemctl daemon-reload for os-vif'];
    "${folder}/sitecustomize.py":
      content => file('stackwright/os-vif/sitecustomize.py');
    "${dropins}/stackwright-os-vif.conf":
      content => "[Service]\nEnvironment=PYTHONPATH=${folder}\n";
  }
  exec { 'systemctl daemon-reload for os-vif':
    command     => 'systemctl daemon-reload',
    path        => ['/usr/bin', '/bin'],
    refreshonly => true,
    before      => Anchor['nova::service::begin'],
    notify      => Service['nova-compute'],
  }
}
