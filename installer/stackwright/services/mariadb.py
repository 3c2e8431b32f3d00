"""MariaDB: where the services keep what they know."""

from __future__ import annotations

from stackwright.model import Component, Option, Port, Service
from stackwright.services.probes import units
from stackwright.values import YES_NO, boolean, host, text, word

OPTIONS: tuple[Option, ...] = (
    Option(
        "CONFIG_MARIADB_INSTALL",
        (
            "Install MariaDB. With n, the database on CONFIG_MARIADB_HOST must be there, and let in "
            "CONFIG_MARIADB_USER from the controller, where root's .my.cnf is made for it."
        ),
        default="y",
        parse=boolean,
        choices=YES_NO,
        was=("CONFIG_MYSQL_INSTALL",),
        flag="mariadb-install",
    ),
    Option(
        "CONFIG_MARIADB_HOST",
        "Host of the database.",
        default="",
        parse=host,
        was=("CONFIG_MYSQL_HOST",),
        flag="mariadb-host",
    ),
    Option(
        "CONFIG_MARIADB_USER",
        "Administrator of a database that is there already. In one that is installed, that is root.",
        default="root",
        parse=word,
        when=(("CONFIG_MARIADB_INSTALL", "n"),),
        was=("CONFIG_MYSQL_USER",),
        flag="mariadb-user",
        required=True,
    ),
    Option(
        "CONFIG_MARIADB_PW",
        "Password of that administrator.",
        default="PW_PLACEHOLDER",
        parse=text,
        secret=True,
        generate=True,
        was=("CONFIG_MYSQL_PW",),
        flag="mariadb-pw",
    ),
)

COMPONENTS: tuple[Component, ...] = (
    Component(
        "mariadb",
        role="database",
        provides=("database",),
        ports=(Port(3306, what="MariaDB"),),
        probe=units("mariadb"),
        when=lambda answers: bool(answers["CONFIG_MARIADB_INSTALL"]),
    ),
    Component(
        "database-client",
        role="database",
        provides=("database",),
        probe="mysql --defaults-file=/root/.my.cnf --connect-timeout=10 --execute 'SELECT 1' >/dev/null\n",
        when=lambda answers: not answers["CONFIG_MARIADB_INSTALL"],
    ),
)

SERVICE = Service(
    "mariadb",
    "MariaDB: where the services keep what they know",
    OPTIONS,
    COMPONENTS,
)
