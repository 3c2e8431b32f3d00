"""A participant of a test day: the commands of docs/test-day.md that need no node."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Opens, recorded_hosts
from .terminal import named

HOST = "198.18.41.10"


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
