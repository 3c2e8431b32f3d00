"""Ironic: bare metal."""

from __future__ import annotations

from stackwright.model import Component, Option, Service
from stackwright.values import YES_NO, boolean, host, text

_ON = (("CONFIG_IRONIC_INSTALL", "y"),)

OPTIONS: tuple[Option, ...] = (
    Option(
        "CONFIG_IRONIC_INSTALL",
        "Install Ironic, which gives out whole machines.",
        default="n",
        parse=boolean,
        choices=YES_NO,
        flag="os-ironic-install",
    ),
    Option("CONFIG_IRONIC_HOST", "Host of Ironic. Empty: the controller.", default="", parse=host, when=_ON, ours=True),
    Option(
        "CONFIG_IRONIC_DB_PW",
        "Password of Ironic's database account.",
        default="PW_PLACEHOLDER",
        parse=text,
        secret=True,
        generate=True,
        when=_ON,
        flag="os-ironic-db-passwd",
    ),
    Option(
        "CONFIG_IRONIC_KS_PW",
        "Password of Ironic's own user in Keystone.",
        default="PW_PLACEHOLDER",
        parse=text,
        secret=True,
        generate=True,
        when=_ON,
        flag="os-ironic-ks-passwd",
    ),
)

COMPONENTS: tuple[Component, ...] = ()

SERVICE = Service(
    "ironic",
    "Ironic: bare metal",
    OPTIONS,
    COMPONENTS,
    switch="CONFIG_IRONIC_INSTALL",
    missing="its components are not written yet",
)
