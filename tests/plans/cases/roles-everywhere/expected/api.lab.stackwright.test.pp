# Applies to everything in this catalog.
Exec { logoutput => on_failure }
# MariaDB reports "utf8" as "utf8mb3". Asked for under its own name, the database is not altered, and its services are
# not restarted, on every run.
Mysql_database <| |> { charset => 'utf8mb3', collate => 'utf8mb3_general_ci' }
class { 'stackwright::migrations':
  services => {
    'nova' => {'phase' => 'dbsync_api', 'resources' => ['nova-db-sync-api', 'nova-cell_v2-map_cell0', 'nova-db-sync', 'Nova_cell_v2[default]']},
    'placement' => {'phase' => 'dbsync', 'resources' => ['placement-manage-db-sync']},
  },
}
class { 'stackwright::starts': modules => ['aodh', 'ceilometer', 'cinder', 'glance', 'heat', 'neutron', 'nova', 'swift'] }

# --- placement-api
include placement
include placement::logging
include placement::api
include placement::db
include placement::db::sync
include placement::keystone::authtoken
include placement::wsgi::uwsgi

# --- nova-api
include nova
include nova::logging
include nova::placement
include nova::keystone::service_user
include nova::network::neutron
include nova::cinder
include nova::db
include nova::keystone::authtoken
include nova::metadata
include nova::api
include nova::cell_v2::simple_setup
include stackwright::nova_cell_urls
include stackwright::discovery
include nova::cron::archive_deleted_rows
include nova::wsgi::uwsgi_api
include nova::wsgi::uwsgi_api_metadata
nova_api_metadata_uwsgi_config { 'uwsgi/add-header': value => 'Connection: close' }
# uWSGI's plain HTTP socket closes the connection after each answer; without this header clients see resets.
nova_api_uwsgi_config { 'uwsgi/add-header': value => 'Connection: close' }
Anchor['placement::service::end'] -> Anchor['nova::service::begin']

# --- nova-conductor
include nova
include nova::logging
include nova::placement
include nova::keystone::service_user
include nova::network::neutron
include nova::cinder
include nova::db
include nova::conductor
