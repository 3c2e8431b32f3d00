"""Nova: instances."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stackwright.model import Component, Option, Port, Service
from stackwright.services.options import choice_of, generated_secret, host_of, password, switch, value_of
from stackwright.services.probes import http, units
from stackwright.values import hypervisor, path, ratio, records

_ON = (("CONFIG_NOVA_INSTALL", "y"),)
_TLS = (("CONFIG_NOVA_INSTALL", "y"), ("CONFIG_HORIZON_SSL", "y"))

OPTIONS: tuple[Option, ...] = (
    switch(
        "CONFIG_NOVA_INSTALL",
        "Install Nova, which runs instances, and Placement with it.",
        default="y",
        flag="os-nova-install",
    ),
    host_of("CONFIG_NOVA_API_HOST", "Host of Nova's API and of Placement. Empty: the controller.", when=_ON, ours=True),
    host_of(
        "CONFIG_NOVA_CONDUCTOR_HOST",
        "Host of Nova's conductor, which asks the database for the compute hosts. Empty: that of Nova's API.",
        when=_ON,
        ours=True,
    ),
    host_of("CONFIG_NOVA_SCHED_HOST", "Host of Nova's scheduler. Empty: where Nova's API is.", when=_ON, ours=True),
    host_of(
        "CONFIG_NOVA_VNCPROXY_HOST",
        "Host that browsers reach instances' screens through. Empty: where Nova's API is.",
        when=_ON,
        ours=True,
    ),
    switch(
        "CONFIG_NOVA_DB_PURGE_ENABLE",
        "Move deleted instances out of the working tables by a nightly job.",
        default="y",
        when=_ON,
        flag="nova-db-purge-enable",
    ),
    password("CONFIG_NOVA_DB_PW", "Password of Nova's database account.", when=_ON, flag="nova-db-passwd"),
    password("CONFIG_NOVA_KS_PW", "Password of Nova's own user in Keystone.", when=_ON, flag="nova-ks-passwd"),
    switch(
        "CONFIG_NOVA_MANAGE_FLAVORS",
        "Make the usual flavors m1.tiny to m1.xlarge. OpenStack itself starts with none.",
        default="y",
        when=_ON,
        flag="nova-manage-flavors",
    ),
    value_of(
        "CONFIG_NOVA_SCHED_CPU_ALLOC_RATIO",
        "Virtual processors that may be promised for each real one. Lower it for work that is always busy.",
        ratio,
        default="16.0",
        when=_ON,
        flag="novasched-cpu-allocation-ratio",
    ),
    value_of(
        "CONFIG_NOVA_SCHED_RAM_ALLOC_RATIO",
        "Memory that may be promised for each real byte. With 1.0, hosts never swap because of instances.",
        ratio,
        default="1.5",
        when=_ON,
        flag="novasched-ram-allocation-ratio",
    ),
    choice_of(
        "CONFIG_NOVA_COMPUTE_MIGRATE_PROTOCOL",
        (
            "How compute hosts talk to each other to move running instances: over SSH, or over plain TCP, which lets "
            "in everybody who can reach it: on a trusted network only."
        ),
        ("tcp", "ssh"),
        default="ssh",
        when=_ON,
        flag="novacompute-migrate-protocol",
    ),
    generated_secret(
        "CONFIG_NOVA_MIGRATION_SECRET",
        (
            "What the SSH key follows from with which compute hosts reach each other to move instances. Where there "
            "are several, each gets the key, and nobody else."
        ),
        when=_ON,
        ours=True,
    ),
    value_of(
        "CONFIG_VNC_SSL_CERT",
        (
            "Certificate for the screens of instances, on the controlling machine, which use TLS when Horizon does. "
            "Empty: one is made."
        ),
        path,
        when=_TLS,
        flag="nova-ssl-cert",
    ),
    value_of("CONFIG_VNC_SSL_KEY", "Private key of that certificate.", path, when=_TLS, flag="nova-ssl-key"),
    value_of(
        "CONFIG_NOVA_PCI_ALIAS",
        (
            "Names for PCI devices, which flavors can ask for, as a JSON list of objects with vendor_id, product_id "
            "and name."
        ),
        records,
        default="[]",
        when=_ON,
        flag="nova-pci-alias",
        not_done="instances get no PCI devices",
    ),
    value_of(
        "CONFIG_NOVA_PCI_PASSTHROUGH_WHITELIST",
        (
            "PCI devices of compute hosts that instances may be given, as a JSON list of objects with vendor_id and "
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
    ),
)


def _wanted(answers: Mapping[str, Any]) -> bool:
    return bool(answers["CONFIG_NOVA_INSTALL"])


def _over_tcp(answers: Mapping[str, Any]) -> bool:
    return bool(answers["CONFIG_NOVA_COMPUTE_MIGRATE_PROTOCOL"] == "tcp")


COMPONENTS: tuple[Component, ...] = (
    Component(
        "nova-database",
        role="database",
        requires=("database",),
        provides=("nova-database",),
        when=_wanted,
    ),
    Component(
        "nova-identity",
        role="identity",
        requires=("identity",),
        provides=("nova-identity",),
        when=_wanted,
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
        probe=http("nova-api"),
        when=_wanted,
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
    ),
    Component(
        "nova-scheduler",
        role="scheduler",
        requires=("compute-api", "placement"),
        provides=("scheduler",),
        reaches=("database", "messaging"),
        probe=units("nova-scheduler"),
        when=_wanted,
    ),
    Component(
        "nova-vncproxy",
        role="console",
        requires=("compute-api",),
        provides=("console",),
        reaches=("database", "instance-console", "messaging"),
        ports=(Port(6080, public=True, what="instance consoles"),),
        # It reads its certificate and key for each connection: that it runs does not show that it can.
        probe=units("nova-vncproxy") + "{% if encrypts('nova-vncproxy') %}\n"
        "curl --noproxy '*' {{ trust('nova-vncproxy') }}-s -o /dev/null --max-time 10 {{ cloud.console_url }}\n"
        "{% endif %}\n",
        when=_wanted,
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
    ),
)

SERVICE = Service(
    "nova",
    "Nova: instances",
    OPTIONS,
    COMPONENTS,
    switch="CONFIG_NOVA_INSTALL",
)
