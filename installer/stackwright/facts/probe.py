"""The probe: a POSIX shell script that reads a host and changes nothing.

It prints one `key<TAB>value` per line, and `end` last, so that incomplete output is detected. It needs neither root nor
Python nor additional packages. With root, or sudo without a password, it also reports the names of listening processes.
A name server that does not answer delays it by at most two seconds per name.
"""

from __future__ import annotations

from collections.abc import Iterable

from stackwright import shell

MODULES = {
    "br_netfilter": "BRIDGE_NETFILTER",
    "dm_mod": "BLK_DEV_DM",
    "dm_thin_pool": "DM_THIN_PROVISIONING",
    "geneve": "GENEVE",
    "ip_set": "IP_SET",
    "kvm": "KVM",
    "loop": "BLK_DEV_LOOP",
    "nf_tables": "NF_TABLES",
    "nfs": "NFS_FS",
    "nfsd": "NFSD",
    "openvswitch": "OPENVSWITCH",
    "target_core_mod": "TARGET_CORE",
    "tun": "TUN",
    "vxlan": "VXLAN",
    "xfs": "XFS_FS",
}
"""Kernel modules that affect decisions, with the name of their option in the kernel configuration."""

PACKAGES = (
    "NetworkManager ceph-common ceph-mon chrony cinder-common docker-ce docker.io epel-next-release epel-release "
    "facter firewalld glance-common httpd apache2 keystone kubelet libvirt-daemon mariadb-server memcached "
    "mysql-community-server mysql-server network-scripts neutron-common nginx nova-common nova-compute "
    "openstack-cinder openstack-dashboard openstack-glance openstack-keystone openstack-neutron openstack-nova-common "
    "openstack-nova-compute openstack-packstack openstack-selinux openstack-swift openvswitch openvswitch-switch "
    "ovn-central podman puppet puppet-agent puppet7-release puppet8-release rabbitmq-server swift ufw"
)
"""Packages whose presence or version matters to a decision."""

ACCOUNTS = (
    "cinder epmd glance heat horizon keystone libvirt-qemu memcache memcached mysql neutron nova openvswitch ovn "
    "placement rabbitmq swift"
)
"""Accounts, and groups, that the packages of the services make for themselves."""


def probe(names: Iterable[str] = (), image_url: str = "", servers: Iterable[tuple[str, int]] = ()) -> str:
    """The probe script. `names` are names or addresses that the host resolves: those in the answers.

    With `image_url`, the host also tests for up to five seconds whether it can reach that URL: `extra["image_url"]` is
    reachable or unreachable. Likewise TCP ports of `servers`: `extra["server HOST,PORT"]` is open or closed.
    """
    modules = [f"{name}={option}=/{name.replace('_', '[-_]')}[.]ko" for name, option in MODULES.items()]
    return shell.fill(
        "facts/probe.sh",
        IMAGE_URL=image_url,
        SERVERS=" ".join(f"{host},{port}" for host, port in servers),
        NAMES=sorted(set(names)),
        MODULES=modules,
        PACKAGES=PACKAGES.split(),
        ACCOUNTS=ACCOUNTS.split(),
    )
