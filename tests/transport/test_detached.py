"""Detached runs and leases: what happens to them when links drop, sshd restarts, or the process here is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from stackwright.executor.detached import Ended, HostGone, Patience, RunTimeout, run_detached, run_name
from stackwright.executor.lease import Lease
from stackwright.model import ExitCode, StackwrightError
from stackwright.ssh import Connection, LocalConnection, connect

from .conftest import Cable, Sshd

pytestmark = pytest.mark.slow  # waits for the end of runs

PATIENCE = Patience(timeout=60, quiet=60, gone=30)


def wait_for(condition: Callable[[], object], what: str = "it") -> None:
    for _ in range(2400):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError(f"waited in vain for {what}")


class Listener:
    """Collects what a run tells."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.notes: list[str] = []

    def note(self, kind: str, _text: str) -> None:
        self.notes.append(kind)


def go(
    connection: Connection,
    script: str,
    told: Listener | None = None,
    *,
    digest: str = "d",
    again: bool = False,
    patience: Patience = PATIENCE,
    name: str = "run",
) -> Ended:
    told = told or Listener()
    return run_detached(
        connection,
        name,
        digest,
        [("script", script.encode(), 0o600)],
        patience,
        on_line=told.lines.append,
        on_note=told.note,
        again=again,
    )


class TestRuns:
    def test_output_and_status(self, connection: Connection) -> None:
        told = Listener()
        ended = go(connection, "echo one; echo two >&2; printf three; exit 5", told)
        assert ended.exit == 5
        assert told.lines == ["one", "two", "three"]
        assert ended.lines == ("one", "two", "three")

    def test_much_output_in_order(self, connection: Connection) -> None:
        told = Listener()
        go(connection, "seq 30000", told)
        assert told.lines == [str(n) for n in range(1, 30001)]

    def test_input_is_private_and_gone_afterwards(self, connection: Connection) -> None:
        go(connection, 'stat -c "%a %n" "$STACKWRIGHT_RUN" "$STACKWRIGHT_RUN/in" "$STACKWRIGHT_RUN/in/script" >&2')
        run = Path(connection.base) / "runs" / "run"
        log = (run / "log").read_text().splitlines()
        assert [line.split()[0] for line in log] == ["700", "700", "600"]
        assert not (run / "in").exists()
        assert (run / "log").stat().st_mode & 0o777 == 0o600

    def test_the_script_is_in_no_process_list(self, connection: Connection) -> None:
        seen = go(connection, "secret=pw-in-script-19; cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '")
        assert not [line for line in seen.lines if "pw-in-script-19" in line]

    def test_it_runs_in_a_session_of_its_own(self, connection: Connection) -> None:
        ended = go(connection, "ps -o sid= -p $$ | tr -d ' '; cat \"$STACKWRIGHT_RUN/pid\"")
        assert ended.lines[0] == ended.lines[1]

    def test_daemons_that_it_starts_do_not_keep_it_alive(self, connection: Connection) -> None:
        ended = go(connection, "setsid sleep 20 >/dev/null 2>&1 & echo started")
        assert ended.exit == 0
        told = Listener()
        assert go(connection, "echo next", told, digest="other").exit == 0
        assert told.notes == ["started"]

    def test_a_killed_run_is_seen_as_died(self, connection: Connection) -> None:
        ended = go(connection, 'kill -9 -"$(cat "$STACKWRIGHT_RUN/pid")"')
        assert ended.exit is None
        assert not ended.rebooted
        assert not (Path(connection.base) / "runs" / "run" / "in").exists()

    def test_only_the_script_killed_has_a_status(self, connection: Connection) -> None:
        assert go(connection, "kill -9 $$").exit == 137

    def test_an_earlier_boot_is_recognised(self, connection: Connection) -> None:
        # the run rewrites what it noted of the boot, as if it had been started before the present one
        ended = go(connection, 'echo other >"$STACKWRIGHT_RUN/boot"; kill -9 -"$(cat "$STACKWRIGHT_RUN/pid")"')
        assert ended.rebooted

    def test_a_run_past_its_time_is_ended(self, connection: Connection, tmp_path: Path) -> None:
        mark = tmp_path / "still"
        patience = Patience(timeout=1, quiet=1, gone=5)
        with pytest.raises(RunTimeout, match="not finished after"):
            go(connection, f"sleep 8; echo x >'{mark}'", patience=patience)
        wait_for(lambda: not (Path(connection.base) / "runs" / "run" / "in").exists())
        assert go(connection, "echo free", digest="next").exit == 0
        assert not mark.exists()

    def test_a_slow_run_that_still_writes_is_left_alone(self, connection: Connection) -> None:
        patience = Patience(timeout=3, quiet=60, ceiling=60, gone=5)
        assert go(connection, "for n in 1 2 3 4 5 6 7 8; do echo $n; sleep 0.5; done", patience=patience).exit == 0

    def test_a_finished_run_is_not_taken_for_a_new_one(self, connection: Connection) -> None:
        script = 'echo x >>"$STACKWRIGHT_BASE/count"'
        for _ in range(2):
            assert go(connection, script).exit == 0
        assert (Path(connection.base) / "count").read_text() == "x\nx\n"

    def test_names_are_safe(self) -> None:
        assert run_name("h1.nova-api.0") == "h1.nova-api.0"
        names = {run_name(n) for n in ("a/b", "a b", "a;b", "../../etc", "a\nb", "é" * 200)}
        assert len(names) == 6
        assert all("/" not in n and " " not in n and n.isascii() and not n.startswith(".") for n in names)


