"""Swift: objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stackwright.model import Component, Option, Port, Service
from stackwright.services.probes import itself, units
from stackwright.values import YES_NO, boolean, choice, hosts, natural, size, storages, text

_ON = (("CONFIG_SWIFT_INSTALL", "y"),)

OPTIONS: tuple[Option, ...] = (
    Option(
        "CONFIG_SWIFT_INSTALL",
        "Install Swift, which keeps objects.",
        default="y",
        parse=boolean,
        choices=YES_NO,
        flag="os-swift-install",
    ),
    Option(
        "CONFIG_SWIFT_PROXY_HOSTS",
        (
            "Hosts of Swift's API, with commas; the cloud's endpoint is the first. Empty: the controller. The objects "
            "themselves are on the storage hosts."
        ),
        default="",
        parse=hosts,
        when=_ON,
        ours=True,
    ),
    Option(
        "CONFIG_SWIFT_KS_PW",
        "Password of Swift's own user in Keystone.",
        default="PW_PLACEHOLDER",
        parse=text,
        secret=True,
        generate=True,
        when=_ON,
        flag="os-swift-ks-passwd",
    ),
    Option(
        "CONFIG_SWIFT_STORAGES",
        (
            "Devices for objects, as /dev/sdb,/dev/sdc, on each storage host, or each with a host of its own, as "
            "198.18.0.50:/dev/sdb. They are formatted. Empty: a file with a file system in it, which is good for a "
            "trial."
        ),
        default="",
        parse=storages,
        was=("CONFIG_SWIFT_STORAGE_HOSTS",),
        when=_ON,
        flag="os-swift-storages",
    ),
    Option(
        "CONFIG_SWIFT_STORAGE_ZONES",
        (
            "Zones that the storage hosts (or, where there are fewer of them, their devices) are spread over: copies "
            "of an object are put in different zones."
        ),
        default="1",
        parse=natural,
        when=_ON,
        flag="os-swift-storage-zones",
    ),
    Option(
        "CONFIG_SWIFT_STORAGE_REPLICAS",
        "Copies of each object; at most as many as there are devices.",
        default="1",
        parse=natural,
        when=_ON,
        flag="os-swift-storage-replicas",
    ),
    Option(
        "CONFIG_SWIFT_STORAGE_FSTYPE",
        "File system of the devices.",
        default="ext4",
        parse=choice("xfs", "ext4"),
        choices=(
            "xfs",
            "ext4",
        ),
        when=_ON,
        flag="os-swift-storage-fstype",
    ),
    Option(
        "CONFIG_SWIFT_HASH",
        "Secret that goes into the place of every object. Objects are lost when it changes.",
        default="",
        parse=text,
        secret=True,
        generate=True,
        when=_ON,
        flag="os-swift-hash",
    ),
    Option(
        "CONFIG_SWIFT_STORAGE_SIZE",
        "Size of the file that is used when there are no devices.",
        default="2G",
        parse=size,
        when=_ON,
        flag="os-swift-storage-size",
    ),
)


def _wanted(answers: Mapping[str, Any]) -> bool:
    return bool(answers["CONFIG_SWIFT_INSTALL"])


COMPONENTS: tuple[Component, ...] = (
    Component(
        "swift-identity",
        role="identity",
        requires=("identity",),
        provides=("swift-identity",),
        when=_wanted,
    ),
    Component(
        "swift-rings",
        role="object-rings",
        provides=("object-rings",),
        ports=(Port(873, what="Swift's rings"),),
        probe="for ring in account container object; do [ -s /etc/swift/$ring.ring.gz ] || exit 1; done\n",
        when=_wanted,
    ),
    Component(
        "swift-proxy",
        role="object-proxy",
        requires=("cache", "identity", "object-rings", "swift-identity"),
        provides=("object",),
        reaches=("object-storage",),
        ports=(Port(8080, public=True, what="object API"),),
        probe=itself(8080, "/healthcheck"),
        when=_wanted,
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
    ),
)

SERVICE = Service(
    "swift",
    "Swift: objects",
    OPTIONS,
    COMPONENTS,
    switch="CONFIG_SWIFT_INSTALL",
)
