"""Ceilometer: measures the cloud's usage and collects events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from stackwright.model import Component, Option, Service
from stackwright.records import APPLIED, Names, PackageSet, PuppetModule, Role, applied, fixed
from stackwright.services.named_hosts import CONTROLLER
from stackwright.services.options import choice_of, generated_secret, host_of, password, switch, value_of
from stackwright.services.probes import units
from stackwright.services.shared_packages import CONFIGURES, WITH_TELEMETRY, measured
from stackwright.values import natural

_ON = (("CONFIG_CEILOMETER_INSTALL", "y"),)

OPTIONS: tuple[Option, ...] = (
    switch(
        "CONFIG_CEILOMETER_INSTALL",
        "Install Ceilometer, which measures usage, and Gnocchi, which stores the measurements.",
        flag="os-ceilometer-install",
    ),
    host_of(
        "CONFIG_CEILOMETER_HOST", "Host of Ceilometer, Gnocchi and Aodh. Empty: the controller.", when=_ON, ours=True
    ),
    generated_secret("CONFIG_CEILOMETER_SECRET", "Secret that signs measurements.", when=_ON, flag="ceilometer-secret"),
    password(
        "CONFIG_CEILOMETER_KS_PW", "Password of Ceilometer's Keystone user.", when=_ON, flag="ceilometer-ks-passwd"
    ),
    choice_of(
        "CONFIG_CEILOMETER_COORDINATION_BACKEND",
        (
            "How the processes of Ceilometer, Gnocchi and Aodh share their work: through Redis, or without it (none), "
            "which is enough on one host; Gnocchi then uses its database."
        ),
        ("redis", "none"),
        default="redis",
        when=_ON,
        flag="ceilometer-coordination-backend",
    ),
    switch(
        "CONFIG_ENABLE_CEILOMETER_MIDDLEWARE",
        "Also measure requests to Swift.",
        when=_ON,
        flag="enable-ceilometer-middleware",
    ),
    value_of(
        "CONFIG_CEILOMETER_POLLING_INTERVAL",
        (
            "Seconds between two measurements of an instance. Measurements from APIs (volumes, objects) are taken "
            "every five minutes, or at this interval if it is longer. Gnocchi keeps five-minute averages."
        ),
        natural,
        default="60",
        when=_ON,
        required=True,
        ours=True,
    ),
)


def _wanted(answers: Mapping[str, Any]) -> bool:
    return bool(answers["CONFIG_CEILOMETER_INSTALL"])


def _with(*keys: str) -> Callable[[Mapping[str, Any]], bool]:
    """A condition: telemetry is wanted, and each of these switches is on."""
    return lambda answers: _wanted(answers) and all(answers[key] for key in keys)


_LOGS = ("/var/log/ceilometer/*.log",)
_SECRETS = ("CONFIG_AMQP_AUTH_PASSWORD", "CONFIG_CEILOMETER_KS_PW", "CONFIG_CEILOMETER_SECRET")

COMPONENTS: tuple[Component, ...] = (
    Component(
        "ceilometer-identity",
        role="identity",
        requires=("identity",),
        provides=("ceilometer-identity",),
        when=_wanted,
        secrets=("CONFIG_CEILOMETER_KS_PW",),
        without=CONFIGURES,
    ),
    Component(
        "ceilometer-notification",
        role="telemetry",
        requires=("ceilometer-identity", "identity", "messaging", "metric"),
        provides=("telemetry",),
        probe=units("ceilometer-notification"),
        when=_wanted,
        packages=Names(
            debian=("ceilometer-agent-notification", "ceilometer-common"),
            redhat=("openstack-ceilometer-common", "openstack-ceilometer-notification"),
        ),
        units=Names(debian=("ceilometer-agent-notification",), redhat=("openstack-ceilometer-notification",)),
        memory=measured(155, source=WITH_TELEMETRY),
        logs=_LOGS,
        secrets=_SECRETS,
    ),
    Component(
        "ceilometer-central",
        role="telemetry",
        requires=("ceilometer-identity", "identity", "messaging"),
        after=("coordination",),
        reaches=("coordination",),
        provides=("telemetry-central",),
        probe=units("ceilometer-central"),
        when=_wanted,
        packages=Names(
            debian=("ceilometer-common", "ceilometer-polling"),
            redhat=("openstack-ceilometer-common", "openstack-ceilometer-polling"),
        ),
        units=Names(debian=("ceilometer-polling",), redhat=("openstack-ceilometer-polling",)),
        memory=measured(125, source=WITH_TELEMETRY),
        logs=_LOGS,
        secrets=(*_SECRETS, "CONFIG_REDIS_PW"),
    ),
    Component(
        "ceilometer-compute",
        role="compute",
        requires=("ceilometer-identity", "identity", "messaging"),
        provides=("telemetry-compute",),
        probe=units("ceilometer-compute"),
        when=_with("CONFIG_NOVA_INSTALL"),
        packages=Names(
            debian=("ceilometer-common", "ceilometer-polling", "python3-libvirt"),
            redhat=("openstack-ceilometer-common", "openstack-ceilometer-polling", "python3-libvirt"),
        ),
        units=Names(debian=("ceilometer-polling",), redhat=("openstack-ceilometer-polling",)),
        memory=measured(125, source=WITH_TELEMETRY),
        logs=_LOGS,
        secrets=_SECRETS,
    ),
    Component(
        "glance-notifications",
        role="image",
        provides=("image-notifications",),
        reaches=("messaging",),
        when=_with("CONFIG_GLANCE_INSTALL"),
        secrets=("CONFIG_AMQP_AUTH_PASSWORD",),
        without=CONFIGURES,
    ),
    Component(
        "swift-notifications",
        role="object-proxy",
        provides=("object-notifications",),
        reaches=("messaging",),
        when=_with("CONFIG_SWIFT_INSTALL", "CONFIG_ENABLE_CEILOMETER_MIDDLEWARE"),
        packages=Names(debian=("python3-ceilometermiddleware",), redhat=("python3-ceilometermiddleware",)),
        secrets=("CONFIG_AMQP_AUTH_PASSWORD", "CONFIG_SWIFT_KS_PW"),
        without={fact: why for fact, why in CONFIGURES.items() if fact != "packages"},
    ),
)

PACKAGE_SETS: tuple[PackageSet, ...] = (
    PackageSet(
        "telemetry-modules",
        # A cloud without telemetry does not need these Puppet modules.
        Names(
            debian=("puppet-module-aodh", "puppet-module-ceilometer", "puppet-module-gnocchi"),
            redhat=("puppet-aodh", "puppet-ceilometer", "puppet-gnocchi"),
        ),
        when=lambda answers: bool(answers.get("CONFIG_CEILOMETER_INSTALL")),
    ),
    PackageSet(
        "telemetry-clients",
        Names(
            debian=("python3-aodhclient", "python3-gnocchiclient"),
            redhat=("python3-aodhclient", "python3-gnocchiclient"),
        ),
        of=("clients", "heat-engine"),
        when=lambda answers: bool(answers.get("CONFIG_CEILOMETER_INSTALL")),
    ),
    PackageSet(
        "telemetry-coordination",
        Names(debian=("python3-redis",), redhat=("python3-redis",)),
        of=("aodh-evaluator", "ceilometer-central", "gnocchi-api"),
        when=lambda answers: (
            bool(answers.get("CONFIG_CEILOMETER_INSTALL"))
            and answers.get("CONFIG_CEILOMETER_COORDINATION_BACKEND") == "redis"
        ),
    ),
)

SERVICE = Service(
    "ceilometer",
    "Ceilometer: measurements",
    OPTIONS,
    COMPONENTS,
    roles=(Role("telemetry", ("CONFIG_CEILOMETER_HOST", CONTROLLER)),),
    needs=(("CONFIG_ENABLE_CEILOMETER_MIDDLEWARE", "y", "CONFIG_SWIFT_INSTALL", "it measures Swift"),),
    package_sets=PACKAGE_SETS,
    puppet=PuppetModule("ceilometer", ("ceilometer_config",), starts_async=True),
    checks="ceilometer",
    expendable=True,
    switch="CONFIG_CEILOMETER_INSTALL",
    changes={
        "CONFIG_CEILOMETER_HOST": fixed("measurements are files on the host, and do not move", "gnocchi-api"),
        "CONFIG_CEILOMETER_COORDINATION_BACKEND": applied("a Redis that is no longer used keeps running"),
        "CONFIG_CEILOMETER_POLLING_INTERVAL": APPLIED,
        "CONFIG_CEILOMETER_SECRET": APPLIED,
    },
)
