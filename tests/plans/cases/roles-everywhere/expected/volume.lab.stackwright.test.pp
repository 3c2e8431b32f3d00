# Applies to everything in this catalog.
Exec { logoutput => on_failure }
# MariaDB reports "utf8" as "utf8mb3". Asked for under its own name, the database is not altered, and its services are
# not restarted, on every run.
Mysql_database <| |> { charset => 'utf8mb3', collate => 'utf8mb3_general_ci' }
class { 'stackwright::starts': modules => ['aodh', 'ceilometer', 'cinder', 'glance', 'heat', 'neutron', 'nova', 'swift'] }

# --- cinder-api
include cinder
include cinder::logging
include cinder::db
include cinder::keystone::authtoken
include cinder::glance
include cinder::nova
include cinder::api
include cinder::scheduler
include cinder::cron::db_purge
include cinder::wsgi::uwsgi
