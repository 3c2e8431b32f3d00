"""Keystone: users, projects, service catalog."""

from __future__ import annotations

from stackwright.model import Component, Option, Port, Service
from stackwright.records import APPLIED, Api, Migration, Names, PuppetModule, Role, fixed
from stackwright.services.named_hosts import CONTROLLER
from stackwright.services.options import choice_of, host_of, password, switch, value_of
from stackwright.services.probes import http
from stackwright.services.shared_packages import APACHE, CACHE, CONFIGURES, DATABASE, measured
from stackwright.values import text, word

OPTIONS: tuple[Option, ...] = (
    host_of("CONFIG_KEYSTONE_HOST", "Host of Keystone's API. Empty: the controller.", ours=True),
    password("CONFIG_KEYSTONE_DB_PW", "Password of Keystone's database user.", flag="keystone-db-passwd"),
    switch(
        "CONFIG_KEYSTONE_FERNET_TOKEN_ROTATE_ENABLE",
        "Rotate the Fernet token keys in a nightly job.",
        default="y",
        flag="keystone-fernet-token-rotate-enable",
    ),
    value_of(
        "CONFIG_KEYSTONE_REGION",
        "Region name. Change it if several clouds share one Keystone or one client configuration.",
        word,
        default="RegionOne",
        flag="keystone-region",
        required=True,
    ),
    value_of(
        "CONFIG_KEYSTONE_ADMIN_EMAIL",
        "E-mail address of the admin user.",
        text,
        default="root@localhost",
        flag="keystone-admin-email",
        required=True,
    ),
    value_of(
        "CONFIG_KEYSTONE_ADMIN_USERNAME",
        "Name of the admin user.",
        word,
        default="admin",
        flag="keystone-admin-username",
        required=True,
    ),
    password(
        "CONFIG_KEYSTONE_ADMIN_PW",
        "Password of the admin user, for the dashboard, the APIs and keystonerc_admin.",
        flag="keystone-admin-passwd",
        was=("CONFIG_KEYSTONE_ADMINPASSWD",),
    ),
    password(
        "CONFIG_KEYSTONE_DEMO_PW",
        "Password of the user demo, who is created with CONFIG_PROVISION_DEMO=y.",
        flag="keystone-demo-passwd",
    ),
    choice_of(
        "CONFIG_KEYSTONE_API_VERSION",
        "Version of the identity API. OpenStack removed v2.0.",
        ("v3",),
        default="v3",
        flag="keystone-api-version",
    ),
    choice_of(
        "CONFIG_KEYSTONE_TOKEN_FORMAT",
        "Token format. OpenStack removed UUID and PKI tokens.",
        ("FERNET",),
        default="FERNET",
        flag="keystone-token-format",
    ),
    choice_of(
        "CONFIG_KEYSTONE_IDENTITY_BACKEND",
        (
            "Where users and groups are stored: in Keystone's database (sql) or in a directory (ldap, keys "
            "CONFIG_KEYSTONE_LDAP_*)."
        ),
        ("sql", "ldap"),
        default="sql",
        flag="keystone-identity-backend",
        not_yet=("ldap",),
        not_yet_why="the services' users cannot be created in a directory, which Keystone only reads",
    ),
)

COMPONENTS: tuple[Component, ...] = (
    Component(
        "keystone-database",
        role="database",
        requires=("database",),
        provides=("keystone-database",),
        secrets=("CONFIG_KEYSTONE_DB_PW",),
        without=CONFIGURES,
    ),
    Component(
        "keystone",
        role="identity",
        requires=("cache", "keystone-database", "messaging"),
        provides=("identity",),
        reaches=("database",),
        ports=(Port(5000, public=True, what="identity API"),),
        api=Api("identity", ask="/projects?limit=1", version="/v3"),
        migration=Migration("keystone", ("keystone-manage db_sync", "keystone bootstrap"), order=10),
        probe=http("keystone", "/v3"),
        packages=DATABASE
        + CACHE
        + APACHE
        + Names(
            debian=("cron", "keystone"),
            redhat=("cronie", "openstack-keystone", "python3-keystoneclient", "python3-openstackclient"),
        ),
        units=Names(debian=("keystone",), redhat=("httpd",)),
        selinux=("httpd_can_network_connect",),
        memory=measured(160, per_worker=120),  # small hosts: one process more than workers
        logs=(
            "/var/log/keystone/*.log",
            "/var/log/apache2/keystone*error*.log",
            "/var/log/httpd/keystone*error*.log",
        ),
        secrets=(
            "CONFIG_KEYSTONE_DB_PW",
            "CONFIG_KEYSTONE_ADMIN_PW",
            "CONFIG_AMQP_AUTH_PASSWORD",
        ),
    ),
)

SERVICE = Service(
    "keystone",
    "Keystone: users, projects, service catalog",
    OPTIONS,
    COMPONENTS,
    roles=(
        Role(
            "identity",
            (
                "CONFIG_KEYSTONE_HOST",
                CONTROLLER,
            ),
        ),
    ),
    puppet=PuppetModule("keystone", ("keystone_config",)),
    changes={
        "CONFIG_KEYSTONE_HOST": fixed("its Fernet and credential keys are on the host, and do not move", "keystone"),
        "CONFIG_KEYSTONE_REGION": fixed("endpoints and the settings of every service name the region", "keystone"),
        "CONFIG_KEYSTONE_ADMIN_EMAIL": APPLIED,
        "CONFIG_KEYSTONE_ADMIN_USERNAME": fixed(
            "the old administrator would keep its password and its rights", "keystone"
        ),
        "CONFIG_KEYSTONE_API_VERSION": APPLIED,
        "CONFIG_KEYSTONE_TOKEN_FORMAT": APPLIED,
        "CONFIG_KEYSTONE_IDENTITY_BACKEND": fixed("users and their roles are in the present back end", "keystone"),
    },
)
