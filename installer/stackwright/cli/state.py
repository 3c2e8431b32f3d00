"""The commands that look at what is there: `status` and `logs`."""

from __future__ import annotations

import argparse
import difflib
import json
import sys
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from stackwright.model import Answers, ExitCode, StackwrightError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stackwright.operations.health import HostStatus
    from stackwright.ssh.pool import Hosts
    from stackwright.state.directory import StateDir


def status(arguments: argparse.Namespace, answers: Answers, hosts: Hosts, place: StateDir) -> int:
    """What is installed where, from the journal and from the hosts themselves."""
    from stackwright import executor, planner
    from stackwright.operations import health
    from stackwright.output import text
    from stackwright.state import journal, snapshots

    record = snapshots.load(place)
    with journal.open_journal(place.folder, exclusive=False) as kept:
        known = health.recorded(kept, record.last, dict(record.plan))
        # A verification is a step, too; it installs nothing.
        untold = not known and set(kept.steps()) - {"verify", "tempest"}
    if not known and arguments.json:
        print(json.dumps({"hosts": [], "proof": _proof(place)}, indent=1))
        return ExitCode.OK
    if not known:
        told = "what was applied is not known any more; `apply` looks again" if untold else "nothing was applied yet"
        print(f"{told} ({place.folder})")
        return ExitCode.OK
    found = list(known.values()) if arguments.offline else health.ask(known, record.last, hosts.connect)
    proof = _proof(place)
    redact = executor.redactor(planner.secrets(answers))  # what a probe says of its failure is anybody's guess
    if arguments.json:
        each = [redact(asdict(h)) | {"well": h.well} for h in found]
        print(json.dumps({"hosts": each, "proof": proof}, indent=1))
    else:
        print(redact(text.status(found, proof, place, time.time())))
    return _verdict(found)


def _proof(place: StateDir) -> dict[str, Any] | None:
    """The last verification; None where there is none that can be read."""
    try:
        found = json.loads(place.read("verify.json") or "null")
        return {"at": float(found["at"]), "ok": bool(found["ok"])} if found else None
    except (ValueError, KeyError, TypeError):
        return None


def _verdict(found: Iterable[HostStatus]) -> int:
    found = list(found)
    if any(host.problem for host in found):
        return ExitCode.UNREACHABLE
    return ExitCode.OK if all(host.well for host in found) else ExitCode.FAILED


def logs(arguments: argparse.Namespace, answers: Answers, hosts: Hosts, place: StateDir) -> int:
    """What the runs of a step have said on their host; what was kept of it here where the host does not answer."""
    from stackwright import executor, planner
    from stackwright.executor import puppet

    host = _host(arguments.host, place)
    redact = executor.redactor(planner.secrets(answers))
    try:
        connection = hosts.connect(host)
        runs = executor.host_state(connection).runs
        step = _step(host, arguments.step, runs)
        said = executor.run_log(connection, step).splitlines()
    except StackwrightError as error:
        if error.code != ExitCode.UNREACHABLE:
            raise
        print(f"{error.message}\nwhat was kept on this machine:", file=sys.stderr)
        said = _kept(place, host, arguments.step)
    for line in [redact(line) for line in said if not puppet.is_trace(line)][-arguments.lines :]:
        print(line)
    return ExitCode.OK


def _host(name: str, place: StateDir) -> str:
    """The host that is meant, by its name or the first part of it."""
    from stackwright.state import journal, snapshots

    with journal.open_journal(place.folder, exclusive=False) as kept:
        known = dict.fromkeys(r.host for r in kept.records if r.host)
    known |= dict.fromkeys(one.host for one in snapshots.load(place).last)
    found = [h for h in known if name in (h, h.partition(".")[0])]
    if len(found) != 1:
        near = difflib.get_close_matches(name, list(known), n=1)
        hint = f"did you mean {near[0]}?" if near else f"hosts are: {', '.join(known) or 'none yet'}"
        raise StackwrightError(f"no host of this cloud is called {name}", hint, ExitCode.USAGE)
    return found[0]


def _step(host: str, wanted: str, runs: Iterable[object]) -> str:
    """The full name of the step that is meant: without one, the step that runs, or the one that ran last."""
    from stackwright.executor import RemoteRun

    there = [run for run in runs if isinstance(run, RemoteRun)]
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
            f"the step {wanted} was not run on {host}", f"these were: {names or 'none'}", ExitCode.USAGE
        )
    return full


def _kept(place: StateDir, host: str, step: str) -> list[str]:
    """The lines of a step, or of all steps of a host, in the newest run's log that has any."""
    begin = f"{host}:{step.removeprefix(f'{host}:')}: " if step else f"{host}:"
    for path in sorted((place.folder / "logs").glob("*.log"), reverse=True):
        lines = (line.partition(" ")[2] for line in path.read_text(encoding="utf-8", errors="replace").splitlines())
        if found := [line.removeprefix(begin if step else "") for line in lines if line.startswith(begin)]:
            return found
    return []
