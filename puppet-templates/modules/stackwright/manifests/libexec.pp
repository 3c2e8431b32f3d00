# The folder of our own programs. Services other than root's run some of them.
class stackwright::libexec {
  file { ['/usr/local/libexec', '/usr/local/libexec/stackwright']:
    ensure => directory,
    mode   => '0755',
  }
}
