"""CentOS Stream 9 and 10, and the rebuilds of RHEL 9, with OpenStack from RDO.

Package and unit names are those that the OpenStack Puppet modules use on this family (their manifests/params.pp and
data/), and RDO's distgits. Repository addresses are the layout of the CentOS mirrors below SIGs/. EPEL is not needed
and conflicts: its leatherman breaks facter.
"""

from __future__ import annotations

from dataclasses import replace

from stackwright.platforms.record import Platform, Release, Repository

MIRROR = "https://mirror.stream.centos.org"
KEYS = "https://www.centos.org/keys"


def _release(name: str, series: str, modules: str, ceph: str, *, stream: str = "9", puppet: str = "7") -> Release:
    """A release in the Cloud SIG's repository for one Stream, with the SIG repositories it needs beside it."""
    sigs = f"{MIRROR}/SIGs/{stream}-stream"
    return Release(
        name=name,
        series=series,
        modules=modules,
        puppet=puppet,
        release_package=f"centos-release-openstack-{name}",
        # The RPC server became a service of its own when Neutron's API moved to WSGI.
        packages={"neutron-server": (*_PACKAGES["neutron-server"], "openstack-neutron-rpc-server")}
        if series >= "2025.1"
        else {},
        linuxbridge=series < "2025.1",
        preview=(
            Repository(
                "stackwright-hyperscale",
                "Newer base packages (CentOS Hyperscale SIG)",
                f"{sigs}/hyperscale/$basearch/packages-main/",
                f"{KEYS}/RPM-GPG-KEY-CentOS-SIG-HyperScale",
            ),
        ),
        repositories=(
            Repository("crb", "CodeReady Builder"),
            Repository(
                f"stackwright-openstack-{name}",
                f"OpenStack {name.capitalize()} (CentOS Cloud SIG)",
                f"{sigs}/cloud/$basearch/openstack-{name}/",
                f"{KEYS}/RPM-GPG-KEY-CentOS-SIG-Cloud",
                module_hotfixes=True,
            ),
            Repository(
                "stackwright-rabbitmq",
                "RabbitMQ (CentOS Messaging SIG)",
                f"{sigs}/messaging/$basearch/rabbitmq-38/",
                f"{KEYS}/RPM-GPG-KEY-CentOS-SIG-Messaging",
            ),
            Repository(
                "stackwright-openvswitch",
                "Open vSwitch and OVN (CentOS NFV SIG)",
                f"{sigs}/nfv/$basearch/openvswitch-2/",
                f"{KEYS}/RPM-GPG-KEY-CentOS-SIG-NFV",
            ),
            Repository(
                f"stackwright-ceph-{ceph}",
                f"Ceph {ceph.capitalize()} (CentOS Storage SIG)",
                f"{sigs}/storage/$basearch/ceph-{ceph}/",
                f"{KEYS}/RPM-GPG-KEY-CentOS-SIG-Storage",
            ),
        ),
    )


_MODULES = (
    "puppet-apache",
    "puppet-ceph",
    "puppet-cinder",
    "puppet-concat",
    "puppet-firewall",
    "puppet-glance",
    "puppet-heat",
    "puppet-horizon",
    "puppet-inifile",
    "puppet-keystone",
    "puppet-memcached",
    "puppet-mysql",
    "puppet-neutron",
    "puppet-nova",
    "puppet-openstack_extras",
    "puppet-openstacklib",
    "puppet-oslo",
    "puppet-ovn",
    "puppet-placement",
    "puppet-rabbitmq",
    "puppet-rsync",
    "puppet-stdlib",
    "puppet-swift",
    "puppet-sysctl",
    "puppet-systemd",
    "puppet-vswitch",
    "puppet-xinetd",
)

_WSGI = ("httpd", "mailcap", "mod_ssl", "python3-mod_wsgi")
_DATABASE = ("python3-PyMySQL",)
_CACHE = ("python3-memcached", "python3-pymemcache")

