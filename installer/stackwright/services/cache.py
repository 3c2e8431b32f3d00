"""Memcached: cache for tokens and sessions."""

from __future__ import annotations

from stackwright.model import Component, Option, Port, Service
from stackwright.records import APPLIED, Names, Role, applied
from stackwright.services.named_hosts import CONTROLLER
from stackwright.services.options import hosts_of, value_of
from stackwright.services.probes import units
from stackwright.services.shared_packages import measured
from stackwright.values import size

OPTIONS: tuple[Option, ...] = (
    hosts_of(
        "CONFIG_CACHE_HOSTS",
        "Hosts of memcached, comma-separated; they share the load. Empty: the controller.",
        ours=True,
        passed_as=("memcached",),
    ),
    value_of(
        "CONFIG_CACHE_MEMORY",
        "Memory for memcached. The default is enough for a few hundred users; increase it for busy dashboards.",
        size,
        default="256M",
        ours=True,
    ),
)

COMPONENTS: tuple[Component, ...] = (
    Component(
        "memcached",
        role="cache",
        provides=("cache",),
        ports=(Port(11211, what="memcached"),),
        probe=units("memcached"),
        packages=Names(debian=("memcached",), redhat=("memcached",)),
        units=Names(debian=("memcached",), redhat=("memcached",)),
        memory=measured(60),
        logs=("/var/log/memcached.log",),
    ),
)

SERVICE = Service(
    "cache",
    "Memcached: cache for tokens and sessions",
    OPTIONS,
    COMPONENTS,
    roles=(
        Role(
            "cache",
            (
                "CONFIG_CACHE_HOSTS",
                CONTROLLER,
            ),
            rank=30,
        ),
    ),
    changes={
        "CONFIG_CACHE_HOSTS": applied("a cache on a host that is left out keeps running"),
        "CONFIG_CACHE_MEMORY": APPLIED,
    },
)
