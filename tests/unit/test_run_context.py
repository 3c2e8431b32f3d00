"""What a command works with is computed once: the cloud above all, which takes seconds for a thousand hosts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from golden import CASES
from stackwright import cli, planner, verify
from stackwright.model import Answers, ExitCode, Facts, Plan, Run, Step
from stackwright.operations import inspection
from stackwright.operations import lock as lock_operations
from stackwright.planner.topology import Cloud
from stackwright.ssh import Connection, LocalConnection
from stackwright.ssh.pool import Hosts

HOST = "198.18.0.10"


@pytest.fixture
def computed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs commands on a cloud whose hosts look like those of a golden case; returns how often each command computed
    the cloud. No command may compute it twice from the same answers and facts."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("STACKWRIGHT_STATE", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    case = CASES["allinone"]
    monkeypatch.setattr(inspection, "look", lambda *_, **__: dict(case.facts()))
    monkeypatch.setattr(inspection, "package_problems", lambda *_, **__: [])
    local = LocalConnection(HOST, become=False, base=str(tmp_path / "host"))

    def connect(_: Hosts, name: str) -> Connection:
        assert name == HOST
        return local

    monkeypatch.setattr(Hosts, "connect", connect)
    checks = ({"kind": "check", "check": "ping", "state": "ok"}, {"kind": "finished", "seconds": 0.2, "left": []})
    says = "".join(f"echo '{json.dumps(line)}'\n" for line in checks)
    monkeypatch.setattr(verify, "build", lambda *_: Step("verify", HOST, "v", (Run("verify", says),), always=True))
    steps = tuple(Step(f"{HOST}:{name}", HOST, name, (Run(name, "true"),)) for name in ("packages", "one"))
    cloud, plan = planner.cloud, planner.plan
    inputs: list[tuple[Answers, Mapping[str, Facts]]] = []

    def counted(answers: Answers, facts: Mapping[str, Facts], *more: Any) -> Cloud:
        assert (answers, facts) not in inputs, "computed twice from the same"
        inputs.append((answers, facts))
        return cloud(answers, facts, *more)

    def planned(*given: Any, **more: Any) -> Plan:
        return Plan(steps, (HOST,), summary=plan(*given, **more).summary)

    monkeypatch.setattr(planner, "cloud", counted)
    monkeypatch.setattr(planner, "plan", planned)
    file = tmp_path / "cloud.answers"
    words = ("--install-hosts", HOST, "--set", "CONFIG_CINDER_BACKEND=ceph")
    assert cli.main(["--gen-answer-file", str(file), *words]) == ExitCode.OK

    def run(*words: str, code: int = ExitCode.OK) -> int:
        inputs.clear()
        assert cli.main([*words, "-a", str(file)]) == code
        return len(inputs)

    return run


@pytest.mark.slow
def test_each_command_computes_the_cloud_once(computed: Callable[..., int]) -> None:
    assert computed("check") == 1
    assert computed("plan") == 1
    assert computed("apply", "--dry-run") == 1
    assert computed("apply") == 1
    assert computed("verify") == 1
    assert computed("status") == 0
    assert computed("lock") == 1
    # Its plan is made of answers without secrets: once with what the answers leave open, and once with that filled in.
    assert computed("bundle", "create", "-o", "my.bundle") == 2


def test_what_follows_from_a_run_is_computed_when_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    from stackwright.operations.context import RunContext

    case, asked = CASES["allinone"], list[str]()
    whole = planner.cloud(case.answers(), case.facts())
    monkeypatch.setattr(planner, "cloud", lambda *_: asked.append("cloud") or whole)
    monkeypatch.setattr(planner, "plan", lambda *_, **__: asked.append("plan") or Plan(()))
    monkeypatch.setattr(lock_operations, "exact", lambda *_: asked.append("exact"))
    run = RunContext(case.answers(), case.facts(), None, None)  # type: ignore[arg-type]
    assert asked == []
    assert run.plan is run.plan
    assert run.cloud is run.cloud
    assert asked == ["cloud", "plan"], "without a lock, nothing asks for its packages"
