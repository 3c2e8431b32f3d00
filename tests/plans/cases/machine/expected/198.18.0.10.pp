# Applies to everything in this catalog.
Exec { logoutput => on_failure }
# MariaDB reports "utf8" as "utf8mb3". Asked for under its own name, the database is not altered, and its services are
# not restarted, on every run.
Mysql_database <| |> { charset => 'utf8mb3', collate => 'utf8mb3_general_ci' }
class { 'stackwright::migrations':
  services => {
    'keystone' => {'phase' => 'dbsync', 'resources' => ['keystone-manage db_sync', 'keystone bootstrap']},
    'nova' => {'phase' => 'dbsync_api', 'resources' => ['nova-db-sync-api', 'nova-cell_v2-map_cell0', 'nova-db-sync', 'Nova_cell_v2[default]']},
    'neutron' => {'phase' => 'dbsync', 'resources' => ['neutron-db-sync']},
    'glance' => {'phase' => 'dbsync', 'resources' => ['glance-manage db_sync', 'glance-manage db_load_metadefs']},
    'cinder' => {'phase' => 'dbsync', 'resources' => ['cinder-manage db_sync']},
    'placement' => {'phase' => 'dbsync', 'resources' => ['placement-manage-db-sync']},
  },
}
class { 'stackwright::starts': modules => ['aodh', 'ceilometer', 'cinder', 'glance', 'heat', 'neutron', 'nova', 'swift'] }

# --- clients
include openstacklib::openstackclient

# --- external-bridge
include vswitch::ovs
stackwright::external_bridge { 'br-ex':
  datapath_type => 'system',
  interfaces    => [],
  address       => '198.19.128.1/24',
  masquerade    => '198.19.128.0/24',
}

# --- mariadb
include mysql::server

# --- cinder-database
include cinder::db::mysql

# --- glance-database
include glance::db::mysql

# --- keystone-database
include keystone::db::mysql

# --- memcached
include memcached

# --- neutron-database
include neutron::db::mysql

# --- nova-database
include nova::db::mysql
include nova::db::mysql_api

# --- ovn-northd
include ovn::northd
include stackwright::ovn_chassis

# --- ovn-controller
include ovn::controller
Stackwright::External_bridge <| |> -> Service['controller']

# --- ovn-metadata
include neutron
include neutron::logging
include neutron::agents::ovn_metadata
# It holds the secret that the metadata proxy shares with Nova.
file { '/etc/neutron/neutron_ovn_metadata_agent.ini':
  ensure  => file,
  owner   => 'root',
  group   => 'neutron',
  mode    => '0640',
  require => Anchor['neutron::install::end'],
}
File['/etc/neutron/neutron_ovn_metadata_agent.ini'] -> Ovn_metadata_agent_config<||>
# The agent needs br-int, which ovn-controller creates.
Service['controller'] -> Service['ovn-metadata']

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

# --- cinder-identity
include cinder::keystone::auth
# Current clients look for the type block-storage, older ones for volumev3.
keystone::resource::service_identity { 'block-storage':
  configure_user      => false,
  configure_user_role => false,
  service_name        => 'cinder',
  service_type        => 'block-storage',
  service_description => 'Cinder Service',
  region              => 'RegionOne',
  public_url          => 'http://198.18.0.10:8776/v3',
  internal_url        => 'http://198.18.0.10:8776/v3',
  admin_url           => 'http://198.18.0.10:8776/v3',
}
Keystone::Resource::Service_identity['block-storage'] -> Anchor['cinder::service::end']

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

# --- cinder-volume
include cinder
include cinder::logging
include cinder::db
include cinder::glance
include cinder::volume
include cinder::backends
include stackwright::cinder_lvm
cinder::backend::iscsi { 'lvm':
  target_ip_address => '198.18.0.10',
  volume_group      => 'cinder-volumes',
}

# --- glance-identity
include glance::keystone::auth

# --- glance-api
include glance
include glance::api
include glance::api::logging
include glance::api::db
include glance::api::authtoken
glance::backend::multistore::file { 'file': }

# --- horizon
include apache
class { 'apache::mod::wsgi':
  package_name => 'libapache2-mod-wsgi-py3',
  mod_path     => '/usr/lib/apache2/modules/mod_wsgi.so',
}
include horizon
# It compresses in four threads, but its style sheet compiler is not thread-safe and sometimes fails.
Exec <| title == 'refresh_horizon_django_compress' |> { tries => 3 }

# --- neutron-identity
include neutron::keystone::auth

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
Anchor['placement::service::end'] -> Anchor['neutron::service::begin']
Service['northd'] -> Anchor['neutron::service::begin']

# --- nova-identity
include nova::keystone::auth

# --- placement-identity
include placement::keystone::auth

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

# --- nova-compute
include nova
include nova::logging
include nova::placement
include nova::keystone::service_user
include nova::network::neutron
include nova::cinder
include nova::compute
include nova::compute::libvirt
class { 'stackwright::os_vif': datapath_type => 'system' }
# It looks for Placement once a minute only.
Anchor['placement::service::end'] -> Service['nova-compute']
# The host's iSCSI name, which EL 9 does not make by itself: without one no volume is attached.
include openstacklib::iscsid

# --- nova-scheduler
include nova
include nova::logging
include nova::placement
include nova::db
include nova::scheduler
include nova::scheduler::filter

# --- nova-vncproxy
include nova
include nova::logging
include nova::db
include nova::vncproxy

# --- swift-identity
include swift::keystone::auth

