# Removes libvirt's default network, which its metapackage on EL installs and starts: a bridge virbr0 with DHCP and NAT
# that Nova does not use, and whose address range may conflict with others.
class stackwright::no_default_network {
  exec { 'stackwright-no-default-network':
    path     => ['/usr/bin', '/bin'],
    provider => shell,
    command  => '{ ! virsh -q net-list --name | grep -qx default || virsh -q net-destroy default; } && virsh -q net-undefine default',
    onlyif   => 'virsh -q net-list --all --name | grep -qx default',
  }
  Service <| tag == 'libvirt-service' |> -> Exec['stackwright-no-default-network']
}
