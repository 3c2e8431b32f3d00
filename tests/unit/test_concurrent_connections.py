"""Threads that connect to hosts: one connection for each host, and no lease that nobody gives back."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Any, cast

import pytest

from stackwright import executor, ssh
from stackwright.executor import walk
from stackwright.model import Event, Plan, Run, StackwrightError, Step
from stackwright.ssh import Connection, LocalConnection, parallel
from stackwright.ssh.pool import Hosts
from stackwright.state.directory import Access, StateDir
from stackwright.state.journal import open_journal

PATIENCE = 60.0
"""Seconds: far more than anything here takes, also on a busy machine."""


class Opened:
    """Stands for a connection."""

    by_password = False
    closed = False

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def hosts(tmp_path: Path) -> Hosts:
    return Hosts(Access(), StateDir(tmp_path), over_ssh=True)


def test_two_threads_share_one_connection(hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one asks while the first is still connecting."""
    connecting, second, go = threading.Event(), threading.Event(), threading.Event()
    made: list[Opened] = []

    def connect(*_: Any, **__: Any) -> Opened:
        if connecting.is_set():
            second.set()
        connecting.set()
        assert go.wait(PATIENCE)
        made.append(Opened())
        return made[-1]

    class Watched:
        """A lock that tells when somebody waits for it."""

        def __init__(self) -> None:
            self.lock = threading.Lock()

        def __enter__(self) -> None:
            if connecting.is_set():
                second.set()
            self.lock.acquire()

        def __exit__(self, *_: object) -> None:
            self.lock.release()

    monkeypatch.setattr(ssh, "connect", connect)
    hosts._locks["h"] = cast(Any, Watched())
    got: list[Connection] = []
    threads = [threading.Thread(target=lambda: got.append(hosts.connect("h")), daemon=True) for _ in range(2)]
    threads[0].start()
    assert connecting.wait(PATIENCE)
    threads[1].start()
    assert second.wait(PATIENCE)
    go.set()
    for thread in threads:
        thread.join(PATIENCE)
    assert len(made) == 1
    assert got[0] is got[1] is cast(Any, made[0])


def test_two_hosts_are_connected_to_at_the_same_time(hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    both = threading.Barrier(2)

    def connect(*_: Any, **__: Any) -> Opened:
        both.wait(PATIENCE)
        return Opened()

    monkeypatch.setattr(ssh, "connect", connect)
    assert len(parallel.map(["a", "b"], hosts.connect)) == 2


def test_what_is_connected_while_others_are_closed_is_closed(hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    late = Opened()

    def connect(*_: Any, **__: Any) -> Opened:
        hosts.close()
        return late

    monkeypatch.setattr(ssh, "connect", connect)
    with pytest.raises(StackwrightError, match="closed"):
        hosts.connect("h")
    assert late.closed


def test_a_lease_that_comes_after_ctrl_c_is_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left, late = threading.Event(), threading.Event()
    given_back: dict[str, threading.Event] = {"a": threading.Event(), "b": threading.Event()}

    class Lease:
        def __init__(self, connection: Connection, *_: object, **__: object) -> None:
            self.host = connection.host

        def release(self) -> None:
            given_back[self.host].set()

    def connect(host: str) -> Connection:
        if host == "b":
            late.set()
            assert left.wait(PATIENCE)
        else:
            assert late.wait(PATIENCE)
            os.kill(os.getpid(), signal.SIGINT)
        return LocalConnection(host, become=False, base=str(tmp_path / host))

    monkeypatch.setattr(walk, "Lease", Lease)
    events: list[Event] = []
    plan = Plan(tuple(Step(f"{host}:x", host, "x", (Run("x", "true"),)) for host in ("a", "b")))
    with open_journal(tmp_path / "state") as journal:
        outcome = executor.run(plan, connect, journal, events.append)
    assert outcome.interrupted
    assert not given_back["b"].is_set()
    left.set()
    assert given_back["b"].wait(PATIENCE)
    assert given_back["a"].wait(PATIENCE)
