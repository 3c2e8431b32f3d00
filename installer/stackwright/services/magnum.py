"""Magnum: container clusters."""

from __future__ import annotations

from stackwright.model import Component, Option, Service
from stackwright.values import YES_NO, boolean, text

_ON = (("CONFIG_MAGNUM_INSTALL", "y"),)

OPTIONS: tuple[Option, ...] = (
    Option(
        "CONFIG_MAGNUM_INSTALL",
        "Install Magnum, which builds container clusters. It needs Heat.",
        default="n",
        parse=boolean,
        choices=YES_NO,
        flag="os-magnum-install",
    ),
    Option(
        "CONFIG_MAGNUM_DB_PW",
        "Password of Magnum's database account.",
        default="PW_PLACEHOLDER",
        parse=text,
        secret=True,
        generate=True,
        when=_ON,
        flag="magnum-db-passwd",
    ),
    Option(
        "CONFIG_MAGNUM_KS_PW",
        "Password of Magnum's own user in Keystone.",
        default="PW_PLACEHOLDER",
        parse=text,
        secret=True,
        generate=True,
        when=_ON,
        flag="magnum-ks-passwd",
    ),
)

COMPONENTS: tuple[Component, ...] = ()

SERVICE = Service(
    "magnum",
    "Magnum: container clusters",
    OPTIONS,
    COMPONENTS,
    switch="CONFIG_MAGNUM_INSTALL",
    missing="its components are not written yet",
)