_PACKAGES = {
    "chrony": ("chrony",),
    "mariadb": ("mariadb", "mariadb-server"),
    "database-client": ("mariadb",),
    "rabbitmq": ("rabbitmq-server",),
    "memcached": ("memcached",),
    "keystone": (
        *_CACHE,
        *_DATABASE,
        *_WSGI,
        "cronie",
        "openstack-keystone",
        "python3-keystoneclient",
        "python3-openstackclient",
    ),
    "glance-api": (
        *_CACHE,
        *_DATABASE,
        "openstack-glance",
        "python3-glanceclient",
        "python3-openstackclient",
        "qemu-img",
    ),
    "placement-api": (
        *_CACHE,
        *_DATABASE,
        *_WSGI,
        "openstack-placement-api",
        "openstack-placement-common",
        "python3-osc-placement",
        "python3-placement",
    ),
    "nova-api": (
        *_CACHE,
        *_DATABASE,
        *_WSGI,
        "openstack-nova-api",
        "openstack-nova-common",
        "python3-nova",
        "python3-novaclient",
    ),
    "nova-conductor": (*_DATABASE, "openstack-nova-common", "openstack-nova-conductor", "python3-nova"),
    "nova-scheduler": (*_DATABASE, "openstack-nova-common", "openstack-nova-scheduler", "python3-nova"),
    "nova-vncproxy": (*_DATABASE, "openstack-nova-common", "openstack-nova-novncproxy", "python3-nova"),
    "nova-compute": (
        "iscsi-initiator-utils",
        "libvirt",
        "libvirt-client",
        "libvirt-daemon-config-nwfilter",
        "libvirt-daemon-driver-nodedev",
        "libvirt-daemon-driver-qemu",
        "libvirt-daemon-driver-secret",
        "libvirt-daemon-driver-storage",
        "libvirt-daemon-kvm",
        "openssh-clients",
        "openstack-nova-common",
        "openstack-nova-compute",
        "openstack-nova-migration",
        "python3-nova",
        "qemu-kvm",
        "xorriso",
    ),
    "nova-compute-kvm": ("qemu-kvm",),
    "nova-compute-qemu": ("qemu-kvm",),
    "nova-compute-x86_64": ("edk2-ovmf",),
    "nova-compute-aarch64": ("edk2-aarch64",),
    "neutron-server": (*_CACHE, *_DATABASE, "openstack-neutron", "openstack-neutron-ml2", "python3-neutronclient"),
    "neutron-server-ovn": (),
    "ovn-northd": ("openvswitch", "openvswitch-ovn-central"),
    "ovn-controller": ("openvswitch", "openvswitch-ovn-host"),
    "ovn-metadata": ("haproxy", "openstack-neutron", "openstack-neutron-ovn-metadata-agent"),
    "openvswitch-agent": ("openstack-neutron", "openstack-neutron-openvswitch", "openvswitch"),
    "linuxbridge-agent": ("ebtables", "ipset", "nftables", "openstack-neutron", "openstack-neutron-linuxbridge"),
    "dhcp-agent": ("dnsmasq", "dnsmasq-utils", "openstack-neutron"),
    "l3-agent": ("conntrack-tools", "keepalived", "openstack-neutron", "radvd"),
    "metadata-agent": ("haproxy", "openstack-neutron"),
    "external-bridge": ("NetworkManager-ovs", "nftables", "openvswitch"),
    "cinder-api": (*_CACHE, *_DATABASE, *_WSGI, "openstack-cinder", "python3-cinderclient"),
    "cinder-scheduler": (*_DATABASE, "openstack-cinder"),
    "cinder-volume": (*_DATABASE, "lvm2", "openstack-cinder", "qemu-img", "targetcli"),
    "cinder-backup": (*_DATABASE, "openstack-cinder"),
    "cinder-lvm": ("lvm2", "targetcli"),
    "cinder-nfs": ("nfs-utils",),
    "cinder-ceph": ("ceph-common", "python3-rados", "python3-rbd", "qemu-kvm-block-rbd"),
    "ceph": ("ceph-common", "ceph-mgr", "ceph-mon", "ceph-osd", "python3-rados", "python3-rbd"),
    "swift-rings": ("openstack-swift", "rsync"),
    "swift-proxy": (
        "openstack-swift",
        "openstack-swift-proxy",
        "python3-keystonemiddleware",
        "python3-swiftclient",
        "rsync",
    ),
    "swift-storage": (
        "e2fsprogs",
        "openstack-swift",
        "openstack-swift-account",
        "openstack-swift-container",
        "openstack-swift-object",
        # The object expirer is in the proxy's package on this family.
        "openstack-swift-proxy",
        "python3-swiftclient",
        "rsync",
        "rsync-daemon",
        "xfsprogs",
    ),
    "horizon": (*_CACHE, *_WSGI, "openstack-dashboard"),
    "heat-api": (*_DATABASE, "openstack-heat-api", "openstack-heat-common", "python3-heatclient"),
    "heat-api-cfn": (*_DATABASE, "openstack-heat-api-cfn", "openstack-heat-common"),
    "heat-engine": (*_DATABASE, "openstack-heat-common", "openstack-heat-engine"),
    "clients": ("python3-openstackclient",),
    "demo": (),
    "firewall": ("firewalld",),
    "volume-types": (),
    "tempest": ("openstack-tempest", "python3-tempestconf"),
}

