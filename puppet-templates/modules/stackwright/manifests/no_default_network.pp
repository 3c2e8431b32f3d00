# libvirt's own network, which its metapackage on EL brings and starts: a bridge virbr0 with DHCP and address translation
# that no instance of Nova uses, and whose range may be somebody's.
class stackwright::no_default_network {
  exec { 'stackwright-no-default-network':
    path     => ['/usr/bin', '/bin'],
    provider => shell,
    command  => '{ ! virsh -q net-list --name | grep -qx default || virsh -q net-destroy default; } && virsh -q net-undefine default',
    onlyif   => 'virsh -q net-list --all --name | grep -qx default',
  }
  Service <| tag == 'libvirt-service' |> -> Exec['stackwright-no-default-network']
}
