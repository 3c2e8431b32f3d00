"""Swift, the object storage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stackwright.model import Component, Option, Port, Service
from stackwright.records import Api, Growth, Names, PuppetModule, Role, applied, extendable, fixed
from stackwright.services.named_hosts import CONTROLLER, storage, unique
from stackwright.services.options import choice_of, generated_secret, hosts_of, password, switch, value_of
from stackwright.services.probes import itself, units
from stackwright.services.shared_packages import CONFIGURES, measured
from stackwright.values import natural, size, storages

_ON = (("CONFIG_SWIFT_INSTALL", "y"),)

OPTIONS: tuple[Option, ...] = (
    switch("CONFIG_SWIFT_INSTALL", "Install Swift, the object storage.", default="y", flag="os-swift-install"),
    hosts_of(
        "CONFIG_SWIFT_PROXY_HOSTS",
        (
            "Hosts of Swift's API, comma-separated; the first one is the endpoint. Empty: the controller. The objects "
            "are on the storage hosts."
        ),
        when=_ON,
        ours=True,
    ),
    password("CONFIG_SWIFT_KS_PW", "Password of Swift's Keystone user.", when=_ON, flag="os-swift-ks-passwd"),
    value_of(
        "CONFIG_SWIFT_STORAGES",
        (
            "Devices for objects: on each storage host, such as /dev/sdb,/dev/sdc, or with a host, such as "
            "198.18.0.50:/dev/sdb. They are formatted. Empty: a file with a file system, for tests."
        ),
        storages,
        when=_ON,
        flag="os-swift-storages",
        was=("CONFIG_SWIFT_STORAGE_HOSTS",),
        passed_as=("host.swift_devices", "swift_devices"),
    ),
    value_of(
        "CONFIG_SWIFT_STORAGE_ZONES",
        (
            "Number of zones. The storage hosts (or their devices, if there are fewer hosts) are spread over them, "
            "and the replicas of an object are put into different zones."
        ),
        natural,
        default="1",
        when=_ON,
        flag="os-swift-storage-zones",
        passed_as=("host.swift_devices", "swift_devices"),
    ),
    value_of(
        "CONFIG_SWIFT_STORAGE_REPLICAS",
        "Replicas of each object, at most the number of devices.",
        natural,
        default="1",
        when=_ON,
        flag="os-swift-storage-replicas",
    ),
    choice_of(
        "CONFIG_SWIFT_STORAGE_FSTYPE",
        "File system on the devices.",
        ("xfs", "ext4"),
        default="ext4",
        when=_ON,
        flag="os-swift-storage-fstype",
    ),
    generated_secret(
        "CONFIG_SWIFT_HASH",
        (
            "Secret hash suffix that determines where objects are stored. Changing it makes existing objects "
            "unreachable."
        ),
        when=_ON,
        flag="os-swift-hash",
    ),
    value_of(
        "CONFIG_SWIFT_STORAGE_SIZE",
        "Size of the file that is used if there are no devices.",
        size,
        default="2G",
        when=_ON,
        flag="os-swift-storage-size",
    ),
)


def _wanted(answers: Mapping[str, Any]) -> bool:
    return bool(answers["CONFIG_SWIFT_INSTALL"])


_LOGS = ("/var/log/swift/*.log",)


def _devices(answers: Mapping[str, Any]) -> tuple[str, ...]:
    """The hosts of the devices. A device without a host in the answers is on each storage host."""
    named = [host for host, _ in answers.get("CONFIG_SWIFT_STORAGES") or ()]
    return unique(*filter(None, named), *(() if all(named) and named else storage(answers)))


def _rings(answers: Mapping[str, Any]) -> tuple[str, ...]:
    """The one host that builds the rings; the others fetch them from it."""
    return _devices(answers)[:1]


COMPONENTS: tuple[Component, ...] = (
    Component(
        "swift-identity",
        role="identity",
        requires=("identity",),
        provides=("swift-identity",),
        when=_wanted,
        secrets=("CONFIG_SWIFT_KS_PW",),
        without=CONFIGURES,
    ),
    Component(
        "swift-rings",
        role="object-rings",
        provides=("object-rings",),
        ports=(Port(873, what="Swift's rings"),),
        probe="for ring in account container object; do [ -s /etc/swift/$ring.ring.gz ] || exit 1; done\n",
        when=_wanted,
        packages=Names(debian=("rsync", "swift"), redhat=("openstack-swift", "rsync")),
        memory=measured(0),
        secrets=("CONFIG_SWIFT_HASH",),
        without={"units": "it only writes files, which other hosts fetch with rsync", "logs": "it only writes files"},
    ),
    Component(
        "swift-proxy",
        role="object-proxy",
        requires=("cache", "identity", "object-rings", "swift-identity"),
        provides=("object",),
        reaches=("object-storage",),
        ports=(Port(8080, public=True, what="object API"),),
        api=Api("object-store", "/v1/AUTH_%(tenant_id)s", ask="/info", from_root=True),
        probe=itself(8080, "/healthcheck"),
        when=_wanted,
        packages=Names(
            debian=(
                "python3-keystonemiddleware",
                "python3-swiftclient",
                "rsync",
                "swift",
                "swift-object-expirer",
                "swift-proxy",
            ),
            redhat=(
                "openstack-swift",
                "openstack-swift-proxy",
                "python3-keystonemiddleware",
                "python3-swiftclient",
                "rsync",
            ),
        ),
        units=Names(
            debian=("swift-object-expirer", "swift-proxy"),
            redhat=("openstack-swift-object-expirer", "openstack-swift-proxy"),
        ),
        selinux=("rsync_export_all_ro",),
        memory=measured(40, per_worker=35),
        logs=_LOGS,
        secrets=(
            "CONFIG_SWIFT_HASH",
            "CONFIG_SWIFT_KS_PW",
        ),
    ),
    Component(
        "swift-storage",
        role="object-storage",
        requires=("object-rings",),
        provides=("object-storage",),
        reaches=("object-replication", "object-storage"),
        ports=(Port(6200, end=6202, what="Swift storage"), Port(873, what="rsync", capability="object-replication")),
        probe=units("swift-storage"),
        when=_wanted,
        packages=Names(
            debian=(
                "e2fsprogs",
                "rsync",
                "swift",
                "swift-account",
                "swift-container",
                "swift-object",
                "xfsprogs",
            ),
            redhat=(
                "e2fsprogs",
                "openstack-swift",
                "openstack-swift-account",
                "openstack-swift-container",
                "openstack-swift-object",
                "python3-swiftclient",
                "rsync",
                "rsync-daemon",
                "xfsprogs",
            ),
        ),
        units=Names(
            debian=("rsync", "swift-account", "swift-container", "swift-object"),
            redhat=("openstack-swift-account", "openstack-swift-container", "openstack-swift-object", "rsyncd"),
        ),
        selinux=("rsync_export_all_ro",),
        memory=measured(720),
        growth=(Growth("/srv", "CONFIG_SWIFT_STORAGE_SIZE"),),
        logs=_LOGS,
        secrets=("CONFIG_SWIFT_HASH",),
    ),
)

SERVICE = Service(
    "swift",
    "Swift: object storage",
    OPTIONS,
    COMPONENTS,
    roles=(
        Role("object-rings", hosts=_rings),
        Role(
            "object-proxy",
            (
                "CONFIG_SWIFT_PROXY_HOSTS",
                CONTROLLER,
            ),
        ),
        Role("object-storage", hosts=_devices),
    ),
    tempest={
        "object-store": (
            r"tempest\.api\.object_storage\..*\[.*\bsmoke\b.*\]",
            r"tempest\.api\.object_storage\.test_(object|container)_services\b",
        ),
    },
    puppet=PuppetModule("swift", starts_async=True),
    checks="swift",
    expendable=True,
    switch="CONFIG_SWIFT_INSTALL",
    changes={
        "CONFIG_SWIFT_PROXY_HOSTS": applied("a proxy on a host that is left out keeps running"),
        "CONFIG_SWIFT_STORAGES": extendable("the rings keep their devices, and objects are on them", "swift-storage"),
        "CONFIG_SWIFT_STORAGE_ZONES": fixed("the rings keep the zones of their devices", "swift-storage"),
        "CONFIG_SWIFT_STORAGE_REPLICAS": fixed(
            "the rings keep the number that they were created with", "swift-storage"
        ),
        "CONFIG_SWIFT_STORAGE_FSTYPE": fixed("the devices are formatted, and objects are on them", "swift-storage"),
        "CONFIG_SWIFT_HASH": fixed(
            "it determines where each object is stored, and existing objects would not be found", "swift-storage"
        ),
        "CONFIG_SWIFT_STORAGE_SIZE": fixed("the file of the device is not resized", "swift-storage"),
    },
)