_SERVICES = {
    "chrony": ("chronyd",),
    "mariadb": ("mariadb",),
    "rabbitmq": ("rabbitmq-server",),
    "memcached": ("memcached",),
    "keystone": ("httpd",),
    "glance-api": ("openstack-glance-api",),
    "placement-api": ("httpd",),
    "nova-api": ("httpd",),
    "nova-conductor": ("openstack-nova-conductor",),
    "nova-scheduler": ("openstack-nova-scheduler",),
    "nova-vncproxy": ("openstack-nova-novncproxy",),
    # libvirt's daemons are started by their sockets and leave when idle, so they say nothing about health.
    "nova-compute": ("openstack-nova-compute",),
    "libvirt": ("libvirtd",),
    "neutron-server": ("neutron-server",),
    "ovn-northd": ("openvswitch", "ovn-northd"),
    "ovn-controller": ("openvswitch", "ovn-controller"),
    "ovn-metadata": ("neutron-ovn-metadata-agent",),
    "openvswitch-agent": ("neutron-openvswitch-agent", "openvswitch"),
    "linuxbridge-agent": ("neutron-linuxbridge-agent",),
    "dhcp-agent": ("neutron-dhcp-agent",),
    "l3-agent": ("neutron-l3-agent",),
    "metadata-agent": ("neutron-metadata-agent",),
    "cinder-api": ("openstack-cinder-api", "openstack-cinder-scheduler"),
    "cinder-scheduler": ("openstack-cinder-scheduler",),
    "cinder-volume": ("openstack-cinder-volume",),
    "cinder-backup": ("openstack-cinder-backup",),
    "swift-proxy": ("openstack-swift-proxy",),
    "swift-storage": ("openstack-swift-account", "openstack-swift-container", "openstack-swift-object", "rsyncd"),
    "horizon": ("httpd",),
    "heat-api": ("openstack-heat-api",),
    "heat-api-cfn": ("openstack-heat-api-cfn",),
    "heat-engine": ("openstack-heat-engine",),
}

_STREAM_9_RELEASES = (
    _release("zed", "2022.2", "21", "pacific"),
    _release("antelope", "2023.1", "22", "pacific"),
    _release("bobcat", "2023.2", "23", "quincy"),
    _release("caracal", "2024.1", "24", "reef"),
    _release("dalmatian", "2024.2", "25", "reef"),
    _release("epoxy", "2025.1", "26", "squid"),
)

STREAM_9 = Platform(
    id="centos-stream-9",
    os_id="centos",
    os_version="9",
    family="redhat",
    name="CentOS Stream 9",
    arches=("x86_64", "aarch64"),
    releases=_STREAM_9_RELEASES,
    package_manager="dnf",
    puppet="/usr/bin/puppet",
    puppet_packages=("puppet",),
    modulepath="/usr/share/openstack-puppet/modules",
    module_packages=_MODULES,
    # curl is there, because rpm needs it: as curl-minimal on many systems, with which the package curl conflicts.
    base_packages=(
        "ca-certificates",
        "ethtool",
        "iproute",
        "openssl",
        "openstack-selinux",
        "policycoreutils-python-utils",  # semanage, with which openstack-selinux sets up its ports and booleans
        "python3",
        "sudo",
    ),
    packages=_PACKAGES,
    services=_SERVICES,
    paths={
        "apache_sites": "/etc/httpd/conf.d",
        "apache_log": "/var/log/httpd",
        "chrony": "/etc/chrony.conf",
        "dashboard": "/dashboard",
        "dashboard_settings": "/etc/openstack-dashboard/local_settings",
        "mariadb_log": "/var/log/mariadb",
        "mysql_config": "/etc/my.cnf.d/server.cnf",
        "trusted_certificates": "/etc/pki/ca-trust/source/anchors",
        "ca_bundle": "/etc/pki/tls/certs/ca-bundle.crt",
        "update_ca": "/usr/bin/update-ca-trust",
    },
    users={"web": "apache", "libvirt": "qemu"},
    firewall="firewalld",
    network="NetworkManager",
    mysql_charset="utf8",  # MariaDB 10.5; it is utf8mb3 since 10.6
    starts_services=False,
    conflicts=("epel", "epel-next"),
)

# Epoxy for Stream 10 has so far only been tagged for testing by the Cloud SIG. When it is released: `released=True`.
_EPOXY_10 = _release("epoxy", "2025.1", "26", "squid", stream="10", puppet="8")
STREAM_10 = replace(
    STREAM_9,
    id="centos-stream-10",
    os_version="10",
    name="CentOS Stream 10",
    releases=(replace(_EPOXY_10, released=False),),
    mysql_charset="utf8mb3",
)

# With a subscription, CodeReady Builder has a name of its own there.
_RHEL_BUILDER = Repository("codeready-builder-for-rhel-9-{arch}-rpms", "CodeReady Builder")
RHEL_9 = replace(
    STREAM_9,
    id="rhel-9",
    os_id="rhel",
    name="Red Hat Enterprise Linux 9",
    releases=tuple(replace(r, repositories=(_RHEL_BUILDER, *r.repositories[1:])) for r in _STREAM_9_RELEASES),
)
ROCKY_9 = replace(STREAM_9, id="rocky-9", os_id="rocky", name="Rocky Linux 9")
ALMALINUX_9 = replace(STREAM_9, id="almalinux-9", os_id="almalinux", name="AlmaLinux 9")

PLATFORMS = (STREAM_9, STREAM_10, RHEL_9, ROCKY_9, ALMALINUX_9)
