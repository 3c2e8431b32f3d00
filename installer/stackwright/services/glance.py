"""Glance, the image service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stackwright.model import Component, Option, Port, Service
from stackwright.records import Api, Migration, Names, PuppetModule, Role, fixed
from stackwright.services.named_hosts import CONTROLLER
from stackwright.services.options import choice_of, host_of, password, switch
from stackwright.services.probes import http
from stackwright.services.shared_packages import CONFIGURES, DATABASE, PYMEMCACHE, disk, measured

_ON = (("CONFIG_GLANCE_INSTALL", "y"),)

OPTIONS: tuple[Option, ...] = (
    switch(
        "CONFIG_GLANCE_INSTALL",
        "Install Glance, the image service. Instances cannot boot without it.",
        default="y",
        flag="os-glance-install",
    ),
    host_of("CONFIG_GLANCE_HOST", "Host of Glance and its image files. Empty: the controller.", when=_ON, ours=True),
    password("CONFIG_GLANCE_DB_PW", "Password of Glance's database user.", when=_ON, flag="glance-db-passwd"),
    password("CONFIG_GLANCE_KS_PW", "Password of Glance's Keystone user.", when=_ON, flag="glance-ks-passwd"),
    choice_of(
        "CONFIG_GLANCE_BACKEND",
        "Where images are stored: in files on Glance's host, or in Swift (needs CONFIG_SWIFT_INSTALL=y).",
        ("file", "swift"),
        default="file",
        when=_ON,
        flag="glance-backend",
    ),
)


def _wanted(answers: Mapping[str, Any]) -> bool:
    return bool(answers["CONFIG_GLANCE_INSTALL"])


COMPONENTS: tuple[Component, ...] = (
    Component(
        "glance-database",
        role="database",
        requires=("database",),
        provides=("glance-database",),
        when=_wanted,
        secrets=("CONFIG_GLANCE_DB_PW",),
        without=CONFIGURES,
    ),
    Component(
        "glance-identity",
        role="identity",
        requires=("identity",),
        provides=("glance-identity",),
        when=_wanted,
        secrets=("CONFIG_GLANCE_KS_PW",),
        without=CONFIGURES,
    ),
    Component(
        "glance-api",
        role="image",
        requires=("cache", "glance-database", "glance-identity", "identity"),
        provides=("image",),
        reaches=("database",),
        ports=(Port(9292, public=True, what="image API"),),
        api=Api("image", ask="/images?limit=1", version="/v2"),
        migration=Migration("glance", ("glance-manage db_sync", "glance-manage db_load_metadefs"), order=40),
        probe=http("glance-api"),
        when=_wanted,
        packages=DATABASE
        + PYMEMCACHE
        + Names(
            debian=("glance-api", "python3-glanceclient", "qemu-utils"),
            redhat=("openstack-glance", "python3-glanceclient", "python3-openstackclient", "qemu-img"),
        ),
        units=Names(debian=("glance-api",), redhat=("openstack-glance-api",)),
        memory=measured(30, per_worker=90),
        disk=disk(0.05, 0.5),
        logs=("/var/log/glance/*.log",),
        secrets=(
            "CONFIG_GLANCE_DB_PW",
            "CONFIG_GLANCE_KS_PW",
        ),
    ),
)

SERVICE = Service(
    "glance",
    "Glance: images",
    OPTIONS,
    COMPONENTS,
    roles=(
        Role(
            "image",
            (
                "CONFIG_GLANCE_HOST",
                CONTROLLER,
            ),
        ),
    ),
    needs=(("CONFIG_GLANCE_BACKEND", "swift", "CONFIG_SWIFT_INSTALL", "the images would be stored in Swift"),),
    puppet=PuppetModule("glance", ("glance_api_config",), starts_async=True),
    checks="glance",
    switch="CONFIG_GLANCE_INSTALL",
    changes={
        "CONFIG_GLANCE_HOST": fixed("images are files on the host, and do not move", "glance-api"),
        "CONFIG_GLANCE_BACKEND": fixed(
            "images stay in the present back end, and Glance would no longer find them", "glance-api"
        ),
    },
)
