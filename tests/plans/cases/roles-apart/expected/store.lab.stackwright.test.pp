# Applies to everything in this catalog.
Exec { logoutput => on_failure }
# MariaDB reports "utf8" as "utf8mb3". Asked for under its own name, the database is not altered, and its services are
# not restarted, on every run.
Mysql_database <| |> { charset => 'utf8mb3', collate => 'utf8mb3_general_ci' }
class { 'stackwright::starts': modules => ['aodh', 'ceilometer', 'cinder', 'glance', 'heat', 'neutron', 'nova', 'swift'] }

# --- cinder-backup
include cinder
include cinder::logging
include cinder::db
include cinder::glance
include cinder::backup
include cinder::backup::swift

# --- cinder-volume
include cinder
include cinder::logging
include cinder::db
include cinder::glance
include cinder::volume
include cinder::backends
include stackwright::cinder_lvm
cinder::backend::iscsi { 'lvm':
  target_ip_address => '198.18.0.14',
  volume_group      => 'cinder-volumes',
}

# --- swift-rings
include swift
include stackwright::swift_files
include swift::ringbuilder
ring_object_device { '198.18.0.14:6200/swiftloopback': zone => 1, weight => 10 }
ring_container_device { '198.18.0.14:6201/swiftloopback': zone => 1, weight => 10 }
ring_account_device { '198.18.0.14:6202/swiftloopback': zone => 1, weight => 10 }
# The other hosts fetch the rings. The folder also has passwords, so only the rings are served, and only to those hosts.
rsync::server::module { 'rings':
  path        => '/etc/swift',
  uid         => 'swift',
  gid         => 'swift',
  include     => ['*.ring.gz'],
  exclude     => ['*'],
  list        => 'no',
  hosts_allow => ['198.18.0.10'],
}

# --- swift-storage
include swift
include stackwright::swift_files
include stackwright::swift_loopback
include swift::storage::all
swift::storage::filter::healthcheck { ['account', 'container', 'object']: }
swift::storage::filter::recon { ['account', 'container', 'object']: }
