"""A second run: quick where nothing is to do, and not deceived by what was done once and is there no more."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from golden import CASES
from stackwright import cli, planner, verify
from stackwright.model import Answers, Event, ExitCode, Facts, Plan, Probe, Problem, Run, StackwrightError, Step
from stackwright.operations import apply as apply_ops
from stackwright.operations import health, inspection, lock
from stackwright.operations import verify as verify_ops
from stackwright.ssh import Connection, LocalConnection
from stackwright.state import directory

HOST = "198.18.0.10"


class Hosts(apply_ops.Hosts):
    """Hosts that are folders of this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._open = {}

    def connect(self, name: str) -> Connection:
        if name not in self._open:
            self._open[name] = LocalConnection(name, become=False, base=str(self.folder / name))
        return self._open[name]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_PATIENCE", (0, 0))


def steps(folder: Path) -> tuple[Step, ...]:
    """Packages, and a service that counts how often it was set up and works while its file is there."""
    count = f"echo >> {folder}/packages"
    serve = f"echo >> {folder}/set-up; touch {folder}/works"
    return (
        Step(f"{HOST}:packages", HOST, "packages", (Run("packages", count),)),
        Step(
            f"{HOST}:puppet-0",
            HOST,
            "Puppet: api",
            (Run("serve", serve), Probe("api", f"test -e {folder}/works || {{ echo it is down; exit 1; }}", 5)),
            (f"{HOST}:packages",),
        ),
    )


def times(folder: Path, what: str) -> int:
    path = folder / what
    return len(path.read_text().splitlines()) if path.exists() else 0


def apply(
    folder: Path, plan: Plan, *, lost: Sequence[str] = (), again: bool = False
) -> tuple[apply_ops.Applied, list[Event]]:
    events: list[Event] = []
    place = directory.StateDir(folder / "state")
    with Hosts(folder / "hosts") as hosts:
        about = {"began": 0.0, "hosts": {}, "steps": []}
        return apply_ops.apply(plan, hosts, place, events.append, about=about, new_hosts=lost, again=again), events


def notes(events: list[Event]) -> list[str]:
    return [f"{e.host}: {e.message}" for e in events if e.kind == "note" and e.host]


def test_healthy_components_are_skipped(tmp_path: Path) -> None:
    plan = Plan(steps(tmp_path), (HOST,))
    assert apply(tmp_path, plan)[0].outcome.done == 2
    done, events = apply(tmp_path, plan)
    assert (done.outcome.done, done.outcome.kept, notes(events)) == (0, 2, [])
    assert times(tmp_path, "set-up") == 1


def test_only_a_stopped_service_is_repaired(tmp_path: Path) -> None:
    plan = Plan(steps(tmp_path), (HOST,))
    apply(tmp_path, plan)
    (tmp_path / "works").unlink()
    done, events = apply(tmp_path, plan)
    assert done.outcome.ok
    assert (times(tmp_path, "set-up"), times(tmp_path, "packages")) == (2, 1)
    assert notes(events) == [f"{HOST}: Puppet: api: repeated, because components are unhealthy: api: it is down"]
    assert done.report
    assert "repeated, because components are unhealthy" in done.report.read_text()
    assert apply(tmp_path, plan)[0].outcome.done == 0


def test_what_a_probe_says_is_shown_without_secrets(tmp_path: Path) -> None:
    """A probe with a secret in it is not asked: on its host it would be an argument of a process."""
    one, two = steps(tmp_path)
    (run, probe) = two.actions
    assert isinstance(probe, Probe)
    told = replace(probe, script=f"test -e {tmp_path}/works || {{ echo correct-horse; exit 1; }}")
    other = replace(probe, capability="other", script="test correct-horse = x || test -e /nowhere || test 1 = 1")
    plan = Plan((one, replace(two, actions=(run, told, other))), (HOST,))
    apply(tmp_path, plan)
    (tmp_path / "works").unlink()
    secret = replace(plan, secrets=frozenset({"correct-horse"}))
    _, events = apply(tmp_path, secret)
    assert notes(events) == []  # both have it
    assert times(tmp_path, "set-up") == 1


def test_a_reinstalled_host_is_installed_completely(tmp_path: Path) -> None:
    plan = Plan(steps(tmp_path), (HOST,))
    assert apply(tmp_path, plan)[0].outcome.done == 2
    assert apply(tmp_path, plan)[0].outcome.done == 0
    place = directory.StateDir(tmp_path / "state")
    (found,) = CASES["allinone"].facts().values()
    assert inspection.reinstalled(place, {HOST: replace(found, host=HOST, cloud={"id": "x"})}) == ()
    lost = inspection.reinstalled(place, {HOST: replace(found, host=HOST, cloud={})})
    assert lost == (HOST,)
    assert apply_ops.packages_due(plan, place, ()) == ()
    assert apply_ops.packages_due(plan, place, lost) == (HOST,)
    assert apply(tmp_path, plan, lost=lost)[0].outcome.done == 2


