# What a host needs to use the cloud's Ceph as one client: ceph.conf, and the client's key in a file of its own.
#
# @param fsid
#   The cluster's id, a UUID.
# @param address
#   The monitor's address.
# @param key
#   The client's cephx key, in base64.
# @param client
#   The client's name without "client.".
# @param group
#   The group that may read the key besides root.
# @param pools
#   The pools the client may use.
class stackwright::ceph::client (
  Pattern[/\A\h{8}-\h{4}-\h{4}-\h{4}-\h{12}\z/] $fsid,
  Stdlib::IP::Address::Nosubnet $address,
  Variant[String[1], Sensitive[String[1]]] $key,
  Pattern[/\A[a-z0-9_]+\z/] $client = 'cinder',
  String[1] $group = 'cinder',
  Array[Pattern[/\A[A-Za-z0-9_.-]+\z/], 1] $pools = ['volumes'],
) {
  $key_text = if $key =~ Sensitive { $key.unwrap } else { $key }
  $pool_caps = $pools.map |$pool| { "profile rbd pool=${pool}" }.join(', ')
  $keyring = "/etc/ceph/ceph.client.${client}.keyring"

  file { '/etc/ceph/ceph.conf':
    owner   => 'root',
    group   => 'root',
    mode    => '0644',
    content => epp('stackwright/ceph.conf.epp', { 'fsid' => $fsid, 'address' => $address }),
  }
  # Indented and ordered as `ceph auth get` prints it.
  file { $keyring:
    owner     => 'root',
    group     => $group,
    mode      => '0640',
    show_diff => false,
    content   => Sensitive(@("KEYRING")),
      [client.${client}]
      	key = ${key_text}
      	caps mgr = "${pool_caps}"
      	caps mon = "profile rbd"
      	caps osd = "${pool_caps}"
      | KEYRING
  }
  # The packages bring the folder, the group, and sometimes a ceph.conf.
  Package <| name == 'ceph-common' or tag == 'stackwright-ceph' |> -> File['/etc/ceph/ceph.conf', $keyring]
  Package <| tag == 'cinder-package' |> -> File[$keyring]
  # A service that starts without them fails its first connection.
  File['/etc/ceph/ceph.conf', $keyring] -> Service <| tag == 'cinder-service' |>
}
