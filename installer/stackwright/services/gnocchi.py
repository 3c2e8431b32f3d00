"""Gnocchi: the figures over time."""

from __future__ import annotations

from stackwright.model import Component, Option, Service
from stackwright.values import text

_CEILOMETER = (("CONFIG_CEILOMETER_INSTALL", "y"),)

OPTIONS: tuple[Option, ...] = (
    Option(
        "CONFIG_GNOCCHI_DB_PW",
        "Password of Gnocchi's database account.",
        default="PW_PLACEHOLDER",
        parse=text,
        secret=True,
        generate=True,
        when=_CEILOMETER,
        flag="gnocchi-db-passwd",
    ),
    Option(
        "CONFIG_GNOCCHI_KS_PW",
        "Password of Gnocchi's own user in Keystone.",
        default="PW_PLACEHOLDER",
        parse=text,
        secret=True,
        generate=True,
        when=_CEILOMETER,
        flag="gnocchi-ks-passwd",
    ),
)

COMPONENTS: tuple[Component, ...] = ()

SERVICE = Service(
    "gnocchi",
    "Gnocchi: the figures over time",
    OPTIONS,
    COMPONENTS,
)
