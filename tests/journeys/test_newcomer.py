"""A newcomer, who types only what the screen says."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Opens, recorded_hosts
from .terminal import named

HOST = "198.18.41.10"
NODE = 3600.0
"""Seconds that a command on a node may take."""


@pytest.mark.slow
def test_from_nothing_to_a_plan(home: Path, terminal: Opens) -> None:
    with recorded_hosts(home, [1], known=False):
        screen = terminal("newcomer")
        screen.run("stackwright --help")
        screen.start("stackwright")
        screen.answer("Controller (host of all APIs) [", HOST)
        screen.answer("Accept it? (yes/no/all)", "yes")
        screen.expect(f"{HOST}: SSH as ")
        screen.expect("eth1  no address")
        screen.answer("Compute hosts", "?")
        screen.answer("Compute hosts")
        screen.answer("Network backend")
        screen.expect(f"Interfaces of {HOST}: eth0 (198.18.41.10/24), eth1 (no address)")
        screen.answer("External interface", "eth7")
        screen.expect("no interface eth7; there are eth0, eth1")
        screen.answer("External interface", "eth1")
        for question in ("Volumes (Cinder)?", "Volume backend", "Size of the volume group", "Object storage"):
            screen.answer(question)
        for question in ("Orchestration", "Metering", "Dashboard (Horizon)?"):
            screen.answer(question)
        screen.answer("Dashboard over HTTPS?")
        screen.answer("Demo project")
        screen.answer("External subnet", "198.18.42.0/24")
        screen.answer("Admin password")
        screen.answer("Enter writes cloud.answers")
        code, text = screen.end()
        assert code == 0
        check, plan, apply = (named(text, f"stackwright {command}") for command in ("check", "plan", "apply"))
        screen.start(check)
        screen.answer("Accept it? (yes/no/all)", "yes")
        code, text = screen.end()
        assert code == 0, text
        assert "ready: " in text
        code, text = screen.run(plan)
        assert code == 0, text
        assert "Configure " in text
        code, text = screen.run(f"{apply} --dry-run")
        assert code == 0, text
        assert "nothing was changed (--dry-run)" in text


@pytest.mark.lab
@pytest.mark.long
@pytest.mark.xdist_group("journeys")
def test_from_nothing_to_a_shell_in_an_instance(terminal: Opens, lab_number: int) -> None:
    screen = terminal("newcomer-to-instance", lab_number)
    _, text = screen.run("stackwright --help")
    assert "--allinone" in text
    assert "with --lab on a node" in text
    code, text = screen.run("stackwright --allinone --lab", NODE)
    assert code == 0, text
    assert "is installed and verified." in text
    code, text = screen.run(named(text, "stackwright launch"), NODE)
    assert code == 0, text
    (login,) = (line.strip() for line in text.splitlines() if line.startswith("  ssh "))
    options = "-o StrictHostKeyChecking=accept-new -o ConnectTimeout=10"
    again = f"until {login.replace('ssh ', f'ssh {options} ', 1)} uname -a; do sleep 5; done"
    code, text = screen.run(again, NODE)
    assert code == 0, text
    assert "Linux first" in text
