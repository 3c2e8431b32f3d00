"""What is installed on a cloud's hosts and whether it works, and what their runs printed. Nothing is changed by it."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stackwright import executor, planner
from stackwright.executor import puppet
from stackwright.model import ExitCode, StackwrightError
from stackwright.operations import health
from stackwright.state import journal, snapshots

if TYPE_CHECKING:
    from stackwright.model import Answers
    from stackwright.operations.health import HostStatus
    from stackwright.ssh.pool import Hosts
    from stackwright.state.directory import StateDir


@dataclass(frozen=True)
class CloudStatus:
    """A cloud's hosts; none where nothing is known of them."""

    hosts: tuple[HostStatus, ...]
    verification: Mapping[str, Any] | None = None
    """`at` (seconds since the epoch) and `ok` of the last one."""
    outdated: bool = False
    """Something was applied, and is no longer known."""

    @property
    def code(self) -> ExitCode:
        """The exit status of the command."""
        if any(host.problem for host in self.hosts):
            return ExitCode.UNREACHABLE
        return ExitCode.OK if all(host.healthy for host in self.hosts) else ExitCode.FAILED


def status(hosts: Hosts, state: StateDir, *, offline: bool = False) -> CloudStatus:
    """What is installed where, from the journal and, unless `offline`, from the hosts themselves."""
    record = snapshots.load(state)
    with journal.open_journal(state.folder, exclusive=False) as kept:
        known = health.recorded(kept, record.last, dict(record.plan))
        # A verification is a step, too; it installs nothing.
        outdated = not known and bool(set(kept.steps()) - {"verify", "tempest"})
    ask = not offline and known
    found = health.ask(known, record.last, hosts.connect) if ask else list(known.values())
    return CloudStatus(tuple(found), _verification(state), outdated)


def _verification(state: StateDir) -> dict[str, Any] | None:
    """The last verification; None where there is none that can be read."""
    try:
        found = json.loads(state.read("verify.json") or "null")
        return {"at": float(found["at"]), "ok": bool(found["ok"])} if found else None
    except (ValueError, KeyError, TypeError):
        return None


def logs(
    answers: Answers, hosts: Hosts, state: StateDir, host: str, step: str, note: Callable[[str], None]
) -> list[str]:
    """What the runs of a step printed on their host, without secrets; where the host does not answer, what was kept of
    it here. Without a step, the one that runs or ran last. Raises StackwrightError."""
    host = _host(host, state)
    redact = executor.redactor(planner.secrets(answers))
    try:
        connection = hosts.connect(host)
        runs = executor.host_state(connection).runs
        said = executor.run_log(connection, _step(host, step, runs)).splitlines()
    except StackwrightError as error:
        if error.code != ExitCode.UNREACHABLE:
            raise
        note(f"{error.message}\nlogs stored on this machine:")
        said = _kept(state, host, step)
    return [redact(line) for line in said if not puppet.is_trace(line)]


def _host(name: str, state: StateDir) -> str:
    """The host that is meant, by its name or the first part of it."""
    with journal.open_journal(state.folder, exclusive=False) as kept:
        known = dict.fromkeys(r.host for r in kept.records if r.host)
    known |= dict.fromkeys(one.host for one in snapshots.load(state).last)
    found = [h for h in known if name in (h, h.partition(".")[0])]
    if len(found) != 1:
        near = difflib.get_close_matches(name, list(known), n=1)
        hint = f"did you mean {near[0]}?" if near else f"hosts are: {', '.join(known) or 'none yet'}"
        raise StackwrightError(f"this cloud has no host named {name}", hint, ExitCode.USAGE)
    return found[0]


def _step(host: str, wanted: str, runs: Iterable[executor.RemoteRun]) -> str:
    """The full name of the step that is meant: without one, the step that runs, or the one that ran last."""
    there = list(runs)
    steps = list(dict.fromkeys(run.name.rpartition(".")[0] for run in there))
    if not wanted:
        if not there:
            raise StackwrightError(f"nothing was run on {host} yet", "`stackwright status` shows what was applied")
        running = [run for run in there if run.state == "running"]
        latest = max(running or there, key=lambda run: run.started)
        return latest.name.rpartition(".")[0]
    full = wanted if wanted.startswith(f"{host}:") else f"{host}:{wanted}"
    if full not in steps:
        names = ", ".join(s.removeprefix(f"{host}:") for s in steps)
        raise StackwrightError(
            f"step {wanted} was not run on {host}", f"steps on that host: {names or 'none'}", ExitCode.USAGE
        )
    return full


def _kept(state: StateDir, host: str, step: str) -> list[str]:
    """The lines of a step, or of all steps of a host, in the newest run's log that has any."""
    begin = f"{host}:{step.removeprefix(f'{host}:')}: " if step else f"{host}:"
    for path in sorted((state.folder / "logs").glob("*.log"), reverse=True):
        lines = (line.partition(" ")[2] for line in path.read_text(encoding="utf-8", errors="replace").splitlines())
        if found := [line.removeprefix(begin if step else "") for line in lines if line.startswith(begin)]:
            return found
    return []
