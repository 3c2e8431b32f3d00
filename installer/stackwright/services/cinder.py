"""Cinder: volumes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stackwright.model import Component, Option, Port, Service
from stackwright.services.options import choices_of, generated_secret, host_of, password, switch, value_of
from stackwright.services.probes import http, units
from stackwright.values import exports, size, word

_LVM = (("CONFIG_CINDER_INSTALL", "y"), ("CONFIG_CINDER_BACKEND", "lvm"))
_NFS = (("CONFIG_CINDER_INSTALL", "y"), ("CONFIG_CINDER_BACKEND", "nfs"))
_CEPH = (("CONFIG_CINDER_INSTALL", "y"), ("CONFIG_CINDER_BACKEND", "ceph"))
_ON = (("CONFIG_CINDER_INSTALL", "y"),)

OPTIONS: tuple[Option, ...] = (
    switch("CONFIG_CINDER_INSTALL", "Install Cinder, which keeps volumes.", default="y", flag="os-cinder-install"),
    host_of(
        "CONFIG_CINDER_HOST",
        ("Host of Cinder's API and scheduler. Empty: the controller. The volumes themselves are on the storage host."),
        when=_ON,
        ours=True,
    ),
    password("CONFIG_CINDER_DB_PW", "Password of Cinder's database account.", when=_ON, flag="cinder-db-passwd"),
    switch(
        "CONFIG_CINDER_DB_PURGE_ENABLE",
        "Remove deleted volumes from the database by a nightly job.",
        default="y",
        when=_ON,
        flag="cinder-db-purge-enable",
    ),
    password("CONFIG_CINDER_KS_PW", "Password of Cinder's own user in Keystone.", when=_ON, flag="cinder-ks-passwd"),
    choices_of(
        "CONFIG_CINDER_BACKEND",
        (
            "Where volumes live: in an LVM group on each storage host, on NFS servers, or in Ceph (ceph, new here: a "
            "small single-copy Ceph on the first storage host). Several are separated by commas."
        ),
        ("lvm", "nfs", "netapp", "solidfire", "ceph"),
        default="lvm",
        when=_ON,
        flag="cinder-backend",
        not_yet=("netapp", "solidfire"),
    ),
    switch(
        "CONFIG_CINDER_VOLUMES_CREATE",
        (
            "Make the volume group in a file on the storage host. Good for a trial only; n when the group is there, "
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
        "Size of that file. Packstack adds a little, and so the group holds this much.",
        size,
        default="20G",
        when=_LVM,
        flag="cinder-volumes-size",
    ),
    value_of(
        "CONFIG_CINDER_NFS_MOUNTS",
        "NFS exports for volumes, as 198.18.0.20:/srv/volumes, with commas.",
        exports,
        when=_NFS,
        flag="cinder-nfs-mounts",
        required=True,
    ),
    value_of(
        "CONFIG_CEPH_OSD_SIZE",
        "Size of the file that backs the small Ceph on the storage host.",
        size,
        default="10G",
        when=_CEPH,
        ours=True,
    ),
    generated_secret(
        "CONFIG_CEPH_SECRET",
        (
            "What the key of Ceph's clients and the cluster's id are derived from. A cluster keeps it for life, and "
            "CONFIG_DEFAULT_PASSWORD does not stand in for it."
        ),
        when=_CEPH,
        ours=True,
    ),
)


def _wanted(answers: Mapping[str, Any]) -> bool:
    return bool(answers["CONFIG_CINDER_INSTALL"])


COMPONENTS: tuple[Component, ...] = (
    Component(
        "cinder-database",
        role="database",
        requires=("database",),
        provides=("cinder-database",),
        when=_wanted,
    ),
    Component(
        "cinder-identity",
        role="identity",
        requires=("identity",),
        provides=("cinder-identity",),
        when=_wanted,
    ),
    Component(
        "cinder-api",
        role="volume-api",
        requires=("cache", "cinder-database", "cinder-identity", "identity", "messaging"),
        provides=("volume-api",),
        reaches=("database",),
        ports=(Port(8776, public=True, what="volume API"),),
        probe=http("cinder-api"),
        when=_wanted,
    ),
    Component(
        "volume-types",
        role="identity",
        requires=("identity", "volume-api"),
        provides=("volume-types",),
        when=_wanted,
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
        # As Cinder does, with its own key; a cluster without an OSD answers nothing, and keeps the question.
        probe="timeout 20 rbd --id cinder ls volumes >/dev/null\n",
        when=lambda answers: _wanted(answers) and "ceph" in answers["CONFIG_CINDER_BACKEND"],
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
    ),
)

SERVICE = Service(
    "cinder",
    "Cinder: volumes",
    OPTIONS,
    COMPONENTS,
    switch="CONFIG_CINDER_INSTALL",
)
