"""The record of a service that does not exist: what it takes to add one. It keeps secrets, and has an API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stackwright.model import Component, Option, Port, Service
from stackwright.records import Api, Migration, Names, PuppetModule, Role
from stackwright.services.named_hosts import CONTROLLER
from stackwright.services.options import host_of, password, switch
from stackwright.services.probes import http
from stackwright.services.shared_packages import CONFIGURES, DATABASE, disk, estimated

_ON = (("CONFIG_VAULT_INSTALL", "y"),)

OPTIONS: tuple[Option, ...] = (
    switch("CONFIG_VAULT_INSTALL", "Install Vault.", ours=True),
    host_of("CONFIG_VAULT_HOST", "Host of Vault. Empty: the controller.", when=_ON, ours=True),
    password("CONFIG_VAULT_DB_PW", "Password of Vault's database.", when=_ON, ours=True),
    password("CONFIG_VAULT_KS_PW", "Password of Vault's user in Keystone.", when=_ON, ours=True),
)


def _wanted(answers: Mapping[str, Any]) -> bool:
    return bool(answers["CONFIG_VAULT_INSTALL"])


COMPONENTS: tuple[Component, ...] = (
    Component(
        "vault-database",
        role="database",
        requires=("database",),
        provides=("vault-database",),
        when=_wanted,
        secrets=("CONFIG_VAULT_DB_PW",),
        without=CONFIGURES,
    ),
    Component(
        "vault-identity",
        role="identity",
        requires=("identity",),
        provides=("vault-identity",),
        when=_wanted,
        secrets=("CONFIG_VAULT_KS_PW",),
        without=CONFIGURES,
    ),
    Component(
        "vault-api",
        role="vault",
        requires=("identity", "vault-database", "vault-identity"),
        provides=("key-manager",),
        reaches=("database",),
        ports=(Port(9311, public=True, what="key manager API"),),
        api=Api("key-manager", "/v1", ask="/secrets?limit=1"),
        migration=Migration("vault", ("vault-db-sync",)),
        probe=http("vault-api"),
        when=_wanted,
        packages=DATABASE + Names(debian=("vault-api",), redhat=("openstack-vault-api",)),
        units=Names(debian=("vault-api",), redhat=("openstack-vault-api",)),
        memory=estimated(50, per_worker=90),
        disk=disk(1.5, 2.5),
        logs=("/var/log/vault/*.log",),
        secrets=("CONFIG_VAULT_DB_PW", "CONFIG_VAULT_KS_PW"),
    ),
)

SERVICE = Service(
    "vault",
    "Vault: secrets",
    OPTIONS,
    COMPONENTS,
    roles=(Role("vault", ("CONFIG_VAULT_HOST", CONTROLLER)),),
    needs=(("CONFIG_VAULT_INSTALL", "y", "CONFIG_GLANCE_INSTALL", "its secrets sign images"),),
    puppet=PuppetModule("vault", starts_async=True),
    checks="vault",
    tempest={"key-manager": (r"vault_tempest_plugin\.",)},
    switch="CONFIG_VAULT_INSTALL",
    expendable=True,
)
