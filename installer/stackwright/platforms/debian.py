"""Debian 12 and 13, whose own archive carries OpenStack, Puppet and its modules.

Package names were looked up in the package indexes of bookworm and trixie; unit names are those of the packages. Sets
are meant for an installation without Recommends.
"""

from __future__ import annotations

from dataclasses import replace

from stackwright.platforms.record import Platform, Release

# Its OVN is newer than its Neutron knows.
ZED = Release(name="zed", series="2022.2", modules="21", puppet="7", chassis_in_external_ids=True)
EPOXY = Release(
    name="epoxy",
    series="2025.1",
    modules="25",
    puppet="8",
    # Neutron dropped the agent's code; Debian's package of that name is left with a unit that cannot start.
    linuxbridge=False,
    # Its modules take it for one that has the daemons apart, and switch libvirtd off.
    libvirt_in_parts=False,
    module_data={
        "ovn::controller::environment_file_path": "/etc/default/ovn-host",
        "ovn::controller::opts_envvar_name": "OVN_CTL_OPTS",
        "ovn::controller::package_name": "ovn-host",
        "ovn::controller::service_name": "ovn-host",
        "ovn::northd::environment_file_path": "/etc/default/ovn-central",
        "ovn::northd::opts_envvar_name": "OVN_CTL_OPTS",
        "ovn::northd::package_name": "ovn-central",
        "ovn::northd::service_name": "ovn-central",
        "vswitch::ovs::package_name": "openvswitch-switch",
        "vswitch::ovs::service_name": "openvswitch-switch",
    },
    module_types={"Ovn::BridgeMappings": "Variant[String, Array[String[1]], Hash[String[1], String[1]]]"},
    packages={
        "neutron-server": (
            "neutron-api",
            "neutron-common",
            "neutron-periodic-workers",
            "neutron-rpc-server",
            "python3-neutronclient",
        ),
        # What ML2/OVN has to look after by itself, which an API that uWSGI runs does not.
        "neutron-server-ovn": ("neutron-ovn-maintenance-worker",),
        # Its Puppet modules want the firmware for UEFI, and a part of libvirt that is apart there.
        "nova-compute-x86_64": ("libvirt-daemon-plugin-lockd", "ovmf"),
        "nova-compute-aarch64": ("libvirt-daemon-plugin-lockd", "ovmf"),
        "horizon": (
            "apache2",
            "libapache2-mod-wsgi-py3",
            "openstack-dashboard",
            "openstack-dashboard-apache",
            "python3-memcache",
            "python3-pymemcache",
        ),
    },
)

_MODULES = (
    "puppet-module-cinder",
    "puppet-module-ceph",
    "puppet-module-duritong-sysctl",
    "puppet-module-glance",
    "puppet-module-heat",
    "puppet-module-horizon",
    "puppet-module-keystone",
    "puppet-module-neutron",
    "puppet-module-nova",
    "puppet-module-openstack-extras",
    "puppet-module-openstacklib",
    "puppet-module-oslo",
    "puppet-module-ovn",
    "puppet-module-placement",
    "puppet-module-puppetlabs-apache",
    # Types that left Puppet's core: OVN's configuration files are edited with augeas, keystone's cron jobs use cron.
    "puppet-module-puppetlabs-augeas-core",
    "puppet-module-puppetlabs-concat",
    "puppet-module-puppetlabs-cron-core",
    "puppet-module-puppetlabs-host-core",
    "puppet-module-puppetlabs-inifile",
    "puppet-module-puppetlabs-mount-core",
    "puppet-module-puppetlabs-mysql",
    "puppet-module-puppetlabs-rabbitmq",
    "puppet-module-puppetlabs-rsync",
    "puppet-module-puppetlabs-stdlib",
    "puppet-module-saz-memcached",
    "puppet-module-swift",
    "puppet-module-vswitch",
)

_OVS = ("openvswitch-switch",)
# The services use the second; Puppet's module for their connections wants the first as well.
_DATABASE = ("python3-mysqldb", "python3-pymysql")

