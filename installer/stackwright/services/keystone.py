"""Keystone: users, projects and the list of services."""

from __future__ import annotations

from stackwright.model import Component, Option, Port, Service
from stackwright.services.probes import http
from stackwright.values import YES_NO, boolean, choice, host, text, word

OPTIONS: tuple[Option, ...] = (
    Option("CONFIG_KEYSTONE_HOST", "Host of Keystone's API. Empty: the controller.", default="", parse=host, ours=True),
    Option(
        "CONFIG_KEYSTONE_DB_PW",
        "Password of Keystone's database account.",
        default="PW_PLACEHOLDER",
        parse=text,
        secret=True,
        generate=True,
        flag="keystone-db-passwd",
    ),
    Option(
        "CONFIG_KEYSTONE_FERNET_TOKEN_ROTATE_ENABLE",
        "Renew the keys that tokens are made with by a nightly job.",
        default="y",
        parse=boolean,
        choices=YES_NO,
        flag="keystone-fernet-token-rotate-enable",
    ),
    Option(
        "CONFIG_KEYSTONE_REGION",
        "Name of the region. Change it when several clouds share one Keystone or one client configuration.",
        default="RegionOne",
        parse=word,
        flag="keystone-region",
        required=True,
    ),
    Option(
        "CONFIG_KEYSTONE_ADMIN_EMAIL",
        "Mail address of the administrator's account.",
        default="root@localhost",
        parse=text,
        flag="keystone-admin-email",
        required=True,
    ),
    Option(
        "CONFIG_KEYSTONE_ADMIN_USERNAME",
        "Name of the administrator's account.",
        default="admin",
        parse=word,
        flag="keystone-admin-username",
        required=True,
    ),
    Option(
        "CONFIG_KEYSTONE_ADMIN_PW",
        "Password of the administrator: for the dashboard, the API and keystonerc_admin.",
        default="PW_PLACEHOLDER",
        parse=text,
        secret=True,
        generate=True,
        was=("CONFIG_KEYSTONE_ADMINPASSWD",),
        flag="keystone-admin-passwd",
    ),
    Option(
        "CONFIG_KEYSTONE_DEMO_PW",
        "Password of the user demo, who is made with CONFIG_PROVISION_DEMO=y.",
        default="PW_PLACEHOLDER",
        parse=text,
        secret=True,
        generate=True,
        flag="keystone-demo-passwd",
    ),
    Option(
        "CONFIG_KEYSTONE_API_VERSION",
        "Version of the identity API. OpenStack has dropped v2.0.",
        default="v3",
        parse=choice("v3"),
        choices=("v3",),
        flag="keystone-api-version",
    ),
    Option(
        "CONFIG_KEYSTONE_TOKEN_FORMAT",
        "Format of tokens. OpenStack has dropped UUID and PKI.",
        default="FERNET",
        parse=choice("FERNET"),
        choices=("FERNET",),
        flag="keystone-token-format",
    ),
    Option(
        "CONFIG_KEYSTONE_IDENTITY_BACKEND",
        "Where users and groups live: in Keystone's own database, or in a directory (keys CONFIG_KEYSTONE_LDAP_*).",
        default="sql",
        parse=choice("sql", "ldap"),
        choices=(
            "sql",
            "ldap",
        ),
        flag="keystone-identity-backend",
        not_yet=("ldap",),
    ),
)

COMPONENTS: tuple[Component, ...] = (
    Component("keystone-database", role="database", requires=("database",), provides=("keystone-database",)),
    Component(
        "keystone",
        role="identity",
        requires=("cache", "keystone-database", "messaging"),
        provides=("identity",),
        reaches=("database",),
        ports=(Port(5000, public=True, what="identity API"),),
        probe=http("keystone", "/v3"),
    ),
)

SERVICE = Service(
    "keystone",
    "Keystone: users, projects and the list of services",
    OPTIONS,
    COMPONENTS,
)
