# Applies to everything in this catalog.
Exec { logoutput => on_failure }
# MariaDB reports "utf8" as "utf8mb3". Asked for under its own name, the database is not altered, and its services are
# not restarted, on every run.
Mysql_database <| |> { charset => 'utf8mb3', collate => 'utf8mb3_general_ci' }
class { 'stackwright::starts': modules => ['aodh', 'ceilometer', 'cinder', 'glance', 'heat', 'neutron', 'nova', 'swift'] }

# --- neutron-server
include neutron
include neutron::logging
include neutron::db
include neutron::keystone::authtoken
include neutron::server
include neutron::server::notifications
include neutron::server::notifications::nova
include neutron::server::placement
include neutron::plugins::ml2
include neutron::plugins::ml2::ovn
include stackwright::neutron_eventlet
Service['northd'] -> Anchor['neutron::service::begin']

# --- ovn-northd
include ovn::northd
include stackwright::ovn_chassis
