"""Ceilometer: measurements."""

from __future__ import annotations

from stackwright.model import Component, Option, Service
from stackwright.values import YES_NO, boolean, choice, host, text

_ON = (("CONFIG_CEILOMETER_INSTALL", "y"),)

OPTIONS: tuple[Option, ...] = (
    Option(
        "CONFIG_CEILOMETER_INSTALL",
        (
            "Install Ceilometer, which measures usage, and Gnocchi, which keeps the figures. Packstack's "
            "default is y; here it is n as long as it cannot be installed."
        ),
        default="n",
        parse=boolean,
        choices=YES_NO,
        flag="os-ceilometer-install",
    ),
    Option(
        "CONFIG_CEILOMETER_HOST",
        "Host of Ceilometer, Gnocchi and Aodh. Empty: the controller.",
        default="",
        parse=host,
        when=_ON,
        ours=True,
    ),
    Option(
        "CONFIG_CEILOMETER_SECRET",
        "Secret that measurements are signed with.",
        default="",
        parse=text,
        secret=True,
        generate=True,
        when=_ON,
        flag="ceilometer-secret",
    ),
    Option(
        "CONFIG_CEILOMETER_KS_PW",
        "Password of Ceilometer's own user in Keystone.",
        default="PW_PLACEHOLDER",
        parse=text,
        secret=True,
        generate=True,
        when=_ON,
        flag="ceilometer-ks-passwd",
    ),
    Option(
        "CONFIG_CEILOMETER_COORDINATION_BACKEND",
        "What several agents share their work through; none when there is one.",
        default="redis",
        parse=choice("redis", "none"),
        choices=(
            "redis",
            "none",
        ),
        when=_ON,
        flag="ceilometer-coordination-backend",
    ),
    Option(
        "CONFIG_ENABLE_CEILOMETER_MIDDLEWARE",
        "Measure what goes through Swift as well.",
        default="n",
        parse=boolean,
        choices=YES_NO,
        when=_ON,
        flag="enable-ceilometer-middleware",
    ),
)

COMPONENTS: tuple[Component, ...] = ()

SERVICE = Service(
    "ceilometer",
    "Ceilometer: measurements",
    OPTIONS,
    COMPONENTS,
    switch="CONFIG_CEILOMETER_INSTALL",
    missing="its components are not written yet",
)
