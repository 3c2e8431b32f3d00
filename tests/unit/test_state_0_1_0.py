"""What version 0.1.0 left behind is read: state directory, journal, snapshots, lock and bundle.

The files in tests/data/state-0.1.0 were written by 0.1.0 for the golden case `allinone`: every step but the last one
succeeded.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from golden import CASES
from stackwright import answers, bundle, cli, facts, lock, planner
from stackwright.model import ExitCode
from stackwright.operations import apply
from stackwright.operations.answers import read_answers, state_of
from stackwright.operations.bundle import kept_facts
from stackwright.operations.options import AnswerOptions
from stackwright.state import snapshots
from stackwright.state.directory import Access, StateDir
from stackwright.state.journal import open_journal

RECORDED = Path(__file__).parent.parent / "data" / "state-0.1.0"
HOST = "198.18.0.10"
LAST = f"{HOST}:credentials"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of what was recorded, as the state of all clouds."""
    shutil.copytree(RECORDED, tmp_path / "old")
    (tmp_path / "old" / "cloud.answers").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("STACKWRIGHT_STATE", str(tmp_path / "old" / "state"))
    monkeypatch.chdir(tmp_path / "old")
    return tmp_path / "old"


@pytest.fixture
def state(folder: Path) -> StateDir:
    return StateDir(folder / "state" / HOST)


def test_answers_keep_the_passwords_that_were_generated(folder: Path, state: StateDir) -> None:
    read = read_answers(AnswerOptions((folder / "cloud.answers",))).answers
    assert state_of(read) == state
    assert "CONFIG_NOVA_DB_PW" not in (folder / "cloud.answers").read_text()
    assert read["CONFIG_NOVA_DB_PW"] == json.loads(state.read("secrets.json"))["CONFIG_NOVA_DB_PW"]
    assert answers.public(read) == answers.public(CASES["allinone"].answers())


def test_the_journal_is_read_and_continued(state: StateDir) -> None:
    with open_journal(state.folder) as journal:
        assert len(journal.records) == 8
        assert [r.step for r in journal.records if not r.ok] == [LAST]
        first = journal.records[0]
        assert (first.step, first.host, len(first.digest)) == (f"{HOST}:module", HOST, 64)
        journal.forget(first.step)
    with open_journal(state.folder) as journal:
        assert len(journal.records) == 9
        assert not journal.done(first.step, first.digest)


def test_what_was_applied_is_compared_setting_by_setting(state: StateDir) -> None:
    """Nothing is unknown, and no secret seems to be another one."""
    found = snapshots.load(state)
    assert [one.step for one in found.last] == [step for step, _ in found.plan]
    plan = CASES["allinone"].plan()
    difference = apply.difference(plan, state)
    assert difference.at > 0
    why = {step.step: step.why for step in difference.todo}
    assert why[LAST] == "failed"
    assert not {"new", "unknown"} & set(why.values())
    told = [str(change) for step in difference.todo for change in step.changes]
    assert [line for line in told if "another secret" in line] == []
    debug = planner.plan(
        planner.cloud(CASES["allinone"].answers().with_value("CONFIG_DEBUG_MODE", True), CASES["allinone"].facts())
    )
    changes = {(c.name, c.before, c.after) for s in apply.difference(debug, state).todo for c in s.changes}
    assert ("nova::logging::debug", "false", "true") in changes


def test_how_the_hosts_are_reached_is_remembered(state: StateDir) -> None:
    assert Access.from_json(state.read("access.json")) == Access("root", 22, ("id_ed25519",), (), "gate.example")


def test_facts_and_the_name_of_the_cloud_are_read(folder: Path, state: StateDir) -> None:
    assert kept_facts(state) == CASES["allinone"].facts()
    on_host = facts.parse(f"hostname\th\ncloud\t{(folder / 'cloud.json').read_text()}end\t1\n", HOST, 0.0)
    assert on_host.cloud["id"] == planner.cloud_key(CASES["allinone"].answers())


def test_the_lock_is_read_and_written_back_unchanged(state: StateDir) -> None:
    found = lock.read(state.read(lock.NAME))
    assert found.version == "0.1.0"
    assert found.hosts[HOST].packages["keystone"].version == "1.0-1"
    assert found.answers == {k: v for k, v in answers.public(CASES["allinone"].answers()).items() if v}
    assert lock.differences(found, lock.read(lock.write(found))) == []


def test_the_bundle_is_read(folder: Path) -> None:
    index = bundle.unpack(folder / "cloud.bundle", folder / "out")
    assert (index.version, index.about["hosts"]) == ("0.1.0", [HOST])
    setup = bundle.load(folder / "out", index)
    assert setup.facts[HOST].os_id == "debian"
    assert setup.plan().hosts == (HOST,)
    assert "by Stackwright 0.1.0" in bundle.same_plan(setup, index) or bundle.same_plan(setup, index) == ""


@pytest.mark.slow
def test_commands_work_on_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["-a", str(folder / "cloud.answers")]
    assert cli.main(["status", "--offline", *given]) == ExitCode.FAILED, "its last step failed"
    assert "last verification 2026-09-21" in capsys.readouterr().out
    assert cli.main(["report", *given]) == ExitCode.OK
    assert "0.1.0" in capsys.readouterr().out
    assert cli.main(["bundle", "show", "cloud.bundle"]) == ExitCode.OK
    assert cli.main(["bundle", "create", *given, "-o", "again.bundle"]) == ExitCode.OK
