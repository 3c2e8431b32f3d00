"""The page on test days: each of its commands is understood here, and run by tests/lab/test_first_day.py."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from stackwright import scenarios
from stackwright.cli import _parse

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "test-day.md").read_text(encoding="utf-8")
COMMANDS = [line for block in PAGE.split("```")[1::2] for line in block.strip().splitlines()]


@pytest.mark.parametrize("line", COMMANDS)
def test_each_command_is_understood(line: str) -> None:
    words = shlex.split(line)
    assert words[0] == "stackwright"
    _parse(words[1:] if "*" not in line else [*words[1:3], "a", "b"])


def test_what_it_says_in_passing_is_understood_too() -> None:
    for words in re.findall(r"`stackwright ([^`]+)`", PAGE):
        _parse(shlex.split(words))
    named = set(re.findall(r"\b(packstack-\d+|puppet-\d+)\b", PAGE))
    assert named
    assert named <= set(scenarios.names())


def test_it_is_one_page() -> None:
    assert len(PAGE.splitlines()) < 110
    assert len(COMMANDS) > 10
