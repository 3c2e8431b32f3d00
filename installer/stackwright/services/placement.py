"""Placement: resources of the compute hosts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stackwright.model import Component, Option, Port, Service
from stackwright.records import Api, Migration, Names, PuppetModule, Role
from stackwright.services.named_hosts import CONTROLLER
from stackwright.services.options import password
from stackwright.services.probes import http
from stackwright.services.shared_packages import APACHE, CONFIGURES, DATABASE, PYMEMCACHE, measured

_NOVA = (("CONFIG_NOVA_INSTALL", "y"),)

OPTIONS: tuple[Option, ...] = (
    password(
        "CONFIG_PLACEMENT_DB_PW",
        "Password of Placement's database user. Packstack used Nova's.",
        when=_NOVA,
        ours=True,
    ),
    password(
        "CONFIG_PLACEMENT_KS_PW",
        "Password of Placement's Keystone user. Packstack used Nova's.",
        when=_NOVA,
        ours=True,
    ),
)


def _wanted(answers: Mapping[str, Any]) -> bool:
    return bool(answers["CONFIG_NOVA_INSTALL"])


COMPONENTS: tuple[Component, ...] = (
    Component(
        "placement-database",
        role="database",
        requires=("database",),
        provides=("placement-database",),
        when=_wanted,
        secrets=("CONFIG_PLACEMENT_DB_PW",),
        without=CONFIGURES,
    ),
    Component(
        "placement-identity",
        role="identity",
        requires=("identity",),
        provides=("placement-identity",),
        when=_wanted,
        secrets=("CONFIG_PLACEMENT_KS_PW",),
        without=CONFIGURES,
    ),
    Component(
        "placement-api",
        role="placement",
        requires=("cache", "identity", "placement-database", "placement-identity"),
        provides=("placement",),
        reaches=("database",),
        ports=(Port(8778, public=True, what="placement API"),),
        api=Api("placement", ask="/resource_providers?name=stackwright"),
        migration=Migration("placement", ("placement-manage-db-sync",), order=60),
        probe=http("placement-api"),
        when=_wanted,
        packages=DATABASE
        + PYMEMCACHE
        + APACHE
        + Names(
            debian=("placement-api", "python3-osc-placement"),
            redhat=(
                "openstack-placement-api",
                "openstack-placement-common",
                "python3-osc-placement",
                "python3-placement",
            ),
        ),
        units=Names(debian=("placement-api",), redhat=("httpd",)),
        selinux=("httpd_can_network_connect",),
        memory=measured(20, per_worker=90),
        logs=("/var/log/placement/*.log",),
        secrets=(
            "CONFIG_PLACEMENT_DB_PW",
            "CONFIG_PLACEMENT_KS_PW",
        ),
    ),
)

SERVICE = Service(
    "placement",
    "Placement: resources of the compute hosts",
    OPTIONS,
    COMPONENTS,
    roles=(
        Role(
            "placement",
            (
                "CONFIG_NOVA_API_HOST",
                CONTROLLER,
            ),
        ),
    ),
    puppet=PuppetModule("placement", ("placement_config",)),
)
