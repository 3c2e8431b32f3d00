# A file system for Swift at /srv/node/NAME, on a block device or on a sparse file, mounted by a systemd unit.
#
# The upstream module's swift::storage::loopback and ::disk do this with custom facts and fstab; one of them is evaluated
# while the catalog is compiled, when there is no file system yet, and fails.
#
# @param source
#   A block device, or with `size` the path of a file to be made. A device with anything on it is never formatted.
# @param size
#   How large the file can grow, in bytes.
# @param fstype
#   The file system.
define stackwright::swift_disk (
  Stdlib::Absolutepath $source,
  Optional[Integer[67108864]] $size = undef,
  Enum['ext4', 'xfs'] $fstype = 'ext4',
) {
  # Such names need no escaping in the name of a mount unit.
  assert_type(Pattern[/\A[A-Za-z0-9_]+\z/], $name)
  # mkfs.xfs refuses smaller sizes with a less clear message.
  if $fstype == 'xfs' and $size and $size < 314572800 {
    fail("Swift's file system is to have ${size} bytes; XFS needs 300 MiB (314572800) at least")
  }
  $unit = "srv-node-${name}.mount"
  $mkfs = $fstype ? {
    'ext4' => 'mkfs.ext4 -q -F -m 0',
    'xfs'  => 'mkfs.xfs -q',
  }
  $tools = $fstype ? {
    'ext4' => 'e2fsprogs',
    'xfs'  => 'xfsprogs',
  }

  Exec {
    path     => ['/usr/sbin', '/usr/bin', '/sbin', '/bin'],
    provider => shell,
  }

  ensure_resource('package', $tools, { 'ensure' => 'present' })

  if $size {
    # Created under another name and renamed when complete: an interrupted attempt is repeated, a complete one is kept.
    exec { "stackwright-swift-mkfs-${name}":
      command => @("SCRIPT"/$L),
        umask 077 && mkdir -p "\$(dirname '${source}')" && rm -f '${source}.new' && \
        truncate -s ${size} '${source}.new' && ${mkfs} '${source}.new' && mv '${source}.new' '${source}'
        |- SCRIPT
      creates => $source,
      require => Package[$tools],
    }
  } else {
    exec { "stackwright-swift-mkfs-${name}":
      command => "${mkfs} '${source}'",
      # 2: the device is empty. Otherwise it is in use and must not be formatted.
      onlyif  => "blkid --probe '${source}' >/dev/null; test \$? -eq 2",
      require => Package[$tools],
    }
  }

  file { "/etc/systemd/system/${unit}":
    owner   => 'root',
    group   => 'root',
    mode    => '0644',
    content => epp('stackwright/swift_disk.mount.epp', {
        'device' => $name,
        'source' => $source,
        'fstype' => $fstype,
        'loop'   => $size =~ Integer,
    }),
    require => Exec["stackwright-swift-mkfs-${name}"],
  }
  ~> exec { "systemctl daemon-reload for ${unit}":
    command     => 'systemctl daemon-reload',
    refreshonly => true,
  }
  -> service { $unit:
    ensure => running,
    enable => true,
  }
  # Only the mounted file system belongs to swift. The folder below belongs to root, so that Swift cannot fill that disk.
  -> file { "/srv/node/${name}":
    ensure => directory,
    owner  => 'swift',
    group  => 'swift',
    mode   => '0755',
  }
  Package <| tag == 'swift-package' |> -> File["/srv/node/${name}"]
  File["/srv/node/${name}"] -> Service <| tag == 'swift-service' |>
}
