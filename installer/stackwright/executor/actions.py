"""Carries out the actions of one step on its host, and collects evidence when one of them fails."""

from __future__ import annotations

import contextlib
import hashlib
import shlex
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from stackwright import shell, untrusted
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
    """A step failed: the cause, output lines, the service and its log, and a hint."""

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
    """Callbacks for what happens during a step. The executor turns the calls into events."""

    progress: Callable[[int, int, str], None]
    """Finished items, total, and the current item."""
    line: Callable[[str], None]
    """A line of output."""
    alive: Callable[[], None]
    """Called about once a second while the host answers and the script writes nothing."""
    note: Callable[[str], None]
    retried: Callable[[str, float], None]
    """The reason, and the seconds until the next attempt."""


@dataclass
class Tally:
    """The changes of a step, its data for the journal, and its profile, as far as it got."""

    changed: int = 0
    data: dict[str, Any] = field(default_factory=dict)
    profile: Profile = field(default_factory=Profile)


def perform(
    step: Step,
    digest: str,
    connection: Connection,
    listener: Listener,
    tally: Tally,
    *,
    again: bool,
    timeout: float | None,
    gone: float,
    every: float,
    direct: tuple[str, ...] = (),
) -> None:
    """Carries out the step's actions one after the other. `tally` counts what they changed, even if one of them fails.
    Scripts reach names and addresses in `direct` without a proxy. Raises StepFailed or StackwrightError."""

    def patience(action: Run | PuppetApply) -> Patience:
        return Patience(timeout=timeout or action.timeout, gone=gone, every=every)

    for number, action in enumerate(step.actions):
        name = f"{step.id}.{number}"
        own = hashlib.sha256(f"{digest} {number}".encode()).hexdigest()
        match action:
            case Upload():
                with tally.profile.timed("files", "files"):
                    placed = _persist(connection, listener, gone, lambda a=action: connection.put(a.files))  # type: ignore[misc]
                tally.changed += len(placed)
            case Run():
                _run(action, name, own, connection, listener, tally, patience(action), again, direct)
            case PuppetApply():
                _puppet(action, name, own, connection, listener, tally, patience(action), again, direct)
            case Probe():
                with tally.profile.timed(f"{action.capability} answers", "probes"):
                    _probe(action, connection, listener, timeout, gone)


def _line_taker(listener: Listener) -> Callable[[str], None]:
    """A function for the lines of a script: lines about progress go to `progress`, all others to `line`."""

    def line(text: str) -> None:
        if text.startswith("stackwright: progress "):
            words = text.split(None, 4)
            with contextlib.suppress(ValueError, IndexError):
                done, total = (untrusted.number(word, 10**9) for word in words[2:4])
                listener.progress(done, total, words[4] if len(words) > 4 else "")
                return
        listener.line(text)

    return line


def _persist(connection: Connection, listener: Listener, gone: float, work: Callable[[], T]) -> T:
    """Repeats idempotent work until the host is reachable. Raises HostGone after `gone` seconds."""
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
                listener.retried(error.message, 1.0)
            if now - lost > gone:
                raise HostGone(
                    f"{connection.host}: the host has not answered for {now - lost:.0f} s: {error.message}",
                    "Check its console, then run `stackwright apply` again.",
                    ExitCode.UNREACHABLE,
                ) from None
            connection.drop()
            time.sleep(min(5.0, 0.5 + (now - lost) / 4))


def _follow(
    name: str,
    digest: str,
    inputs: tuple[tuple[str, bytes, int], ...],
    connection: Connection,
    listener: Listener,
    patience: Patience,
    on_line: Callable[[str], None],
    again: bool,
    direct: tuple[str, ...],
) -> Ended:
    """Follows a detached run. If the host reboots, the run is started again, three times in all."""

    def note(kind: str, text: str) -> None:
        if kind == "lost":
            listener.retried(text, 1.0)
        elif kind != "started":
            listener.note(text)

    for _ in range(3):
        ended = run_detached(
            connection,
            name,
            digest,
            inputs,
            patience,
            on_line=on_line,
            on_note=note,
            on_idle=listener.alive,
            again=again,
            direct=direct,
        )
        if not ended.rebooted:
            return ended
        listener.retried("the host was restarted during this step", 0.0)
    return ended


