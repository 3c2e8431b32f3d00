"""The drawings of a report as SVG: hosts and services, the timeline, and time by kind of work.

Drawings have no fixed width: positions are in percent and text sizes in pixels, so that they fit phones and large
screens. Colours are CSS classes with a light and a dark value.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from stackwright.output.live import duration
from stackwright.report.element import Html, el, join
from stackwright.report.run import RunReport, Span, StepReport

KINDS = (
    "preparation",
    "package download",
    "package unpacking",
    "package set-up",
    "packages",
    "facts",
    "catalog",
    "configuration",
    "service starts",
    "database migrations",
    "databases and queues",
    "API objects",
    "commands",
    "other resources",
    "Puppet itself",
    "probes",
    "files",
    "scripts",
    "other work",
    "verification",
    "waiting",
)
"""In the order of a run; each has its own colour."""

_SEEN = 0.0015
"""The share of the width below which a bar is invisible."""


@functools.lru_cache(100)
def kind_class(kind: str) -> str:
    """The CSS class of a kind of work."""
    return "k-" + re.sub(r"[^a-z]+", "-", kind.lower()).strip("-")


def percent(part: float, whole: float) -> str:
    """A position on the timeline."""
    return f"{max(0.0, min(100.0, 100 * part / whole)):.2f}%" if whole > 0 else "0%"


# ------------------------------------------------------------------------------------------------------- timeline


def ticks(seconds: float) -> list[float]:
    """Round values for the axis, five to eight of them."""
    for step in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400):
        if seconds / step <= 7:
            return [float(n * step) for n in range(int(seconds / step) + 1)]
    return [0.0, seconds]


def axis(span: float) -> Html:
    """The times above the lanes."""
    marks = []
    for tick in ticks(span):
        anchor = "start" if tick == 0 else "end" if tick > span * 0.94 else "middle"
        text = f"{tick / 60:g} min" if span > 150 else f"{tick:g} s"
        marks.append(el("text", text if tick else "0", x=percent(tick, span), y="13", text_anchor=anchor))
    return el("svg", *marks, cls="axis", height="18", aria_hidden="true")


def lane(span: float, bars: Iterable[Html], label: str) -> Html:
    """One row of the timeline."""
    return el("svg", _grid(span), *bars, cls="lane", height="26", role="img", aria_label=label)


@functools.lru_cache(4)  # the same in all lanes of a page
def _grid(span: float) -> Html:
    places = (percent(tick, span) for tick in ticks(span))
    return join(*(el("line", x1=place, x2=place, y1="0", y2="100%", cls="grid") for place in places))


def _bar(at: float, seconds: float, span: float, cls: str, title: str) -> Html:
    """Sixteen pixels high, centred in its lane."""
    place = {"x": percent(at, span), "y": "50%", "width": percent(seconds, span), "height": "16"}
    return el("rect", el("title", title), **place, transform="translate(0 -9)", cls=cls)


def _critical(at: float, seconds: float, span: float) -> Html:
    """The line below a bar on the critical path, with a minimum width."""
    width = percent(max(seconds, span / 250), span)
    return el("rect", x=percent(at, span), y="50%", width=width, height="3", transform="translate(0 8)", cls="critical")


def step_bars(report: RunReport, step: StepReport, *, critical: bool) -> list[Html]:
    """A step's bar with its phases and slow items."""
    span = report.seconds or 1.0
    began = step.started - report.began
    seconds = step.seconds if step.state != "running" else max(0.0, report.ended - step.started)
    title = f"{step.title or step.step}: {duration(seconds)}"
    bars = [_bar(began, seconds, span, f"bar {step.state}", title)]
    for found in (*step.phases, *step.items):
        if found.seconds / span >= _SEEN:
            label = f"{found.name}: {found.seconds:.1f} s ({found.kind})"
            bars.append(_bar(began + found.at, found.seconds, span, kind_class(found.kind), label))
    if step.state == "failed":
        bars.append(_bar(began, seconds, span, "outline failed", title))
    if critical:
        bars.append(_critical(began, seconds, span))
    return bars


