"""Carries out one step's actions on its host, and finds out why when that fails."""

from __future__ import annotations

import hashlib
import shlex
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from stackwright import shell
from stackwright.executor import causes, puppet
from stackwright.model import ExitCode, Probe, PuppetApply, Run, StackwrightError, Step, Upload
from stackwright.ssh import Connection, disk_hint

from .detached import Ended, HostGone, Patience, out_of_memory, run_detached, run_name
from .evidence import disk_trouble, service_log, units_of
from .profile import PackageLog, Profile

T = TypeVar("T")

EX_TEMPFAIL = 75
_PUPPET_TRIES = 3
RETRY_WAIT = 5.0
"""Seconds before the first retry; each further one waits twice as long, up to a minute."""


class StepFailed(Exception):
    """A step's failure, for people."""

    def __init__(
        self, cause: str, lines: tuple[str, ...] = (), *, service: str = "", log: tuple[str, ...] = (), hint: str = ""
    ) -> None:
        super().__init__(cause)
        self.cause = cause
        self.lines = lines
        self.service = service
        self.log = log
        self.hint = hint


@dataclass(frozen=True)
class Listener:
    """Whom a step tells what happens: all of it ends as events."""

    progress: Callable[[int, int, str], None]
    """done, total, what"""
    line: Callable[[str], None]
    """A line of output."""
    alive: Callable[[], None]
    """Called about once a second while there is nothing else to tell, for as long as the host answers."""
    note: Callable[[str], None]
    retried: Callable[[str, float], None]
    """Why, and the seconds until the next try."""


@dataclass
class Tally:
    """What a step came to so far."""

    changed: int = 0
    data: dict[str, Any] = field(default_factory=dict)
    profile: Profile = field(default_factory=Profile)


def perform(
    step: Step,
    digest: str,
    connection: Connection,
    told: Listener,
    tally: Tally,
    *,
    again: bool,
    timeout: float | None,
    gone: float,
    every: float,
    direct: tuple[str, ...] = (),
) -> None:
    """Carries out the step's actions, one after the other, and counts in `tally` what they did, also when one of them
    fails. Scripts reach names and addresses in `direct` without a proxy. Raises StepFailed or StackwrightError."""

    def patience(action: Run | PuppetApply) -> Patience:
        return Patience(timeout=timeout or action.timeout, gone=gone, every=every)

    for number, action in enumerate(step.actions):
        name = f"{step.id}.{number}"
        own = hashlib.sha256(f"{digest} {number}".encode()).hexdigest()
        match action:
            case Upload():
                with tally.profile.timed("files", "files"):
                    placed = _persist(connection, told, gone, lambda a=action: connection.put(a.files))  # type: ignore[misc]
                tally.changed += len(placed)
            case Run():
                _run(action, name, own, connection, told, tally, patience(action), again, direct)
            case PuppetApply():
                _puppet(action, name, own, connection, told, tally, patience(action), again, direct)
            case Probe():
                with tally.profile.timed(f"{action.capability} answers", "probes"):
                    _probe(action, connection, told, timeout, gone)


def _line_taker(told: Listener) -> Callable[[str], None]:
    """Takes a script's lines: those on progress are told as such."""

    def line(text: str) -> None:
        if text.startswith("stackwright: progress "):
            words = text.split(None, 4)
            if len(words) >= 4 and words[2].isdigit() and words[3].isdigit():
                told.progress(int(words[2]), int(words[3]), words[4] if len(words) > 4 else "")
                return
        told.line(text)

    return line


def _persist(connection: Connection, told: Listener, gone: float, work: Callable[[], T]) -> T:
    """Does work that may be done twice again and again while the host cannot be reached."""
    lost: float | None = None
    while True:
        try:
            return work()
        except StackwrightError as error:
            if error.code != ExitCode.UNREACHABLE:
                raise
            now = time.monotonic()
            if lost is None:
                lost = now
                told.retried(error.message, 1.0)
            if now - lost > gone:
                raise HostGone(
                    f"{connection.host}: the host has not answered for {now - lost:.0f} s: {error.message}",
                    "Look at its console, then apply again.",
                    ExitCode.UNREACHABLE,
                ) from None
            connection.drop()
            time.sleep(min(5.0, 0.5 + (now - lost) / 4))


