"""Gnocchi: storage of measurements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stackwright.model import Component, Option, Port, Service
from stackwright.records import Api, Names, PackageSet, PuppetModule
from stackwright.services.options import password
from stackwright.services.probes import http, units
from stackwright.services.shared_packages import APACHE, CONFIGURES, DATABASE, PYMEMCACHE, WITH_TELEMETRY, measured

_ON = (("CONFIG_CEILOMETER_INSTALL", "y"),)

OPTIONS: tuple[Option, ...] = (
    password("CONFIG_GNOCCHI_DB_PW", "Password of Gnocchi's database user.", when=_ON, flag="gnocchi-db-passwd"),
    password("CONFIG_GNOCCHI_KS_PW", "Password of Gnocchi's Keystone user.", when=_ON, flag="gnocchi-ks-passwd"),
)


def _wanted(answers: Mapping[str, Any]) -> bool:
    return bool(answers["CONFIG_CEILOMETER_INSTALL"])


_LOGS = ("/var/log/gnocchi/*.log",)
_SECRETS = ("CONFIG_GNOCCHI_DB_PW", "CONFIG_GNOCCHI_KS_PW", "CONFIG_REDIS_PW")

COMPONENTS: tuple[Component, ...] = (
    Component(
        "gnocchi-database",
        role="database",
        requires=("database",),
        provides=("gnocchi-database",),
        when=_wanted,
        secrets=("CONFIG_GNOCCHI_DB_PW",),
        without=CONFIGURES,
    ),
    Component(
        "gnocchi-identity",
        role="identity",
        requires=("identity",),
        provides=("gnocchi-identity",),
        when=_wanted,
        secrets=("CONFIG_GNOCCHI_KS_PW",),
        without=CONFIGURES,
    ),
    Component(
        "gnocchi-api",
        role="telemetry",
        requires=("cache", "gnocchi-database", "gnocchi-identity", "identity"),
        after=("coordination",),
        provides=("metric",),
        reaches=("coordination", "database"),
        ports=(Port(8041, public=True, what="metric API"),),
        api=Api("metric", ask="/v1/archive_policy"),
        probe=http("gnocchi-api"),
        when=_wanted,
        packages=DATABASE
        + PYMEMCACHE
        + APACHE
        + Names(
            debian=("gnocchi-api", "gnocchi-common", "python3-gnocchiclient"),
            redhat=("gnocchi-api", "gnocchi-common", "python3-gnocchiclient", "python3-openstackclient"),
        ),
        units=Names(debian=("gnocchi-api",), redhat=("httpd",)),
        selinux=("httpd_can_network_connect",),
        memory=measured(10, per_worker=175, source=WITH_TELEMETRY),
        logs=_LOGS,
        secrets=_SECRETS,
    ),
    Component(
        "gnocchi-metricd",
        role="telemetry",
        requires_here=("metric",),
        after=("coordination",),
        provides=("metric-processing",),
        reaches=("coordination", "database"),
        probe=units("gnocchi-metricd"),
        when=_wanted,
        packages=DATABASE
        + Names(debian=("gnocchi-common", "gnocchi-metricd"), redhat=("gnocchi-common", "gnocchi-metricd")),
        units=Names(debian=("gnocchi-metricd",), redhat=("gnocchi-metricd",)),
        memory=measured(195, per_worker=105, source=WITH_TELEMETRY),
        logs=_LOGS,
        secrets=_SECRETS,
    ),
    Component(
        "gnocchi-statsd",
        role="telemetry",
        requires_here=("metric",),
        after=("coordination",),
        provides=("metric-statsd",),
        reaches=("coordination", "database"),
        probe=units("gnocchi-statsd"),
        when=_wanted,
        packages=DATABASE
        + Names(debian=("gnocchi-common", "gnocchi-statsd"), redhat=("gnocchi-common", "gnocchi-statsd")),
        units=Names(debian=("gnocchi-statsd",), redhat=("gnocchi-statsd",)),
        memory=measured(130, source=WITH_TELEMETRY),
        logs=_LOGS,
        secrets=_SECRETS,
    ),
)

PACKAGE_SETS: tuple[PackageSet, ...] = (
    PackageSet(
        "gnocchi-indexer",
        # The Puppet modules of older releases ask for it by this name.
        Names(redhat=("openstack-gnocchi-indexer-sqlalchemy",)).but("redhat", since="2024.2"),
        of=("gnocchi-api",),
    ),
)

SERVICE = Service(
    "gnocchi",
    "Gnocchi: storage of measurements",
    OPTIONS,
    COMPONENTS,
    package_sets=PACKAGE_SETS,
    # Not started in parallel: Ceilometer's upgrade, in the same run, talks to the API.
    puppet=PuppetModule("gnocchi", ("gnocchi_config",)),
)