def span_bars(report: RunReport, spans: Iterable[Span], *, critical: bool) -> list[Html]:
    """Bars of spans that are not steps."""
    whole = report.seconds or 1.0
    out = []
    for span in spans:
        title = f"{span.name}: {duration(span.seconds)}"
        out.append(_bar(span.at, span.seconds, whole, kind_class(span.kind), title))
        if critical:
            out.append(_critical(span.at, span.seconds, whole))
    return out


def kinds_bar(kinds: Mapping[str, float]) -> Html:
    """Time by kind of work, as one bar."""
    whole = sum(kinds.values()) or 1.0
    at, bars = 0.0, []
    for kind in sorted(kinds, key=_order):
        title = f"{kind}: {duration(kinds[kind])}"
        bars.append(
            el(
                "rect",
                el("title", title),
                x=percent(at, whole),
                y="0",
                width=percent(kinds[kind], whole),
                height="30",
                cls=kind_class(kind),
            )
        )
        at += kinds[kind]
    return el("svg", *bars, cls="kinds", height="30", role="img", aria_label="time by kind of work")


def _order(kind: str) -> int:
    return KINDS.index(kind) if kind in KINDS else len(KINDS)


def legend(kinds: Iterable[str]) -> Html:
    """The legend of the colours."""
    return el("ul", *(el("li", swatch(kind), kind) for kind in sorted(set(kinds), key=_order)), cls="legend")


def swatch(kind: str) -> Html:
    """A sample of the kind's colour."""
    patch = el("rect", width="12", height="12", rx="3", cls=kind_class(kind))
    return el("svg", patch, width="12", height="12", cls="swatch", aria_hidden="true")


# -------------------------------------------------------------------------------------------------------- topology

_NARROW = 312
"""Width of a host's drawing in pixels, for several hosts side by side or for a phone."""
_LINE = 17
_BOLD = 1.36
"""Width of a host's name relative to the small text."""
_MOST_NAMES = 4
"""Maximum number of lines with names of identical hosts."""
_NAME = 92
"""Width of a service's name."""


def alike(hosts: Mapping[str, Mapping[str, Any]]) -> list[list[str]]:
    """Names of hosts, grouped by their services."""
    groups: dict[str, list[str]] = {}
    for name, host in hosts.items():
        groups.setdefault(repr((host.get("services"), host.get("bridges"), host.get("os"))), []).append(name)
    return list(groups.values())


