"""Reads the runs that a host knows, for `status` and `logs`. Read-only, and without a lease."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from stackwright import shell, untrusted
from stackwright.model import StackwrightError
from stackwright.shell import Raw
from stackwright.ssh import Connection

from .detached import run_name


@dataclass(frozen=True)
class RemoteRun:
    """A run as recorded on its host. Times are seconds since the epoch, by the host's clock."""

    name: str
    """The step and the number of its action: `h1:puppet.2`."""
    state: Literal["running", "ended", "died"]
    started: float
    last_output: float
    exit: int | None = None


@dataclass(frozen=True)
class HostState:
    """The holder of a host's lease, and the runs on the host."""

    host: str
    held_by: str
    """Operator and since when; empty without a lease."""
    runs: tuple[RemoteRun, ...]


def host_state(connection: Connection) -> HostState:
    """Asks the host for its lease and runs. Raises StackwrightError if that fails."""
    got = connection.run(shell.fill("executor/remote_list.sh", BASE=connection.base), timeout=30)
    if not got.ok:
        raise StackwrightError(f"{connection.host}: cannot list its runs: {got.err.strip()}")
    held, runs = "", []
    for line in got.out.splitlines():
        words = line.split()
        if words[:1] == ["lease"]:
            held = line.removeprefix("lease ")[:300]
        elif len(words) >= 5:
            state: Literal["running", "ended", "died"] = "died"
            if words[4] in ("running", "ended"):
                state = "running" if words[4] == "running" else "ended"
            code = int(words[5]) if len(words) > 5 and re.fullmatch("[0-9]{1,3}", words[5]) else None
            with untrusted.judged(connection.host, "list of runs"):
                began, last = (_seconds(word) for word in words[2:4])
            runs.append(RemoteRun(words[1][:200], state, began, last, code))
    return HostState(connection.host, held, tuple(sorted(runs, key=lambda run: run.started)))


def _seconds(text: str) -> float:
    """Seconds since the epoch. Raises ValueError."""
    whole, _, part = text.partition(".")
    return float(untrusted.number(whole, 10**11)) + untrusted.number(part or "0") / float(10 ** len(part or "0"))


def run_log(connection: Connection, name: str, *, lines: int = 0) -> str:
    """The output of a run by its name, or of all runs of a step: the last `lines`, or all if 0. Secrets are not masked:
    do that before you show it. Raises StackwrightError if there is no such run."""
    script = shell.fill(
        "executor/remote_log.sh",
        FOLDER=f"{connection.base}/runs",
        RUNS=[run_name(n) for n in (name, *(f"{name}.{number}" for number in range(40)))],
        SHOW=Raw(f"tail -n {lines}" if lines else "cat"),
    )
    got = connection.run(script, timeout=120)
    if not got.ok:
        raise StackwrightError(
            f"{connection.host}: there is no run called {name}", "List the runs with `stackwright status`."
        )
    return got.out