def _follow(
    name: str,
    digest: str,
    inputs: tuple[tuple[str, bytes, int], ...],
    connection: Connection,
    told: Listener,
    patience: Patience,
    on_line: Callable[[str], None],
    again: bool,
    direct: tuple[str, ...],
) -> Ended:
    """A detached run, started over once more after each reboot of the host, three times at most."""

    def note(kind: str, text: str) -> None:
        if kind == "lost":
            told.retried(text, 1.0)
        elif kind != "started":
            told.note(text)

    for _ in range(3):
        ended = run_detached(
            connection,
            name,
            digest,
            inputs,
            patience,
            on_line=on_line,
            on_note=note,
            on_idle=told.alive,
            again=again,
            direct=direct,
        )
        if not ended.rebooted:
            return ended
        told.retried("the host was restarted during this step", 0.0)
    return ended


def _run(
    action: Run,
    name: str,
    digest: str,
    connection: Connection,
    told: Listener,
    tally: Tally,
    patience: Patience,
    again: bool,
    direct: tuple[str, ...],
) -> None:
    tell = _line_taker(told)
    inputs = (("script", action.script.encode(), 0o600),)
    for attempt in range(action.retries + 1):
        packages = PackageLog(tally.profile)
        began = tally.profile.now()

        def line(text: str, packages: PackageLog = packages) -> None:
            packages.line(text)
            tell(text)

        try:
            ended = _follow(name, digest, inputs, connection, told, patience, line, again or attempt > 0, direct)
        finally:
            if not packages.end():
                tally.profile.phase(action.name, "scripts", began, tally.profile.now() - began)
        if ended.exit == 0:
            if any(text.strip() == "stackwright: changed" for text in ended.lines[-20:]):
                tally.changed += 1
            return
        said = tuple(t for t in ended.lines if not t.startswith("stackwright: "))
        if ended.exit != EX_TEMPFAIL or attempt == action.retries:
            break
        wait = min(60.0, RETRY_WAIT * 2**attempt)
        told.retried(said[-1] if said else "it failed for now", wait)
        time.sleep(wait)
    lines = _last(causes.without_noise(said), 15)
    units = units_of("\n".join(said))
    log = causes.without_noise(service_log(connection, units[:2]))
    raise StepFailed(
        _how(action.name, ended, connection),
        lines,
        service=", ".join(units[:2]),
        log=log,
        hint=disk_hint("\n".join(lines)) or disk_trouble(connection) or causes.hint((*lines, *log)),
    )


def _puppet(
    action: PuppetApply,
    name: str,
    digest: str,
    connection: Connection,
    told: Listener,
    tally: Tally,
    patience: Patience,
    again: bool,
    direct: tuple[str, ...],
) -> None:
    compiling = 0.0

    def line(text: str) -> None:
        nonlocal compiling
        if now := puppet.progress(text):
            told.progress(now.done, now.total, now.what)
        elif not puppet.is_trace(text):
            compiling = puppet.compile_seconds(text) or compiling
            told.line(text)

    for attempt in range(_PUPPET_TRIES):
        began = tally.profile.now()
        ended = _follow(
            name, digest, puppet.inputs(action), connection, told, patience, line, again or attempt > 0, direct
        )
        said = tuple(t for t in ended.lines if not puppet.is_trace(t))
        took = tally.profile.now() - began
        report = _report(connection, told, patience, name)
        if report:
            tally.profile.puppet(report, began, took)
        else:
            tally.profile.phase("Puppet, without a report", "Puppet itself", began, took)
        if ended.exit is None:
            raise StepFailed(
                _how("puppet apply", ended, connection),
                _last(said, 10),
                hint=disk_trouble(connection) or "Run apply again to continue.",
            )
        if report:
            tally.changed += len(report.changed)
            tally.data["puppet"] = _figures(ended, report, compiling, tally.data.get("puppet"))
        wrong = puppet.verdict(ended.exit, report, said)
        if wrong is None:
            return
        why = puppet.passing_trouble(report) if report else ""
        if not why or attempt + 1 == _PUPPET_TRIES:
            break
        wait = min(60.0, 2 * RETRY_WAIT * 2**attempt)
        told.retried(why, wait)
        time.sleep(wait)
    killed = ended.exit is not None and ended.exit > 128
    assert wrong
    cause, lines = wrong
    if killed:
        cause = _how("puppet apply", ended, connection)
    failed = puppet.root_cause(report) if report else None
    units = units_of(failed.resource if failed else "", "\n".join(lines))
    log = causes.without_noise(service_log(connection, units[:2]))
    shown = causes.without_noise(lines)
    raise StepFailed(
        cause,
        _last(shown, 15),
        service=", ".join(units[:2]),
        log=log,
        hint=disk_hint("\n".join((*lines, *said[-20:])))
        or disk_trouble(connection)
        or causes.hint((cause, *shown, *log)),
    )


