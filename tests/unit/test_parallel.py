"""Work side by side: results in order, errors raised, and nobody waited for who was given up on."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from stackwright.ssh import parallel


def test_results_are_in_the_order_of_the_items() -> None:
    gate = threading.Event()

    def work(n: int) -> int:
        if n:
            gate.set()
        else:
            gate.wait(60)
        return n * n

    assert list(parallel.map([0, 1, 2, 1], work).items()) == [(0, 0), (1, 1), (2, 4)]
    assert parallel.map([], work) == {}


def test_the_number_of_parallel_calls_is_limited() -> None:
    lock, now, most = threading.Lock(), [0], [0]

    def work(_: int) -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.01)
        with lock:
            now[0] -= 1

    parallel.map(range(20), work, 3)
    assert 1 < most[0] <= 3


def test_an_error_is_raised_and_pending_calls_are_not_started() -> None:
    begun: list[int] = []

    def work(n: int) -> None:
        begun.append(n)
        if n == 0:
            raise ValueError("of the first")
        time.sleep(0.05)

    with pytest.raises(ValueError, match="of the first"):
        parallel.map(range(1000), work, 2)
    assert len(begun) < 100


def test_something_beside_the_rest() -> None:
    assert parallel.start(lambda: 5)() == 5
    with pytest.raises(ZeroDivisionError):
        parallel.start(lambda: 1 // 0)()


@pytest.mark.parametrize("way", ["parallel.map(range(99), work)", "parallel.start(lambda: work(0))()"])
def test_ctrl_c_does_not_wait_for_running_calls(way: str) -> None:
    code = (
        f"import sys, time; sys.path[:0] = {sys.path!r}\nfrom stackwright.ssh import parallel\n"
        "def work(n):\n    print(n, flush=True)\n    time.sleep(600)\n"
        f"try:\n    {way}\nexcept KeyboardInterrupt:\n    sys.stderr.write('left')\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert (process.returncode, said) == (0, "left")


def test_there_may_be_more_hosts_than_the_usual_limit_of_open_files(tmp_path: Path) -> None:
    code = (
        f"import resource, socket, sys; sys.path[:0] = {sys.path!r}\n"
        "hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard))\n"
        "from pathlib import Path\nfrom stackwright.ssh.pool import Hosts\n"
        "from stackwright.state import directory\n"
        "with Hosts(directory.Access(), directory.StateDir(Path(sys.argv[1]))):\n"
        "    print(len([socket.socket() for _ in range(300)]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout == "300\n"
