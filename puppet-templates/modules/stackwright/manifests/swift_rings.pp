# Swift's rings, fetched from the host that builds them.
#
# They are built on one host only: a ring depends on its history, so hosts that build it from the same list of disks may
# get different ones. Swift's services detect a new ring themselves.
#
# @param server
#   The address of that host, in brackets if it is IPv6. Its rsync server has them as the module `rings`.
class stackwright::swift_rings (
  String[1] $server,
) {
  include rsync
  include swift::deps

  $fetch = "rsync --times --checksum --timeout=60 'rsync://${server}/rings/*.ring.gz' /etc/swift/"
  $compare = regsubst($fetch, '^rsync', 'rsync --dry-run --itemize-changes')

  exec { 'stackwright-swift-rings':
    path      => ['/usr/bin', '/bin'],
    provider  => shell,
    command   => $fetch,
    unless    => "new=\$(${compare}) && test -z \"\$new\"",
    tries     => 3,
    try_sleep => 5,
    require   => [Package['rsync'], Anchor['swift::install::end']],
    before    => Anchor['swift::service::begin'],
  }
}
