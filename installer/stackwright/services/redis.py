"""Redis: coordination of Ceilometer's agents."""

from __future__ import annotations

from stackwright.model import Component, Option, Service
from stackwright.values import host, port

_REDIS = (("CONFIG_CEILOMETER_INSTALL", "y"), ("CONFIG_CEILOMETER_COORDINATION_BACKEND", "redis"))

OPTIONS: tuple[Option, ...] = (
    Option(
        "CONFIG_REDIS_HOST",
        "Host of Redis; the controller where it is empty.",
        default="",
        parse=host,
        was=("CONFIG_REDIS_MASTER_HOST",),
        when=_REDIS,
        flag="redis-host",
    ),
    Option(
        "CONFIG_REDIS_PORT",
        "Port on which Redis listens. Change it only when something else has it.",
        default="6379",
        parse=port,
        when=_REDIS,
        flag="redis-port",
    ),
)

COMPONENTS: tuple[Component, ...] = ()

SERVICE = Service(
    "redis",
    "Redis: coordination of Ceilometer's agents",
    OPTIONS,
    COMPONENTS,
)
