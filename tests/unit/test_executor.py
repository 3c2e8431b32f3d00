"""The walk over a plan, with real shells on this machine; no root, no network."""

from __future__ import annotations

import grp
import os
import pwd
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from stackwright import executor
from stackwright.executor import Outcome
from stackwright.executor.lease import Lease
from stackwright.model import (
    Event,
    ExitCode,
    File,
    Plan,
    Probe,
    PuppetApply,
    Run,
    StackwrightError,
    Step,
    Upload,
)
from stackwright.ssh import Connection, LocalConnection
from stackwright.state.journal import Journal, open_journal

ME = f"{pwd.getpwuid(os.getuid()).pw_name}:{grp.getgrgid(os.getgid()).gr_name}"
PUPPET = str(Path(__file__).with_name("standin-puppet"))


def sh(step_id: str, script: str, *needs: str, host: str = "a", always: bool = False, retries: int = 0) -> Step:
    return Step(step_id, host, f"title of {step_id}", (Run(step_id, script, retries=retries),), needs, always)


def pp(step_id: str, manifest: str, *needs: str, host: str = "a", hieradata: str = "x: y") -> Step:
    action = PuppetApply(step_id, manifest, hieradata, "/modules", puppet=PUPPET, timeout=60)
    return Step(step_id, host, f"title of {step_id}", (action,), needs)


