"""Aodh: alarms."""

from __future__ import annotations

from stackwright.model import Component, Option, Service
from stackwright.values import YES_NO, boolean, text

_CEILOMETER = (("CONFIG_CEILOMETER_INSTALL", "y"),)
_ON = (*_CEILOMETER, ("CONFIG_AODH_INSTALL", "y"))

OPTIONS: tuple[Option, ...] = (
    Option(
        "CONFIG_AODH_INSTALL",
        (
            "Install Aodh, which raises alarms on Ceilometer's measurements. It has no effect without "
            "Ceilometer. Packstack's default is y; here it is n as long as it cannot be installed."
        ),
        default="n",
        parse=boolean,
        choices=YES_NO,
        when=_CEILOMETER,
        flag="os-aodh-install",
    ),
    Option(
        "CONFIG_AODH_KS_PW",
        "Password of Aodh's own user in Keystone.",
        default="PW_PLACEHOLDER",
        parse=text,
        secret=True,
        generate=True,
        when=_ON,
        flag="aodh-ks-passwd",
    ),
    Option(
        "CONFIG_AODH_DB_PW",
        "Password of Aodh's database account.",
        default="PW_PLACEHOLDER",
        parse=text,
        secret=True,
        generate=True,
        when=_ON,
        flag="aodh-db-passwd",
    ),
)

COMPONENTS: tuple[Component, ...] = ()

SERVICE = Service(
    "aodh",
    "Aodh: alarms",
    OPTIONS,
    COMPONENTS,
    switch="CONFIG_AODH_INSTALL",
    missing="it needs Ceilometer, whose components are not written yet",
)
