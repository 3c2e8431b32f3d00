# Applies to everything in this catalog.
Exec { logoutput => on_failure }
# MariaDB reports "utf8" as "utf8mb3". Asked for under its own name, the database is not altered, and its services are
# not restarted, on every run.
Mysql_database <| |> { charset => 'utf8mb3', collate => 'utf8mb3_general_ci' }
class { 'stackwright::starts': modules => ['aodh', 'ceilometer', 'cinder', 'glance', 'heat', 'neutron', 'nova', 'swift'] }

# --- nova-scheduler
include nova
include nova::logging
include nova::placement
include nova::db
include nova::scheduler
include nova::scheduler::filter