def _run(
    action: Run,
    name: str,
    digest: str,
    connection: Connection,
    listener: Listener,
    tally: Tally,
    patience: Patience,
    again: bool,
    direct: tuple[str, ...],
) -> None:
    take_line = _line_taker(listener)
    inputs = (("script", action.script.encode(), 0o600),)
    for attempt in range(action.retries + 1):
        packages = PackageLog(tally.profile)
        began = tally.profile.now()

        def line(text: str, packages: PackageLog = packages) -> None:
            packages.line(text)
            take_line(text)

        try:
            ended = _follow(name, digest, inputs, connection, listener, patience, line, again or attempt > 0, direct)
        finally:
            if not packages.end():
                tally.profile.phase(action.name, "scripts", began, tally.profile.now() - began)
        if ended.exit == 0:
            if any(text.strip() == "stackwright: changed" for text in ended.lines[-20:]):
                tally.changed += 1
            return
        output = tuple(t for t in ended.lines if not t.startswith("stackwright: "))
        if ended.exit != EX_TEMPFAIL or attempt == action.retries:
            break
        wait = min(60.0, RETRY_WAIT * 2**attempt)
        listener.retried(output[-1] if output else "temporary failure", wait)
        time.sleep(wait)
    lines = _last(causes.without_noise(output), 15)
    units = units_of("\n".join(output))
    log = causes.without_noise(service_log(connection, units[:2]))
    raise StepFailed(
        _describe_end(action.name, ended, connection),
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
    listener: Listener,
    tally: Tally,
    patience: Patience,
    again: bool,
    direct: tuple[str, ...],
) -> None:
    compiling = 0.0

    def line(text: str) -> None:
        nonlocal compiling
        if now := puppet.progress(text):
            listener.progress(now.done, now.total, now.what)
        elif not puppet.is_trace(text):
            compiling = puppet.compile_seconds(text) or compiling
            listener.line(text)

    for attempt in range(_PUPPET_TRIES):
        began = tally.profile.now()
        ended = _follow(
            name, digest, puppet.inputs(action), connection, listener, patience, line, again or attempt > 0, direct
        )
        output = tuple(t for t in ended.lines if not puppet.is_trace(t))
        took = tally.profile.now() - began
        report = _report(connection, listener, patience, name)
        if report:
            tally.profile.puppet(report, began, took)
        else:
            tally.profile.phase("Puppet, without a report", "Puppet itself", began, took)
        if ended.exit is None:
            raise StepFailed(
                _describe_end("puppet apply", ended, connection),
                _last(output, 10),
                hint=disk_trouble(connection) or "Run `stackwright apply` again to continue.",
            )
        if report:
            tally.changed += len(report.changed)
            tally.data["puppet"] = _figures(ended, report, compiling, tally.data.get("puppet"))
        problem = puppet.verdict(ended.exit, report, output)
        if problem is None:
            return
        why = puppet.passing_trouble(report) if report else ""
        if not why or attempt + 1 == _PUPPET_TRIES:
            break
        wait = min(60.0, 2 * RETRY_WAIT * 2**attempt)
        listener.retried(why, wait)
        time.sleep(wait)
    killed = ended.exit is not None and ended.exit > 128
    assert problem
    cause, lines = problem
    if killed:
        cause = _describe_end("puppet apply", ended, connection)
    failed = puppet.root_cause(report) if report else None
    units = units_of(failed.resource if failed else "", "\n".join(lines))
    log = causes.without_noise(service_log(connection, units[:2]))
    shown = causes.without_noise(lines)
    raise StepFailed(
        cause,
        _last(shown, 15),
        service=", ".join(units[:2]),
        log=log,
        hint=disk_hint("\n".join((*lines, *output[-20:])))
        or disk_trouble(connection)
        or causes.hint((cause, *shown, *log)),
    )


def _figures(
    ended: Ended, report: puppet.PuppetReport, compiling: float, before: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The figures of a Puppet run for journal and report, with the changes of earlier attempts of the same step."""
    changed = [*(before["changed"] if before else ()), *report.changed]
    return {
        "seconds": round(ended.seconds, 1),
        "compile": round(compiling, 1),
        "total": report.total,
        "version": report.puppet,
        "changed": changed[:2000],
        "warnings": list(report.warnings[:50]),
    }


def _report(connection: Connection, listener: Listener, patience: Patience, name: str) -> puppet.PuppetReport | None:
    path = shlex.quote(f"{connection.base}/runs/{run_name(name)}/report.json")
    result = _persist(connection, listener, patience.gone, lambda: connection.run(f"cat {path}", timeout=300))
    try:
        return puppet.read_report(result.out)
    except ValueError:
        return None


def _probe(action: Probe, connection: Connection, listener: Listener, timeout: float | None, gone: float) -> None:
    limit = timeout or action.timeout
    each = max(10.0, min(60.0, limit))
    script = shell.fill("executor/probe.sh", TIMEOUT=int(limit), EACH=int(each), INTERVAL=action.interval)
    data = action.script.encode()
    result = _persist(
        connection, listener, gone, lambda: connection.run(script, data=data, timeout=limit + 2 * each + 30)
    )
    if result.ok:
        return
    output = tuple(t for t in (result.out + result.err).splitlines() if t.strip())
    units = units_of("\n".join(output))
    raise StepFailed(
        f"{action.capability} does not work: its probe failed for {limit:.0f} s (exit status {result.exit})",
        _last(output, 15),
        service=", ".join(units[:2]),
        log=service_log(connection, units[:2], failed=True),
    )


def _describe_end(what: str, ended: Ended, connection: Connection) -> str:
    """How a run ended, in words. If it was killed, the kernel's message is added."""
    if ended.rebooted:
        return f"{what}: the host was restarted repeatedly during this step"
    if ended.exit is not None and ended.exit <= 128:
        return f"{what} ended with exit status {ended.exit}"
    how = "ended without an exit status" if ended.exit is None else f"was killed by signal {ended.exit - 128}"
    memory = out_of_memory(connection)
    return f"{what} {how}" + (f"; the kernel reports: {memory[-1]}" if memory else "")


def _last(lines: tuple[str, ...], count: int) -> tuple[str, ...]:
    return tuple(text for text in lines if text.strip())[-count:]


def failure_data(error: Exception) -> Mapping[str, Any]:
    """The data of an event about a failure."""
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
        "cause": f"internal error in Stackwright: {type(error).__name__}: {error}",
        "lines": [],
        "service": "",
        "log": [],
        "hint": "Report it, and attach the run's log.",
    }
