"""The examples in answer-files/: each can be used, is planned for its hosts, and says when to use it."""

from __future__ import annotations

from pathlib import Path

import pytest

from outcome import facts, plan
from stackwright import answers
from stackwright.services import SERVICES, options

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "answer-files").glob("*.txt"))


def test_the_examples_are_these_seven() -> None:
    assert [path.stem for path in EXAMPLES] == [
        "all-in-one", "everything", "ipv6", "ovn-four-hosts", "ovs-provider-vlans", "separate-roles", "tls",
    ]  # fmt: skip


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_is_planned_for_its_hosts(path: Path) -> None:
    reading = answers.load([path], files=False)
    assert not reading.problems
    assert not reading.changes
    made = plan(reading.answers, facts(reading.answers))
    named = {"CONFIG_CONTROLLER_HOST", "CONFIG_COMPUTE_HOSTS", "CONFIG_NETWORK_HOSTS", "CONFIG_MARIADB_HOST"}
    named |= {"CONFIG_AMQP_HOST", "CONFIG_STORAGE_HOST"}
    for key in named:
        value = reading.answers[key]
        assert set(value if isinstance(value, tuple) else (value,)) <= set(made.hosts), key


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_opens_with_three_lines_on_when_to_use_it(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert all(line.startswith("# ") for line in lines[:3])
    assert lines[3] == ""
    assert not any(line.partition("=")[0] in options() and options()[line.partition("=")[0]].secret for line in lines)


def test_everything_switches_on_what_can_be_installed() -> None:
    given = answers.load([ROOT / "answer-files" / "everything.txt"], files=False).answers
    for service in SERVICES:
        if service.switch:
            assert given[service.switch] is (not service.missing), service.switch
