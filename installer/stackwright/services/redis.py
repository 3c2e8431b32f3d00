"""Redis: coordination of telemetry's processes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stackwright.model import Component, Option, Port, Service
from stackwright.records import APPLIED, Names, Role, applied
from stackwright.services.named_hosts import CONTROLLER
from stackwright.services.options import generated_secret, host_of, value_of
from stackwright.services.probes import units
from stackwright.services.shared_packages import WITH_TELEMETRY, measured
from stackwright.values import port

_ON = (("CONFIG_CEILOMETER_INSTALL", "y"), ("CONFIG_CEILOMETER_COORDINATION_BACKEND", "redis"))

OPTIONS: tuple[Option, ...] = (
    host_of(
        "CONFIG_REDIS_HOST",
        "Host of Redis. Empty: the controller.",
        when=_ON,
        flag="redis-host",
        was=("CONFIG_REDIS_MASTER_HOST",),
    ),
    value_of(
        "CONFIG_REDIS_PORT",
        "Port of Redis. Change it only if the default port is in use.",
        port,
        default="6379",
        when=_ON,
        flag="redis-port",
    ),
    generated_secret(
        "CONFIG_REDIS_PW",
        "Password of Redis: letters, digits and - _ . ~, because it is part of a URL. Packstack's Redis had none.",
        when=_ON,
        ours=True,
    ),
)


def _wanted(answers: Mapping[str, Any]) -> bool:
    return bool(answers["CONFIG_CEILOMETER_INSTALL"]) and answers["CONFIG_CEILOMETER_COORDINATION_BACKEND"] == "redis"


def url(answers: Mapping[str, Any], at: str) -> str:
    """The URL that Tooz connects to; `at` is the host in the form for URLs. Tooz does not unquote the password, so
    answers/texts.py allows only characters that need no quoting."""
    return f"redis://:{answers['CONFIG_REDIS_PW']}@{at}:{answers['CONFIG_REDIS_PORT']}"


COMPONENTS: tuple[Component, ...] = (
    Component(
        "redis",
        role="coordination",
        provides=("coordination",),
        ports=(Port(6379, what="Redis", key="CONFIG_REDIS_PORT"),),
        probe=units("redis"),
        when=_wanted,
        # CentOS Stream 10 has Valkey, a fork of Redis 7.2, instead of Redis.
        packages=Names(debian=("redis-server",), redhat=("redis",)).but("centos-stream-10", "valkey"),
        units=Names(debian=("redis-server",), redhat=("redis",)).but("centos-stream-10", "valkey"),
        memory=measured(10, source=WITH_TELEMETRY),
        logs=("/var/log/redis/*.log", "/var/log/valkey/*.log"),
        secrets=("CONFIG_REDIS_PW",),
    ),
)

SERVICE = Service(
    "redis",
    "Redis: coordination of telemetry's processes",
    OPTIONS,
    COMPONENTS,
    roles=(Role("coordination", ("CONFIG_REDIS_HOST", CONTROLLER), rank=30),),
    changes={
        "CONFIG_REDIS_HOST": applied("the Redis on the old host keeps running"),
        "CONFIG_REDIS_PORT": APPLIED,
        "CONFIG_REDIS_PW": APPLIED,
    },
)
