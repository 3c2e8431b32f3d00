# Applies to everything in this catalog.
Exec { logoutput => on_failure }
# MariaDB reports "utf8" as "utf8mb3". Asked for under its own name, the database is not altered, and its services are
# not restarted, on every run.
Mysql_database <| |> { charset => 'utf8mb3', collate => 'utf8mb3_general_ci' }
class { 'stackwright::starts': modules => ['aodh', 'ceilometer', 'cinder', 'glance', 'heat', 'neutron', 'nova', 'swift'] }

# --- external-bridge
include vswitch::ovs
stackwright::external_bridge { 'br-ex':
  datapath_type => 'system',
  interfaces    => [],
  address       => '198.19.128.1/24',
  masquerade    => '198.19.128.0/24',
}

# --- ovn-controller
include ovn::controller
Stackwright::External_bridge <| |> -> Service['controller']

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
