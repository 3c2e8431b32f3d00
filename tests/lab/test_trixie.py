"""Debian 13 with Epoxy, Heat, telemetry, TLS, and passwords of all characters: one command installs a cloud, a second
run changes nothing, and one run changes all passwords."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from first_day import Day

import clouds
from stackwright.lab import Lab

CLOUD = clouds.named("trixie")
pytestmark = [pytest.mark.lab, pytest.mark.cloud(CLOUD.name)]

NAME = CLOUD.name
RESULTS = Path(__file__).resolve().parents[2] / "test-results" / NAME


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory, first_day_lab: Lab) -> Iterator[Day]:
    """The cloud, installed and verified."""
    shutil.rmtree(RESULTS, ignore_errors=True)
    RESULTS.mkdir(parents=True)
    made = Day(tmp_path_factory.mktemp("home"), first_day_lab, RESULTS)
    done = made.run(
        shlex.join(["stackwright", "--allinone", "--lab", NAME, "--release", CLOUD.release, *CLOUD.settings])
    )
    (RESULTS / "output.txt").write_text(done.stdout + done.stderr)
    for kept in (*made.state.glob("*/logs/*"), *made.state.glob("*/report.*")):
        shutil.copy(kept, RESULTS)
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    yield made
    for kept in (*made.state.glob("*/logs/*"), *made.state.glob("*/report.*")):
        shutil.copy(kept, RESULTS)


def states(day: Day) -> dict[str, str]:
    """What the last verification says of each check."""
    (proof,) = day.state.glob("*/verify.json")
    return {check["name"]: check["state"] for check in json.loads(proof.read_text())["checks"]}


def changed(day: Day) -> list[dict[str, Any]]:
    """What another run of every step changes: events."""
    done = day.run(f"stackwright apply -a {day.home}/stackwright-{NAME}.answers --again --json --no-verify")
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    events = [one for line in done.stdout.splitlines() if (one := json.loads(line))["type"] == "event"]
    (finished,) = (event for event in events if event["kind"] == "finished")
    found = [event for event in events if event["data"].get("changed")]
    assert bool(found) == bool(finished["data"]["changed"])
    return found


CHECKS = {
    *("instance", "dhcp", "metadata", "ping", "ssh", "outbound", "volume-write", "object", "dashboard"),
    *("measures", "event-alarm"),
}


def test_one_command_installs_and_verifies_a_cloud(day: Day) -> None:
    assert "OpenStack epoxy is installed and verified" in (RESULTS / "output.txt").read_text()
    assert {name for name, state in states(day).items() if state == "ok"} >= CHECKS


def test_the_second_run_changes_nothing(day: Day) -> None:
    assert changed(day) == []


@pytest.mark.long
def test_one_run_changes_all_passwords(day: Day) -> None:
    """The run after it changes nothing."""
    file = day.home / f"stackwright-{NAME}.answers"
    lines = file.read_text().splitlines()
    for key, password in clouds.ODD_PASSWORDS.items():
        assert f"{key}={password}" in lines
        lines[lines.index(f"{key}={password}")] = f"{key}=new {password}"
    file.write_text("\n".join(lines) + "\n")
    done = day.run(f"stackwright apply -a {file}")
    (RESULTS / "passwords.txt").write_text(done.stdout + done.stderr)
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    assert states(day).keys() >= CHECKS
    assert set(states(day).values()) == {"ok"}
    said = done.stdout + done.stderr
    assert not [password for password in clouds.ODD_PASSWORDS.values() if password in said]
    assert changed(day) == []
