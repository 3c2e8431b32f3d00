"""What `check` and `plan` say one gets, by the same estimates as the checks; and the line while nothing is printed."""

from __future__ import annotations

import io
import json
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

import pytest

import schema
from golden import CASES
from stackwright import preflight
from stackwright.cli import streams
from stackwright.operations.context import RunContext
from stackwright.operations.expectation import expectation
from stackwright.output import text
from stackwright.state import journal
from stackwright.state.directory import StateDir


@pytest.fixture
def run(tmp_path: Path) -> RunContext:
    case = CASES["allinone"]
    state = StateDir(tmp_path / "state")
    state.make()
    return RunContext(case.answers(), case.facts(), state, cast(Any, None))


def test_what_one_gets_is_said_with_its_cost(run: RunContext) -> None:
    found = expectation(run)
    (host,) = run.cloud.placement
    components = {c.name for c in run.cloud.placement[host]}
    assert {"keystone", "nova", "neutron", "horizon"} <= {*found.services}
    assert found.dashboard == run.cloud.dashboard_url
    assert len(found.networks) == 2
    need = found.hosts[host]
    assert need.memory == preflight.estimate_memory(components, int(run.answers["CONFIG_SERVICE_WORKERS"]) or 2)
    assert (need.packages, need.data) == preflight.estimate_disk(components)
    assert 0 < need.download < need.packages
    assert 120 < found.seconds < 3600
    assert not found.measured
    shown = text.expected(found, "zed")
    for word in ("OpenStack zed", "Keystone", found.dashboard, "/v3", "floating addresses", "GiB download", "about "):
        assert word in " ".join(shown.split())
    assert list(schema.errors(json.loads(json.dumps(asdict(found))), schema.OUTPUT["$defs"]["expected"])) == []


def test_what_the_package_manager_says_counts_more_than_estimates(run: RunContext) -> None:
    (host,) = run.cloud.placement
    need = expectation(run, {host: (797, 397_027_020, 1_975_000_000)}).hosts[host]
    assert (need.download, need.packages) == (397_027_020, 1_975_000_000)
    assert need.data == expectation(run).hosts[host].data


def test_earlier_times_count_and_finished_steps_take_none(run: RunContext) -> None:
    digests = run.plan.digests()
    guess = expectation(run).seconds
    with journal.open_journal(run.state.folder) as kept:
        for step in run.plan.steps:
            kept.add(journal.Record(step.id, "another", True, time.time(), 1.0, host=step.host))
    found = expectation(run)
    assert found.measured
    assert found.seconds == pytest.approx(len(run.plan.steps) + 75)
    assert found.seconds < guess
    assert "as in earlier runs" in text.expected(found, "zed")
    with journal.open_journal(run.state.folder) as kept:
        for step in run.plan.steps:
            kept.add(journal.Record(step.id, digests[step.id], True, time.time(), 1.0, host=step.host))
    done = expectation(run)
    assert done.seconds == 0
    assert "all steps are done" in text.expected(done, "zed")


def test_hosts_with_the_same_needs_share_a_line(run: RunContext) -> None:
    found = expectation(run)
    (need,) = found.hosts.values()
    many = replace(found, hosts={f"c{n}": need for n in range(20)})
    (line,) = (line for line in text.expected(many, "zed").splitlines() if "needs:" in line)
    assert "c0, c1" in line
    assert "and 12 more: each" in line


# --------------------------------------------------------------------------------------------------- never silent


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_long_work_is_said_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(streams, "_HEARTBEAT", 0.05)
    with streams.busy("checking 3 hosts: packages"):
        time.sleep(0.3)
    lines = capsys.readouterr().err.splitlines()
    assert lines
    assert all(line == "checking 3 hosts: packages, 0 s" for line in lines)


def test_a_status_line_gives_way_to_output_and_questions() -> None:
    out = Terminal()
    held = streams._Held(out)
    held.status("checking 3 hosts: facts, 2 s")
    assert out.getvalue().endswith("\r\x1b[Kchecking 3 hosts: facts, 2 s")
    print("a remark", file=held)  # type: ignore[call-overload]
    assert out.getvalue().endswith("\r\x1b[Ka remark\n")
    held.write("Accept it? (yes/no) ")
    held.status("checking 3 hosts: facts, 3 s")
    assert out.getvalue().endswith("Accept it? (yes/no) "), "the question stays"
    held.write("\n")
    held.status("checking 3 hosts: facts, 4 s")
    held.status("")
    assert out.getvalue().endswith("4 s\r\x1b[K")


def test_no_status_overwrites_a_question_of_another_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """getpass writes to the terminal by itself."""
    screen = Terminal()
    held = streams._Held(screen)
    monkeypatch.setattr(sys, "stderr", held)
    with streams.asking():
        held.status("checking 3 hosts: facts, 2 s")
    assert screen.getvalue() == ""
    held.status("checking 3 hosts: facts, 3 s")
    assert "3 s" in screen.getvalue()


def test_results_remove_the_status_line_of_the_same_terminal() -> None:
    screen = Terminal()
    error, out = streams._Held(screen), streams._Held(screen)
    out.beside = error
    error.status("verifying the cloud, 5 s")
    print("ok  1.0 s  ping", file=out)  # type: ignore[call-overload]
    assert screen.getvalue().endswith("\r\x1b[Kok  1.0 s  ping\n")
