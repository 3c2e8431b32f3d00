# Applies to everything in this catalog.
Exec { logoutput => on_failure }
# MariaDB reports "utf8" as "utf8mb3". Asked for under its own name, the database is not altered, and its services are
# not restarted, on every run.
Mysql_database <| |> { charset => 'utf8mb3', collate => 'utf8mb3_general_ci' }
class { 'stackwright::starts': modules => ['aodh', 'ceilometer', 'cinder', 'glance', 'heat', 'neutron', 'nova', 'swift'] }

# --- mariadb
include mysql::server

# --- cinder-database
include cinder::db::mysql

# --- glance-database
include glance::db::mysql

# --- keystone-database
include keystone::db::mysql

# --- neutron-database
include neutron::db::mysql

# --- nova-database
include nova::db::mysql
include nova::db::mysql_api

# --- placement-database
include placement::db::mysql

# --- rabbitmq
include rabbitmq
rabbitmq_user { 'amqp_user':
  # It needs its permissions below, and no more: an administrator may read and change all users.
  admin    => false,
  password => Sensitive(lookup('stackwright::messaging_password')),
  require  => Class['rabbitmq'],
}
rabbitmq_user_permissions { 'amqp_user@/':
  configure_permission => '.*',
  write_permission     => '.*',
  read_permission      => '.*',
}
