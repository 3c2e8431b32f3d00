# Applies to everything in this catalog.
Exec { logoutput => on_failure }
# MariaDB reports "utf8" as "utf8mb3". Asked for under its own name, the database is not altered, and its services are
# not restarted, on every run.
Mysql_database <| |> { charset => 'utf8mb3', collate => 'utf8mb3_general_ci' }
class { 'stackwright::starts': modules => ['aodh', 'ceilometer', 'cinder', 'glance', 'heat', 'neutron', 'nova', 'swift'] }

# --- memcached
include memcached

# --- glance-api
include glance
include glance::api
include glance::api::logging
include glance::api::db
include glance::api::authtoken
# It holds the password of Glance's user.
file { '/etc/glance/glance-swift.conf':
  ensure  => file,
  owner   => 'root',
  group   => 'glance',
  mode    => '0640',
  require => Anchor['glance::install::end'],
}
File['/etc/glance/glance-swift.conf'] -> Glance_swift_config<||>
glance::backend::multistore::swift { 'swift':
  swift_store_user                    => 'services:glance',
  swift_store_key                     => lookup('stackwright::swift_store_key'),
  swift_store_auth_address            => lookup('stackwright::identity_url'),
  swift_store_auth_version            => '3',
  swift_store_create_container_on_put => true,
}
