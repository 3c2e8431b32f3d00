# Redis, or Valkey, for coordination: nothing in it has to outlive it, so nothing is written to a disk.
#
# @param password What clients log in with: letters, digits and - _ . ~
# @param port Where it listens.
# @param service Its systemd unit.
# @param program redis or valkey: its user, and the name of its folders.
class stackwright::redis (
  String[1] $password,
  Integer[1] $port = 6379,
  String[1] $service = 'redis-server',
  Enum['redis', 'valkey'] $program = 'redis',
) {
  file { "/etc/${program}/${program}.conf":
    owner     => $program,
    group     => 'root',
    mode      => '0640',
    show_diff => false,
    content   => Sensitive(epp('stackwright/redis.conf.epp', {
      'password' => $password,
      'port'     => $port,
      'program'  => $program,
    })),
  }
  ~> service { $service:
    ensure => running,
    enable => true,
    tag    => 'coordination-service',
  }
}