class Site:
    """A control machine with a state directory, and hosts that are folders of this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.events: list[Event] = []
        self.connected: list[str] = []
        self.connections: dict[str, Connection] = {}
        self.down: dict[str, StackwrightError] = {}
        self.log: list[str] = []

    def connect(self, host: str) -> Connection:
        self.connected.append(host)
        if host in self.down:
            raise self.down[host]
        self.connections[host] = LocalConnection(host, become=False, base=str(self.base(host)))
        return self.connections[host]

    def base(self, host: str) -> Path:
        return self.folder / "hosts" / host

    def journal(self) -> Journal:
        return open_journal(self.folder / "state")

    def run(
        self,
        *steps: Step,
        secrets: frozenset[str] = frozenset(),
        on_event: Callable[[Event], None] | None = None,
        **options: object,
    ) -> Outcome:
        self.events.clear()
        self.connected.clear()
        self.log.clear()

        def emit(event: Event) -> None:
            self.events.append(event)
            if on_event:
                on_event(event)

        with self.journal() as journal:
            return executor.run(
                Plan(steps, secrets=secrets),
                self.connect,
                journal,
                emit,
                log=lambda step, line: self.log.append(f"{step}: {line}"),
                **options,  # type: ignore[arg-type]
            )

    def kinds(self, step: str) -> list[str]:
        return [e.kind for e in self.events if e.step == step]

    def event(self, step: str, kind: str) -> Event:
        return next(e for e in self.events if e.step == step and e.kind == kind)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    for connection in made.connections.values():
        connection.close()


class TestOrder:
    def test_each_step_follows_what_it_needs(self, site: Site, tmp_path: Path) -> None:
        order = tmp_path / "order"
        done = site.run(
            sh("one", f"echo one >>'{order}'"),
            sh("two", f"sleep 0.3; echo two >>'{order}'", "one", host="b"),
            sh("three", f"echo three >>'{order}'", "two"),
        )
        assert done.ok
        assert (done.done, done.kept, done.failed, done.code) == (3, 0, 0, ExitCode.OK)
        assert order.read_text().split() == ["one", "two", "three"]

    def test_it_waits_for_a_step_whose_content_does_not_matter_to_it(self, site: Site, tmp_path: Path) -> None:
        order = tmp_path / "order"
        door = sh("door", f"sleep 0.3; echo door >>'{order}'", host="b")
        through = replace(sh("through", f"echo through >>'{order}'"), after=("door",))
        assert site.run(door, through).ok
        assert order.read_text().split() == ["door", "through"]
        wider = sh("door", f"echo wider >>'{order}'", host="b")
        assert site.run(wider, through).kept == 1
        assert order.read_text().split() == ["door", "through", "wider"]
        shut = site.run(sh("door", "exit 1", host="b"), replace(through, title="x", actions=(Run("x", "true"),)))
        assert (shut.failed, shut.skipped) == (1, 1)
        assert site.event("through", "skipped").data["because"] == "door"

    def test_hosts_do_not_wait_for_each_other(self, site: Site, tmp_path: Path) -> None:
        # each waits for the other's file: one after the other, they would never end
        meet = (
            "touch '{0}/{1}'; n=0\nwhile [ ! -e '{0}/{2}' ]; do n=$((n+1)); [ $n -lt 1200 ] || exit 1; sleep 0.1; done"
        )
        done = site.run(
            sh("a", meet.format(tmp_path, "a-is-here", "b-is-here")),
            sh("b", meet.format(tmp_path, "b-is-here", "a-is-here"), host="b"),
        )
        assert done.ok

    def test_one_host_does_one_thing_at_a_time(self, site: Site, tmp_path: Path) -> None:
        lock = tmp_path / "lock"
        alone = f"mkdir '{lock}' || exit 1; sleep 0.2; rmdir '{lock}'"
        assert site.run(*(sh(f"s{n}", alone) for n in range(4))).ok
        assert not site.run(*(sh(f"t{n}", alone) for n in range(4)), per_host=4).ok

    def test_never_two_of_puppet_on_a_host(self, site: Site) -> None:
        running: set[str] = set()
        most = 0

        def watch(event: Event) -> None:
            nonlocal most
            if event.kind == "started":
                running.add(event.step)
            if event.kind == "ok":
                running.discard(event.step)
            most = max(most, len(running))

        assert site.run(*(pp(f"p{n}", "") for n in range(3)), per_host=3, on_event=watch).ok
        assert most == 1

    def test_no_more_than_parallel_at_once(self, site: Site) -> None:
        running = most = 0

        def watch(event: Event) -> None:
            nonlocal running, most
            running += {"started": 1, "ok": -1}.get(event.kind, 0)
            most = max(most, running)

        assert site.run(*(sh(f"s{n}", "sleep 0.1", host=f"h{n}") for n in range(6)), parallel=2, on_event=watch).ok
        assert most == 2

    def test_a_plan_out_of_order_is_an_error(self, site: Site) -> None:
        class Circular(Plan):
            def digests(self) -> dict[str, str]:
                return {step.id: step.id for step in self.steps}

        plan = Circular((sh("one", "true", "two"), sh("two", "true", "one")))
        with site.journal() as journal, pytest.raises(StackwrightError, match="wait for each other"):
            executor.run(plan, site.connect, journal, print)


class TestFailures:
    def test_dependents_are_skipped_and_nothing_else(self, site: Site) -> None:
        done = site.run(
            sh("good", "true"),
            sh("bad", "echo why; exit 3", "good", host="b"),
            sh("after", "true", "bad"),
            sh("later", "true", "after", host="c"),
            sh("apart", "true", host="c"),
        )
        assert not done.ok
        assert done.code == ExitCode.FAILED
        assert (done.done, done.failed, done.skipped) == (2, 1, 2)
        assert [f.step for f in done.failures] == ["bad"]
        assert done.failures[0].cause == "bad ended with exit status 3"
        assert done.failures[0].lines == ("why",)
        skipped = {e.step: e.data["because"] for e in site.events if e.kind == "skipped"}
        assert skipped == {"after": "bad", "later": "bad"}

    def test_the_next_run_continues_after_the_failed_step(self, site: Site, tmp_path: Path) -> None:
        cure, count = tmp_path / "cure", tmp_path / "count"
        steps = (
            sh("first", f"echo x >>'{count}'"),
            sh("second", f"[ -e '{cure}' ]", "first"),
            sh("third", "true", "second"),
        )
        assert not site.run(*steps).ok
        cure.touch()
        done = site.run(*steps)
        assert done.ok
        assert (done.kept, done.done) == (1, 2)
        assert site.kinds("first") == ["kept"]
        assert count.read_text() == "x\n"

    def test_a_host_that_cannot_be_reached_fails_its_own_steps(self, site: Site) -> None:
        site.down["b"] = StackwrightError("b: no answer", "Look at its cable.", ExitCode.UNREACHABLE)
        far = (sh("b1", "true", host="b"), sh("b2", "true", "b1", host="b"))
        done = site.run(sh("a1", "true"), *far, sh("a2", "true"))
        assert (done.done, done.failed, done.skipped) == (2, 1, 1)
        assert (done.failures[0].cause, done.failures[0].hint) == ("b: no answer", "Look at its cable.")

    def test_slow_connections_are_reported(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("stackwright.executor.walk._CONNECTED_EVERY", 0.3)
        there = threading.Event()

        def slow(host: str) -> Connection:
            if host == "b":
                there.wait()
            return site.connect(host)

        def seen(event: Event) -> None:
            if event.message == "connected to 1 of 2 hosts":
                there.set()

        with site.journal() as journal:
            assert executor.run(Plan((sh("a1", "true"), sh("b1", "true", host="b"))), slow, journal, seen).ok

    def test_an_internal_error_is_reported(self, site: Site) -> None:
        def broken(host: str) -> Connection:
            raise ZeroDivisionError(host)

        with site.journal() as journal:
            done = executor.run(Plan((sh("one", "true"),)), broken, journal, site.events.append)
        assert "ZeroDivisionError" in done.failures[0].cause

    def test_a_full_disk_is_named(self, site: Site) -> None:
        done = site.run(sh("one", "echo 'tar: write error: No space left on device'; exit 2"))
        assert "df -h" in done.failures[0].hint


class TestKept:
    def test_finished_steps_are_skipped_without_connecting(self, site: Site) -> None:
        steps = (sh("one", "true"), sh("two", "true", "one", host="b"))
        site.run(*steps)
        assert site.connected == ["a", "b"]
        done = site.run(*steps)
        assert (done.kept, done.done, done.ok) == (2, 0, True)
        assert site.connected == []

    def test_a_change_touches_its_dependents_and_nothing_else(self, site: Site) -> None:
        site.run(sh("one", "true"), sh("two", "true", "one"), sh("apart", "true", host="b"))
        site.run(sh("one", "true # changed"), sh("two", "true", "one"), sh("apart", "true", host="b"))
        assert [site.kinds(s)[0] for s in ("one", "two", "apart")] == ["started", "started", "kept"]

    def test_again_does_it_again(self, site: Site) -> None:
        site.run(sh("one", "true"))
        assert site.run(sh("one", "true"), again=True).done == 1

    def test_a_step_that_only_looks_is_always_run(self, site: Site) -> None:
        site.run(sh("look", "true", always=True))
        assert site.run(sh("look", "true", always=True)).done == 1

    def test_an_estimate_comes_from_the_last_time(self, site: Site) -> None:
        site.run(sh("one", "sleep 0.3"))
        site.run(sh("one", "sleep 0.3"), again=True)
        assert site.event("one", "started").data["estimate"] >= 0.3


class TestActions:
    def test_uploads_count_what_changed(self, site: Site, tmp_path: Path) -> None:
        files = tuple(File(str(tmp_path / "out" / n), n.encode(), 0o600, ME) for n in ("x", "y"))
        step = Step("up", "a", "files", (Upload(files),))
        assert site.run(step).changed == 2
        assert site.run(step, again=True).changed == 0
        (tmp_path / "out" / "x").write_text("someone else's")
        assert site.run(step, again=True).changed == 1

    def test_a_script_says_that_it_changed_something(self, site: Site) -> None:
        assert site.run(sh("yes", "echo stackwright: changed")).changed == 1
        assert site.event("yes", "ok").data["changed"] == 1
        assert site.run(sh("no", "echo 'it was stackwright: changed before'")).changed == 0

    def test_progress_lines_become_events(self, site: Site) -> None:
        site.run(sh("one", "echo 'stackwright: progress 3 10 unpacking nova'; echo other"))
        assert site.event("one", "progress").data == {"done": 3, "total": 10, "what": "unpacking nova"}
        assert "one: other" in site.log

    @pytest.mark.slow
    def test_the_last_of_many_quick_ones_is_what_is_shown(self, site: Site) -> None:
        """It is the one that takes long."""
        lines = "; ".join(f"echo 'stackwright: progress {n} 10 package-{n}'" for n in range(1, 8))
        site.run(sh("one", f"{lines}; sleep 4"))
        shown = [e.data["what"] for e in site.events if e.kind == "progress"]
        assert shown[-1] == "package-7"
        assert len(shown) < 7

    @pytest.mark.slow
    def test_silent_work_is_seen_to_be_alive(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("stackwright.executor.progress.ALIVE", 0.5)
        site.run(sh("one", "echo 'stackwright: progress 3 10 unpacking'; sleep 4"))
        beats = [e.data for e in site.events if e.kind == "progress" and "for" in e.data]
        assert beats
        assert {(b["done"], b["total"], b["what"]) for b in beats} == {(3, 10, "unpacking")}

    def test_what_was_changed_counts_even_when_it_fails(self, site: Site) -> None:
        done = site.run(pp("p", "# change File[/a]\n# fail File[/b] no"))
        assert done.changed == 1
        assert site.event("p", "failed").data["changed"] == 1

    def test_a_locked_package_manager_is_tried_again(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("stackwright.executor.actions.RETRY_WAIT", 0.1)
        done = site.run(pp("p", "# fail Package[nova] E: Could not get lock /var/lib/dpkg/lock-frontend"))
        assert done.failures[0].cause == "Package[nova]"
        whys = [e.data["why"] for e in site.events if e.kind == "retried"]
        assert whys == ["Package[nova]: another process holds the lock of the package manager"] * 2

    def test_a_failure_for_now_is_tried_again(
        self, site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr("stackwright.executor.actions.RETRY_WAIT", 0.1)
        script = f"echo x >>'{tmp_path}/n'; [ $(wc -l <'{tmp_path}/n') -ge 3 ] || {{ echo 'lock is held'; exit 75; }}"
        assert site.run(sh("one", script, retries=3)).ok
        assert [e.data["why"] for e in site.events if e.kind == "retried"] == ["lock is held"] * 2

    def test_but_only_so_often_and_only_for_that(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("stackwright.executor.actions.RETRY_WAIT", 0.1)
        assert not site.run(sh("one", "exit 75", retries=1)).ok
        assert site.kinds("one").count("retried") == 1
        assert not site.run(sh("two", "exit 1", retries=5)).ok
        assert "retried" not in site.kinds("two")

    def test_a_probe_waits_until_it_works(self, site: Site, tmp_path: Path) -> None:
        probe = Probe("identity", f"echo x >>'{tmp_path}/n'; [ $(wc -l <'{tmp_path}/n') -ge 3 ]", 20, 0.1)
        assert site.run(Step("p", "a", "probe", (probe,))).ok

    def test_a_probe_that_never_works_shows_what_it_said_last(self, site: Site) -> None:
        probe = Probe("identity", "echo 'HTTP 503'; exit 7", timeout=1, interval=0.2)
        done = site.run(Step("p", "a", "probe", (probe,)))
        assert done.failures[0].lines == ("HTTP 503",)
        assert "identity does not work" in done.failures[0].cause

    def test_actions_stop_at_the_first_that_fails(self, site: Site, tmp_path: Path) -> None:
        step = Step("s", "a", "s", (Run("one", "exit 1"), Run("two", f"touch '{tmp_path}/mark'")))
        assert not site.run(step).ok
        assert not (tmp_path / "mark").exists()


class TestPuppet:
    def test_a_run_that_changes_things(self, site: Site) -> None:
        done = site.run(pp("p", "# resources 40\n# change File[/etc/x]\n# change Service[nova-api]"))
        assert done.ok
        data = site.event("p", "ok").data
        assert data["changed"] == 2
        assert data["resources"] == ["File[/etc/x]", "Service[nova-api]"]
        assert data["puppet"]["total"] == 42
        assert data["puppet"]["compile"] == 0.2
        last = [e for e in site.events if e.kind == "progress"][-1].data
        assert (last["done"], last["total"], last["what"]) == (42, 42, "Service[nova-api]")
        assert not [line for line in site.log if "evaluate" in line]

    def test_a_run_that_changes_nothing(self, site: Site) -> None:
        assert site.run(pp("p", "")).changed == 0

    def test_a_profile_is_kept_of_it(self, site: Site) -> None:
        assert site.run(pp("p", "# resources 40\n# change Service[nova-api]")).ok
        shown = site.event("p", "ok").data["profile"]
        assert [phase[0] for phase in shown["phases"]] == ["Ruby starts and collects facts", "catalog", "resources"]
        assert shown["items"][0][:2] == ["File[/tmp/0]", "configuration"]
        assert {"facts", "catalog", "configuration", "commands"} <= set(shown["kinds"])
        with site.journal() as kept:
            assert kept.records[-1].data["profile"] == shown

    def test_a_profile_of_what_failed(self, site: Site) -> None:
        probe = Probe("identity", "exit 7", timeout=1, interval=0.2)
        assert not site.run(Step("s", "a", "s", (Run("one", "sleep 0.1", retries=0), probe))).ok
        phases = site.event("s", "failed").data["profile"]["phases"]
        assert [phase[:2] for phase in phases] == [["one", "scripts"], ["identity answers", "probes"]]

    def test_a_profile_has_no_secret(self, site: Site) -> None:
        done = site.run(pp("p", "# change Exec[mysql -phunter22]"), secrets=frozenset({"hunter22"}))
        assert done.ok
        assert "hunter22" not in str(site.events)
        assert "hunter22" not in (site.folder / "state" / "journal.jsonl").read_text()
        assert any("Exec[mysql -p***" in item[0] for item in site.event("p", "ok").data["profile"]["items"])

    def test_a_failed_resource_is_the_cause_with_its_own_lines(self, site: Site) -> None:
        done = site.run(pp("p", "# change File[/a]\n# fail Service[nova-api] it would not start\n# fail File[/b] no"))
        failure = done.failures[0]
        assert failure.cause == "Service[nova-api] (and 1 more)"
        assert failure.lines == ("it would not start",)
        assert failure.service == "nova-api"

    def test_an_exit_code_alone_is_not_believed(self, site: Site) -> None:
        done = site.run(pp("p", "# fail File[/b] no\n# exit 0"))
        assert done.failures[0].cause == "File[/b]"

    def test_nor_a_run_without_a_report(self, site: Site) -> None:
        assert site.run(pp("p", "# no-report")).failures[0].cause == "Puppet ended without a report"

    def test_an_old_report_is_not_taken_for_a_new_one(self, site: Site) -> None:
        assert site.run(pp("p", "")).ok
        assert not site.run(pp("p", "# no-report")).ok

    def test_a_catalog_that_does_not_compile(self, site: Site) -> None:
        done = site.run(pp("p", "# compile-error Evaluation Error: no class nova (line: 3)"))
        assert done.failures[0].cause == "the catalog does not compile"
        assert done.failures[0].lines == ("Evaluation Error: no class nova (line: 3)",)

    def test_a_killed_run(self, site: Site) -> None:
        done = site.run(pp("p", "# signal 9"))
        assert "puppet apply was killed by signal 9" in done.failures[0].cause

    def test_no_puppet_at_all(self, site: Site) -> None:
        action = PuppetApply("p", "", "", "/m", puppet="/nowhere/puppet")
        done = site.run(Step("p", "a", "p", (action,)))
        assert "/nowhere/puppet is not installed on this host" in done.failures[0].lines

    def test_secrets_leave_the_host_and_are_masked(self, site: Site) -> None:
        secret = "s3cr3t/with+odd'chars"
        for manifest in ("# print the password is @DATA@", f"# fail File[/x] bad {secret}"):
            site.run(pp("p", manifest, hieradata=secret), secrets=frozenset({secret}))
            text = repr(site.events) + repr(site.log) + (site.folder / "state" / "journal.jsonl").read_text()
            assert secret not in text
            assert repr(secret) not in text
            assert "********" in text
            assert not list(site.base("a").rglob("host.yaml"))
            assert not list(site.base("a").rglob("manifest.pp"))


class TestInterrupts:
    SCRIPT = """
