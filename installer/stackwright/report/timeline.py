"""The timeline of a run on the page, its critical path, and where the time went."""

from __future__ import annotations

from stackwright.output.live import duration
from stackwright.report import drawing
from stackwright.report.blocks import MANY_HOSTS, folded, seconds_cell, section, share_cell, table
from stackwright.report.element import Html, el, join
from stackwright.report.profile import Link, by_kind, slowest
from stackwright.report.run import RunReport, StepReport


def timeline(report: RunReport, links: tuple[Link, ...]) -> Html | None:
    critical = {link.step for link in links if link.step}
    ran = [step for step in report.steps.values() if step.started]
    if not ran and not report.before:
        return None
    span = report.seconds or 1.0
    kinds = {kind for step in ran for kind in (*(i.kind for i in step.items), *(p.kind for p in step.phases))}
    kinds |= {"preparation"} if report.before else set()
    kinds |= {"verification"} if report.proof else set()
    blocks = [el("div", el("div", cls="label"), drawing.axis(span), cls="row head")]
    if report.before:
        blocks.append(
            _row("Check and plan", sum(s.seconds for s in report.before), True,
                 drawing.lane(span, drawing.span_bars(report, report.before, critical=True), "preparation"))
        )  # fmt: skip
    blocks += _hosts(report, critical)
    if report.proof and report.proof.at < span:
        on_path = any(link.name == report.proof.name and not link.step for link in links)
        bars = drawing.span_bars(report, [report.proof], critical=on_path)
        blocks.append(_row(report.proof.name, report.proof.seconds, on_path, drawing.lane(span, bars, "verification")))
    return section(
        "Timeline",
        el("p", "Each row is a step. Underlined steps are on the ", el("span", "critical path", cls="mark"),
           ", which determines the total time.", cls="dim"),
        drawing.legend(kinds),
        el("div", *blocks, cls="gantt"),
        _path(report, links),
    )  # fmt: skip


def _hosts(report: RunReport, critical: set[str]) -> list[Html]:
    """The steps of each host; with many hosts, those without failures or critical steps are collapsed."""
    steps = report.steps.values()
    names = list(dict.fromkeys(step.host for step in steps))
    expanded = {step.host for step in steps if step.step in critical or step.state == "failed"}
    if len(names) <= MANY_HOSTS:
        return [_host(report, name, critical) for name in names]
    first = [_host(report, name, critical) for name in names if name in expanded]
    rest = [_host(report, name, critical) for name in names if name not in expanded]
    return [*first, folded(el("b", f"{len(rest)} more hosts"), *rest)] if rest else first


def _host(report: RunReport, name: str, critical: set[str]) -> Html:
    steps = [step for step in report.steps.values() if step.host == name]
    rows = [_step_row(report, step, step.step in critical) for step in sorted(steps, key=lambda s: s.started)]
    busy = sum(step.seconds for step in steps if step.started)
    return el(
        "details",
        el("summary", el("b", name), el("span", f"{len(steps)} steps, {duration(busy)} of work", cls="dim")),
        *rows,
        open="",
    )


def _row(label: str, seconds: float, critical: bool, lane: Html, state: str = "", note: object = "") -> Html:
    time_text = duration(seconds) if seconds >= 1 else f"{seconds:.1f} s" if seconds else ""
    time_cell = el("span", note or time_text, cls=f"time {state}".strip())
    return el(
        "div",
        el("div", el("span", label, cls="what"), time_cell, cls="label"),
        lane,
        cls="row critical" if critical else "row",
    )


def _step_row(report: RunReport, step: StepReport, critical: bool) -> Html:
    span = report.seconds or 1.0
    notes = {
        "kept": f"unchanged, took {duration(step.seconds)}" if step.seconds else "unchanged",
        "skipped": "skipped",
        "waiting": "not started",
        "running": "running" if report.state == "running" else "interrupted",
    }
    title = step.title or step.step
    bars = drawing.step_bars(report, step, critical=critical) if step.started else []
    note = notes.get(step.state, "")
    if step.state == "failed":
        note = f"failed, {duration(step.seconds)}"
    label = f"{title}: {note or duration(step.seconds)}"
    if note == "running":
        so_far = max(0.0, report.ended - step.started)
        return _row(title, so_far, critical, drawing.lane(span, bars, label), step.state,
                    join("running, ", el("span", duration(so_far), data_since=f"{so_far:.1f}")))  # fmt: skip
    return _row(title, step.seconds, critical, drawing.lane(span, bars, label), step.state, note)


def _path(report: RunReport, links: tuple[Link, ...]) -> Html | None:
    if not links:
        return None
    rows = []
    for link in links:
        waited = f"after waiting {duration(link.waited)}" if link.waited >= 1 else ""
        more = ", ".join(part for part in (link.host if len(report.hosts) > 1 else "", waited) if part)
        what = el("td", link.name, el("small", more) if more else None)
        rows.append(el("tr", what, seconds_cell(link.seconds), share_cell(link.seconds, report.seconds)))
    return join(el("h3", "Critical path"), table(("what", "time", "share"), rows, "path"))


def where_time_went(report: RunReport, links: tuple[Link, ...]) -> Html | None:
    kinds = {kind: seconds for kind, seconds in by_kind(report).items() if seconds >= 0.05}
    found = slowest(report, 25)
    if not kinds and not found:
        return None
    whole = sum(kinds.values()) or 1.0
    shares = [
        el("tr", el("td", drawing.swatch(kind), kind), seconds_cell(seconds), share_cell(seconds, whole))
        for kind, seconds in kinds.items()
    ]
    longest = max((slow.seconds for slow in found), default=1.0)
    hosts = len({slow.host for slow in found})
    rows = []
    for slow in found:
        more = f"{slow.kind} on {slow.host}" if hosts > 1 else slow.kind
        what = el("td", el("div", slow.name, el("small", more)), _meter(slow.seconds, longest, slow.kind))
        rows.append(el("tr", seconds_cell(slow.seconds), what))
    again = "" if any(s.state in ("ok", "failed") for s in report.steps.values()) else " (in earlier runs)"
    return section(
        "Where the time went",
        join(drawing.kinds_bar(kinds), el("table", el("tbody", *shares), cls="shares")) if links else None,
        join(el("h3", f"Slowest{again}"), el("table", el("tbody", *rows), cls="slow")) if rows else None,
    )


def _meter(seconds: float, longest: float, kind: str) -> Html:
    width = drawing.percent(seconds, longest)
    return el(
        "svg", el("rect", width=width, height="4", rx="2", cls=drawing.kind_class(kind)), cls="meter", height="4",
        aria_hidden="true",
    )  # fmt: skip
