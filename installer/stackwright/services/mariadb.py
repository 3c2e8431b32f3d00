"""MariaDB: the services' database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stackwright.model import Component, Option, Port, Service
from stackwright.records import APPLIED, Names, Role, fixed
from stackwright.services.named_hosts import CONTROLLER, first
from stackwright.services.options import host_of, password, switch, value_of
from stackwright.services.probes import units
from stackwright.services.shared_packages import disk, measured
from stackwright.values import word

_DATA = "the data of every service are in the present database, and do not move"

OPTIONS: tuple[Option, ...] = (
    switch(
        "CONFIG_MARIADB_INSTALL",
        (
            "Install MariaDB. With n, an existing database on CONFIG_MARIADB_HOST is used; it must admit "
            "CONFIG_MARIADB_USER from the controller, where /root/.my.cnf is written for this user."
        ),
        default="y",
        flag="mariadb-install",
        was=("CONFIG_MYSQL_INSTALL",),
    ),
    host_of(
        "CONFIG_MARIADB_HOST",
        "Host of the database.",
        flag="mariadb-host",
        was=("CONFIG_MYSQL_HOST",),
        passed_as=("db_url",),
    ),
    value_of(
        "CONFIG_MARIADB_USER",
        "Administrator of an existing database. For a database that is installed here it is root.",
        word,
        default="root",
        when=(("CONFIG_MARIADB_INSTALL", "n"),),
        flag="mariadb-user",
        was=("CONFIG_MYSQL_USER",),
        required=True,
        effect="how the controller logs in to that database to create the services' databases",
    ),
    password(
        "CONFIG_MARIADB_PW", "Password of the database's administrator.", flag="mariadb-pw", was=("CONFIG_MYSQL_PW",)
    ),
)


def _hosts(answers: Mapping[str, Any]) -> tuple[str, ...]:
    """The database's host. For an existing server, which is not changed, the controller instead."""
    installed = answers.get("CONFIG_MARIADB_INSTALL", True)
    return first(answers, *(("CONFIG_MARIADB_HOST",) if installed else ()), CONTROLLER)


COMPONENTS: tuple[Component, ...] = (
    Component(
        "mariadb",
        role="database",
        provides=("database",),
        ports=(Port(3306, what="MariaDB"),),
        probe=units("mariadb"),
        when=lambda answers: bool(answers["CONFIG_MARIADB_INSTALL"]),
        packages=Names(debian=("mariadb-client", "mariadb-server"), redhat=("mariadb", "mariadb-server")),
        units=Names(debian=("mariadb",), redhat=("mariadb",)),
        memory=measured(350),
        disk=disk(0.3, 0.8),
        logs=("/var/log/mysql/*.log", "/var/log/mysql/*.err", "/var/log/mariadb/*.log"),
        secrets=("CONFIG_MARIADB_PW",),
    ),
    Component(
        "database-client",
        role="database",
        provides=("database",),
        probe="mysql --defaults-file=/root/.my.cnf --connect-timeout=10 --execute 'SELECT 1' >/dev/null\n",
        when=lambda answers: not answers["CONFIG_MARIADB_INSTALL"],
        packages=Names(debian=("mariadb-client",), redhat=("mariadb",)),
        memory=measured(0),
        secrets=("CONFIG_MARIADB_PW",),
        without={"units": "an existing server is not managed", "logs": "an existing server is not managed"},
    ),
)

SERVICE = Service(
    "mariadb",
    "MariaDB: the services' database",
    OPTIONS,
    COMPONENTS,
    roles=(Role("database", hosts=_hosts, rank=10),),
    changes={
        "CONFIG_MARIADB_INSTALL": fixed(_DATA, "keystone-database"),
        "CONFIG_MARIADB_HOST": fixed(_DATA, "keystone-database"),
        "CONFIG_MARIADB_USER": APPLIED,
    },
)
