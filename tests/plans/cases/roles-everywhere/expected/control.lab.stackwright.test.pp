# Applies to everything in this catalog.
Exec { logoutput => on_failure }
# MariaDB reports "utf8" as "utf8mb3". Asked for under its own name, the database is not altered, and its services are
# not restarted, on every run.
Mysql_database <| |> { charset => 'utf8mb3', collate => 'utf8mb3_general_ci' }
class { 'stackwright::starts': modules => ['aodh', 'ceilometer', 'cinder', 'glance', 'heat', 'neutron', 'nova', 'swift'] }

# --- clients
include openstacklib::openstackclient

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
  public_url          => 'http://198.18.0.18:8776/v3',
  internal_url        => 'http://198.18.0.18:8776/v3',
  admin_url           => 'http://198.18.0.18:8776/v3',
}
Keystone::Resource::Service_identity['block-storage'] -> Anchor['cinder::service::end']

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

# --- glance-identity
include glance::keystone::auth

# --- heat-identity
include heat::keystone::auth
include heat::keystone::domain

# --- neutron-identity
include neutron::keystone::auth

# --- nova-identity
include nova::keystone::auth

# --- placement-identity
include placement::keystone::auth

# --- swift-identity
include swift::keystone::auth

# --- volume-types
# One volume type per back end; the first is the default.
cinder_type { 'lvm': ensure => present, properties => ['volume_backend_name=lvm'] }
