# Only root and Swift read Swift's configuration: it has the password of its user and the suffix of all hashes.
#
# The module of Debian 12 leaves the modes to the packages, whose files everybody can read. Newer modules set them for
# some files, as here.
class stackwright::swift_files {
  include swift::deps
  include swift::params

  $owners = { owner => 'root', group => $swift::params::group }
  $order  = { require => Anchor['swift::install::end'], before => Anchor['swift::config::begin'] }

  file {
    default:            * => $owners + $order;
    '/etc/swift':            ensure => directory, mode => '0750';
    '/etc/swift/swift.conf': ensure => file, mode => '0640';
  }

  # Those of the storage servers.
  File <| tag == 'swift-config-file' |> {
    mode => '0640',
    *    => $owners,
  }
}
