# A volume group for Cinder on a sparse file, with a loop device that a systemd unit creates at each boot.
#
# For tests on hosts without a spare disk. cinder::backend::iscsi configures the iSCSI target (tgt on Debian, LIO on EL).
# An existing volume group of that name is used unchanged.
#
# @param volume_group
#   The volume group's name.
# @param size
#   How large the file can grow, in bytes. A later change of the size has no effect.
class stackwright::cinder_lvm (
  Pattern[/\A[A-Za-z0-9_][A-Za-z0-9_.-]*\z/] $volume_group = 'cinder-volumes',
  Integer[67108864] $size = 21474836480,
) {
  $image = "/var/lib/cinder/${volume_group}"
  $unit = 'stackwright-cinder-lvm.service'

  Exec {
    path     => ['/usr/sbin', '/usr/bin', '/sbin', '/bin'],
    provider => shell,
  }

  ensure_resource('package', 'lvm2', { 'ensure' => 'present' })
  Package['lvm2'] -> Service[$unit]
  # Cinder's packages own the folder.
  Package <| tag == 'cinder-package' |> -> Exec['stackwright-cinder-lvm-file']

  exec { 'stackwright-cinder-lvm-file':
    command => "install -d /var/lib/cinder && umask 077 && truncate -s ${size} '${image}'",
    # If the volume group is on a real disk, nothing is created.
    unless  => "test -e '${image}' || vgs '${volume_group}'",
    require => Package['lvm2'],
  }
  -> file { "/etc/systemd/system/${unit}":
    owner   => 'root',
    group   => 'root',
    mode    => '0644',
    content => epp('stackwright/cinder_lvm.service.epp', { 'volume_group' => $volume_group, 'image' => $image }),
  }
  ~> exec { "systemctl daemon-reload for ${unit}":
    command     => 'systemctl daemon-reload',
    refreshonly => true,
  }
  -> service { $unit:
    ensure => running,
    enable => true,
  }
  -> exec { 'stackwright-cinder-lvm-group':
    command => "vgcreate '${volume_group}' \"\$(losetup --noheadings --output NAME --associated '${image}' | head -n 1)\"",
    unless  => "vgs '${volume_group}'",
  }
  Exec['stackwright-cinder-lvm-group'] -> Service <| tag == 'cinder-service' |>
}
