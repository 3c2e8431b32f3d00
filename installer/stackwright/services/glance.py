"""Glance: images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stackwright.model import Component, Option, Port, Service
from stackwright.services.options import choice_of, host_of, password, switch
from stackwright.services.probes import http

_ON = (("CONFIG_GLANCE_INSTALL", "y"),)

OPTIONS: tuple[Option, ...] = (
    switch(
        "CONFIG_GLANCE_INSTALL",
        "Install the image service. Instances cannot boot without it.",
        default="y",
        flag="os-glance-install",
    ),
    host_of("CONFIG_GLANCE_HOST", "Host of Glance's API and its images. Empty: the controller.", when=_ON, ours=True),
    password("CONFIG_GLANCE_DB_PW", "Password of Glance's database account.", when=_ON, flag="glance-db-passwd"),
    password("CONFIG_GLANCE_KS_PW", "Password of Glance's own user in Keystone.", when=_ON, flag="glance-ks-passwd"),
    choice_of(
        "CONFIG_GLANCE_BACKEND",
        "Where images are kept: in files on Glance's host, or in Swift (then with CONFIG_SWIFT_INSTALL=y).",
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
    ),
    Component(
        "glance-identity",
        role="identity",
        requires=("identity",),
        provides=("glance-identity",),
        when=_wanted,
    ),
    Component(
        "glance-api",
        role="image",
        requires=("cache", "glance-database", "glance-identity", "identity"),
        provides=("image",),
        reaches=("database",),
        ports=(Port(9292, public=True, what="image API"),),
        probe=http("glance-api"),
        when=_wanted,
    ),
)

SERVICE = Service(
    "glance",
    "Glance: images",
    OPTIONS,
    COMPONENTS,
    switch="CONFIG_GLANCE_INSTALL",
)
