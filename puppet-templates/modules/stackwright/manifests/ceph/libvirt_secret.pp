# Gives libvirt a client's cephx key, so that instances on this host can use RBD volumes.
#
# nova::compute::rbd does the same with the key on a command line, where every user of the host can read it, and it
# declares the package ceph-common a second time on a host that is also a Cinder one. So this class does it with a file.
#
# @param uuid
#   The secret's id; Cinder tells it to Nova with each volume (rbd_secret_uuid).
# @param key
#   The client's cephx key, in base64.
# @param client
#   The client's name without "client.".
class stackwright::ceph::libvirt_secret (
  Pattern[/\A\h{8}-\h{4}-\h{4}-\h{4}-\h{12}\z/] $uuid,
  Variant[String[1], Sensitive[String[1]]] $key,
  Pattern[/\A[a-z0-9_]+\z/] $client = 'cinder',
) {
  $key_text = if $key =~ Sensitive { $key.unwrap } else { $key }
  # On EL this package holds QEMU's RBD driver; nothing but a volume that fails to attach asks for it.
  $package = $facts['os']['family'] ? {
    'RedHat' => 'qemu-kvm-block-rbd',
    default  => 'qemu-block-extra',
  }
  $folder = '/var/lib/stackwright/libvirt'

  package { $package:
    ensure => present,
  }
  ensure_resource('file', '/var/lib/stackwright', { 'ensure' => 'directory' })
  file { $folder:
    ensure => directory,
    owner  => 'root',
    group  => 'root',
    mode   => '0700',
  }
  file { "${folder}/ceph-secret.xml":
    owner   => 'root',
    group   => 'root',
    mode    => '0600',
    content => @("XML"),
      <secret ephemeral='no' private='no'>
        <uuid>${uuid}</uuid>
        <usage type='ceph'>
          <name>client.${client} secret</name>
        </usage>
      </secret>
      | XML
  }
  file { "${folder}/ceph-secret.key":
    owner     => 'root',
    group     => 'root',
    mode      => '0600',
    show_diff => false,
    content   => Sensitive($key_text),
  }
  exec { 'stackwright-ceph-secret':
    path     => ['/usr/bin', '/bin'],
    provider => shell,
    command  => @("SCRIPT"/L),
      virsh -q secret-define --file ${folder}/ceph-secret.xml && \
      virsh -q secret-set-value --secret ${uuid} --file ${folder}/ceph-secret.key
      |- SCRIPT
    unless   => "test \"\$(virsh -q secret-get-value ${uuid} 2>/dev/null)\" = \"\$(cat ${folder}/ceph-secret.key)\"",
    require  => File["${folder}/ceph-secret.xml", "${folder}/ceph-secret.key"],
  }
  Package <| tag == 'nova-package' |> -> Exec['stackwright-ceph-secret']
  Service <| tag == 'libvirt-service' |> -> Exec['stackwright-ceph-secret']
}
