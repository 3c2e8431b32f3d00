"""What one run was: steps, times, checks, and what they add up to. Made of events, and of nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from stackwright.model import Event
from stackwright.state.journal import Record

State = Literal["ok", "failed", "interrupted", "unfinished"]


_FEW = 3
"""Up to so many hosts are named one by one."""


@dataclass(frozen=True)
class Span:
    """A stretch of time. `at` is in seconds after the beginning of what it is part of."""

    name: str
    kind: str
    at: float
    seconds: float


@dataclass
class StepReport:
    """What became of one step. Times are in seconds, `started` and `ended` since the epoch, 0 where it did not."""

    step: str
    host: str
    title: str = ""
    needs: tuple[str, ...] = ()
    state: str = "waiting"
    """waiting, running, ok, kept, failed or skipped."""
    started: float = 0.0
    ended: float = 0.0
    seconds: float = 0.0
    done_at: float = 0.0
    """Of a kept step: when it was done, since the epoch."""
    changed: int = 0
    retried: list[str] = field(default_factory=list)
    because: str = ""
    """The step whose failure made this one be skipped."""
    failure: dict[str, Any] = field(default_factory=dict)
    """cause, lines, service, log, hint."""
    puppet: dict[str, Any] = field(default_factory=dict)
    """seconds, compile, total, version, warnings."""
    resources: list[str] = field(default_factory=list)
    """Puppet resources that were changed."""
    phases: tuple[Span, ...] = ()
    items: tuple[Span, ...] = ()
    """What took long within the phases: resources, packages."""
    kinds: dict[str, float] = field(default_factory=dict)
    """Seconds by kind of work."""

    def take_profile(self, data: Mapping[str, Any]) -> None:
        """Takes the figures of an event's or a record's data."""
        profile = data.get("profile") or {}
        self.phases = tuple(Span(*span) for span in profile.get("phases", ()))
        self.items = tuple(Span(*span) for span in profile.get("items", ()))
        self.kinds = dict(profile.get("kinds", {}))
        self.puppet = {k: v for k, v in (data.get("puppet") or {}).items() if k != "changed"}


@dataclass(frozen=True)
class Check:
    """One check of the verification. `log` names where its `lines` are from."""

    name: str
    title: str
    service: str
    state: str
    seconds: float = 0.0
    detail: str = ""
    log: str = ""
    lines: tuple[str, ...] = ()


@dataclass
class RunReport:
    """A whole run. `about` is what was known before it began: hosts, answers, the plan's graph."""

    about: Mapping[str, Any] = field(default_factory=dict)
    began: float = 0.0
    """Since the epoch; the looking at the hosts counts."""
    ended: float = 0.0
    """Since the epoch; the verification that belongs to the run counts."""
    state: State = "unfinished"
    steps: dict[str, StepReport] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    before: tuple[Span, ...] = ()
    """What was done before the first step; `at` counts from `began`."""
    checks: tuple[Check, ...] = ()
    proof: Span | None = None
    """The verification, where one belongs to this run; `at` counts from `began`."""
    proved: bool = False
    tempest: Mapping[str, Any] = field(default_factory=dict)
    """Tempest's last results, where they are younger than the run: ok, complete, passed, skipped, failed, known,
    mended; see stackwright.operations.tempest."""
    afterwards: Mapping[str, Any] = field(default_factory=dict)
    """What the hosts said after the run: packages, differences from a lock, denials of SELinux; see
    stackwright.locking."""
    bundle: Mapping[str, Any] = field(default_factory=dict)
    """The bundle that was made of this run: its digest and file."""

    @property
    def seconds(self) -> float:
        """How long it took."""
        return max(0.0, self.ended - self.began)

    @property
    def changed(self) -> int:
        """How many files, scripts and Puppet resources were changed."""
        return sum(step.changed for step in self.steps.values())

    @property
    def failures(self) -> list[StepReport]:
        """The steps that failed by themselves."""
        return [step for step in self.steps.values() if step.state == "failed"]

    @property
    def failed_checks(self) -> list[Check]:
        """The checks that did not pass, without those that were skipped because of them."""
        return [check for check in self.checks if check.state not in ("ok", "skipped")]

    @property
    def denials(self) -> list[tuple[str, str]]:
        """SELinux's, with their hosts."""
        told: Mapping[str, Any] = self.afterwards.get("denials") or {}
        return [(host, str(line)) for host, lines in told.items() for line in lines]

    @property
    def not_as_locked(self) -> list[tuple[str, str]]:
        """What differs from the lock that the packages were compared with: what it is about, and a line."""
        told = self.afterwards.get("differences") or ()
        return [(str(section["title"]), str(line)) for section in told for line in section["lines"]]

    @property
    def summary(self) -> Mapping[str, Any]:
        """The plan's own: release, endpoints, dashboard, who has what."""
        found: Mapping[str, Any] = self.about.get("summary") or {}
        return found

    @property
    def hosts(self) -> Mapping[str, Mapping[str, Any]]:
        """The hosts by name, as they were seen."""
        found: Mapping[str, Mapping[str, Any]] = self.about.get("hosts") or {}
        return found

    def count(self, state: str) -> int:
        """How many steps are in this state."""
        return sum(step.state == state for step in self.steps.values())

    @property
    def warnings(self) -> list[str]:
        """Everything that is worth a look although it kept nobody from going on, each once, with its hosts."""
        found: dict[str, dict[str, None]] = {}
        for step in self.steps.values():
            texts = [f"{step.title or step.step}: tried again, because {why}" for why in step.retried]
            texts += [f"Puppet: {line}" for line in step.puppet.get("warnings", ())]
            for text in texts:
                found.setdefault(text, {})[step.host] = None
        told = [
            f"{', '.join(hosts) if len(hosts) <= _FEW else f'{len(hosts)} hosts'}: {text}"
            for text, hosts in found.items()
        ]
        return [*dict.fromkeys(str(warning) for warning in self.about.get("warnings", ())), *told]


