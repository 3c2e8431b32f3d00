"""Nova, the compute service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stackwright.model import Component, Option, Port, Service
from stackwright.records import Api, Migration, Names, PackageSet, PuppetModule, Role, TlsServer, applied, changes_of
from stackwright.services import ssl
from stackwright.services.named_hosts import CONTROLLER
from stackwright.services.options import choice_of, generated_secret, host_of, password, switch, value_of
from stackwright.services.probes import http, units
from stackwright.services.shared_packages import APACHE, CACHE, CONFIGURES, DATABASE, disk, measured
from stackwright.values import hypervisor, path, ratio, records

_ON = (("CONFIG_NOVA_INSTALL", "y"),)
_TLS = (("CONFIG_NOVA_INSTALL", "y"), ("CONFIG_HORIZON_SSL", "y"))

_CERTIFICATE = "the console proxy's certificate, which is read before planning"

OPTIONS: tuple[Option, ...] = (
    switch(
        "CONFIG_NOVA_INSTALL",
        "Install Nova, the compute service, and Placement.",
        default="y",
        flag="os-nova-install",
    ),
    host_of("CONFIG_NOVA_API_HOST", "Host of Nova's API and of Placement. Empty: the controller.", when=_ON, ours=True),
    host_of(
        "CONFIG_NOVA_CONDUCTOR_HOST",
        ("Host of Nova's conductor, which accesses the database for the compute hosts. Empty: the host of Nova's API."),
        when=_ON,
        ours=True,
    ),
    host_of("CONFIG_NOVA_SCHED_HOST", "Host of Nova's scheduler. Empty: the host of Nova's API.", when=_ON, ours=True),
    host_of(
        "CONFIG_NOVA_VNCPROXY_HOST",
        ("Host of the console proxy, through which browsers reach instances' consoles. Empty: the host of Nova's API."),
        when=_ON,
        ours=True,
    ),
    switch(
        "CONFIG_NOVA_DB_PURGE_ENABLE",
        "Archive deleted instances in a nightly job.",
        default="y",
        when=_ON,
        flag="nova-db-purge-enable",
    ),
    password("CONFIG_NOVA_DB_PW", "Password of Nova's database user.", when=_ON, flag="nova-db-passwd"),
    password("CONFIG_NOVA_KS_PW", "Password of Nova's Keystone user.", when=_ON, flag="nova-ks-passwd"),
    switch(
        "CONFIG_NOVA_MANAGE_FLAVORS",
        "Create the flavors m1.tiny to m1.xlarge. OpenStack itself has no flavors at first.",
        default="y",
        when=_ON,
        flag="nova-manage-flavors",
    ),
    value_of(
        "CONFIG_NOVA_SCHED_CPU_ALLOC_RATIO",
        "Virtual CPUs per physical CPU. Lower it for workloads that keep their CPUs busy.",
        ratio,
        default="16.0",
        when=_ON,
        flag="novasched-cpu-allocation-ratio",
    ),
    value_of(
        "CONFIG_NOVA_SCHED_RAM_ALLOC_RATIO",
        "Memory of instances per byte of physical memory. With 1.0, instances never make a host swap.",
        ratio,
        default="1.5",
        when=_ON,
        flag="novasched-ram-allocation-ratio",
    ),
    choice_of(
        "CONFIG_NOVA_COMPUTE_MIGRATE_PROTOCOL",
        (
            "Transport for live migration between compute hosts: ssh, or tcp without encryption or login, which "
            "everyone who reaches the hosts can use. Use tcp in a trusted network only."
        ),
        ("tcp", "ssh"),
        default="ssh",
        when=_ON,
        flag="novacompute-migrate-protocol",
    ),
    generated_secret(
        "CONFIG_NOVA_MIGRATION_SECRET",
        (
            "Seed of the SSH key that compute hosts use among each other to migrate instances. With several compute "
            "hosts, each of them gets the key, and no other host."
        ),
        when=_ON,
        ours=True,
        effect="nova's SSH key on the compute hosts, if there are several",
    ),
    value_of(
        "CONFIG_VNC_SSL_CERT",
        (
            "Certificate for instances' consoles, on the controlling machine; they use TLS if Horizon does. Empty: "
            "one is generated."
        ),
        path,
        when=_TLS,
        flag="nova-ssl-cert",
        effect=_CERTIFICATE,
    ),
    value_of(
        "CONFIG_VNC_SSL_KEY",
        "Private key of CONFIG_VNC_SSL_CERT.",
        path,
        when=_TLS,
        flag="nova-ssl-key",
        effect=_CERTIFICATE,
    ),
    value_of(
        "CONFIG_NOVA_PCI_ALIAS",
        "PCI aliases that flavors can request, as a JSON list of objects with vendor_id, product_id and name.",
        records,
        default="[]",
        when=_ON,
        flag="nova-pci-alias",
        not_done="instances get no PCI devices",
    ),
    value_of(
        "CONFIG_NOVA_PCI_PASSTHROUGH_WHITELIST",
        (
            "PCI devices of compute hosts that instances may get, as a JSON list of objects with vendor_id and "
            "product_id, or address."
        ),
        records,
        default="[]",
        when=_ON,
        flag="nova-pci-passthrough-whitelist",
        not_done="instances get no PCI devices",
    ),
    value_of(
        "CONFIG_NOVA_LIBVIRT_VIRT_TYPE",
        (
            "How instances run: kvm needs the processor's support, qemu works everywhere and is slow. The default "
            "takes KVM wherever a compute host has it."
        ),
        hypervisor,
        default="%{::default_hypervisor}",
        when=_ON,
        flag="nova-libvirt-virt-type",
        was=("CONFIG_LIBVIRT_TYPE",),
        passed_as=("choices.virt_type",),
    ),
)


def _wanted(answers: Mapping[str, Any]) -> bool:
    return bool(answers["CONFIG_NOVA_INSTALL"])


_LOGS = ("/var/log/nova/*.log",)

_INSTANCES = (
    "CONFIG_AMQP_AUTH_PASSWORD",
    "CONFIG_NOVA_KS_PW",
    "CONFIG_PLACEMENT_KS_PW",
    "CONFIG_NEUTRON_KS_PW",
    "CONFIG_CINDER_KS_PW",
)
"""Secrets of the components that handle networks and volumes on behalf of an instance's owner."""


