"""Aodh: alarms on measurements and events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stackwright.model import Component, Option, Port, Service
from stackwright.records import Api, Migration, Names, PuppetModule
from stackwright.services.options import password, switch
from stackwright.services.probes import http, units
from stackwright.services.shared_packages import APACHE, CONFIGURES, DATABASE, PYMEMCACHE, WITH_TELEMETRY, measured

_CEILOMETER = (("CONFIG_CEILOMETER_INSTALL", "y"),)
_ON = (*_CEILOMETER, ("CONFIG_AODH_INSTALL", "y"))

OPTIONS: tuple[Option, ...] = (
    switch(
        "CONFIG_AODH_INSTALL",
        "Install Aodh, which raises alarms on measurements and events. Without Ceilometer it has no effect.",
        when=_CEILOMETER,
        flag="os-aodh-install",
    ),
    password("CONFIG_AODH_KS_PW", "Password of Aodh's Keystone user.", when=_ON, flag="aodh-ks-passwd"),
    password("CONFIG_AODH_DB_PW", "Password of Aodh's database user.", when=_ON, flag="aodh-db-passwd"),
)


def _wanted(answers: Mapping[str, Any]) -> bool:
    return bool(answers["CONFIG_CEILOMETER_INSTALL"] and answers["CONFIG_AODH_INSTALL"])


_REQUIRES = ("aodh-database", "aodh-identity", "identity", "messaging")
_LOGS = ("/var/log/aodh/*.log",)
_SECRETS = ("CONFIG_AMQP_AUTH_PASSWORD", "CONFIG_AODH_DB_PW", "CONFIG_AODH_KS_PW", "CONFIG_REDIS_PW")


def _daemon(name: str, memory: int, *provides: str) -> Component:
    """One of Aodh's processes without an API."""
    return Component(
        f"aodh-{name}",
        role="telemetry",
        requires=_REQUIRES,
        after=("coordination",),
        provides=provides,
        reaches=("coordination", "database", "metric"),
        probe=units(f"aodh-{name}"),
        when=_wanted,
        packages=DATABASE
        + Names(debian=("aodh-common", f"aodh-{name}"), redhat=("openstack-aodh-common", f"openstack-aodh-{name}")),
        units=Names(debian=(f"aodh-{name}",), redhat=(f"openstack-aodh-{name}",)),
        memory=measured(memory, source=WITH_TELEMETRY),
        logs=_LOGS,
        secrets=_SECRETS,
    )


COMPONENTS: tuple[Component, ...] = (
    Component(
        "aodh-database",
        role="database",
        requires=("database",),
        provides=("aodh-database",),
        when=_wanted,
        secrets=("CONFIG_AODH_DB_PW",),
        without=CONFIGURES,
    ),
    Component(
        "aodh-identity",
        role="identity",
        requires=("identity",),
        provides=("aodh-identity",),
        when=_wanted,
        secrets=("CONFIG_AODH_KS_PW",),
        without=CONFIGURES,
    ),
    Component(
        "aodh-api",
        role="telemetry",
        requires=("cache", *_REQUIRES),
        after=("coordination",),
        provides=("alarming",),
        reaches=("coordination", "database", "metric"),
        ports=(Port(8042, public=True, what="alarming API"),),
        api=Api("alarming", ask="/v2/alarms?limit=1"),
        migration=Migration("aodh", ("aodh-db-sync",), order=80),
        probe=http("aodh-api"),
        when=_wanted,
        packages=DATABASE
        + PYMEMCACHE
        + APACHE
        + Names(
            debian=("aodh-api", "aodh-common", "python3-aodhclient"),
            redhat=("openstack-aodh-api", "openstack-aodh-common", "python3-aodhclient", "python3-openstackclient"),
        ),
        units=Names(debian=("aodh-api",), redhat=("httpd",)),
        selinux=("httpd_can_network_connect",),
        memory=measured(5, per_worker=115, source=WITH_TELEMETRY),
        logs=_LOGS,
        secrets=_SECRETS,
    ),
    _daemon("evaluator", 175, "alarm-evaluation"),
    _daemon("listener", 170, "event-alarms"),
    _daemon("notifier", 110, "alarm-notification"),
)

SERVICE = Service(
    "aodh",
    "Aodh: alarms",
    OPTIONS,
    COMPONENTS,
    puppet=PuppetModule("aodh", ("aodh_config",), starts_async=True),
    checks="aodh",
    expendable=True,
    switch="CONFIG_AODH_INSTALL",
)
