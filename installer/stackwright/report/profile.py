"""Times of a run: the critical path, time by kind of work, and what took longest."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass

from stackwright.report.run import RunReport, Span, StepReport

_HELD = 0.5
"""Seconds between a step's end and another one's start that count as "at once"."""


@dataclass(frozen=True)
class Link:
    """A part of the critical path, which determines the total time. `at` counts from the start of the run; `waited` is
    idle time on the path before it."""

    name: str
    host: str
    at: float
    seconds: float
    waited: float = 0.0
    step: str = ""
    """The step's id; empty if it is not a step."""


def critical_path(report: RunReport) -> tuple[Link, ...]:
    """The chain of dependent steps from the start to the end of the run.

    It is built from the end: before each step comes the step that it needed and that ended last. A step may also have
    waited for a free slot on its host; then the step whose end freed the slot comes before it.
    """
    ran = [step for step in report.steps.values() if step.ended]
    chain: list[StepReport] = []
    step = max(ran, key=lambda s: (s.ended, s.step), default=None)
    while step is not None and step not in chain:
        chain.insert(0, step)
        step = _before(step, ran)
    before = [Link(span.name, "", span.at, span.seconds) for span in report.before if span.seconds >= 0.05]
    links = [*before, *(_link(report, s) for s in chain)]
    if report.proof and report.ended - report.began >= report.proof.at + report.proof.seconds - _HELD:
        links.append(Link(report.proof.name, "", report.proof.at, report.proof.seconds))
    out: list[Link] = []
    free = 0.0
    for link in links:
        waited = max(0.0, link.at - free)
        out.append(Link(link.name, link.host, link.at, link.seconds, round(waited, 3), link.step))
        free = max(free, link.at + link.seconds)
    return tuple(out)


def _link(report: RunReport, step: StepReport) -> Link:
    return Link(step.title or step.step, step.host, step.started - report.began, step.seconds, step=step.step)


def _before(step: StepReport, ran: Iterable[StepReport]) -> StepReport | None:
    """The step that this one waited for longest."""
    earlier = [s for s in ran if s is not step and s.ended <= step.started]
    needed = [s for s in earlier if s.step in step.needs]
    last = max(needed, key=lambda s: (s.ended, s.step), default=None)
    made_room = [s for s in earlier if s.host == step.host and step.started - s.ended <= _HELD]
    if made_room and (last is None or step.started - last.ended > 2 * _HELD):
        return max(made_room, key=lambda s: (s.ended, s.step))
    return last


def by_kind(report: RunReport) -> dict[str, float]:
    """Seconds by kind of work along the critical path, which add up to the duration of the run. Time of a step without
    a kind is "other work"."""
    out: dict[str, float] = {}

    def add(kind: str, seconds: float) -> None:
        if seconds > 0:
            out[kind] = out.get(kind, 0.0) + seconds

    for link in critical_path(report):
        add("waiting", link.waited)
        if link.step:
            kinds = report.steps[link.step].kinds
            for kind, seconds in kinds.items():
                add(kind, seconds)
            add("other work", link.seconds - sum(kinds.values()))
        else:
            kind = "verification" if report.proof and link.name == report.proof.name else "preparation"
            add(kind, link.seconds)
    return dict(sorted(out.items(), key=lambda item: -item[1]))


@dataclass(frozen=True)
class Slow:
    """A slow part: a resource, a package, a script, a probe. `at` counts from the start of the step."""

    name: str
    kind: str
    host: str
    step: str
    at: float
    seconds: float


def slowest(report: RunReport, most: int = 25) -> list[Slow]:
    """The slowest parts of all steps of the run; if all steps were skipped, those of earlier runs."""
    done = [step for step in report.steps.values() if step.state in ("ok", "failed")]
    steps = done or list(report.steps.values())
    found = (
        (-span.seconds, step.host, span.name, span.kind, step.step, span.at)
        for step in steps
        for span in (*_whole_phases(step), *step.items)
    )
    chosen = heapq.nsmallest(most, found, key=lambda one: one[:3])
    return [Slow(name, kind, host, step, at, -seconds) for seconds, host, name, kind, step, at in chosen]


def _whole_phases(step: StepReport) -> list[Span]:
    """The phases without known parts."""

    def has_parts(phase: Span) -> bool:
        return any(phase.at <= item.at < phase.at + phase.seconds for item in step.items)

    return [phase for phase in step.phases if not has_parts(phase)]