# --- swift-rings
include swift
include stackwright::swift_files
include swift::ringbuilder
ring_object_device { '198.18.0.10:6200/swiftloopback': zone => 1, weight => 10 }
ring_container_device { '198.18.0.10:6201/swiftloopback': zone => 1, weight => 10 }
ring_account_device { '198.18.0.10:6202/swiftloopback': zone => 1, weight => 10 }

# --- swift-proxy
include swift
include stackwright::swift_files
include swift::proxy
include swift::objectexpirer
include swift::proxy::cache
include swift::proxy::authtoken
include swift::proxy::keystone
include swift::proxy::catch_errors
include swift::proxy::gatekeeper
include swift::proxy::healthcheck
include swift::proxy::proxy_logging
include swift::proxy::listing_formats
include swift::proxy::bulk
include swift::proxy::tempurl
include swift::proxy::ratelimit
include swift::proxy::crossdomain
include swift::proxy::s3api
include swift::proxy::s3token
include swift::proxy::formpost
include swift::proxy::staticweb
include swift::proxy::copy
include swift::proxy::container_quotas
include swift::proxy::account_quotas
include swift::proxy::slo
include swift::proxy::dlo
include swift::proxy::versioned_writes
include swift::proxy::symlink
# The module has no parameter for it. S3's versions of objects are made with it.
swift_proxy_config { 'filter:versioned_writes/allow_object_versioning': value => true }
# Older modules leave the modes of these to the packages, and there everybody may read them.
['proxy-server', 'object-expirer'].each |String $name| {
  unless defined(File["/etc/swift/${name}.conf"]) {
    file { "/etc/swift/${name}.conf":
      ensure  => file,
      owner   => 'root',
      group   => $swift::params::group,
      mode    => '0640',
      require => Anchor['swift::install::end'],
      before  => Anchor['swift::config::begin'],
    }
  }
}

# --- cinder-backup
include cinder
include cinder::logging
include cinder::db
include cinder::glance
include cinder::backup
include cinder::backup::swift

# --- swift-storage
include swift
include stackwright::swift_files
include stackwright::swift_loopback
include swift::storage::all
swift::storage::filter::healthcheck { ['account', 'container', 'object']: }
swift::storage::filter::recon { ['account', 'container', 'object']: }

# --- demo
nova_flavor { 'm1.nano': ensure => present, id => '42', vcpus => '1', ram => '128', disk => '1', is_public => true }
nova_flavor { 'm1.tiny': ensure => present, id => '2', vcpus => '1', ram => '512', disk => '1', is_public => true }
nova_flavor { 'm1.small': ensure => present, id => '3', vcpus => '1', ram => '2048', disk => '20', is_public => true }
nova_flavor { 'm1.medium': ensure => present, id => '4', vcpus => '2', ram => '4096', disk => '40', is_public => true }
nova_flavor { 'm1.large': ensure => present, id => '5', vcpus => '4', ram => '8192', disk => '80', is_public => true }
nova_flavor { 'm1.xlarge': ensure => present, id => '6', vcpus => '8', ram => '16384', disk => '160', is_public => true }
keystone_tenant { 'demo': ensure => present, enabled => true, description => 'Demonstration' }
keystone_user { 'demo':
  ensure   => present,
  enabled  => true,
  email    => 'demo@localhost',
  password => lookup('stackwright::demo_password'),
}
keystone_user_role { 'demo@demo': ensure => present, roles => ['member'] }
glance_image { 'cirros':
  ensure           => present,
  is_public        => 'yes',
  container_format => 'bare',
  disk_format      => 'qcow2',
  source           => '/var/lib/stackwright/images/cirros.qcow2',
  properties       => {'hw_disk_bus' => 'virtio', 'os_distro' => 'cirros'},
}
neutron_network { 'public':
  ensure                    => present,
  router_external           => true,
  project_name              => 'admin',
  provider_network_type     => 'flat',
  provider_physical_network => 'extnet',
}
neutron_subnet { 'public_subnet':
  ensure           => present,
  cidr             => '198.19.128.0/24',
  ip_version       => '4',
  network_name     => 'public',
  project_name     => 'admin',
  enable_dhcp      => false,
  gateway_ip       => '198.19.128.1',
  allocation_pools => ['start=198.19.128.2,end=198.19.128.254'],
}
neutron_network { 'private': ensure => present, project_name => 'demo' }
neutron_subnet { 'private_subnet':
  ensure          => present,
  cidr            => '198.18.240.0/24',
  network_name    => 'private',
  project_name    => 'demo',
  dns_nameservers => [],
}
neutron_router { 'router1':
  ensure               => present,
  project_name         => 'demo',
  gateway_network_name => 'public',
  require              => Neutron_subnet['public_subnet'],
}
neutron_router_interface { 'router1:private_subnet': ensure => present }
# Ping and SSH, as everybody tries first. The password of the usual image is known to everybody, so not from anywhere,
# unless an answer asks for it.
stackwright_security_group_rule { ['demo:default:icmp@198.18.0.0/24', 'demo:default:tcp:22@198.18.0.0/24']: ensure => present }
stackwright_security_group_rule { ['demo:default:icmp@198.19.128.0/24', 'demo:default:tcp:22@198.19.128.0/24']: ensure => present }
# Earlier versions of Stackwright created these.
stackwright_security_group_rule { ['demo:default:icmp@0.0.0.0/0', 'demo:default:tcp:22@0.0.0.0/0']: ensure => absent }

# --- volume-types
# One volume type per back end; the first is the default.
cinder_type { 'lvm': ensure => present, properties => ['volume_backend_name=lvm'] }
