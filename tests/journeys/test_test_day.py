"""A participant of a test day: the commands of docs/test-day.md that need no node."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Opens, recorded_hosts
from .terminal import named

HOST = "198.18.41.10"
NODE = 3600.0
"""Seconds that a command on a node may take."""


@pytest.mark.slow
def test_what_a_participant_sees_without_a_node(home: Path, terminal: Opens) -> None:
    with recorded_hosts(home, [1], known=True):
        screen = terminal("test-day")
        code, text = screen.run("stackwright test --list")
        assert code == 0, text
        assert "packstack-003" in text
        code, text = screen.run("stackwright test --show packstack-003")
        assert code == 0, text
        code, text = screen.run("stackwright --allinone --lab testday --dry-run")
        assert code == 2, "a preview creates no node"
        assert named(text, "stackwright lab up testday")
        code, text = screen.run(f"stackwright --install-hosts {HOST} --dry-run")
        assert code == 0, text
        assert "nothing was changed (--dry-run)" in text
        code, text = screen.run(f"stackwright --install-hosts {HOST} --gen-answer-file cloud.answers")
        assert code == 0, text
        code, text = screen.run("stackwright report")
        assert code != 0, "there was no run"
        assert named(text, "stackwright apply")
        code, text = screen.run("stackwright bundle create --neutral -o testday.bundle")
        assert code != 0, text
        assert named(text, "stackwright apply")
        code, text = screen.run("stackwright bundle show nosuch.bundle")
        assert code == 2, text
        assert "hint: " in text
    assert not [*home.glob("stackwright-*.answers")], "a preview keeps no answer file"


@pytest.mark.lab
@pytest.mark.long
@pytest.mark.xdist_group("journeys")
def test_the_page_up_to_a_bug_report(home: Path, terminal: Opens, lab_number: int) -> None:
    screen = terminal("test-day-on-a-node", lab_number)
    answers = f"-a {home}/stackwright-testday.answers"
    for command in (
        "stackwright --allinone --lab testday",
        "stackwright lab snapshot testday",
        f"stackwright test quick {answers}",
        f"stackwright report {answers} --html report.html",
        f"stackwright bundle create --neutral {answers} -o testday.bundle",
        "stackwright bundle show testday.bundle",
        f"stackwright report {answers}",
    ):
        code, text = screen.run(command, NODE)
        assert code == 0, text
    assert (home / "report.html").is_file()
    assert (home / "testday.bundle").is_file()
