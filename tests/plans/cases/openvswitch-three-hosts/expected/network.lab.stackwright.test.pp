# Applies to everything in this catalog.
Exec { logoutput => on_failure }
# MariaDB reports "utf8" as "utf8mb3". Asked for under its own name, the database is not altered, and its services are
# not restarted, on every run.
Mysql_database <| |> { charset => 'utf8mb3', collate => 'utf8mb3_general_ci' }
class { 'stackwright::starts': modules => ['aodh', 'ceilometer', 'cinder', 'glance', 'heat', 'neutron', 'nova', 'swift'] }

# --- dhcp-agent
include neutron
include neutron::logging
include neutron::agents::dhcp

# --- external-bridge
include vswitch::ovs
stackwright::external_bridge { 'br-ex':
  datapath_type => 'system',
  interfaces    => [],
  address       => '198.19.128.1/24',
  masquerade    => '198.19.128.0/24',
}

# --- l3-agent
include neutron
include neutron::logging
include neutron::agents::l3

# --- metadata-agent
include neutron
include neutron::logging
include neutron::agents::metadata

# --- openvswitch-agent
include neutron
include neutron::logging
include neutron::agents::ml2::ovs
Stackwright::External_bridge <| |> -> Service['neutron-ovs-agent-service']
