# Applies to everything in this catalog.
Exec { logoutput => on_failure }
# MariaDB reports "utf8" as "utf8mb3". Asked for under its own name, the database is not altered, and its services are
# not restarted, on every run.
Mysql_database <| |> { charset => 'utf8mb3', collate => 'utf8mb3_general_ci' }
class { 'stackwright::starts': modules => ['aodh', 'ceilometer', 'cinder', 'glance', 'heat', 'neutron', 'nova', 'swift'] }

# --- external-bridge
include vswitch::ovs

# --- nova-compute
include nova
include nova::logging
include nova::placement
include nova::keystone::service_user
include nova::network::neutron
include nova::cinder
include nova::compute
include nova::compute::libvirt
class { 'stackwright::os_vif': datapath_type => 'system' }
# The host's iSCSI name, which EL 9 does not make by itself: without one no volume is attached.
include openstacklib::iscsid

# --- ovn-controller
include ovn::controller

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
