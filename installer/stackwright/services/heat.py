"""Heat, the orchestration service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stackwright.model import Component, Option, Port, Service
from stackwright.records import Api, Migration, Names, PuppetModule, Role, applied, fixed
from stackwright.services.named_hosts import CONTROLLER
from stackwright.services.options import generated_secret, host_of, password, switch, value_of
from stackwright.services.probes import http, units
from stackwright.services.shared_packages import CONFIGURES, DATABASE, WITH_TELEMETRY, measured
from stackwright.values import word

_ON = (("CONFIG_HEAT_INSTALL", "y"),)

_LEFT = "the service on the old host keeps running"

OPTIONS: tuple[Option, ...] = (
    switch("CONFIG_HEAT_INSTALL", "Install Heat, the orchestration service.", flag="os-heat-install"),
    host_of("CONFIG_HEAT_HOST", "Host of Heat. Empty: the controller.", when=_ON, ours=True),
    host_of(
        "CONFIG_HEAT_CFN_HOST",
        "Host of Heat's CloudFormation API. Empty: the host of Heat.",
        when=(*_ON, ("CONFIG_HEAT_CFN_INSTALL", "y")),
        ours=True,
    ),
    password("CONFIG_HEAT_DB_PW", "Password of Heat's database user.", when=_ON, flag="os-heat-mysql-password"),
    generated_secret(
        "CONFIG_HEAT_AUTH_ENC_KEY",
        "Key that encrypts credentials in Heat's database: 16, 24 or 32 characters.",
        when=_ON,
        flag="heat-auth-encryption-key",
    ),
    password("CONFIG_HEAT_KS_PW", "Password of Heat's Keystone user.", when=_ON, flag="os-heat-ks-passwd"),
    switch(
        "CONFIG_HEAT_CFN_INSTALL",
        "Install Heat's CloudFormation-compatible API.",
        default="y",
        when=_ON,
        flag="os-heat-cfn-install",
    ),
    value_of(
        "CONFIG_HEAT_DOMAIN",
        "Keystone domain for the users that Heat creates.",
        word,
        default="heat",
        when=_ON,
        flag="os-heat-domain",
        required=True,
    ),
    value_of(
        "CONFIG_HEAT_DOMAIN_ADMIN",
        "Administrator of Heat's Keystone domain.",
        word,
        default="heat_admin",
        when=_ON,
        flag="os-heat-domain-admin",
        required=True,
    ),
    password(
        "CONFIG_HEAT_DOMAIN_PASSWORD", "Password of CONFIG_HEAT_DOMAIN_ADMIN.", when=_ON, flag="os-heat-domain-password"
    ),
)


def _wanted(answers: Mapping[str, Any]) -> bool:
    return bool(answers["CONFIG_HEAT_INSTALL"])


_REQUIRES = ("cache", "heat-database", "heat-identity", "identity", "messaging")

_LOGS = ("/var/log/heat/*.log",)
_SECRETS = ("CONFIG_AMQP_AUTH_PASSWORD", "CONFIG_HEAT_DB_PW", "CONFIG_HEAT_KS_PW")

COMPONENTS: tuple[Component, ...] = (
    Component(
        "heat-database",
        role="database",
        requires=("database",),
        provides=("heat-database",),
        when=_wanted,
        secrets=("CONFIG_HEAT_DB_PW",),
        without=CONFIGURES,
    ),
    Component(
        "heat-identity",
        role="identity",
        requires=("identity",),
        provides=("heat-identity",),
        when=_wanted,
        secrets=("CONFIG_HEAT_KS_PW", "CONFIG_HEAT_DOMAIN_PASSWORD"),
        without=CONFIGURES,
    ),
    Component(
        "heat-api",
        role="orchestration",
        requires=_REQUIRES,
        provides=("orchestration",),
        reaches=("database",),
        ports=(Port(8004, public=True, what="orchestration API"),),
        api=Api("orchestration", "/v1/%(tenant_id)s", ask="/stacks?limit=1"),
        probe=http("heat-api"),
        when=_wanted,
        packages=DATABASE
        + Names(
            debian=("heat-api", "heat-common", "python3-heatclient"),
            redhat=("openstack-heat-api", "openstack-heat-common", "python3-heatclient"),
        ),
        units=Names(debian=("heat-api",), redhat=("openstack-heat-api",)),
        memory=measured(5, per_worker=95, source=WITH_TELEMETRY),
        logs=_LOGS,
        secrets=_SECRETS,
    ),
    Component(
        "heat-api-cfn",
        role="cloudformation",
        requires=_REQUIRES,
        provides=("cloudformation",),
        reaches=("database",),
        ports=(Port(8000, public=True, what="CloudFormation API"),),
        api=Api("cloudformation", "/v1"),
        probe=http("heat-api-cfn"),
        when=lambda answers: _wanted(answers) and bool(answers["CONFIG_HEAT_CFN_INSTALL"]),
        packages=DATABASE
        + Names(
            debian=("heat-api-cfn", "heat-common"),
            redhat=("openstack-heat-api-cfn", "openstack-heat-common"),
        ),
        units=Names(debian=("heat-api-cfn",), redhat=("openstack-heat-api-cfn",)),
        memory=measured(5, per_worker=95, source=WITH_TELEMETRY),
        logs=_LOGS,
        secrets=_SECRETS,
    ),
    Component(
        "heat-engine",
        role="orchestration",
        requires=_REQUIRES,
        provides=("orchestration-engine",),
        reaches=("database",),
        migration=Migration("heat", ("heat-dbsync",), order=70),
        probe=units("heat-engine"),
        when=_wanted,
        packages=DATABASE
        + Names(
            debian=("heat-common", "heat-engine"),
            redhat=("openstack-heat-common", "openstack-heat-engine"),
        ),
        units=Names(debian=("heat-engine",), redhat=("openstack-heat-engine",)),
        memory=measured(60, per_worker=100, source=WITH_TELEMETRY),
        logs=_LOGS,
        secrets=(*_SECRETS, "CONFIG_HEAT_AUTH_ENC_KEY", "CONFIG_HEAT_DOMAIN_PASSWORD"),
    ),
)

SERVICE = Service(
    "heat",
    "Heat: orchestration",
    OPTIONS,
    COMPONENTS,
    roles=(
        Role(
            "orchestration",
            (
                "CONFIG_HEAT_HOST",
                CONTROLLER,
            ),
        ),
        Role(
            "cloudformation",
            (
                "CONFIG_HEAT_CFN_HOST",
                "CONFIG_HEAT_HOST",
                CONTROLLER,
            ),
        ),
    ),
    tempest={"orchestration": (r"heat_tempest_plugin\..*test_(create_update|template_validate)\b",)},
    puppet=PuppetModule("heat", ("heat_config",), starts_async=True),
    checks="heat",
    expendable=True,
    switch="CONFIG_HEAT_INSTALL",
    changes={
        "CONFIG_HEAT_HOST": applied(_LEFT),
        "CONFIG_HEAT_CFN_HOST": applied(_LEFT),
        "CONFIG_HEAT_AUTH_ENC_KEY": fixed(
            "Heat's database is encrypted with it, and stacks could not be read", "heat-engine"
        ),
        "CONFIG_HEAT_DOMAIN": fixed("the users of stacks are in the domain", "heat-engine"),
        "CONFIG_HEAT_DOMAIN_ADMIN": applied("the old user stays in Keystone"),
    },
)
