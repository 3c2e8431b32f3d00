# Applies to everything in this catalog.
Exec { logoutput => on_failure }
# MariaDB reports "utf8" as "utf8mb3". Asked for under its own name, the database is not altered, and its services are
# not restarted, on every run.
Mysql_database <| |> { charset => 'utf8mb3', collate => 'utf8mb3_general_ci' }
class { 'stackwright::starts': modules => ['aodh', 'ceilometer', 'cinder', 'glance', 'heat', 'neutron', 'nova', 'swift'] }

# --- external-bridge
include vswitch::ovs
stackwright::external_bridge { 'br-tunnel':
  datapath_type => 'netdev',
  interfaces    => ['eth1'],
  address       => '198.19.0.12/24',
}

# --- nova-compute
include nova
include nova::logging
include nova::placement
include nova::keystone::service_user
include nova::network::neutron
include nova::compute
include nova::compute::libvirt
# The firmware's id is not this host's own.
if $nova::compute::libvirt::services::modular_libvirt {
  virtqemud_config { 'host_uuid_source': value => 'machine-id', quote => true }
} else {
  libvirtd_config { 'host_uuid_source': value => 'machine-id', quote => true }
}
class { 'stackwright::os_vif': datapath_type => 'netdev' }
# nova-compute-qemu brings the emulators of every architecture (81 MB); nova-compute-kvm has this machine's, and does
# without KVM as well.
Package <| title == 'nova-compute-qemu' |> { name => 'nova-compute-kvm' }
# That package's own file sets kvm and is read after nova.conf.
ini_setting { 'virt_type of nova-compute.conf':
  path    => '/etc/nova/nova-compute.conf',
  section => 'libvirt',
  setting => 'virt_type',
  value   => 'qemu',
  require => Anchor['nova::config::begin'],
  notify  => Anchor['nova::config::end'],
}

# --- ovn-controller
include ovn::controller
Stackwright::External_bridge <| |> -> Service['controller']

# --- ovn-metadata
include neutron
include neutron::logging
include neutron::agents::ovn_metadata
# It holds the secret that the metadata proxy shares with Nova.
file { '/etc/neutron/neutron_ovn_metadata_agent.ini':
  ensure  => file,
  owner   => 'root',
  group   => 'neutron',
  mode    => '0640',
  require => Anchor['neutron::install::end'],
}
File['/etc/neutron/neutron_ovn_metadata_agent.ini'] -> Ovn_metadata_agent_config<||>
# The agent needs br-int, which ovn-controller creates.
Service['controller'] -> Service['ovn-metadata']
