"""The id that tells a cloud's hosts from those of others does not depend on an answer that may change."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from golden import CASES
from stackwright import planner
from stackwright.model import Answers, Facts, Upload
from stackwright.operations import identity, inspection
from stackwright.state.directory import StateDir

CASE = CASES["three-hosts"]
KEY = "CONFIG_KEYSTONE_DB_PW"


def answers(password: str = "f1rst") -> Answers:
    given = CASE.answers()
    return replace(given, entries={**given.entries, KEY: replace(given.entries[KEY], value=password)})


def carrying(record: dict[str, str]) -> dict[str, Facts]:
    """The hosts of the case, all of the cloud of this record."""
    return {host: replace(facts, cloud=record) for host, facts in CASE.facts().items()}


def installed(given: Answers, own_id: str) -> dict[str, str]:
    """What a plan writes to cloud.json."""
    plan = planner.plan(replace(planner.cloud(given, CASE.facts()), id=own_id))
    upload = plan.step(f"{plan.hosts[0]}:module").actions[0]
    assert isinstance(upload, Upload)
    (file,) = (f for f in upload.files if f.path.endswith("/cloud.json"))
    record: dict[str, str] = json.loads(file.content)
    return record


def other_clouds(given: Answers, facts: dict[str, Facts], own_id: str) -> list[str]:
    return [p.name for p in inspection.problems(given, facts, cloud_id=own_id) if p.name == "other-cloud"]


def test_the_id_is_random_and_saved(tmp_path: Path) -> None:
    one, two = StateDir(tmp_path / "one"), StateDir(tmp_path / "two")
    first = identity.cloud_id(answers(), CASE.facts(), one)
    assert first == identity.cloud_id(answers("changed"), CASE.facts(), one)
    assert first != identity.cloud_id(answers(), CASE.facts(), two)
    assert first != planner.cloud_key(answers())
    assert len(first) == 32


def test_a_cloud_is_recognized_after_the_password_of_keystones_database_changed(tmp_path: Path) -> None:
    state = StateDir(tmp_path)
    facts = carrying(installed(answers(), identity.cloud_id(answers(), CASE.facts(), state)))
    own_id = identity.cloud_id(answers("n3w"), facts, state)
    assert other_clouds(answers("n3w"), facts, own_id) == []
    assert installed(answers("n3w"), own_id)["id"] == next(iter(facts.values())).cloud["id"]


def test_another_operator_with_the_same_answers_takes_the_id_over(tmp_path: Path) -> None:
    facts = carrying(installed(answers(), "a" * 32))
    other = StateDir(tmp_path)
    # Planned before the first operator installed: the hosts' id counts.
    assert identity.cloud_id(answers(), CASE.facts(), other) != "a" * 32
    assert identity.cloud_id(answers(), facts, other) == "a" * 32
    assert identity.cloud_id(answers("n3w"), facts, other) == "a" * 32


def test_other_answers_without_the_state_directory_are_refused(tmp_path: Path) -> None:
    facts = carrying(installed(answers(), "a" * 32))
    own_id = identity.cloud_id(answers("other"), facts, StateDir(tmp_path))
    assert other_clouds(answers("other"), facts, own_id) == ["other-cloud"] * len(facts)


def test_a_cloud_of_version_0_1_0_keeps_its_id(tmp_path: Path) -> None:
    old = planner.cloud_key(answers())
    record = {"id": old, "release": "zed"}
    facts = carrying(record)
    assert identity.cloud_id(answers(), facts, StateDir(tmp_path / "same")) == old
    # Nothing on its hosts changes because of that.
    assert installed(answers(), old) == record
    # The password changes together with the version: the state directory that installed it is the proof.
    state = StateDir(tmp_path / "changed")
    state.write("journal.jsonl", "{}\n")
    assert identity.cloud_id(answers("n3w"), facts, state) == old
    assert installed(answers("n3w"), old) == record | {"key": planner.cloud_key(answers("n3w"))}
    assert identity.cloud_id(answers("n3w"), facts, StateDir(tmp_path / "empty")) != old


def test_a_random_id_changes_with_nothing_that_a_host_needs() -> None:
    """Only the record of the module step differs."""
    whole = planner.cloud(answers(), CASE.facts())
    one, two = (planner.plan(replace(whole, id=own_id)) for own_id in ("a" * 32, "b" * 32))
    differ = [a.id for a, b in zip(one.steps, two.steps, strict=True) if a.actions != b.actions]
    assert differ == [f"{host}:module" for host in one.hosts]
