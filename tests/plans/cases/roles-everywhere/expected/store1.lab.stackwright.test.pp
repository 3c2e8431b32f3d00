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
  target_ip_address => '198.18.0.19',
  volume_group      => 'cinder-volumes',
}

# --- swift-rings
include swift
include stackwright::swift_files
include swift::ringbuilder
ring_object_device { '198.18.0.19:6200/sdb': zone => 1, weight => 10 }
ring_container_device { '198.18.0.19:6201/sdb': zone => 1, weight => 10 }
ring_account_device { '198.18.0.19:6202/sdb': zone => 1, weight => 10 }
ring_object_device { '198.18.0.19:6200/sdc': zone => 1, weight => 10 }
ring_container_device { '198.18.0.19:6201/sdc': zone => 1, weight => 10 }
ring_account_device { '198.18.0.19:6202/sdc': zone => 1, weight => 10 }
ring_object_device { '198.18.0.20:6200/sdb': zone => 2, weight => 10 }
ring_container_device { '198.18.0.20:6201/sdb': zone => 2, weight => 10 }
ring_account_device { '198.18.0.20:6202/sdb': zone => 2, weight => 10 }
ring_object_device { '198.18.0.20:6200/sdc': zone => 2, weight => 10 }
ring_container_device { '198.18.0.20:6201/sdc': zone => 2, weight => 10 }
ring_account_device { '198.18.0.20:6202/sdc': zone => 2, weight => 10 }
# The other hosts fetch the rings. The folder also has passwords, so only the rings are served, and only to those hosts.
rsync::server::module { 'rings':
  path        => '/etc/swift',
  uid         => 'swift',
  gid         => 'swift',
  include     => ['*.ring.gz'],
  exclude     => ['*'],
  list        => 'no',
  hosts_allow => ['198.18.0.21', '198.18.0.22', '198.18.0.20'],
}

# --- swift-storage
include swift
include stackwright::swift_files
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