def _over_tcp(answers: Mapping[str, Any]) -> bool:
    return bool(answers["CONFIG_NOVA_COMPUTE_MIGRATE_PROTOCOL"] == "tcp")


COMPONENTS: tuple[Component, ...] = (
    Component(
        "nova-database",
        role="database",
        requires=("database",),
        provides=("nova-database",),
        when=_wanted,
        secrets=("CONFIG_NOVA_DB_PW",),
        without=CONFIGURES,
    ),
    Component(
        "nova-identity",
        role="identity",
        requires=("identity",),
        provides=("nova-identity",),
        when=_wanted,
        secrets=("CONFIG_NOVA_KS_PW",),
        without=CONFIGURES,
    ),
    Component(
        "nova-api",
        role="compute-api",
        requires=("cache", "identity", "messaging", "nova-database", "nova-identity", "placement"),
        provides=("compute-api",),
        reaches=("database",),
        ports=(
            Port(8774, public=True, what="compute API"),
            Port(8775, what="metadata API", capability="instance-metadata"),
        ),
        api=Api("compute", "/v2.1", ask="/flavors?limit=1"),
        migration=Migration(
            "nova",
            ("nova-db-sync-api", "nova-cell_v2-map_cell0", "nova-db-sync", "Nova_cell_v2[default]"),
            phase="dbsync_api",
            order=20,
        ),
        probe=http("nova-api"),
        when=_wanted,
        packages=DATABASE
        + CACHE
        + APACHE
        + Names(
            debian=("cron", "nova-api", "nova-common", "python3-novaclient"),
            redhat=("cronie", "openstack-nova-api", "openstack-nova-common", "python3-nova", "python3-novaclient"),
        ),
        units=Names(debian=("nova-api", "nova-api-metadata"), redhat=("httpd",)),
        selinux=("httpd_can_network_connect",),
        memory=measured(40, per_worker=260),
        logs=_LOGS,
        secrets=(*_INSTANCES, "CONFIG_NOVA_DB_PW", "CONFIG_NEUTRON_METADATA_PW"),
    ),
    Component(
        "nova-conductor",
        role="conductor",
        requires=("messaging", "nova-database"),
        after=("compute-api",),
        provides=("conductor",),
        reaches=("database",),
        probe=units("nova-conductor"),
        when=_wanted,
        packages=DATABASE
        + Names(
            debian=("nova-common", "nova-conductor"),
            redhat=("openstack-nova-common", "openstack-nova-conductor", "python3-nova"),
        ),
        units=Names(debian=("nova-conductor",), redhat=("openstack-nova-conductor",)),
        memory=measured(30, per_worker=95),
        logs=_LOGS,
        secrets=(*_INSTANCES, "CONFIG_NOVA_DB_PW"),
    ),
    Component(
        "nova-scheduler",
        role="scheduler",
        requires=("compute-api", "placement"),
        provides=("scheduler",),
        reaches=("database", "messaging"),
        probe=units("nova-scheduler"),
        when=_wanted,
        packages=DATABASE
        + Names(
            debian=("nova-common", "nova-scheduler"),
            redhat=("openstack-nova-common", "openstack-nova-scheduler", "python3-nova"),
        ),
        units=Names(debian=("nova-scheduler",), redhat=("openstack-nova-scheduler",)),
        memory=measured(140),
        logs=_LOGS,
        secrets=(
            "CONFIG_AMQP_AUTH_PASSWORD",
            "CONFIG_NOVA_DB_PW",
            "CONFIG_PLACEMENT_KS_PW",
        ),
    ),
    Component(
        "nova-vncproxy",
        role="console",
        requires=("compute-api",),
        provides=("console",),
        reaches=("database", "instance-console", "messaging"),
        tls=TlsServer(ssl.dashboard, "nova:nova", ("CONFIG_VNC_SSL_CERT", "CONFIG_VNC_SSL_KEY")),
        ports=(Port(6080, public=True, what="instance consoles"),),
        # The proxy reads its certificate and key at each connection, so a running unit does not prove that it can.
        probe=units("nova-vncproxy") + "{% if encrypts('nova-vncproxy') %}\n"
        "curl --noproxy '*' {{ trust('nova-vncproxy') }}-s -o /dev/null --max-time 10 {{ cloud.console_url }}\n"
        "{% endif %}\n",
        when=_wanted,
        packages=DATABASE
        + Names(
            debian=("nova-common", "nova-consoleproxy"),
            redhat=("openstack-nova-common", "openstack-nova-novncproxy", "python3-nova"),
        ),
        units=Names(debian=("nova-novncproxy",), redhat=("openstack-nova-novncproxy",)),
        memory=measured(140),
        logs=_LOGS,
        secrets=(
            "CONFIG_AMQP_AUTH_PASSWORD",
            "CONFIG_NOVA_DB_PW",
        ),
        derived_secrets=("nova-vncproxy.key",),
    ),
    Component(
        "nova-compute",
        role="compute",
        requires=("messaging", "identity", "conductor", "image"),
        provides=("compute",),
        reaches=("ceph", "migration", "volume-target"),
        ports=(
            Port(5900, end=6923, what="VNC of instances", capability="instance-console"),
            Port(16509, what="libvirt", capability="migration", when=_over_tcp),
            Port(49152, end=49215, what="migration", capability="migration"),
        ),
        probe=units("nova-compute"),
        when=_wanted,
        # The hypervisor's package comes from one of the package sets below: on Debian they conflict, and Puppet
        # requires the one that fits `virt_type`.
        packages=Names(
            debian=(
                "genisoimage",
                "libvirt-clients",
                "libvirt-daemon-system",
                "nova-common",
                "nova-compute",
                "open-iscsi",
                "openssh-client",
                "qemu-utils",
            ),
            redhat=(
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
        ),
        # libvirt's daemons are started by their sockets and stop when idle, so they say nothing about health.
        units=Names(debian=("nova-compute",), redhat=("openstack-nova-compute",)),
        memory=measured(520, load=512),
        disk=disk(1.0, 1.0),
        logs=(*_LOGS, "/var/log/libvirt/libvirtd.log"),
        secrets=_INSTANCES,
        derived_secrets=("ceph-key", "id_ed25519"),
    ),
)

_ON_COMPUTE = ("nova-compute",)

# Debian's Puppet modules of 2025.1 require UEFI firmware, and a plug-in of libvirt that has its own package there.
_FIRMWARE = Names().but("debian", "libvirt-daemon-plugin-lockd", "ovmf", since="2025.1")

PACKAGE_SETS: tuple[PackageSet, ...] = (
    PackageSet(
        "nova-compute-kvm",
        Names(debian=("nova-compute-kvm",), redhat=("qemu-kvm",)),
        of=_ON_COMPUTE,
        traits=(("virt_type", "kvm"),),
    ),
    PackageSet(
        "nova-compute-qemu",
        Names(debian=("nova-compute-kvm",), redhat=("qemu-kvm",)),
        of=_ON_COMPUTE,
        traits=(("virt_type", "qemu"),),
    ),
    PackageSet(
        "nova-compute-x86_64",
        _FIRMWARE + Names(redhat=("edk2-ovmf",)),
        of=_ON_COMPUTE,
        traits=(("arch", "x86_64"),),
    ),
    PackageSet(
        "nova-compute-aarch64",
        _FIRMWARE + Names(redhat=("edk2-aarch64",)),
        of=_ON_COMPUTE,
        traits=(("arch", "aarch64"),),
    ),
)

SERVICE = Service(
    "nova",
    "Nova: instances",
    OPTIONS,
    COMPONENTS,
    roles=(
        Role(
            "compute-api",
            (
                "CONFIG_NOVA_API_HOST",
                CONTROLLER,
            ),
        ),
        Role(
            "conductor",
            (
                "CONFIG_NOVA_CONDUCTOR_HOST",
                "CONFIG_NOVA_API_HOST",
                CONTROLLER,
            ),
        ),
        Role(
            "scheduler",
            (
                "CONFIG_NOVA_SCHED_HOST",
                "CONFIG_NOVA_API_HOST",
                CONTROLLER,
            ),
        ),
        Role(
            "console",
            (
                "CONFIG_NOVA_VNCPROXY_HOST",
                "CONFIG_NOVA_API_HOST",
                CONTROLLER,
            ),
        ),
        Role("compute", ("CONFIG_COMPUTE_HOSTS",), rank=90),
    ),
    needs=(
        ("CONFIG_NOVA_INSTALL", "y", "CONFIG_NEUTRON_INSTALL", "Nova's own network service ended with Newton"),
        ("CONFIG_NOVA_INSTALL", "y", "CONFIG_GLANCE_INSTALL", "instances boot from images"),
    ),
    puppet=PuppetModule("nova", ("nova_config",), starts_async=True),
    checks="nova",
    package_sets=PACKAGE_SETS,
    switch="CONFIG_NOVA_INSTALL",
    changes={
        **changes_of(
            (
                "CONFIG_NOVA_API_HOST",
                "CONFIG_NOVA_CONDUCTOR_HOST",
                "CONFIG_NOVA_SCHED_HOST",
                "CONFIG_NOVA_VNCPROXY_HOST",
            ),
            applied("the service on the old host keeps running and stays registered"),
        ),
        **changes_of(
            (
                "CONFIG_NOVA_SCHED_CPU_ALLOC_RATIO",
                "CONFIG_NOVA_SCHED_RAM_ALLOC_RATIO",
                "CONFIG_NOVA_COMPUTE_MIGRATE_PROTOCOL",
                "CONFIG_NOVA_MIGRATION_SECRET",
                "CONFIG_VNC_SSL_CERT",
                "CONFIG_VNC_SSL_KEY",
                "CONFIG_NOVA_PCI_ALIAS",
                "CONFIG_NOVA_PCI_PASSTHROUGH_WHITELIST",
            )
        ),
        "CONFIG_NOVA_LIBVIRT_VIRT_TYPE": applied("instances get the new type when they are next started"),
    },
)