def _figures(
    ended: Ended, report: puppet.PuppetReport, compiling: float, before: Mapping[str, Any] | None
) -> dict[str, Any]:
    """A run's figures for the journal and the report, with what earlier tries of the same step changed."""
    changed = [*(before["changed"] if before else ()), *report.changed]
    return {
        "seconds": round(ended.seconds, 1),
        "compile": round(compiling, 1),
        "total": report.total,
        "version": report.puppet,
        "changed": changed[:2000],
        "warnings": list(report.warnings[:50]),
    }


def _report(connection: Connection, told: Listener, patience: Patience, name: str) -> puppet.PuppetReport | None:
    path = shlex.quote(f"{connection.base}/runs/{run_name(name)}/report.json")
    got = _persist(connection, told, patience.gone, lambda: connection.run(f"cat {path}", timeout=300))
    try:
        return puppet.read_report(got.out)
    except ValueError:
        return None


def _probe(action: Probe, connection: Connection, told: Listener, timeout: float | None, gone: float) -> None:
    limit = timeout or action.timeout
    each = max(10.0, min(60.0, limit))
    script = shell.fill("executor/probe.sh", TIMEOUT=int(limit), EACH=int(each), INTERVAL=action.interval)
    data = action.script.encode()
    got = _persist(connection, told, gone, lambda: connection.run(script, data=data, timeout=limit + 2 * each + 30))
    if got.ok:
        return
    said = tuple(t for t in (got.out + got.err).splitlines() if t.strip())
    units = units_of("\n".join(said))
    raise StepFailed(
        f"{action.capability} does not work: its probe failed for {limit:.0f} s (exit status {got.exit})",
        _last(said, 15),
        service=", ".join(units[:2]),
        log=service_log(connection, units[:2], failed=True),
    )


def _how(what: str, ended: Ended, connection: Connection) -> str:
    """How a run ended, in words; with what the kernel says when it was killed."""
    if ended.rebooted:
        return f"{what}: the host was restarted repeatedly during this step"
    if ended.exit is not None and ended.exit <= 128:
        return f"{what} ended with exit status {ended.exit}"
    how = "died without a trace" if ended.exit is None else f"was killed by signal {ended.exit - 128}"
    memory = out_of_memory(connection)
    return f"{what} {how}" + (f"; the kernel says: {memory[-1]}" if memory else "")


def _last(lines: tuple[str, ...], count: int) -> tuple[str, ...]:
    return tuple(text for text in lines if text.strip())[-count:]


def failure_data(error: Exception) -> Mapping[str, Any]:
    """A failure as the data of an event."""
    if isinstance(error, StepFailed):
        return {
            "cause": error.cause,
            "lines": list(error.lines),
            "service": error.service,
            "log": list(error.log),
            "hint": error.hint,
        }
    if isinstance(error, StackwrightError):
        first, *rest = error.message.splitlines() or [""]
        return {"cause": first, "lines": rest, "service": "", "log": [], "hint": error.hint}
    return {
        "cause": f"a fault in Stackwright itself: {type(error).__name__}: {error}",
        "lines": [],
        "service": "",
        "log": [],
        "hint": "Please report it, with the run's log.",
    }
