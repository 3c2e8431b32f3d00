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
  target_ip_address => '198.18.0.20',
  volume_group      => 'cinder-volumes',
}

# --- swift-storage
include swift
include stackwright::swift_files
include stackwright::swift_rings
stackwright::swift_disk { 'sdb':
  source => '/dev/sdb',
  fstype => 'ext4',
}
stackwright::swift_disk { 'sdc':
  source => '/dev/sdc',
  fstype => 'ext4',
}
include swift::storage::all
swift::storage::filter::healthcheck { ['account', 'container', 'object']: }
swift::storage::filter::recon { ['account', 'container', 'object']: }
