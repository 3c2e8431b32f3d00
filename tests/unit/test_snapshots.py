"""What was applied is kept without its secrets, and a plan is told as what it changes of that."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

import golden
from golden import CASES
from stackwright import answers, cli, executor, planner
from stackwright.model import File, Plan, PuppetApply, Run, Step, Upload
from stackwright.operations import apply, inspection
from stackwright.operations.answers import read_answers
from stackwright.operations.options import AnswerOptions
from stackwright.output import text as text_output
from stackwright.state import directory, snapshots
from stackwright.state.journal import Journal, Record, open_journal
from stackwright.state.snapshots import Difference, StepChange, StepSnapshot

CONTROL, COMPUTE = "control.lab.stackwright.test", "compute.lab.stackwright.test"
NEW = "gpu-compute1.lab.stackwright.test"


@cache
def plan(case: str = "three-hosts", **given: str) -> Plan:
    files = [golden.FOLDER / "base.txt", CASES[case].folder / "answers.txt"]
    read = answers.read(files, given, environ={}, local_host="198.18.0.10", remembered=golden.secrets())
    return planner.plan(planner.cloud(read, CASES[case].facts()))


@pytest.fixture
def place(tmp_path: Path) -> directory.StateDir:
    return directory.StateDir(tmp_path / "state")


def pretend(place: directory.StateDir, what: Plan, ok: Callable[[Step], bool] = lambda _: True) -> None:
    """Keeps what `apply` keeps, with the records of a run in which these steps succeeded."""
    with open_journal(place.make()) as journal:
        snapshots.keep(place, what, journal, apply._snapshot_maker(what, place))
        record(journal, what, ok)


def record(journal: Journal, what: Plan, ok: Callable[[Step], bool]) -> None:
    digests = what.digests()
    for step in what.steps:
        journal.add(Record(step.id, digests[step.id], ok(step), time.time(), host=step.host))


def found(difference: Difference) -> dict[str, StepChange]:
    return {s.step: s for s in difference.todo}


def test_snapshots_contain_no_secrets(place: directory.StateDir) -> None:
    for name in ("allinone", "roles-apart"):
        what = CASES[name].plan()
        assert any(secret in repr(a.hieradata) for s in what.steps for a in s.actions if isinstance(a, PuppetApply)
                   for secret in what.secrets)  # fmt: skip
        pretend(place, what)
        text = place.read(snapshots.FILE)
        assert "nova::placement::password" in text
        assert [secret for secret in what.secrets if secret in text] == []
        for path in place.folder.iterdir():
            assert path.stat().st_mode & 0o077 == 0, path


def test_nor_in_another_form(place: directory.StateDir) -> None:
    secret = "p@ss'w/rd"
    step = Step("h:x", "h", "x", (
        PuppetApply("p", "", "db::url: \"mysql://u:p%40ss%27w%2Frd@db/x\"\ndb::password: \"p@ss'w/rd\"\n", "/m"),
        Upload((File("/etc/rc", secret.encode(), secret=True), File("/etc/open", b"plain\n"))),
        Run("s", "echo 'p@ss'\\''w/rd'"),
    ))  # fmt: skip
    seal = snapshots.secret_masker(place, executor.replacer([secret]))
    shown = snapshots.snapshot(step, seal).settings
    assert "ss" not in "".join(shown.values()).replace("mysql", ""), shown
    assert shown["", "db::url"].startswith('"mysql://u:********~')
    assert shown["", "/etc/open"] == "mode 0644, root:root\nplain\n"


def test_a_mark_cannot_be_guessed_without_the_cloud_s_own_key(tmp_path: Path) -> None:
    marks = {
        snapshots.secret_masker(directory.StateDir(tmp_path / n), executor.replacer([])).mark("123456") for n in "ab"
    }
    assert len(marks) == 2
    again = snapshots.secret_masker(directory.StateDir(tmp_path / "a"), executor.replacer([])).mark("123456")
    assert again in marks


def test_the_same_plan_has_nothing_to_do(place: directory.StateDir) -> None:
    pretend(place, plan())
    difference = apply.difference(plan(), place)
    assert (difference.todo, len(difference.kept)) == ((), len(plan().steps))
    assert "no changes" in text_output.difference(difference)


def test_nothing_was_applied(place: directory.StateDir) -> None:
    assert apply.difference(plan(), place).at == 0
    assert {s.why for s in apply.difference(plan(), place).todo} == {"new"}


def test_a_changed_answer_is_shown_by_host_component_and_setting(place: directory.StateDir) -> None:
    pretend(place, plan())
    difference = apply.difference(plan(CONFIG_DEBUG_MODE="y"), place)
    changes = {(s.host, c.component, c.name): (c.before, c.after) for s in difference.todo for c in s.changes}
    assert changes[COMPUTE, "nova-compute", "nova::logging::debug"] == ("false", "true")
    assert changes[CONTROL, "keystone", "keystone::logging::debug"] == ("false", "true")
    assert not [name for _, _, name in changes if "debug" not in name]
    assert {s.why for s in difference.todo} <= {"changed", "follows"}
    text = text_output.difference(difference)
    assert f"\n{COMPUTE}\n" in text
    assert "\n  nova-compute\n    nova::logging::debug: false -> true\n" in text


def test_a_changed_secret_is_reported_but_not_shown(place: directory.StateDir) -> None:
    pretend(place, plan())
    difference = apply.difference(plan(CONFIG_NOVA_KS_PW="entirely-another"), place)
    text = text_output.difference(difference)
    assert 'nova::keystone::service_user::password: "********" -> "********" (another secret)' in text
    assert "entirely-another" not in text
    assert "nova-ks-pw" not in text
    assert "~" not in text.replace("~/", "")


def test_a_plan_for_machines(place: directory.StateDir) -> None:
    fresh = text_output.data(plan(), apply.difference(plan(), place))
    assert fresh["applied"] is None
    assert [s["step"] for s in fresh["steps"]] == [s.id for s in plan().steps]
    assert {s["why"] for s in fresh["steps"]} == {"new"}
    assert all(set(step["after"]) <= {s["step"] for s in fresh["steps"]} for step in fresh["steps"])
    pretend(place, plan())
    changed = plan(CONFIG_DEBUG_MODE="y", CONFIG_NOVA_KS_PW="entirely-another")
    text = json.dumps(text_output.data(changed, apply.difference(changed, place)))
    found = json.loads(text)
    assert found["applied"] > 0
    assert {s["why"] for s in found["steps"]} == {"unchanged", "changed", "follows"}
    changes = [c for s in found["steps"] for c in s["changes"]]
    assert {(c["before"], c["after"]) for c in changes if c["name"] == "nova::logging::debug"} == {("false", "true")}
    assert [secret for secret in ("entirely-another", "nova-ks-pw") if secret in text] == []
    assert any("everyone" in line for line in found["ports"][CONTROL]), found["ports"]


def test_a_host_that_joins_is_new_and_the_others_open_their_firewalls(place: directory.StateDir) -> None:
    few = plan("roles-apart", CONFIG_COMPUTE_HOSTS="compute1.lab.stackwright.test")
    pretend(place, few)
    difference = apply.difference(plan("roles-apart"), place)
    steps = found(difference)
    assert {s.why for s in difference.todo if s.host == NEW} == {"new"}
    others = {s.step.partition(":")[2] for s in difference.todo if s.host not in (NEW, "compute1.lab.stackwright.test")}
    assert others == {"firewall"}
    lines = [line for c in steps["data.lab.stackwright.test:firewall"].changes for line in c.lines]
    assert any(line.startswith("+ ") and "198.18.0.12" in line and "AMQP" in line for line in lines), lines


def test_failed_and_not_started_steps_are_listed(place: directory.StateDir) -> None:
    pretend(place, plan(), lambda step: step.host != COMPUTE)
    steps = found(apply.difference(plan(), place))
    assert {s.host for s in steps.values()} == {COMPUTE}
    assert {s.why for s in steps.values()} == {"failed"}


def test_a_run_that_was_begun_and_killed_changes_nothing_of_what_is_known(place: directory.StateDir) -> None:
    pretend(place, plan())
    changed = plan(CONFIG_DEBUG_MODE="y")
    with open_journal(place.folder) as journal:
        snapshots.keep(place, changed, journal, apply._snapshot_maker(changed, place))
    assert apply.difference(plan(), place).todo == ()
    assert "false -> true" in text_output.difference(apply.difference(changed, place))


def test_missing_snapshots_are_reported(place: directory.StateDir) -> None:
    pretend(place, plan())
    for damaged in ("", "{", '{"version": 99}', '{"version": 1, "texts": [], "pictures": {"x": {}}, "plan": []}'):
        place.write(snapshots.FILE, damaged)
        assert snapshots.load(place) == snapshots.Record()
    difference = apply.difference(plan(CONFIG_DEBUG_MODE="y"), place)
    assert "unknown" in {s.why for s in difference.todo}
    assert "not known here" in text_output.difference(difference)


def test_removed_components_are_listed_and_stay_installed(place: directory.StateDir) -> None:
    pretend(place, plan())
    difference = apply.difference(plan(CONFIG_HORIZON_INSTALL="n"), place)
    assert difference.gone == {CONTROL: ("horizon",)}
    assert "stays installed: horizon" in text_output.difference(difference)


def test_outdated_snapshots_are_deleted(place: directory.StateDir) -> None:
    for value in ("y", "n", "y"):
        pretend(place, plan(CONFIG_DEBUG_MODE=value))
    kept = snapshots.load(place)
    assert len(kept.snapshots) <= 2 * len(plan().steps)
    assert {p.step for p in kept.snapshots.values()} == {s.id for s in plan().steps}


def test_lists_are_compared_line_by_line() -> None:
    def one(content: str) -> StepSnapshot:
        return StepSnapshot("h:x", "h", "x", {("", "/etc/rules"): content})

    (change,) = snapshots.compare(one("a\nb\nc\n"), one("a\nc\nd\n"))
    assert change.lines == ("- b", "+ d")


def test_probes_are_kept_under_their_components(place: directory.StateDir) -> None:
    pretend(place, plan())
    probes = {name for one in snapshots.load(place).last for name, _ in one.probes}
    assert {"keystone", "nova-compute", "glance-api", "rabbitmq"} <= probes


def test_the_command_tells_what_would_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Here with hosts that are as a golden case says."""
    case = CASES["three-hosts"]
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("STACKWRIGHT_STATE", str(tmp_path / "state"))
    seen = case.facts()
    monkeypatch.setattr(inspection, "look", lambda *_: seen)
    monkeypatch.setattr(inspection, "problems", lambda *_: [])
    monkeypatch.setattr(inspection, "refuse_duplicate_hosts", lambda *_: None)
    file = tmp_path / "cloud.answers"
    file.write_text((golden.FOLDER / "base.txt").read_text() + (case.folder / "answers.txt").read_text())

    def said(*words: str) -> str:
        assert cli.main(["plan", "-a", str(file), *words]) == 0, capsys.readouterr().err
        return capsys.readouterr().out

    assert f"\n{COMPUTE}:packages: " in said(), "nothing was applied: every step"
    read = read_answers(AnswerOptions((file,))).answers
    pretend(directory.state_dir(str(read["CONFIG_CONTROLLER_HOST"])), planner.plan(planner.cloud(read, case.facts())))
    seen = {name: replace(f, cloud={"id": planner.cloud_key(read)}) for name, f in seen.items()}
    assert "no changes" in said()
    there, seen = seen, {**seen, COMPUTE: replace(seen[COMPUTE], cloud={})}
    assert f"\n{COMPUTE}\n  new: module, " in said(), "it was installed anew"
    seen = there
    changed = said("--set", "CONFIG_DEBUG_MODE=y")
    assert "nova::logging::debug: false -> true" in changed
    assert not [secret for secret in read.secret_texts() if secret in changed]
    whole = said("--all")
    assert f"\n{COMPUTE}:packages: " in whole
    assert f"\n{COMPUTE} is open at:\n  tcp 22 SSH: everyone\n" in whole


def test_what_was_done_on_a_host_that_was_installed_anew_is_done_again(place: directory.StateDir) -> None:
    """Its journal would call everything done, and an empty machine be called a cloud."""
    case = CASES["three-hosts"]
    what = plan()
    pretend(place, what)
    ours = {name: replace(f, cloud={"id": "x"}, uid=0) for name, f in case.facts().items()}
    assert inspection.reinstalled(place, ours) == ()
    anew = {**ours, COMPUTE: replace(ours[COMPUTE], cloud={})}
    assert inspection.reinstalled(place, anew) == (COMPUTE,)
    assert inspection.reinstalled(place, {**anew, COMPUTE: replace(anew[COMPUTE], uid=1000, sudo=False)}) == (), (
        "who can tell?"
    )
    difference = apply.difference(what, place, (COMPUTE,))
    assert {s.host for s in difference.todo} == {COMPUTE}
    assert {s.why for s in difference.todo} == {"new"}
    assert apply.difference(what, place).todo == (), "it was only read"
    with open_journal(place.folder) as journal:
        journal.lose((COMPUTE,))
    assert {s.host for s in apply.difference(what, place).todo} == {COMPUTE}
    assert inspection.reinstalled(place, anew) == ()