_PACKAGES = {
    "chrony": ("chrony",),
    "mariadb": ("mariadb-client", "mariadb-server"),
    "database-client": ("mariadb-client",),
    "rabbitmq": ("rabbitmq-server",),
    "memcached": ("memcached",),
    "keystone": ("cron", "keystone", "python3-memcache", "python3-pymemcache", *_DATABASE),
    "glance-api": ("glance-api", "python3-glanceclient", "python3-pymemcache", *_DATABASE, "qemu-utils"),
    "placement-api": ("placement-api", "python3-osc-placement", "python3-pymemcache", *_DATABASE),
    "nova-api": (
        "nova-api",
        "nova-common",
        "python3-memcache",
        "python3-novaclient",
        "python3-pymemcache",
        *_DATABASE,
    ),
    "nova-conductor": ("nova-common", "nova-conductor", *_DATABASE),
    "nova-scheduler": ("nova-common", "nova-scheduler", *_DATABASE),
    "nova-vncproxy": ("nova-common", "nova-consoleproxy", *_DATABASE),
    # The hypervisor's package comes from one of the two sets below: they conflict, and Puppet wants the one that
    # fits `virt_type`.
    "nova-compute": (
        "genisoimage",
        "libvirt-clients",
        "libvirt-daemon-system",
        "nova-common",
        "nova-compute",
        "open-iscsi",
        "openssh-client",
        "qemu-utils",
    ),
    "nova-compute-kvm": ("nova-compute-kvm",),
    "nova-compute-qemu": ("nova-compute-kvm",),
    "nova-compute-x86_64": (),
    "nova-compute-aarch64": (),
    "neutron-server": (
        "neutron-api",
        "neutron-common",
        "neutron-rpc-server",
        "python3-neutronclient",
        "python3-pymemcache",
        *_DATABASE,
    ),
    "neutron-server-ovn": (),
    "ovn-northd": ("augeas-tools", *_OVS, "ovn-central"),
    "ovn-controller": ("augeas-tools", *_OVS, "ovn-host"),
    "ovn-metadata": ("haproxy", "neutron-ovn-metadata-agent"),
    "openvswitch-agent": ("neutron-openvswitch-agent", *_OVS),
    "linuxbridge-agent": ("ebtables", "ipset", "neutron-linuxbridge-agent", "nftables"),
    "dhcp-agent": ("dnsmasq-base", "dnsmasq-utils", "neutron-dhcp-agent"),
    "l3-agent": ("conntrack", "iputils-arping", "keepalived", "neutron-l3-agent", "radvd"),
    "metadata-agent": ("haproxy", "neutron-metadata-agent"),
    "external-bridge": ("ethtool", "nftables", *_OVS),
    "cinder-api": ("cinder-api", "cinder-common", "cinder-scheduler", "python3-cinderclient", *_DATABASE),
    "cinder-scheduler": ("cinder-common", "cinder-scheduler", *_DATABASE),
    "cinder-volume": ("cinder-common", "cinder-volume", *_DATABASE, "qemu-utils"),
    "cinder-backup": ("cinder-backup", "cinder-common", *_DATABASE),
    # The module's target helper on Debian is tgtadm.
    "cinder-lvm": ("lvm2", "tgt", "thin-provisioning-tools"),
    "cinder-nfs": ("nfs-common",),
    "cinder-ceph": ("ceph-common", "python3-rados", "python3-rbd"),
    "ceph": ("ceph-common", "ceph-mgr", "ceph-mon", "ceph-osd", "python3-rados", "python3-rbd"),
    "swift-rings": ("rsync", "swift"),
    "swift-proxy": ("python3-keystonemiddleware", "python3-swiftclient", "rsync", "swift", "swift-proxy"),
    "swift-storage": (
        "e2fsprogs",
        "rsync",
        "swift",
        "swift-account",
        "swift-container",
        "swift-object",
        "swift-object-expirer",
        "xfsprogs",
    ),
    "horizon": (
        "apache2",
        "libapache2-mod-wsgi-py3",
        # puppetlabs-apache asks for it; Debian 13 neither has it nor asks.
        "mime-support",
        "openstack-dashboard",
        "openstack-dashboard-apache",
        "python3-memcache",
        "python3-pymemcache",
    ),
    "heat-api": ("heat-api", "heat-common", "python3-heatclient", *_DATABASE),
    "heat-api-cfn": ("heat-api-cfn", "heat-common", *_DATABASE),
    "heat-engine": ("heat-common", "heat-engine", *_DATABASE),
    "clients": ("python3-openstackclient",),
    "demo": (),
    "firewall": ("nftables",),
    "volume-types": (),
    "tempest": ("python3-tempestconf", "tempest"),
}

