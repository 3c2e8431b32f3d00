"""CONFIG_HOST_NAMES: hosts get the names that the answers call them by, and know each other's."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

import golden
import outcome
from stackwright import answers, planner, preflight
from stackwright.model import Answers, Facts, Plan, Run
from stackwright.services import SERVICES

CONTROLLER, COMPUTE = "ctl.example.org", "198.18.0.31"


def given(value: str = "y", compute: str = COMPUTE) -> Answers:
    flags = {"CONFIG_CONTROLLER_HOST": CONTROLLER, "CONFIG_COMPUTE_HOSTS": compute, "CONFIG_NETWORK_HOSTS": CONTROLLER}
    flags |= {"CONFIG_PROVISION_DEMO": "n", "CONFIG_HOST_NAMES": value}
    return answers.read([], flags, {}, local_host=CONTROLLER, remembered=golden.secrets())


def seen(settings: Answers, **controller: object) -> dict[str, Facts]:
    """As hosts are that were installed a minute ago: the controller has the name of its template."""
    found = outcome.facts(settings)
    found[CONTROLLER] = replace(found[CONTROLLER], hostname="template", fqdn="", resolves={}, address="198.18.0.10")
    found[CONTROLLER] = replace(found[CONTROLLER], **controller)  # type: ignore[arg-type]
    found[COMPUTE] = replace(found[COMPUTE], hostname="c1", fqdn="c1.example.org")
    return found


def script(plan: Plan, host: str) -> str:
    (step,) = (s for s in plan.steps if s.id == f"{host}:names")
    (run,) = step.actions
    assert isinstance(run, Run)
    return run.script


def test_nothing_is_renamed_unless_it_is_asked_for() -> None:
    settings = given("n")
    found = outcome.facts(settings)
    assert not [s for s in planner.plan(planner.cloud(settings, found)).steps if s.id.endswith(":names")]


def test_packages_wait_for_the_names_and_catalogs_have_them() -> None:
    settings = given()
    plan = planner.plan(planner.cloud(settings, seen(settings)))
    packages = next(s for s in plan.steps if s.id == f"{CONTROLLER}:packages")
    assert f"{CONTROLLER}:names" in packages.after
    assert "198.18.0.31 c1.example.org c1\n198.18.0.10 ctl.example.org ctl\n" in script(plan, CONTROLLER)
    assert planner.cloud(settings, seen(settings)).hosts[CONTROLLER].fqdn == CONTROLLER


def test_a_host_that_has_its_name_now_has_the_same_plan() -> None:
    settings = given()
    before = planner.plan(planner.cloud(settings, seen(settings)))
    after = planner.plan(planner.cloud(settings, seen(settings, hostname=CONTROLLER, fqdn=CONTROLLER)))
    assert before.digests() == after.digests()


def test_a_host_that_joins_has_nothing_done_again_but_the_names() -> None:
    more = given(compute=f"{COMPUTE},198.18.0.32")
    hosts = seen(more)
    before = planner.plan(planner.cloud(given(), {name: hosts[name] for name in (CONTROLLER, COMPUTE)})).digests()
    after = planner.plan(planner.cloud(more, hosts)).digests()
    again = {step for step, digest in before.items() if after[step] != digest}
    assert {f"{CONTROLLER}:names", f"{COMPUTE}:names"} <= again
    assert {step.rpartition(":")[2] for step in again} <= {"names", "firewall", "migration"}


def test_checks_do_not_ask_for_what_will_be_done() -> None:
    for value, wanted in (("n", {"fqdn"}), ("y", set())):
        settings = given(value)
        found = preflight.check(settings, seen(settings), planner.place(settings, SERVICES), cloud_id="x")
        assert {p.name for p in found if p.host == CONTROLLER} & {"fqdn", "resolution"} == wanted
    lost = {n: replace(f, hostname="localhost", fqdn="localhost") for n, f in seen(settings).items()}
    found = preflight.check(settings, lost, planner.place(settings, SERVICES), cloud_id="x")
    assert [p.host for p in found if p.name == "fqdn"] == [COMPUTE], "nobody gave it a name"


HOSTS = """\
127.0.0.1 localhost localhost.localdomain
127.0.1.1 template.example.org template
127.0.1.2\tctl.example.org ctl  other # of an earlier installer
::1 localhost ip6-localhost
198.18.0.200   mirror.example.org mirror
"""


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder for /etc, and programs that know the host's name and nothing else."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "hosts").write_text(HOSTS)
    (tmp_path / "name").write_text("template\n")
    programs = {
        "uname": f'[ "$*" = -n ] || exit 9; cat {tmp_path}/name',
        "hostnamectl": f'[ "$1" = set-hostname ] && [ $# = 2 ] || exit 9; echo "$2" > {tmp_path}/name',
    }
    for name, text in programs.items():
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    return tmp_path


def run(machine: Path, text: str) -> str:
    environment = {
        "PATH": f"{machine / 'bin'}:{os.environ['PATH']}", "STACKWRIGHT_BASE": str(machine / "state"), "LC_ALL": "C",
    }  # fmt: skip
    text = text.replace("/etc/hosts", str(machine / "hosts"))
    done = subprocess.run(["sh"], input=text, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_script_names_the_host_and_keeps_all_other_lines(machine: Path) -> None:
    settings = given()
    text = script(planner.plan(planner.cloud(settings, seen(settings))), CONTROLLER)
    said = run(machine, text)
    assert "host name: ctl.example.org, was template" in said
    assert "stackwright: changed" in said
    assert (machine / "name").read_text() == "ctl.example.org\n"
    assert (machine / "hosts").read_text() == (
        "127.0.0.1 localhost localhost.localdomain\n"
        "127.0.1.1 template.example.org template\n"
        "127.0.1.2 other # of an earlier installer\n"
        "::1 localhost ip6-localhost\n"
        "198.18.0.200   mirror.example.org mirror\n"
        "# Stackwright: begin\n"
        "198.18.0.31 c1.example.org c1\n"
        "198.18.0.10 ctl.example.org ctl\n"
        "# Stackwright: end\n"
    )
    changes = (machine / "state/changes.log").read_text()
    assert "host name: ctl.example.org, was template" in changes
    assert f"file changed: {machine / 'hosts'}" in changes
    (kept,) = (machine / "state/saved").rglob("hosts")
    assert kept.read_text() == HOSTS

    assert run(machine, text) == "", "a second run"


def test_a_host_that_joins_becomes_known_and_one_that_leaves_is_forgotten(machine: Path) -> None:
    settings = given()
    text = script(planner.plan(planner.cloud(settings, seen(settings))), CONTROLLER)
    run(machine, text)
    run(machine, text.replace("198.18.0.31 c1.example.org c1", "198.18.0.32 c2.example.org c2"))
    now = (machine / "hosts").read_text()
    assert "c1" not in now
    assert "\n198.18.0.32 c2.example.org c2\n" in now
    assert now.count("Stackwright: begin") == 1