def collect(
    about: Mapping[str, Any],
    events: Iterable[Event],
    *,
    proof: Mapping[str, Any] | None = None,
    records: Iterable[Record] = (),
    later: Mapping[str, Mapping[str, Any]] | None = None,
) -> RunReport:
    """A run out of its events. `proof` is the kept result of the last verification, which counts if it is younger than
    the run, or if nothing was done since; what is kept of `later` (tempest, afterwards, bundle) must be younger.
    `records` are the journal's, which know what the kept steps once took. All of it must be free of secrets, as events
    are."""
    report = RunReport(about, began=float(about.get("began") or 0.0))
    for step in about.get("steps", ()):
        report.steps[step["id"]] = StepReport(step["id"], step["host"], step["title"], tuple(step["needs"]))
    for event in events:
        report.began = report.began or event.at
        report.ended = max(report.ended, event.at)
        _take(report, event)
    report.before = tuple(Span(*span) for span in about.get("before", ()))
    if any(step.state == "kept" for step in report.steps.values()):
        _remember(report, records)
    if proof and float(proof.get("at") or 0.0) >= report.began:
        _prove(report, proof)
    elif proof and _still_proved(report, float(proof.get("at") or 0.0)):
        report.checks, report.proved = _checks(proof), bool(proof.get("ok"))
    for name, kept in (later or {}).items():
        if kept and float(kept.get("at") or 0.0) >= report.began:
            setattr(report, name, kept)
    return report


def _take(report: RunReport, event: Event) -> None:
    data = event.data
    if event.kind == "finished":
        report.state = "ok" if data.get("ok") else "failed" if data.get("failed") else "interrupted"
    if not event.step:
        if event.kind == "note" and event.message:
            report.notes.append(event.message)
        return
    step = report.steps.setdefault(event.step, StepReport(event.step, event.host))
    step.title = data.get("title") or step.title
    match event.kind:
        case "started":
            step.state, step.started = "running", event.at
        case "ok" | "kept" | "failed" | "skipped":
            step.state = event.kind
            step.seconds = float(data.get("seconds") or 0.0)
            step.ended = event.at if step.started else 0.0
            step.changed = int(data.get("changed") or 0)
            step.because = data.get("because", "")
            step.resources = list(data.get("resources") or ())
            step.take_profile(data)
            if event.kind == "failed":
                step.failure = {k: data.get(k) for k in ("cause", "lines", "service", "log", "hint")}
        case "retried":
            step.retried.append(data.get("why") or event.message)
        case "note":
            report.notes.append(f"{event.host}: {event.message}")


def _remember(report: RunReport, records: Iterable[Record]) -> None:
    """Gives kept steps the figures of when they were done."""
    last = {record.step: record for record in records if record.ok}
    for step in report.steps.values():
        if step.state == "kept" and (record := last.get(step.step)):
            step.done_at, step.seconds = record.at, record.seconds
            step.take_profile(record.data)


def _still_proved(report: RunReport, at: float) -> bool:
    """Whether a proof of before says all about this run: nothing was done in it, nor between the two."""
    return bool(report.steps) and all(s.state == "kept" and 0 < s.done_at <= at for s in report.steps.values())


def _checks(proof: Mapping[str, Any]) -> tuple[Check, ...]:
    known = Check.__dataclass_fields__
    return tuple(
        Check(**{**{k: v for k, v in check.items() if k in known}, "lines": tuple(check.get("lines", ()))})
        for check in proof.get("checks", ())
    )


def _prove(report: RunReport, proof: Mapping[str, Any]) -> None:
    report.checks, report.proved = _checks(proof), bool(proof.get("ok"))
    ended = float(proof["at"])
    seconds = ended - float(proof.get("began") or ended - float(proof.get("seconds") or 0.0))
    report.proof = Span("Verify the cloud", "verification", ended - seconds - report.began, seconds)
    if report.proof.at <= report.seconds + 60.0:
        # A verification of hours later says how the cloud is, and not how long the run took.
        report.ended = max(report.ended, ended)
    if report.state == "ok" and not report.proved:
        report.state = "failed"