_SERVICES = {
    "chrony": ("chrony",),
    "mariadb": ("mariadb",),
    "rabbitmq": ("rabbitmq-server",),
    "memcached": ("memcached",),
    "keystone": ("keystone",),
    "glance-api": ("glance-api",),
    "placement-api": ("placement-api",),
    "nova-api": ("nova-api", "nova-api-metadata"),
    "nova-conductor": ("nova-conductor",),
    "nova-scheduler": ("nova-scheduler",),
    "nova-vncproxy": ("nova-novncproxy",),
    # libvirtd is started by its socket and leaves when idle, so it says nothing about health.
    "nova-compute": ("nova-compute",),
    "libvirt": ("libvirtd",),
    "neutron-server": ("neutron-api", "neutron-rpc-server"),
    "ovn-northd": ("openvswitch-switch", "ovn-central"),
    "ovn-controller": ("openvswitch-switch", "ovn-host"),
    "ovn-metadata": ("neutron-ovn-metadata-agent",),
    "openvswitch-agent": ("neutron-openvswitch-agent", "openvswitch-switch"),
    "linuxbridge-agent": ("neutron-linuxbridge-agent",),
    "dhcp-agent": ("neutron-dhcp-agent",),
    "l3-agent": ("neutron-l3-agent",),
    "metadata-agent": ("neutron-metadata-agent",),
    "cinder-api": ("cinder-api", "cinder-scheduler"),
    "cinder-scheduler": ("cinder-scheduler",),
    "cinder-volume": ("cinder-volume",),
    "cinder-backup": ("cinder-backup",),
    "swift-proxy": ("swift-proxy",),
    "swift-storage": ("rsync", "swift-account", "swift-container", "swift-object"),
    "horizon": ("apache2",),
    "heat-api": ("heat-api",),
    "heat-api-cfn": ("heat-api-cfn",),
    "heat-engine": ("heat-engine",),
}

BOOKWORM = Platform(
    id="debian-12",
    os_id="debian",
    os_version="12",
    family="debian",
    name="Debian 12 (bookworm)",
    codename="bookworm",
    arches=("x86_64", "aarch64"),
    releases=(ZED,),
    package_manager="apt",
    puppet="/usr/bin/puppet",
    puppet_packages=("puppet-agent",),
    modulepath="/usr/share/puppet/modules",
    module_packages=_MODULES,
    base_packages=("ca-certificates", "curl", "ethtool", "iproute2", "openssl", "python3-minimal", "sudo"),
    packages=_PACKAGES,
    services=_SERVICES,
    paths={
        "apache_sites": "/etc/apache2/sites-enabled",
        "apache_log": "/var/log/apache2",
        "chrony": "/etc/chrony/chrony.conf",
        "dashboard": "/horizon",
        "dashboard_settings": "/etc/openstack-dashboard/local_settings.py",
        "mariadb_log": "/var/log/mysql",
        "mysql_config": "/etc/mysql/my.cnf",
        "trusted_certificates": "/usr/local/share/ca-certificates",
        "ca_bundle": "/etc/ssl/certs/ca-certificates.crt",
        "update_ca": "/usr/sbin/update-ca-certificates",
    },
    users={"web": "www-data", "libvirt": "libvirt-qemu"},
    firewall="nftables",
    network="any",
    mysql_charset="utf8mb3",
    starts_services=True,
)

TRIXIE = replace(
    BOOKWORM,
    id="debian-13",
    os_version="13",
    name="Debian 13 (trixie)",
    codename="trixie",
    releases=(EPOXY,),
    # Since MariaDB 11.4 its clients insist on TLS; the module's server has none, and is reached over its socket.
    mariadb_client={"ssl-verify-server-cert": "OFF"},
    # Migrations of Keystone, Nova and Cinder set their database's character set without a collation, and get MariaDB's
    # own (uca1400 since 11.5): the next run would find another one than it wants, and migrate and restart again.
    mariadb_server={"character_set_collations": "utf8mb3=utf8mb3_general_ci,utf8mb4=utf8mb4_general_ci"},
)

PLATFORMS = (BOOKWORM, TRIXIE)
