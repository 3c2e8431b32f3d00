# Applies to everything in this catalog.
Exec { logoutput => on_failure }
# MariaDB reports "utf8" as "utf8mb3". Asked for under its own name, the database is not altered, and its services are
# not restarted, on every run.
Mysql_database <| |> { charset => 'utf8mb3', collate => 'utf8mb3_general_ci' }
class { 'stackwright::starts': modules => ['aodh', 'ceilometer', 'cinder', 'glance', 'heat', 'neutron', 'nova', 'swift'] }

# --- clients
include openstacklib::openstackclient

# --- mariadb
include mysql::server

# --- keystone-database
include keystone::db::mysql

# --- memcached
include memcached

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

# --- keystone
include keystone
include keystone::cache
include keystone::db
include keystone::bootstrap
include stackwright::admin_login
include stackwright::keystone_keys
include keystone::wsgi::uwsgi
# uWSGI's plain HTTP socket closes the connection after each answer; without this header clients see resets.
keystone_uwsgi_config { 'uwsgi/add-header': value => 'Connection: close' }
include keystone::cron::fernet_rotate
