"""Glance: images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stackwright.model import Component, Option, Port, Service
from stackwright.services.probes import http
from stackwright.values import YES_NO, boolean, choice, host, text

_ON = (("CONFIG_GLANCE_INSTALL", "y"),)

OPTIONS: tuple[Option, ...] = (
    Option(
        "CONFIG_GLANCE_INSTALL",
        "Install the image service. Instances cannot boot without it.",
        default="y",
        parse=boolean,
        choices=YES_NO,
        flag="os-glance-install",
    ),
    Option(
        "CONFIG_GLANCE_HOST",
        "Host of Glance's API and its images. Empty: the controller.",
        default="",
        parse=host,
        when=_ON,
        ours=True,
    ),
    Option(
        "CONFIG_GLANCE_DB_PW",
        "Password of Glance's database account.",
        default="PW_PLACEHOLDER",
        parse=text,
        secret=True,
        generate=True,
        when=_ON,
        flag="glance-db-passwd",
    ),
    Option(
        "CONFIG_GLANCE_KS_PW",
        "Password of Glance's own user in Keystone.",
        default="PW_PLACEHOLDER",
        parse=text,
        secret=True,
        generate=True,
        when=_ON,
        flag="glance-ks-passwd",
    ),
    Option(
        "CONFIG_GLANCE_BACKEND",
        "Where images are kept: in files on Glance's host, or in Swift (then with CONFIG_SWIFT_INSTALL=y).",
        default="file",
        parse=choice("file", "swift"),
        choices=(
            "file",
            "swift",
        ),
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