# ------------------------------------------------------------------------------------------------- the whole command


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Callable[..., int], list[str]]:
    """`stackwright apply` on a folder of this machine, and what was asked of it besides: packages, proofs."""
    case = CASES["allinone"]
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("STACKWRIGHT_STATE", str(tmp_path / "state"))

    def look(_hosts: object, _names: object, given: Answers) -> dict[str, Facts]:
        return {host: replace(f, cloud={"id": planner.cloud_key(given)}) for host, f in case.facts().items()}

    monkeypatch.setattr(inspection, "look", look)
    asked: list[str] = []

    def package_problems(*_: object, only: Sequence[str]) -> list[Problem]:
        assert tuple(only) == (HOST,)
        asked.append("packages")
        return []

    monkeypatch.setattr(inspection, "package_problems", package_problems)

    def take(*_: object, **__: object) -> None:
        raise StackwrightError("what this machine consists of is of no interest")

    monkeypatch.setattr(lock, "take", take)
    plan = Plan(steps(tmp_path), (HOST,), summary=case.plan().summary)
    monkeypatch.setattr(planner, "plan", lambda *_, **__: plan)
    hosts = Hosts(tmp_path / "hosts")
    monkeypatch.setattr(apply_ops.Hosts, "connect", lambda _, name: hosts.connect(name))
    checks = [
        {"kind": "check", "check": "ping", "title": "It answers", "service": "neutron", "state": "ok", "seconds": 0.1},
        {"kind": "finished", "seconds": 0.2, "left": []},
    ]
    says = f"echo >> {tmp_path}/proofs\n" + "".join(f"echo '{json.dumps(line)}'\n" for line in checks)
    step = Step("verify", HOST, "Prove it", (Run("verify", says),), always=True)
    monkeypatch.setattr(verify, "build", lambda *_: step)
    path = tmp_path / "cloud.answers"
    words = ["--install-hosts", HOST, "--set", "CONFIG_CINDER_BACKEND=ceph"]
    assert cli.main(["--gen-answer-file", str(path), *words]) == ExitCode.OK
    return lambda *more: cli.main(["apply", "-a", str(path), *more]), asked


def test_a_run_with_nothing_to_do_ends_at_once(
    cloud: tuple[Callable[..., int], list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, asked = cloud
    assert run() == ExitCode.OK
    assert (asked, times(tmp_path, "proofs")) == (["packages"], 1)
    capsys.readouterr()
    assert run() == ExitCode.OK
    said = capsys.readouterr().out
    assert (asked, times(tmp_path, "proofs")) == (["packages"], 1)
    assert "No changes" in said
    assert "is installed and verified" in said
    assert json.loads((tmp_path / "state" / HOST / "report.json").read_text())["proved"] is True
    assert run("--json") == ExitCode.OK
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["verification"]["ok"] is True
    # Asked for, everything is done: the packages are looked for, and the cloud is tried.
    assert run("--again") == ExitCode.OK
    assert (asked, times(tmp_path, "proofs"), times(tmp_path, "set-up")) == (["packages"] * 2, 2, 2)


def test_a_cloud_is_tried_again_once_anything_was_done(
    cloud: tuple[Callable[..., int], list[str]], tmp_path: Path
) -> None:
    run, asked = cloud
    run()
    (tmp_path / "works").unlink()
    assert run() == ExitCode.OK
    assert (asked, times(tmp_path, "proofs")) == (["packages"], 2)


def test_a_cloud_that_was_not_proved_is_tried(cloud: tuple[Callable[..., int], list[str]], tmp_path: Path) -> None:
    run, _ = cloud
    assert run("--no-verify") == ExitCode.OK
    assert run() == ExitCode.OK
    assert times(tmp_path, "proofs") == 1


@pytest.mark.parametrize(
    "text", ["", "null", "{", "[]", '{"ok": true}', '{"ok": true, "at": "x"}', '{"ok": 1, "at": 9e9}']
)
def test_a_proof_that_cannot_be_read_proves_nothing(tmp_path: Path, text: str) -> None:
    plan, place = Plan(steps(tmp_path), (HOST,)), directory.StateDir(tmp_path / "state")
    apply(tmp_path, plan)
    place.write("verify.json", text)
    assert verify_ops.holds(plan, place) is None
    place.write("verify.json", '{"ok": true, "at": 9e9}')
    assert verify_ops.holds(plan, place)
    assert verify_ops.holds(Plan(steps(tmp_path / "other"), (HOST,)), place) is None
