# Applies to everything in this catalog.
Exec { logoutput => on_failure }
# MariaDB reports "utf8" as "utf8mb3". Asked for under its own name, the database is not altered, and its services are
# not restarted, on every run.
Mysql_database <| |> { charset => 'utf8mb3', collate => 'utf8mb3_general_ci' }
class { 'stackwright::starts': modules => ['aodh', 'ceilometer', 'cinder', 'glance', 'heat', 'neutron', 'nova', 'swift'] }

# --- heat-api
include heat::keystone::authtoken
include heat::trustee
include heat
include heat::clients::keystone
include heat::logging
include heat::api
include heat::wsgi::uwsgi_api
# uWSGI's plain HTTP socket closes the connection after each answer; without this header clients see resets.
heat_api_uwsgi_config { 'uwsgi/add-header': value => 'Connection: close' }

# --- heat-engine
include heat::keystone::authtoken
include heat::trustee
include heat
include heat::clients::keystone
include heat::logging
include heat::engine
# The domain itself is made where Keystone is.
heat_config {
  'DEFAULT/stack_user_domain_name':      value => 'heat';
  'DEFAULT/stack_domain_admin':          value => 'heat_admin';
  'DEFAULT/stack_domain_admin_password': value => lookup('stackwright::heat_domain_password'), secret => true;
}