@pytest.mark.slow
class TestLostLinks:
    @pytest.fixture
    def far(self, sshd: Sshd, cable: Cable, base: str) -> Connection:
        return connect(sshd.host(cable.port), sshd.known(cable.port), base=base)

    def test_a_cut_link_loses_nothing(self, far: Connection, cable: Cable) -> None:
        told = Listener()

        def cut() -> None:
            wait_for(lambda: len(told.lines) > 5, "output")
            cable.cut()
            time.sleep(1)
            cable.mend()

        cutter = threading.Thread(target=cut)
        cutter.start()
        ended = go(far, "n=0; while [ $n -lt 60 ]; do n=$((n+1)); echo line $n; sleep 0.05; done; exit 4", told)
        cutter.join()
        assert ended.exit == 4
        assert told.lines == [f"line {n}" for n in range(1, 61)]
        assert told.notes == ["started", "lost", "back"]
        assert cable.connections == 2

    def test_a_run_that_ends_while_the_link_is_down(self, far: Connection, cable: Cable, tmp_path: Path) -> None:
        told = Listener()
        mark = tmp_path / "ended"

        def cut() -> None:
            wait_for(lambda: told.lines, "output")
            cable.cut()
            wait_for(mark.exists, "the end")
            time.sleep(0.5)
            cable.mend()

        cutter = threading.Thread(target=cut)
        cutter.start()
        ended = go(far, f"echo a; sleep 1; echo b; echo x >'{mark}'; exit 7", told)
        cutter.join()
        assert (ended.exit, told.lines) == (7, ["a", "b"])

    def test_sshd_restarted_in_the_middle(self, sshd: Sshd, base: str) -> None:
        told = Listener()
        connection = connect(sshd.host(), sshd.known(), base=base)

        def restart() -> None:
            wait_for(lambda: told.lines, "output")
            sshd.restart()

        restarter = threading.Thread(target=restart)
        restarter.start()
        ended = go(connection, "echo a; sleep 2; echo b", told)
        restarter.join()
        assert (ended.exit, told.lines) == (0, ["a", "b"])

    def test_a_host_that_stays_away_is_given_up(self, far: Connection, cable: Cable) -> None:
        told = Listener()

        def cut() -> None:
            wait_for(lambda: told.lines, "output")
            cable.cut()

        threading.Thread(target=cut).start()
        with pytest.raises(HostGone, match="has not answered") as caught:
            go(far, "echo a; sleep 5", told, patience=Patience(timeout=60, gone=1.5))
        assert caught.value.code == ExitCode.UNREACHABLE
        assert "stackwright apply` again" in caught.value.hint

    def test_a_lease_notices_a_link_that_is_dead_but_not_closed(
        self, far: Connection, cable: Cable, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("stackwright.executor.lease.BEAT", 0.3)
        monkeypatch.setattr("stackwright.executor.lease.DEAD", 1.0)
        told = Listener()
        lease = Lease(far, "me", on_lost=lambda why: told.notes.append(why))

        def hold() -> None:
            wait_for(lambda: told.lines, "output")
            cable.hold()
            wait_for(lambda: "lost" in told.notes, "the loss")
            cable.cut()
            cable.mend()

        holder = threading.Thread(target=hold)
        holder.start()
        ended = go(far, "echo a; sleep 3; echo b", told)
        holder.join()
        assert (ended.exit, told.lines) == (0, ["a", "b"])
        assert told.notes[:3] == ["started", "lost", "back"]
        lease.release()


CONTROLLER = """
import sys
sys.path[:0] = {path!r}
from stackwright.executor.detached import Patience, run_detached
from stackwright.ssh import LocalConnection
print("up", flush=True)
run_detached(LocalConnection("node", become=False, base={base!r}), "run", "d", [("script", {script!r}, 0o600)],
             Patience(60), on_line=lambda line: print(line, flush=True), on_note=lambda *a: None)
"""


@pytest.mark.slow
class TestKilledController:
    """The process that follows a run is killed with -9; a second one takes over."""

    def _start_and_kill(self, base: str, script: str) -> None:
        code = CONTROLLER.format(path=sys.path, base=base, script=script.encode())
        process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE)
        assert process.stdout
        assert process.stdout.readline() == b"up\n"
        assert process.stdout.readline() == b"a\n"
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()

    def test_a_run_that_goes_on_is_followed(self, connection: Connection, tmp_path: Path) -> None:
        count = tmp_path / "count"
        script = f"echo x >>'{count}'; echo a; sleep 2; echo b; exit 3"
        self._start_and_kill(connection.base, script)
        told = Listener()
        ended = go(connection, script, told)
        assert (ended.exit, told.lines, told.notes) == (3, ["a", "b"], ["attached"])
        assert count.read_text() == "x\n"

    def test_one_that_ended_well_is_taken_as_it_is(self, connection: Connection, tmp_path: Path) -> None:
        count = tmp_path / "count"
        script = f"echo x >>'{count}'; echo a; sleep 0.5; echo stackwright: changed"
        self._start_and_kill(connection.base, script)
        wait_for((Path(connection.base) / "runs" / "run" / "rc").exists, "the end")
        told = Listener()
        ended = go(connection, script, told)
        assert (ended.exit, told.notes, ended.lines[-1]) == (0, ["resumed"], "stackwright: changed")
        assert count.read_text() == "x\n"
        assert go(connection, script, told).exit == 0  # it was collected: the next one is a new run
        assert count.read_text() == "x\nx\n"

    def test_but_not_when_asked_to_do_it_again(self, connection: Connection, tmp_path: Path) -> None:
        count = tmp_path / "count"
        script = f"echo x >>'{count}'; echo a; sleep 0.5"
        self._start_and_kill(connection.base, script)
        wait_for((Path(connection.base) / "runs" / "run" / "rc").exists, "the end")
        go(connection, script, again=True)
        assert count.read_text() == "x\nx\n"

    def test_one_that_failed_is_done_again(self, connection: Connection, tmp_path: Path) -> None:
        count = tmp_path / "count"
        script = f"echo x >>'{count}'; echo a; sleep 0.5; exit 1"
        self._start_and_kill(connection.base, script)
        wait_for((Path(connection.base) / "runs" / "run" / "rc").exists, "the end")
        go(connection, script)
        assert count.read_text() == "x\nx\n"

    def test_another_one_is_waited_for(self, connection: Connection, tmp_path: Path) -> None:
        order = tmp_path / "order"
        self._start_and_kill(connection.base, f"echo a; sleep 2; echo old >>'{order}'")
        told = Listener()
        go(connection, f"echo new >>'{order}'", told, digest="another")
        assert order.read_text() == "old\nnew\n"
        assert told.notes == ["waiting", "started"]


