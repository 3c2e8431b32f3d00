"""A database and a message broker that are there already: used, and not touched."""

from __future__ import annotations

import socket
import subprocess
import time
from dataclasses import replace
from typing import Any

import golden
import typed
from golden import CASES
from stackwright import answers, facts, planner, preflight
from stackwright.answers.checking import named_hosts
from stackwright.model import Problem, Upload
from stackwright.planner import placement
from stackwright.planner.steps import credentials
from stackwright.services import SERVICES

CASE = CASES["existing-servers"]
CONTROL = "control.lab.stackwright.test"


def test_nothing_is_done_on_their_hosts() -> None:
    assert set(CASE.plan().hosts) == set(CASE.facts())
    assert not {"198.18.0.200", "198.18.0.201"} & set(named_hosts(CASE.answers()))


def test_neither_is_installed_anywhere() -> None:
    for host, run in golden.last_runs(CASE.plan()).items():
        assert not {"mariadb", "rabbitmq"} & set(run.components), host
    wanted = {name for names in CASE.packages().values() for name in names}
    assert "mariadb-client" in wanted
    assert not {"mariadb-server", "rabbitmq-server"} & wanted


def test_services_use_existing_servers() -> None:
    control = golden.last_runs(CASE.plan())[CONTROL].hieradata
    assert "@198.18.0.200/keystone?" in control
    assert "rabbit://amqp_user:the-brokers.secret@198.18.0.201:5672/" in control


def test_a_broker_with_a_certificate_of_its_own_is_believed_as_any_other_server() -> None:
    files = [golden.FOLDER / "base.txt", CASE.folder / "answers.txt"]
    flags = {"CONFIG_AMQP_ENABLE_SSL": "y"}
    read = answers.read(files, flags, environ={}, local_host="198.18.0.10", remembered=golden.secrets())
    assert {s.port for s in placement.existing(read)} == {3306, 5671}
    plan = planner.plan(planner.cloud(read, CASE.facts()))
    assert not [s.id for s in plan.steps if s.id.endswith(":certificates")], "nothing of ours shows one"
    compute = golden.last_runs(plan)["compute.lab.stackwright.test"].hieradata
    assert "@198.18.0.201:5671/" in compute
    assert "/etc/ssl/certs/ca-certificates.crt" in compute


def test_only_the_host_that_sets_the_database_up_can_administer_it() -> None:
    plan = CASE.plan()
    files = {(s.host, f.path): f for s in plan.steps for a in s.actions if isinstance(a, Upload) for f in a.files}
    (where,) = (where for where, f in files.items() if b"cloudadmin" in f.content)
    assert where == (CONTROL, "/root/.my.cnf")
    assert (files[where].mode, files[where].secret) == (0o600, True)
    assert "the-databases.secret" in plan.secrets
    assert all("cloudadmin" not in run.hieradata for run in golden.last_runs(plan).values())
    runs = [s for s in plan.steps if s.host == CONTROL and ":puppet-" in s.id]
    assert all(f"{CONTROL}:database" in s.needs for s in runs[:1]), "the database's types look for it at once"


def test_an_option_file_for_any_password() -> None:
    """Within quotes, backslashes and quotes are escaped; values.consumers has the rule."""
    given = {"CONFIG_MARIADB_HOST": "::1", "CONFIG_MARIADB_USER": "root", "CONFIG_MARIADB_PW": 'a "b" # c\\n'}
    assert credentials.my_cnf(given).splitlines() == [
        "[client]", "protocol=tcp", 'host="::1"', 'user="root"', 'password="a \\"b\\" # c\\\\n"',
    ]  # fmt: skip


def test_the_database_is_set_up_from_the_controller() -> None:
    values = {"CONFIG_CONTROLLER_HOST": "control", "CONFIG_MARIADB_HOST": "data"}
    assert placement.hosts(typed.answers(values), "database") == ("data",)
    assert placement.hosts(typed.answers(values, CONFIG_MARIADB_INSTALL=False), "database") == ("control",)


def test_the_password_of_an_existing_server_is_not_generated() -> None:
    def told(**flags: str) -> list[str]:
        reading = answers.load([], {"CONFIG_CONTROLLER_HOST": "198.18.0.10", **flags}, {}, files=False)
        return [p.seen for p in reading.errors if p.name == "missing"]

    assert told(CONFIG_MARIADB_INSTALL="n", CONFIG_MARIADB_HOST="198.18.0.200") == ["CONFIG_MARIADB_PW is empty"]
    assert told(CONFIG_AMQP_INSTALL="n", CONFIG_AMQP_HOST="198.18.0.201") == ["CONFIG_AMQP_AUTH_PASSWORD is empty"]
    assert told(CONFIG_AMQP_INSTALL="n", CONFIG_AMQP_AUTH_PASSWORD="x", CONFIG_AMQP_HOST="198.18.0.201") == []
    assert told() == []


def test_another_administrator_is_for_a_database_that_is_there() -> None:
    def told(**flags: str) -> list[str]:
        given = {"CONFIG_CONTROLLER_HOST": "198.18.0.10", "CONFIG_MARIADB_USER": "other", **flags}
        return [f"{p.severity} {p.name} {p.seen}" for p in answers.load([], given, {}, files=False).problems]

    assert told() == ["warning no-effect CONFIG_MARIADB_USER = other"]
    assert told(CONFIG_MARIADB_INSTALL="n", CONFIG_MARIADB_PW="x") == []


def test_the_probe_tries_whether_they_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_server(("127.0.0.1", 0)) as unused:
            closed = unused.getsockname()[1]
        script = facts.probe(servers=[("127.0.0.1", port), ("127.0.0.1", closed)])
        done = subprocess.run(["sh", "-s"], input=script, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    seen = facts.parse(done.stdout, "h", time.time()).extra
    assert (seen[f"server 127.0.0.1,{port}"], seen[f"server 127.0.0.1,{closed}"]) == ("open", "closed")


def problems(**extra: str) -> list[Problem]:
    values: dict[str, Any] = dict(CASE.answers())
    seen = {host: replace(f, extra={**f.extra, **extra}) for host, f in CASE.facts().items()}
    found = preflight.check(values, seen, planner.place(CASE.answers(), SERVICES))
    return [p for p in found if p.name == "server"]


def test_an_unreachable_server_is_reported_for_the_hosts_that_need_it() -> None:
    assert problems(**{"server 198.18.0.200,3306": "open", "server 198.18.0.201,5672": "open"}) == []
    database = problems(**{"server 198.18.0.200,3306": "closed"})
    assert {p.host for p in database} == {CONTROL}, "no other host has a connection to it"
    assert "keystone" in database[0].wanted
    assert database[0].where == "CONFIG_MARIADB_HOST"
    broker = problems(**{"server 198.18.0.201,5672": "closed"})
    assert {p.host for p in broker} == {CONTROL, "compute.lab.stackwright.test"}
