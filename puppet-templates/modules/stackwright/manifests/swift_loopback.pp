# A disk for Swift on a sparse file, mounted at each boot. For tests on hosts without a spare disk.
#
# @param device
#   Its name in Swift's rings.
# @param size
#   How large the file can grow, in bytes. A later change of the size has no effect.
# @param fstype
#   Its file system.
class stackwright::swift_loopback (
  String[1] $device = 'swiftloopback',
  Integer[67108864] $size = 2147483648,
  Enum['ext4', 'xfs'] $fstype = 'ext4',
) {
  stackwright::swift_disk { $device:
    source => "/srv/loopback-device/${device}",
    size   => $size,
    fstype => $fstype,
  }
}