def topology(hosts: Mapping[str, Mapping[str, Any]]) -> Html:
    """All hosts on the cloud's network with their services and external bridges. One or two hosts are also drawn wide;
    the style sheet shows the version that fits."""
    groups = alike(hosts)
    narrow = [_tile(names, hosts, _NARROW, 1, first=n == 0) for n, names in enumerate(groups)]
    if len(groups) > 2:
        return el("div", *narrow, cls="tiles")
    columns = 3 if len(groups) == 1 else 1
    wide = [_tile(names, hosts, 1036 // len(groups), columns, first=n == 0) for n, names in enumerate(groups)]
    return join(el("div", *narrow, cls="tiles narrow"), el("div", *wide, cls="tiles wide"))


def _tile(
    names: Sequence[str], hosts: Mapping[str, Mapping[str, Any]], width: int, columns: int, *, first: bool
) -> Html:
    host = hosts[names[0]]
    inside = width - 44.0
    title = str(host.get("fqdn") or names[0]) if len(names) == 1 else f"{len(names)} identical hosts"
    about = [str(host.get("address") or "")]
    if len(names) > 1:
        lines = _wrapped(names, inside)
        shown = sum(line.count(" · ") + 1 for line in lines[:_MOST_NAMES])
        about = [*lines[:_MOST_NAMES], f"and {len(names) - shown} more" if shown < len(names) else ""]
    about += _wrapped([str(part) for part in host.get("about") or ()], inside)
    rows = [el("text", _fitting(title, inside, _BOLD), el("title", title), x="22", y="58", cls="name")]
    y = 64.0
    for line in about:
        if line and line != title:
            y += _LINE
            rows.append(el("text", _fitting(line, inside), x="22", y=f"{y:g}", cls="small"))
    services = host.get("services") or {}
    chips, depth = _chips(services, width - 40, columns)
    rows.append(el("g", *chips, transform=f"translate(20 {y + 10:g})"))
    bottom = y + 10 + depth + 8
    outside = []
    for n, bridge in enumerate(host.get("bridges") or ()):
        end = bottom + n * 28 + 18
        outside.append(el("line", x1="40", x2="40", y1=f"{bottom:g}", y2=f"{end:g}", cls="wire"))
        outside.append(el("circle", cx="40", cy=f"{end:g}", r="4", cls="plug"))
        outside.append(el("text", _fitting(str(bridge), inside - 30), x="52", y=f"{end + 4:g}", cls="small"))
    height = bottom + 28 * len(host.get("bridges") or ()) + 8
    middle = str(width // 2)
    whole = [
        el("line", x1="0", x2=str(width), y1="18", y2="18", cls="network"),
        el("text", "the cloud's network", x="22", y="10", cls="tiny") if first else None,
        el("line", x1=middle, x2=middle, y1="18", y2="34", cls="wire"),
        el("circle", cx=middle, cy="18", r="4", cls="plug"),
        el("rect", x="10", y="34", width=str(width - 20), height=f"{bottom - 34:g}", rx="10", cls="host"),
        *rows,
        *outside,
    ]
    size = {"width": str(width), "height": f"{height:g}", "viewBox": f"0 0 {width} {height:g}"}
    return el("svg", *whole, cls="tile", **size, role="img", aria_label=f"{title}: {', '.join(services)}")


def _chips(services: Mapping[str, Sequence[str]], width: float, columns: int) -> tuple[list[Html], float]:
    """The services in columns with their components, and the height of the highest column."""
    each = (width - 6.0 * (columns - 1)) / columns
    drawn = []
    for service, parts in services.items():
        short = [part.removeprefix(f"{service}-") for part in parts]
        name, lines = (parts[0], []) if len(parts) == 1 else (service, _wrapped(short, each - _NAME - 18))
        drawn.append((name, lines, max(1, len(lines)) * _LINE + 9))
    most = sum(height + 5 for _, _, height in drawn) / columns
    out: list[Html] = []
    column, y, highest = 0, 0.0, 0.0
    for name, lines, height in drawn:
        if column < columns - 1 and y > 0 and y + height / 2 > most:
            column, y = column + 1, 0.0
        x = column * (each + 6)
        out.append(el("rect", x=f"{x:g}", y=f"{y:g}", width=f"{each:g}", height=f"{height:g}", rx="6", cls="chip"))
        out.append(el("text", name, x=f"{x + 9:g}", y=f"{y + 17:g}", cls="service"))
        for n, line in enumerate(lines):
            out.append(el("text", line, x=f"{x + 9 + _NAME:g}", y=f"{y + 17 + n * _LINE:g}", cls="small"))
        y += height + 5
        highest = max(highest, y)
    return out, highest


def _width(text: str) -> float:
    """Width of the small text (12 pixels) in DejaVu Sans, the widest of the usual fonts."""
    return sum(
        4.6 if c in " -.,:;'|()[]/·ijlftr" else 11.8 if c in "mwMW@%…" else 8.7 if c.isupper() else 7.7 for c in text
    )


def _fitting(text: str, width: float, scale: float = 1.0) -> str:
    """The text, shortened to the width."""
    if _width(text) * scale <= width:
        return text
    while text and _width(f"{text}…") * scale > width:
        text = text[:-1]
    return f"{text}…"


def _wrapped(names: Sequence[str], width: float) -> list[str]:
    lines: list[str] = []
    for name in names:
        if lines and _width(f"{lines[-1]} · {name}") <= width:
            lines[-1] += f" · {name}"
        else:
            lines.append(name)
    return lines