import sys
sys.path[:0] = {path!r}
from pathlib import Path
from stackwright import executor
from stackwright.state.journal import open_journal
from stackwright.model import Plan, Run, Step
from stackwright.ssh import LocalConnection
script = "cd {folder}; echo x >>one; while [ ! -e go ]; do sleep 0.1; done; echo x >>end"
steps = (Step("one", "a", "one", (Run("one", script),)),
         Step("two", "a", "two", (Run("two", "echo x >>{folder}/two"),), ("one",)))
def emit(event):
    print(event.kind, event.step, event.message, flush=True)
with open_journal(Path("{folder}/state")) as journal:
    done = executor.run(Plan(steps), lambda h: LocalConnection(h, become=False, base="{folder}/base"), journal, emit)
sys.exit(done.code)
"""

    def _start(self, folder: Path) -> subprocess.Popen[str]:
        code = self.SCRIPT.format(path=sys.path, folder=folder)
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        for _ in range(2400):
            if (folder / "one").exists():
                return process
            time.sleep(0.05)
        raise AssertionError("it did not start")

    def _until_asked(self, process: subprocess.Popen[str]) -> str:
        assert process.stdout
        out = ""
        while "Press Ctrl-C again" not in out:
            line = process.stdout.readline()
            assert line, out
            out += line
        return out

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_the_first_stops_starting_and_waits(self, tmp_path: Path, number: signal.Signals) -> None:
        process = self._start(tmp_path)
        process.send_signal(number)
        out = self._until_asked(process)
        (tmp_path / "go").touch()
        out += process.communicate(timeout=120)[0]
        assert process.returncode == ExitCode.INTERRUPTED
        assert "ok one" in out
        assert "Press Ctrl-C again" in out
        assert not (tmp_path / "two").exists()
        code = self.SCRIPT.format(path=sys.path, folder=tmp_path)
        again = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
        assert again.returncode == 0
        assert "kept one" in again.stdout
        assert (tmp_path / "one").read_text() == "x\n"

    def test_while_a_host_is_connected_to_nothing_is_started(self, site: Site) -> None:
        """Not on hosts that are there either; and a host that is not yet is no fault of ours."""

        def connect(host: str) -> Connection:
            if host == "b":
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(60)
            return site.connect(host)

        steps = (sh("one", "echo x", host="a"), sh("two", "echo x", host="b"))
        events: list[Event] = []
        with open_journal(site.folder / "state") as journal:
            done = executor.run(Plan(steps), connect, journal, events.append)
        assert (done.code, done.left, done.failed) == (ExitCode.INTERRUPTED, 2, 0)
        assert {event.kind for event in events} == {"note", "finished"}
        assert any("no step was started" in event.message for event in events)

    def test_the_second_ctrl_c_ends_the_command_and_steps_continue(self, tmp_path: Path) -> None:
        process = self._start(tmp_path)
        process.send_signal(signal.SIGINT)
        self._until_asked(process)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=120)
        assert process.returncode == ExitCode.INTERRUPTED
        assert "exiting now" in out
        assert not (tmp_path / "end").exists()
        (tmp_path / "go").touch()
        code = self.SCRIPT.format(path=sys.path, folder=tmp_path)
        again = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
        assert again.returncode == 0
        assert (tmp_path / "one").read_text() == "x\n"
        assert (tmp_path / "end").read_text() == "x\n"


class TestTwoOperators:
    def test_a_second_run_is_refused_and_changes_nothing(self, site: Site, tmp_path: Path) -> None:
        with LocalConnection("b", become=False, base=str(site.base("b"))) as connection:
            lease = Lease(connection, "ann@desk", on_lost=print)
            mark = tmp_path / "mark"
            with pytest.raises(StackwrightError, match="ann@desk") as caught:
                site.run(sh("a1", f"touch '{mark}'"), sh("b1", f"touch '{mark}'", host="b"))
            lease.release()
        assert caught.value.code == ExitCode.BUSY
        assert not mark.exists()
        assert not (site.base("a") / "lease").exists()

    def test_a_run_that_lost_its_host_to_another_does_not_continue_there(
        self, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("stackwright.executor.lease.BEAT", 0.1)

        def taken(event: Event) -> None:
            if (event.kind, event.step) == ("started", "one"):
                path = site.base("a") / "lease"
                _, *lines = path.read_text().splitlines()
                path.write_text("\n".join(["another", *lines[:-1], "eve@elsewhere (process 7)"]) + "\n")
            if event.kind == "note" and "eve" in event.message:
                (tmp_path / "go").touch()

        waits = f"n=0; while [ ! -e '{tmp_path}/go' ] && [ $n -lt 600 ]; do n=$((n + 1)); sleep 0.1; done"
        steps = (sh("one", waits), sh("two", f"touch '{tmp_path}/two'", "one"), sh("apart", "echo x", host="b"))
        done = site.run(*steps, on_event=taken)
        assert (done.done, done.failed) == (2, 1)
        assert "eve@elsewhere (process 7), since 20" in done.failures[0].cause
        assert not (tmp_path / "two").exists()

    def test_events_come_in_the_calling_thread(self, site: Site) -> None:
        threads = set()

        def note(_event: Event) -> None:
            threads.add(threading.get_ident())

        site.run(sh("a", "echo"), sh("b", "echo", host="b"), on_event=note)
        assert threads == {threading.get_ident()}
