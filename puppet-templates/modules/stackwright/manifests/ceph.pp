# A complete Ceph cluster on one host: a monitor, a manager, and one OSD with BlueStore on a plain file.
#
# It needs no disk, LVM or kernel module, so it also works in a container. It is for tests: there is only one copy of the
# data. The cluster's own keys are generated on the host and never leave it; only the client's key is a parameter, because
# other hosts need the same one. fsid, address and key are parameters of stackwright::ceph::client.
#
# @param osd_size
#   How large the OSD's file can grow, in bytes. It is sparse; a later change of the size has no effect.
class stackwright::ceph (
  Integer[2147483648] $osd_size = 21474836480,
) {
  contain stackwright::ceph::client
  $fsid = $stackwright::ceph::client::fsid
  $keyring = "/etc/ceph/ceph.client.${stackwright::ceph::client::client}.keyring"

  # Ids that do not depend on the host's name, which may change.
  $mon = '/var/lib/ceph/mon/ceph-a'
  $mgr = '/var/lib/ceph/mgr/ceph-a'
  $osd = '/var/lib/ceph/osd/ceph-0'
  # Derived from the fsid, so that the next attempt continues an incomplete OSD.
  $osd_uuid = regsubst(sha256("${fsid}/osd.0"), '\A(.{8})(.{4})(.{4})(.{4})(.{12}).*\z', '\1-\2-\3-\4-\5')

  Exec {
    path     => ['/usr/sbin', '/usr/bin', '/sbin', '/bin'],
    provider => shell,
    timeout  => 180,
  }

  package { ['ceph-mon', 'ceph-mgr', 'ceph-osd']:
    ensure => present,
    tag    => 'stackwright-ceph',
  }

  # Each store is created in another place and moved when it is complete, so that an interrupted attempt can be repeated.
  exec { 'stackwright-ceph-mon-store':
    command => @("SCRIPT"/$),
      set -e
      umask 077
      new=/var/lib/ceph/mon/.stackwright.new
      work=\$(mktemp -d)
      trap 'rm -rf "\$work"' EXIT
      rm -rf "\$new"
      install -d -o ceph -g ceph -m 0750 /var/lib/ceph/mon "\$new"
      ceph-authtool --create-keyring "\$work/admin" --gen-key -n client.admin \
        --cap mon 'allow *' --cap osd 'allow *' --cap mds 'allow *' --cap mgr 'allow *'
      ceph-authtool --create-keyring "\$work/mon" --gen-key -n mon. --cap mon 'allow *'
      ceph-authtool "\$work/mon" --import-keyring "\$work/admin"
      chown -R ceph:ceph "\$work"
      ceph-mon --mkfs --id a --mon-data "\$new" --keyring "\$work/mon" --setuser ceph --setgroup ceph
      install -o root -g root -m 0600 "\$work/admin" /etc/ceph/ceph.client.admin.keyring
      mv "\$new" ${mon}
      | SCRIPT
    creates => "${mon}/keyring",
    require => [Package['ceph-mon'], File['/etc/ceph/ceph.conf']],
  }
  -> service { 'ceph-mon@a':
    ensure => running,
    enable => true,
  }

  exec { 'stackwright-ceph-mgr-key':
    command => @("SCRIPT"/$),
      set -e
      umask 077
      install -d -o ceph -g ceph -m 0750 /var/lib/ceph/mgr ${mgr}
      ceph auth get-or-create mgr.a mon 'allow profile mgr' osd 'allow *' mds 'allow *' -o ${mgr}/keyring.new
      chown ceph:ceph ${mgr}/keyring.new
      mv ${mgr}/keyring.new ${mgr}/keyring
      | SCRIPT
    creates => "${mgr}/keyring",
    require => [Package['ceph-mgr'], Service['ceph-mon@a']],
  }
  -> service { 'ceph-mgr@a':
    ensure => running,
    enable => true,
  }

  exec { 'stackwright-ceph-osd-store':
    command => @("SCRIPT"/$),
      set -e
      umask 077
      new=/var/lib/ceph/osd/.stackwright.new
      rm -rf "\$new"
      install -d -o ceph -g ceph -m 0750 /var/lib/ceph/osd "\$new"
      ceph osd new ${osd_uuid} 0
      ceph-osd --mkfs --mkkey --id 0 --osd-uuid ${osd_uuid} --osd-data "\$new" --osd-objectstore bluestore \
        --bluestore-block-size ${osd_size} --no-mon-config --setuser ceph --setgroup ceph
      ceph-authtool "\$new/keyring" -n osd.0 \
        --cap mon 'allow profile osd' --cap mgr 'allow profile osd' --cap osd 'allow *'
      chown ceph:ceph "\$new/keyring"
      ceph auth import -i "\$new/keyring"
      mv "\$new" ${osd}
      | SCRIPT
    creates => "${osd}/keyring",
    require => [Package['ceph-osd'], Service['ceph-mon@a']],
  }
  -> service { 'ceph-osd@0':
    ensure => running,
    enable => true,
  }

  # Running daemons must be restarted after a change of ceph.conf; others are started later. Ceph's units allow three
  # starts in half an hour; reset-failed resets that counter.
  exec { 'stackwright-ceph-reload':
    command     => @("SCRIPT"),
      systemctl reset-failed 'ceph-*.service'
      systemctl try-restart ceph-mon@a ceph-mgr@a ceph-osd@0
      | SCRIPT
    refreshonly => true,
    subscribe   => File['/etc/ceph/ceph.conf'],
    before      => Service['ceph-mon@a'],
  }

  # Initialising a pool waits until it is writable; other resources are applied in between.
  $stackwright::ceph::client::pools.each |String $pool| {
    exec { "stackwright-ceph-pool-${pool}":
      command => "ceph osd pool create '${pool}'",
      unless  => "ceph --connect-timeout 60 osd pool ls | grep -qx '${pool}'",
      require => Service['ceph-osd@0', 'ceph-mgr@a'],
      before  => Exec['stackwright-ceph-client'],
    }
    -> exec { "stackwright-ceph-pool-${pool}-init":
      command => "rbd pool init '${pool}'",
      unless  => "ceph --connect-timeout 60 osd pool application get '${pool}' rbd",
    }
    Anchor <| title == 'cinder::service::begin' |> -> Exec["stackwright-ceph-pool-${pool}-init"] -> Service <| tag == 'cinder-service' |>
  }

  # Only the file's name is an argument, never the key.
  exec { 'stackwright-ceph-client':
    command => "ceph auth import -i ${keyring}",
    unless  => "test \"\$(ceph --connect-timeout 60 auth get client.${stackwright::ceph::client::client} 2>/dev/null | grep .)\" = \"\$(cat ${keyring})\"",
    require => [Service['ceph-mon@a'], File[$keyring]],
  }
  Exec['stackwright-ceph-client'] -> Service <| tag == 'cinder-service' |>
}