class TestLease:
    def test_a_second_operator_learns_who_works_and_since_when(self, connection: Connection, base: str) -> None:
        lease = Lease(connection, "ann@desk (process 1)", on_lost=print)
        try:
            with (
                LocalConnection("node", become=False, base=base) as other,
                pytest.raises(StackwrightError, match=r"ann@desk \(process 1\), since \d{4}-\d\d-\d\d") as caught,
            ):
                Lease(other, "bob@lap", on_lost=print)
            assert caught.value.code == ExitCode.BUSY
        finally:
            lease.release()
        assert not (Path(base) / "lease").exists()
        Lease(connection, "bob@lap", on_lost=print).release()

    def test_a_closed_connection_gives_it_back(self, sshd: Sshd, base: str) -> None:
        first = connect(sshd.host(), sshd.known(), base=base)
        Lease(first, "ann", on_lost=print)
        first.close()
        wait_for(lambda: not (Path(base) / "lease").exists(), "the lease to be given back")

    def test_a_lease_expires_if_it_is_not_renewed(self, connection: Connection) -> None:
        lease = Lease(connection, "ann", on_lost=print)
        try:
            path = Path(connection.base) / "lease"
            lines = path.read_text().splitlines()
            lines[3] = str(int(lines[3]) - 1000)
            path.write_text("\n".join(lines) + "\n")
            with LocalConnection("node", become=False, base=connection.base) as other:
                Lease(other, "bob", on_lost=print).release()
        finally:
            lease.release()

    def test_a_lease_of_an_earlier_boot_is_void(self, connection: Connection) -> None:
        path = Path(connection.base) / "lease"
        path.parent.mkdir(parents=True)
        path.write_text("token\n1\nearlier-boot\n99999999\nyesterday\nann\n")
        Lease(connection, "bob", on_lost=print).release()

    def test_secrets_of_a_dead_run_are_swept_away(self, connection: Connection) -> None:
        run = Path(connection.base) / "runs" / "old"
        (run / "in").mkdir(parents=True)
        (run / "in" / "host.yaml").write_text("password")
        (run / "alive").touch()
        Lease(connection, "bob", on_lost=print).release()
        assert not (run / "in").exists()

    def test_a_place_that_cannot_be_written_is_an_error(self, connection: Connection, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        connection.base = str(tmp_path / "file" / "base")
        with pytest.raises(StackwrightError, match="cannot use"):
            Lease(connection, "bob", on_lost=print)
