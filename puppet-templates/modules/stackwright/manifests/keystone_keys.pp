# The first keys of Keystone's tokens and credentials, as `keystone-manage fernet_setup` and `credential_setup` make them:
# 0 is the next one, 1 the one in use, each 32 random bytes in URL-safe base64 (Fernet's specification). Each of those
# programs took 6 seconds of a first run; now they find the keys and do nothing.
class stackwright::keystone_keys {
  ['fernet', 'credential'].each |$kind| {
    $folder = "/etc/keystone/${kind}-keys"
    exec { "stackwright-keystone-${kind}-keys":
      command  => "umask 077; for key in 1 0; do
        head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '\\n' > ${folder}/\$key.tmp && mv ${folder}/\$key.tmp ${folder}/\$key || exit 1
      done",
      creates  => "${folder}/0",
      provider => shell,
      path     => ['/usr/bin', '/bin'],
      user     => 'keystone',
      require  => File[$folder],
      before   => Exec["keystone-manage ${kind}_setup"],
      notify   => Anchor['keystone::service::begin'],
    }
    Exec["stackwright-keystone-${kind}-keys"] -> Stackwright_async <| title == 'keystone bootstrap' |>
  }
}
