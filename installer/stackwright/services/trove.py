"""Trove: databases as a service."""

from __future__ import annotations

from stackwright.model import Component, Option, Service
from stackwright.values import YES_NO, boolean, text, word

_ON = (("CONFIG_TROVE_INSTALL", "y"),)

OPTIONS: tuple[Option, ...] = (
    Option(
        "CONFIG_TROVE_INSTALL",
        "Install Trove, which gives out databases.",
        default="n",
        parse=boolean,
        choices=YES_NO,
        flag="os-trove-install",
    ),
    Option(
        "CONFIG_TROVE_DB_PW",
        "Password of Trove's database account.",
        default="PW_PLACEHOLDER",
        parse=text,
        secret=True,
        generate=True,
        when=_ON,
        flag="trove-db-passwd",
    ),
    Option(
        "CONFIG_TROVE_KS_PW",
        "Password of Trove's own user in Keystone.",
        default="PW_PLACEHOLDER",
        parse=text,
        secret=True,
        generate=True,
        when=_ON,
        flag="trove-ks-passwd",
    ),
    Option(
        "CONFIG_TROVE_NOVA_USER",
        "User with which Trove talks to Nova.",
        default="trove",
        parse=word,
        when=_ON,
        flag="trove-nova-user",
        required=True,
    ),
    Option(
        "CONFIG_TROVE_NOVA_TENANT",
        "Project of that user.",
        default="services",
        parse=word,
        when=_ON,
        flag="trove-nova-tenant",
        required=True,
    ),
    Option(
        "CONFIG_TROVE_NOVA_PW",
        "Password of that user.",
        default="PW_PLACEHOLDER",
        parse=text,
        secret=True,
        generate=True,
        when=_ON,
        flag="trove-nova-passwd",
    ),
)

COMPONENTS: tuple[Component, ...] = ()

SERVICE = Service(
    "trove",
    "Trove: databases as a service",
    OPTIONS,
    COMPONENTS,
    switch="CONFIG_TROVE_INSTALL",
    missing="its components are not written yet",
)
