"""CentOS Stream 9 and 10, and the rebuilds of RHEL 9, with OpenStack from RDO.

Package names are from the OpenStack Puppet modules (manifests/params.pp and data/) and RDO's distgits. The packages of
services are in the services' records. Repository URLs follow the layout of the CentOS mirrors below SIGs/. EPEL is not
needed and conflicts: its leatherman breaks facter.
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
    # curl is installed already, because rpm needs it. On many systems it is curl-minimal, which conflicts with curl.
    base_packages=(
        "ca-certificates",
        "ethtool",
        "iproute",
        "openssl",
        "openstack-selinux",
        "policycoreutils-python-utils",  # semanage, which openstack-selinux uses to set ports and booleans
        "python3",
        "sudo",
    ),
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
    mysql_charset="utf8",  # for MariaDB 10.5; since 10.6 the name is utf8mb3
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

# On a subscribed host, CodeReady Builder has a different name.
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
