"""The data of one run: steps, times, checks, and sums. Created only from events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from stackwright.model import Event
from stackwright.state.journal import Record

State = Literal["ok", "failed", "interrupted", "unfinished", "running"]


_FEW = 3
"""Maximum number of hosts that are listed by name."""

_MOST_NOTES = 1000
_MOST_RETRIES = 50
_MOST_TEXT = 4000
"""Limits for what a run may repeat without end: notes, retries of a step, and the characters of each."""

_SOON = 600.0
"""Seconds after a run in which its verification counts as part of it."""


@dataclass(frozen=True)
class Span:
    """A period of time. `at` is in seconds since the start of the run or step that contains it."""

    name: str
    kind: str
    at: float
    seconds: float


@dataclass
class StepReport:
    """The result of one step. Times are in seconds; `started` and `ended` since the epoch, 0 if it did not."""

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
    """Of an unchanged step: when it was done, in seconds since the epoch."""
    changed: int = 0
    retried: list[str] = field(default_factory=list)
    because: str = ""
    """The failed step because of which this one was skipped."""
    failure: dict[str, Any] = field(default_factory=dict)
    """cause, lines, service, log, hint."""
    puppet: dict[str, Any] = field(default_factory=dict)
    """seconds, compile, total, version, warnings."""
    resources: list[str] = field(default_factory=list)
    """Puppet resources that were changed."""
    phases: tuple[Span, ...] = ()
    items: tuple[Span, ...] = ()
    """Slow items within the phases: resources, packages."""
    kinds: dict[str, float] = field(default_factory=dict)
    """Seconds by kind of work."""

    def take_profile(self, data: Mapping[str, Any]) -> None:
        """Reads the profile from the data of an event or a journal record."""
        profile = data.get("profile") or {}
        self.phases = tuple(Span(*span) for span in profile.get("phases", ()))
        self.items = tuple(Span(*span) for span in profile.get("items", ()))
        self.kinds = dict(profile.get("kinds", {}))
        self.puppet = {k: v for k, v in (data.get("puppet") or {}).items() if k != "changed"}


@dataclass(frozen=True)
class Check:
    """One check of the verification. `log` is the source of its `lines`."""

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
    """A whole run. `about` is what was known before its start: hosts, answers, the graph of the plan."""

    about: Mapping[str, Any] = field(default_factory=dict)
    began: float = 0.0
    """Seconds since the epoch; includes the examination of the hosts."""
    ended: float = 0.0
    """Seconds since the epoch; includes the verification that belongs to the run."""
    state: State = "unfinished"
    steps: dict[str, StepReport] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    before: tuple[Span, ...] = ()
    """Work before the first step; `at` counts from `began`."""
    checks: tuple[Check, ...] = ()
    proof: Span | None = None
    """The verification, if one belongs to this run; `at` counts from `began`."""
    proved: bool = False
    verifying: bool = False
    """Whether the cloud is being verified now."""
    tempest: Mapping[str, Any] = field(default_factory=dict)
    """Tempest's last results, if they are newer than the run: ok, complete, passed, skipped, failed, known, mended
    (unexpected passes); see stackwright.operations.tempest."""
    afterwards: Mapping[str, Any] = field(default_factory=dict)
    """The state of the hosts after the run: packages, differences from a lock, SELinux denials; see
    stackwright.operations.lock."""
    bundle: Mapping[str, Any] = field(default_factory=dict)
    """The bundle that was created from this run: its digest and file."""

    @property
    def seconds(self) -> float:
        """The duration of the run."""
        return max(0.0, self.ended - self.began)

    @property
    def changed(self) -> int:
        """Number of changed files, scripts and Puppet resources."""
        return sum(step.changed for step in self.steps.values())

    @property
    def failures(self) -> list[StepReport]:
        """The failed steps, without those that were skipped because of them."""
        return [step for step in self.steps.values() if step.state == "failed"]

    @property
    def failed_checks(self) -> list[Check]:
        """The failed checks, without those that were skipped because of them."""
        return [check for check in self.checks if check.state not in ("ok", "skipped")]

    @property
    def denials(self) -> list[tuple[str, str]]:
        """SELinux denials, with their hosts."""
        denials: Mapping[str, Any] = self.afterwards.get("denials") or {}
        return [(host, str(line)) for host, lines in denials.items() for line in lines]

    @property
    def not_as_locked(self) -> list[tuple[str, str]]:
        """Differences from the lock that the packages were compared with: (title, line)."""
        sections = self.afterwards.get("differences") or ()
        return [(str(section["title"]), str(line)) for section in sections for line in section["lines"]]

    @property
    def summary(self) -> Mapping[str, Any]:
        """The summary of the plan: release, endpoints, dashboard, hosts of each role."""
        found: Mapping[str, Any] = self.about.get("summary") or {}
        return found

    @property
    def hosts(self) -> Mapping[str, Mapping[str, Any]]:
        """The hosts by name, with their facts."""
        found: Mapping[str, Mapping[str, Any]] = self.about.get("hosts") or {}
        return found

    def count(self, state: str) -> int:
        """Number of steps in this state."""
        return sum(step.state == state for step in self.steps.values())

    @property
    def warnings(self) -> list[str]:
        """All warnings (problems that did not stop the run), each once, with its hosts."""
        found: dict[str, dict[str, None]] = {}
        for step in self.steps.values():
            texts = [f"{step.title or step.step}: retried, because {why}" for why in step.retried]
            texts += [f"Puppet: {line}" for line in step.puppet.get("warnings", ())]
            for text in texts:
                found.setdefault(text, {})[step.host] = None
        texts = [
            f"{', '.join(hosts) if len(hosts) <= _FEW else f'{len(hosts)} hosts'}: {text}"
            for text, hosts in found.items()
        ]
        return [*dict.fromkeys(str(warning) for warning in self.about.get("warnings", ())), *texts]


def collect(
    about: Mapping[str, Any],
    events: Iterable[Event],
    *,
    proof: Mapping[str, Any] | None = None,
    records: Iterable[Record] = (),
    later: Mapping[str, Mapping[str, Any]] | None = None,
    now: float = 0.0,
) -> RunReport:
    """Creates a run from its events: `planned`, `take` for each event, and `complete`, which explains the parameters.
    None of these may contain secrets."""
    report = planned(about)
    for event in events:
        take(report, event)
    return complete(report, proof=proof, records=records, later=later, now=now)


def planned(about: Mapping[str, Any]) -> RunReport:
    """A run before its first event, from what was known then. Raises KeyError, TypeError or ValueError for damaged
    data."""
    report = RunReport(about, began=float(about.get("began") or 0.0))
    for step in about.get("steps", ()):
        report.steps[step["id"]] = StepReport(step["id"], step["host"], step["title"], tuple(step["needs"]))
    report.before = tuple(Span(*span) for span in about.get("before", ()))
    return report


def take(report: RunReport, event: Event) -> None:
    """Adds the next event to a run."""
    report.began = report.began or event.at
    report.ended = max(report.ended, event.at)
    _take(report, event)


def complete(
    report: RunReport,
    *,
    proof: Mapping[str, Any] | None = None,
    records: Iterable[Record] = (),
    later: Mapping[str, Mapping[str, Any]] | None = None,
    now: float = 0.0,
) -> RunReport:
    """The run with what is known beside its events; further events can still be added to `report`.

    `proof` is the saved result of the last verification; it counts if it is newer than the run, or if nothing has
    changed since. `later` (tempest, afterwards, bundle) counts only if it is newer. `records` are those of the journal,
    with the times of unchanged steps. `now` is the time in seconds since the epoch if the command that installs or
    verifies is still at work, else 0."""
    report = replace(report)
    if any(step.state == "kept" for step in report.steps.values()):
        _remember(report, records)
    if proof and float(proof.get("at") or 0.0) >= report.began:
        _prove(report, proof)
    elif proof and _still_proved(report, float(proof.get("at") or 0.0)):
        report.checks, report.proved = _checks(proof), bool(proof.get("ok"))
    for name, kept in (later or {}).items():
        if kept and float(kept.get("at") or 0.0) >= report.began:
            setattr(report, name, kept)
    if now and report.state == "unfinished":
        report.state = "running"
        report.ended = max(report.ended, now)
    elif now and report.state == "ok" and not report.checks:
        report.verifying = True
        report.ended = max(report.ended, now) if now <= report.ended + _SOON else report.ended
    return report


def _take(report: RunReport, event: Event) -> None:
    data = event.data
    if event.kind == "finished":
        report.state = "ok" if data.get("ok") else "failed" if data.get("failed") else "interrupted"
    if not event.step:
        if event.kind == "note" and event.message:
            _note(report, event.message)
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
            step.retried.append(str(data.get("why") or event.message)[:_MOST_TEXT])
            del step.retried[:-_MOST_RETRIES]
        case "note":
            _note(report, f"{event.host}: {event.message}")


def _note(report: RunReport, text: str) -> None:
    report.notes.append(text[:_MOST_TEXT])
    del report.notes[:-_MOST_NOTES]


def _remember(report: RunReport, records: Iterable[Record]) -> None:
    """Adds the times and figures of earlier runs to unchanged steps."""
    last = {record.step: record for record in records if record.ok}
    for step in report.steps.values():
        if step.state == "kept" and (record := last.get(step.step)):
            step.done_at, step.seconds = record.at, record.seconds
            step.take_profile(record.data)


def _still_proved(report: RunReport, at: float) -> bool:
    """Whether an earlier verification is still valid: nothing was changed in this run or since that verification."""
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
        # A verification hours later does not count for the duration of the run.
        report.ended = max(report.ended, ended)
    if report.state == "ok" and not report.proved:
        report.state = "failed"
