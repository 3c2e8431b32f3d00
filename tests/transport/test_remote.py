"""What a host says of the runs on it, and how a key of ours gets there."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import threading
import time
from pathlib import Path

import pytest

from stackwright.executor import host_state, run_log
from stackwright.executor.lease import Lease
from stackwright.model import StackwrightError
from stackwright.ssh import Connection, connect, install_key, own_key

from .conftest import KEYGEN, Sshd
from .test_detached import go, wait_for


@pytest.mark.slow
class TestHostState:
    def test_a_host_that_was_never_touched(self, connection: Connection) -> None:
        state = host_state(connection)
        assert (state.host, state.held_by, state.runs) == ("node", "", ())

    def test_runs_that_ended_died_and_go_on(self, connection: Connection) -> None:
        go(connection, "exit 3", name="ended.0")
        go(connection, 'kill -9 -"$(cat "$STACKWRIGHT_RUN/pid")"', name="died.0")
        thread = threading.Thread(target=lambda: go(connection, "echo here; sleep 4", name="on.0"))
        thread.start()
        wait_for(lambda: any(r.state == "running" for r in host_state(connection).runs), "the third run")
        runs = {run.name: (run.state, run.exit) for run in host_state(connection).runs}
        assert runs == {"ended.0": ("ended", 3), "died.0": ("died", None), "on.0": ("running", None)}
        assert all(abs(time.time() - run.started) < 600 for run in host_state(connection).runs)
        thread.join()

    def test_who_has_the_host(self, connection: Connection) -> None:
        lease = Lease(connection, "ann@desk", on_lost=print)
        assert host_state(connection).held_by.startswith("ann@desk, since 20")
        lease.release()
        assert host_state(connection).held_by == ""


class TestLogs:
    def test_of_one_run_and_of_a_step(self, connection: Connection) -> None:
        go(connection, "echo one; echo two", name="h:step.0")
        go(connection, "echo three", name="h:step.1")
        assert run_log(connection, "h:step.1") == "three\n"
        assert run_log(connection, "h:step") == "one\ntwo\nthree\n"
        assert run_log(connection, "h:step.0", lines=1) == "two\n"

    def test_of_nothing(self, connection: Connection) -> None:
        with pytest.raises(StackwrightError, match="no run called"):
            run_log(connection, "../../etc")


class TestOwnKey:
    def test_it_is_made_once_and_private(self, tmp_path: Path) -> None:
        path = own_key(tmp_path / "state" / "id_ed25519")
        assert [p.stat().st_mode & 0o777 for p in path.parent.iterdir()] == [0o600, 0o600]
        before = path.read_bytes()
        assert own_key(path).read_bytes() == before
        assert KEYGEN
        shown = subprocess.run([KEYGEN, "-y", "-f", str(path)], check=True, capture_output=True, text=True).stdout
        assert shown.split()[:2] == path.with_suffix(".pub").read_text().split()[:2]

    def test_it_lets_us_in_once_it_is_installed(self, sshd: Sshd, tmp_path: Path) -> None:
        # sshd looks where the account's own home folder would be: the script's HOME is sent there
        home = tmp_path / "home"
        (home / ".ssh").mkdir(parents=True)
        (home / ".ssh" / "authorized_keys").write_bytes(sshd.key.with_suffix(".pub").read_bytes().rstrip(b"\n"))
        config = sshd.folder / "config"
        text = config.read_text().replace(f"{sshd.folder}/authorized_keys", f"{home}/.ssh/authorized_keys")
        config.write_text(text.replace(f"SetEnv HOME={sshd.folder}", f"SetEnv HOME={home}"))
        sshd.restart()
        key = own_key(tmp_path / "own" / "id_ed25519")
        with connect(sshd.host(), sshd.known()) as connection:
            if connection.run("echo ~").out.strip() != str(home):
                pytest.skip("this sshd does not let the home folder be set")
            assert install_key(connection, key) is True
            assert install_key(connection, key) is False
        assert len((home / ".ssh" / "authorized_keys").read_text().splitlines()) == 2
        with connect(dataclasses.replace(sshd.host(), keys=(key,)), sshd.known()) as connection:
            assert connection.run("echo in").out == "in\n"
        connect(sshd.host(), sshd.known()).close()

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
    def test_a_place_that_cannot_be_written(self, tmp_path: Path) -> None:
        (tmp_path / "closed").mkdir(mode=0o500)
        with pytest.raises(StackwrightError, match="cannot write"):
            own_key(tmp_path / "closed" / "key")
