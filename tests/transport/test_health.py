"""How hosts stand, asked of real shells: over SSH and locally."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import stackwright.ssh.pool
from stackwright import cli
from stackwright.executor.lease import Lease
from stackwright.model import ExitCode, Plan, Probe, PuppetApply, Run, StackwrightError, Step
from stackwright.operations import apply as apply_ops
from stackwright.operations import health
from stackwright.output import text as text_output
from stackwright.ssh import Connection, LocalConnection
from stackwright.state import directory, snapshots
from stackwright.state.journal import Record, open_journal
from stackwright.state.snapshots import StepSnapshot

from .test_detached import go, wait_for

pytestmark = pytest.mark.slow

STANDIN = str(Path(__file__).parents[1] / "unit" / "standin-puppet")


def pictures(**probes: str) -> list[StepSnapshot]:
    components = (*probes, "clients")
    return [
        StepSnapshot("node:packages", "node", "packages", {}),
        StepSnapshot("node:puppet-0", "node", "Puppet", {}, components, tuple(probes.items())),
    ]


def known(tmp_path: Path, found: list[StepSnapshot], **records: bool) -> dict[str, health.HostStatus]:
    with open_journal(tmp_path / "journal") as journal:
        for step, ok in records.items():
            data = {} if ok else {"cause": "it broke"}
            journal.add(Record(f"node:{step.replace('_', '-')}", "d", ok, time.time(), data=data))
        return health.recorded(journal, found, {one.step: "d" for one in found})


class TestAsk:
    def test_each_component_is_asked(self, connection: Connection, tmp_path: Path) -> None:
        found = pictures(
            fine="true", broken="echo first; echo 'unit x is dead'; exit 3", quoted='[ "it\'s" = "it\'s" ]'
        )
        (host,) = health.ask(known(tmp_path, found, packages=True, puppet_0=True), found, lambda _: connection)
        assert [(c.name, c.works, c.said) for c in host.components] == [
            ("fine", True, ""),
            ("broken", False, "unit x is dead"),
            ("quoted", True, ""),
            ("clients", None, ""),
        ]
        assert not host.healthy
        text = text_output.status([host], None, directory.StateDir(tmp_path), time.time())
        assert "FAILED      broken: unit x is dead" in text
        assert "works       fine, quoted" in text
        assert "installed   clients" in text

    def test_one_that_hangs_holds_nobody_up(
        self, connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(health, "_EACH", 1)
        found = pictures(stuck="sleep 600", fine="true")
        (host,) = health.ask(known(tmp_path, found, packages=True, puppet_0=True), found, lambda _: connection)
        assert {c.name: c.said for c in host.components if c.works is False} == {"stuck": "no answer within 1 s"}

    def test_who_works_there_and_what_runs(self, connection: Connection, tmp_path: Path) -> None:
        found = pictures(fine="true")
        lease = Lease(connection, "ann@desk", on_lost=print)
        thread = threading.Thread(target=lambda: go(connection, "echo here; sleep 4", name="node:puppet-0.0"))
        thread.start()
        try:
            ask: Callable[[], list[health.HostStatus]] = lambda: health.ask(  # noqa: E731
                known(tmp_path, found, packages=True), found, lambda _: connection
            )
            wait_for(lambda: bool(ask()[0].running), "the run")
            (host,) = ask()
        finally:
            thread.join()
            lease.release()
        assert host.held_by.startswith("ann@desk, since 20")
        assert [run.name for run in host.running] == ["node:puppet-0.0"]
        text = text_output.status([host], None, directory.StateDir(tmp_path), time.time())
        assert "running     puppet-0 for " in text
        assert "not begun   Puppet" in text

    def test_a_host_that_does_not_answer(self, tmp_path: Path) -> None:
        def nobody(_: str) -> Connection:
            raise StackwrightError("node: no answer", code=ExitCode.UNREACHABLE)

        found = pictures(fine="true")
        (host,) = health.ask(known(tmp_path, found, packages=True, puppet_0=False), found, nobody)
        assert (host.problem, host.healthy) == ("node: no answer", False)
        text = text_output.status([host], None, directory.StateDir(tmp_path), time.time())
        assert "UNREACHABLE node: no answer" in text
        assert "not done    Puppet: failed" in text
        assert "it broke" in text


def test_many_hosts_that_are_well_have_a_line_each(tmp_path: Path) -> None:
    steps = (health.StepStatus("x", "x", "done", 1.0),)
    hosts = [health.HostStatus(f"c{n}", steps, (health.Component("nova-compute", True),)) for n in range(200)]
    hosts.append(health.HostStatus("sick", steps, (health.Component("nova-compute", False, "dead"),)))
    text = text_output.status(hosts, {"at": 0.0, "ok": True}, directory.StateDir(tmp_path), time.time())
    assert text.startswith("201 hosts, 200 healthy")
    assert text.index("nova-compute: dead") < text.index("c0: healthy")
    assert len(text.splitlines()) == 200 + 5


class TestCommands:
    """The command line, with a host that is a folder of this machine."""

    @pytest.fixture
    def cloud(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, directory.StateDir]:
        class Hosts(stackwright.ssh.pool.Hosts):
            down = False

            def connect(self, name: str) -> Connection:
                if Hosts.down:
                    raise StackwrightError(f"{name}: no answer", code=ExitCode.UNREACHABLE)
                return self._open.setdefault(name, LocalConnection(name, become=False, base=str(tmp_path / "host")))

        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("STACKWRIGHT_STATE", str(tmp_path / "state"))
        monkeypatch.setattr(stackwright.ssh.pool, "Hosts", Hosts)
        monkeypatch.setattr("stackwright.operations.access.Hosts", Hosts)
        file = tmp_path / "cloud.answers"
        file.write_text("CONFIG_CONTROLLER_HOST=node.lab.test\nCONFIG_KEYSTONE_ADMIN_PW=open-sesame\n")
        return file, directory.state_dir("node.lab.test")

    def apply(self, place: directory.StateDir, *steps: Step) -> None:
        about = {"began": 0.0, "hosts": {}, "steps": [], "summary": {}, "answers": {}}
        with stackwright.ssh.pool.Hosts(directory.Access(), place) as hosts:
            plan = Plan(steps, secrets=frozenset({"open-sesame"}))
            apply_ops.apply(plan, hosts, place, lambda _: None, about=about)

    def steps(self, probe: str) -> tuple[Step, ...]:
        puppet = PuppetApply("puppet-0", "# change Service[x]", "x: y", "/m", puppet=STANDIN, components=("keystone",))
        first = "node.lab.test:packages"  # takes a second, since hosts tell whole seconds
        return (
            Step(first, "node.lab.test", "packages", (Run("packages", "echo open-sesame; echo two; sleep 1.1"),)),
            Step("node.lab.test:puppet-0", "node.lab.test", "Puppet", (puppet, Probe("identity", probe, 1)), (first,)),
        )

    def test_status(
        self, cloud: tuple[Path, directory.StateDir], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file, place = cloud
        assert cli.main(["status", "-a", str(file)]) == ExitCode.OK
        assert "nothing was applied yet" in capsys.readouterr().out
        assert cli.main(["status", "-a", str(file), "--json"]) == ExitCode.OK
        found = json.loads(capsys.readouterr().out)
        assert (found["hosts"], found["verification"]) == ([], None)
        (tmp_path / "up").touch()
        (tmp_path / "said").write_text("down with open-sesame\n")
        self.apply(place, *self.steps(f"[ -e '{tmp_path}/up' ] || {{ cat '{tmp_path}/said'; exit 1; }}"))
        assert cli.main(["status", "-a", str(file)]) == ExitCode.OK
        out = capsys.readouterr().out
        assert "1 host, 1 healthy" in out
        assert "works       keystone" in out
        (tmp_path / "up").unlink()
        assert cli.main(["status", "-a", str(file)]) == ExitCode.FAILED
        assert "FAILED      keystone: down with ********" in capsys.readouterr().out
        assert cli.main(["status", "-a", str(file), "--offline"]) == ExitCode.OK
        assert "node.lab.test: not asked" in capsys.readouterr().out
        stackwright.ssh.pool.Hosts.down = True  # type: ignore[attr-defined]
        assert cli.main(["status", "-a", str(file), "--json"]) == ExitCode.UNREACHABLE
        assert '"problem": "node.lab.test: no answer"' in capsys.readouterr().out

    def test_logs(self, cloud: tuple[Path, directory.StateDir], capsys: pytest.CaptureFixture[str]) -> None:
        file, place = cloud
        self.apply(place, *self.steps("true"))
        assert cli.main(["logs", "node", "packages", "-a", str(file)]) == ExitCode.OK
        assert capsys.readouterr().out == "********\ntwo\n"
        assert cli.main(["logs", "node.lab.test", "packages", "--lines", "1", "-a", str(file)]) == ExitCode.OK
        assert capsys.readouterr().out == "two\n"
        assert cli.main(["logs", "node", "-a", str(file)]) == ExitCode.OK
        out = capsys.readouterr().out
        assert "Compiled catalog" in out, "the step that ran last"
        assert "Starting to evaluate" not in out
        assert cli.main(["logs", "nodd", "-a", str(file)]) == ExitCode.USAGE
        assert cli.main(["logs", "node", "puppet-7", "-a", str(file)]) == ExitCode.USAGE
        error = capsys.readouterr().err
        assert "this cloud has no host named nodd" in error
        assert "steps on that host: packages, puppet-0" in error
        stackwright.ssh.pool.Hosts.down = True  # type: ignore[attr-defined]
        assert cli.main(["logs", "node", "packages", "-a", str(file)]) == ExitCode.OK
        shown = capsys.readouterr()
        assert shown.out == "********\ntwo\n"
        assert "logs stored on this machine" in shown.err

    def test_what_is_kept_is_there_before_the_first_step(self, cloud: tuple[Path, directory.StateDir]) -> None:
        _, place = cloud
        self.apply(place, *self.steps("true"))
        assert [one.step for one in snapshots.load(place).last] == ["node.lab.test:packages", "node.lab.test:puppet-0"]
