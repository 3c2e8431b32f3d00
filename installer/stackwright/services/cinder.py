"""Cinder, the volume service."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from stackwright.model import Component, Option, Port, Service
from stackwright.records import (
    Api,
    Growth,
    Migration,
    Names,
    PackageSet,
    PuppetModule,
    Role,
    applied,
    extendable,
    fixed,
)
from stackwright.services.named_hosts import CONTROLLER, storage
from stackwright.services.options import choices_of, generated_secret, host_of, password, switch, value_of
from stackwright.services.probes import http, units
from stackwright.services.shared_packages import APACHE, CACHE, CONFIGURES, DATABASE, disk, estimated, measured
from stackwright.values import exports, size, word

_LVM = (("CONFIG_CINDER_INSTALL", "y"), ("CONFIG_CINDER_BACKEND", "lvm"))
_NFS = (("CONFIG_CINDER_INSTALL", "y"), ("CONFIG_CINDER_BACKEND", "nfs"))
_CEPH = (("CONFIG_CINDER_INSTALL", "y"), ("CONFIG_CINDER_BACKEND", "ceph"))
_ON = (("CONFIG_CINDER_INSTALL", "y"),)

OPTIONS: tuple[Option, ...] = (
    switch("CONFIG_CINDER_INSTALL", "Install Cinder, the volume service.", default="y", flag="os-cinder-install"),
    host_of(
        "CONFIG_CINDER_HOST",
        "Host of Cinder's API and scheduler. Empty: the controller. The volumes are on the storage host.",
        when=_ON,
        ours=True,
    ),
    password("CONFIG_CINDER_DB_PW", "Password of Cinder's database user.", when=_ON, flag="cinder-db-passwd"),
    switch(
        "CONFIG_CINDER_DB_PURGE_ENABLE",
        "Purge deleted volumes from the database in a nightly job.",
        default="y",
        when=_ON,
        flag="cinder-db-purge-enable",
    ),
    password("CONFIG_CINDER_KS_PW", "Password of Cinder's Keystone user.", when=_ON, flag="cinder-ks-passwd"),
    choices_of(
        "CONFIG_CINDER_BACKEND",
        (
            "Where volumes are stored, comma-separated: in an LVM volume group on each storage host (lvm), on NFS "
            "servers (nfs), or in a small Ceph cluster without replicas on the first storage host (ceph; Packstack "
            "does not have it)."
        ),
        ("lvm", "nfs", "netapp", "solidfire", "ceph"),
        default="lvm",
        when=_ON,
        flag="cinder-backend",
        not_yet=("netapp", "solidfire"),
        not_yet_why="no such storage system was available for tests",
    ),
    switch(
        "CONFIG_CINDER_VOLUMES_CREATE",
        (
            "Create the volume group in a file on the storage host. For tests only; set n if the volume group exists "
            "on real disks."
        ),
        default="y",
        when=_LVM,
        flag="cinder-volumes-create",
    ),
    value_of(
        "CONFIG_CINDER_VOLUME_NAME",
        "Name of the LVM volume group.",
        word,
        default="cinder-volumes",
        when=_LVM,
        flag="cinder-volume-name",
        required=True,
    ),
    value_of(
        "CONFIG_CINDER_VOLUMES_SIZE",
        (
            "Size of the volume group's file. As in Packstack, the file is slightly larger, so that the group has "
            "this size."
        ),
        size,
        default="20G",
        when=_LVM,
        flag="cinder-volumes-size",
    ),
    value_of(
        "CONFIG_CINDER_NFS_MOUNTS",
        "NFS exports for volumes, such as 198.18.0.20:/srv/volumes, comma-separated.",
        exports,
        when=_NFS,
        flag="cinder-nfs-mounts",
        required=True,
    ),
    value_of(
        "CONFIG_CEPH_OSD_SIZE",
        "Size of the file that backs the small Ceph cluster.",
        size,
        default="10G",
        when=_CEPH,
        ours=True,
    ),
    generated_secret(
        "CONFIG_CEPH_SECRET",
        (
            "Seed of the Ceph client key and the cluster ID. It must never change while the cluster exists; "
            "CONFIG_DEFAULT_PASSWORD does not replace it."
        ),
        when=_CEPH,
        ours=True,
    ),
)


def _wanted(answers: Mapping[str, Any]) -> bool:
    return bool(answers["CONFIG_CINDER_INSTALL"])


def _backend(*names: str) -> Callable[[Mapping[str, Any]], bool]:
    """A condition: Cinder is wanted and stores volumes in one of these back ends."""
    return lambda answers: _wanted(answers) and bool({*names} & {*answers["CONFIG_CINDER_BACKEND"]})


def _sparse_volumes(answers: Mapping[str, Any]) -> bool:
    backends = answers.get("CONFIG_CINDER_BACKEND") or ()
    return "lvm" in backends and bool(answers.get("CONFIG_CINDER_VOLUMES_CREATE"))


_LOGS = ("/var/log/cinder/*.log",)


def _ceph(answers: Mapping[str, Any]) -> tuple[str, ...]:
    """The small Ceph cluster runs on the first storage host only."""
    return storage(answers)[:1]


COMPONENTS: tuple[Component, ...] = (
    Component(
        "cinder-database",
        role="database",
        requires=("database",),
        provides=("cinder-database",),
        when=_wanted,
        secrets=("CONFIG_CINDER_DB_PW",),
        without=CONFIGURES,
    ),
    Component(
        "cinder-identity",
        role="identity",
        requires=("identity",),
        provides=("cinder-identity",),
        when=_wanted,
        secrets=("CONFIG_CINDER_KS_PW",),
        without=CONFIGURES,
    ),
    Component(
        "cinder-api",
        role="volume-api",
        requires=("cache", "cinder-database", "cinder-identity", "identity", "messaging"),
        provides=("volume-api",),
        reaches=("database",),
        ports=(Port(8776, public=True, what="volume API"),),
        api=Api("volumev3", "/v3", ask="/volumes?limit=1", aliases=("block-storage", "volume")),
        migration=Migration("cinder", ("cinder-manage db_sync",)),
        probe=http("cinder-api"),
        when=_wanted,
        packages=DATABASE
        + APACHE
        + Names(
            debian=("cinder-api", "cinder-common", "cron", "cinder-scheduler", "python3-cinderclient"),
            redhat=(*CACHE.redhat, "cronie", "openstack-cinder", "python3-cinderclient"),
        ),
        units=Names(
            debian=("cinder-api", "cinder-scheduler"), redhat=("openstack-cinder-api", "openstack-cinder-scheduler")
        ),
        memory=measured(180, per_worker=115),
        logs=_LOGS,
        secrets=(
            "CONFIG_AMQP_AUTH_PASSWORD",
            "CONFIG_CINDER_DB_PW",
            "CONFIG_CINDER_KS_PW",
            "CONFIG_NOVA_KS_PW",
        ),
    ),
    Component(
        "volume-types",
        role="identity",
        requires=("identity", "volume-api"),
        provides=("volume-types",),
        when=_wanted,
        without=CONFIGURES,
    ),
    Component(
        "ceph",
        role="ceph",
        provides=("ceph",),
        ports=(
            Port(3300, what="Ceph monitor"),
            Port(6789, what="Ceph monitor, old protocol"),
            Port(6800, end=7300, what="Ceph daemons"),
        ),
        # Asks as Cinder does, with Cinder's key. A cluster without an OSD never answers, hence the timeout.
        probe="timeout 20 rbd --id cinder ls volumes >/dev/null\n",
        when=lambda answers: _wanted(answers) and "ceph" in answers["CONFIG_CINDER_BACKEND"],
        packages=Names(
            debian=("ceph-common", "ceph-mgr", "ceph-mon", "ceph-osd", "python3-rados", "python3-rbd"),
            redhat=("ceph-common", "ceph-mgr", "ceph-mon", "ceph-osd", "python3-rados", "python3-rbd"),
        ),
        memory=measured(1000),
        disk=disk(0.4, 0.5),
        growth=(Growth("/var/lib/ceph", "CONFIG_CEPH_OSD_SIZE"),),
        logs=("/var/log/ceph/*.log",),
        derived_secrets=("ceph-key",),
        without={
            "units": "unit names contain the host's name and the daemon's number; the probe asks the cluster instead"
        },
    ),
    Component(
        "cinder-volume",
        role="volume",
        requires=("cinder-database", "identity", "messaging", "volume-api"),
        after=("ceph",),
        provides=("volume",),
        reaches=("ceph", "database", "volume-target"),
        ports=(
            Port(
                3260,
                what="iSCSI",
                capability="volume-target",
                when=lambda answers: "lvm" in (answers.get("CONFIG_CINDER_BACKEND") or ()),
            ),
        ),
        probe=units("cinder-volume"),
        when=_wanted,
        packages=DATABASE
        + Names(
            debian=("cinder-common", "cinder-volume", "qemu-utils"),
            redhat=("lvm2", "openstack-cinder", "qemu-img", "targetcli"),
        ),
        units=Names(debian=("cinder-volume",), redhat=("openstack-cinder-volume",)),
        memory=measured(200),
        growth=(Growth("/var/lib/cinder", "CONFIG_CINDER_VOLUMES_SIZE", _sparse_volumes),),
        logs=_LOGS,
        secrets=(
            "CONFIG_AMQP_AUTH_PASSWORD",
            "CONFIG_CINDER_DB_PW",
        ),
        derived_secrets=("ceph-key",),
    ),
    Component(
        "cinder-backup",
        role="volume",
        requires=("cinder-database", "identity", "messaging", "volume-api"),
        after=("object",),
        provides=("volume-backup",),
        reaches=("database", "object"),
        probe=units("cinder-backup"),
        # As in Packstack there is no key for it: volumes are backed up to object storage if the cloud has it.
        when=lambda answers: _wanted(answers) and bool(answers["CONFIG_SWIFT_INSTALL"]),
        packages=DATABASE
        + Names(debian=("cinder-backup", "cinder-common", "qemu-utils"), redhat=("openstack-cinder", "qemu-img")),
        units=Names(debian=("cinder-backup",), redhat=("openstack-cinder-backup",)),
        memory=estimated(130),
        logs=_LOGS,
        secrets=(
            "CONFIG_AMQP_AUTH_PASSWORD",
            "CONFIG_CINDER_DB_PW",
        ),
    ),
)

PACKAGE_SETS: tuple[PackageSet, ...] = (
    PackageSet(
        "cinder-lvm",
        # On Debian the module's target helper is tgtadm.
        Names(debian=("lvm2", "tgt", "thin-provisioning-tools"), redhat=("lvm2", "targetcli")),
        of=("cinder-volume",),
        when=_backend("lvm"),
    ),
    PackageSet(
        "cinder-nfs",
        Names(debian=("nfs-common",), redhat=("nfs-utils",)),
        of=("cinder-volume", "nova-compute"),
        when=_backend("nfs"),
    ),
    PackageSet(
        "cinder-ceph",
        Names(
            debian=("ceph-common", "python3-rados", "python3-rbd"),
            redhat=("ceph-common", "python3-rados", "python3-rbd", "qemu-kvm-block-rbd"),
        ),
        of=("cinder-volume", "nova-compute"),
        when=_backend("ceph"),
    ),
)

SERVICE = Service(
    "cinder",
    "Cinder: volumes",
    OPTIONS,
    COMPONENTS,
    roles=(
        Role(
            "volume-api",
            (
                "CONFIG_CINDER_HOST",
                CONTROLLER,
            ),
        ),
        Role("volume", hosts=storage),
        Role("ceph", hosts=_ceph),
    ),
    tempest={
        "volume": (
            r"tempest\.api\.volume\..*\[.*\bsmoke\b.*\]",
            r"tempest\.api\.volume\.test_volumes_(actions|get|snapshots)\b",
            r"tempest\.scenario\.test_minimum_basic\b",
        ),
    },
    puppet=PuppetModule("cinder", ("cinder_config",), starts_async=True),
    checks="cinder",
    package_sets=PACKAGE_SETS,
    expendable=True,
    switch="CONFIG_CINDER_INSTALL",
    changes={
        "CONFIG_CINDER_HOST": applied("the service on the old host keeps running"),
        "CONFIG_CINDER_BACKEND": extendable("volumes are in the back end, and do not move", "cinder-volume"),
        "CONFIG_CINDER_VOLUMES_CREATE": fixed("the volume group exists, and is not removed", "cinder-volume"),
        "CONFIG_CINDER_VOLUME_NAME": fixed("volumes are in the volume group, and do not move", "cinder-volume"),
        "CONFIG_CINDER_VOLUMES_SIZE": fixed("the file of the volume group is not resized", "cinder-volume"),
        "CONFIG_CINDER_NFS_MOUNTS": extendable("volumes are on the share, and do not move", "cinder-volume"),
        "CONFIG_CEPH_OSD_SIZE": fixed("the file of the OSD is not resized", "ceph"),
        "CONFIG_CEPH_SECRET": fixed("Ceph's ID and keys are derived from it, and the data belong to that ID", "ceph"),
    },
)
