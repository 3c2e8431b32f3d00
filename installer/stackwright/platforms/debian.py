"""Debian 12 and 13, whose own archive carries OpenStack, Puppet and its modules.

Package names were looked up in the package indexes of bookworm and trixie, for an installation without Recommends. The
packages of services are in the services' records.
"""

from __future__ import annotations

from dataclasses import replace

from stackwright.platforms.record import Platform, Release

# `chassis_in_external_ids`: bookworm's OVN is newer than the one that its Neutron was written for.
ZED = Release(name="zed", series="2022.2", modules="21", puppet="7", chassis_in_external_ids=True)
EPOXY = Release(
    name="epoxy",
    series="2025.1",
    modules="25",
    puppet="8",
    # Neutron dropped the agent's code; Debian's package still exists, but its unit cannot start.
    linuxbridge=False,
    # The Puppet modules assume modular daemons here and would disable libvirtd.
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
    # Types that are no longer part of Puppet: OVN's configuration files need augeas, keystone's cron jobs need cron.
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
    # Since MariaDB 11.4 the clients require TLS. The server that the module sets up has none; it is reached by socket.
    mariadb_client={"ssl-verify-server-cert": "OFF"},
    # Migrations of Keystone, Nova and Cinder set a character set without a collation, and so get MariaDB's default
    # (uca1400 since 11.5). Without this option each run would see a difference, migrate again and restart services.
    mariadb_server={"character_set_collations": "utf8mb3=utf8mb3_general_ci,utf8mb4=utf8mb4_general_ci"},
)

PLATFORMS = (BOOKWORM, TRIXIE)
