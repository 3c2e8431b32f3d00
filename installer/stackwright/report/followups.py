"""Sections about what followed a run: Tempest, SELinux denials, and packages compared with the lock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stackwright.output.live import duration
from stackwright.report.blocks import section
from stackwright.report.element import Html, el, join
from stackwright.report.run import RunReport

_MOST = 40
"""Lines of a list that are shown; the rest is collapsed."""


def tempest(report: RunReport) -> Html | None:
    """Tempest's results, unexpected ones first."""
    found = report.tempest
    if not found:
        return None
    failed, known, mended = (list(found.get(key) or ()) for key in ("failed", "known", "mended"))
    if not found.get("complete", True):
        return section("Tempest", el("p", f"{found.get('scenario', '')}: it did not finish."))
    summary = (
        f"{found.get('scenario', '')}: {found.get('passed', 0)} passed, {len(failed)} failed, {len(known)} failed as "
        f"known, {found.get('skipped', 0)} skipped, in {duration(float(found.get('seconds') or 0))}."
    )
    rows = [_test("FAILED", "failed", one, el("pre", "\n".join(one.get("lines") or ()))) for one in failed]
    rows += [
        _test("passes now", "failed", one, _why(one, "Remove it from the list of known failures.")) for one in mended
    ]
    rows += [_test("known", "skipped", one, _why(one)) for one in known]
    table = el("div", el("table", el("tbody", *rows), cls="checks"), cls="scroll") if rows else None
    return section("Tempest", el("p", summary, cls="dim"), table)


def _test(badge: str, state: str, one: Mapping[str, Any], more: Html) -> Html:
    name = str(one.get("test", ""))
    short = ".".join(name.split(".")[-2:]) if "(" not in name else name
    return el("tr", el("td", el("span", badge, cls=f"badge {state}")), el("td", short, el("small", name), more))


def _why(one: Mapping[str, Any], more: str = "") -> Html:
    return join(el("small", f"{one.get('why', '')}: {one.get('link', '')}"), el("small", more) if more else None)


def denials(report: RunReport) -> Html | None:
    """SELinux denials since the start of the run."""
    if not report.denials:
        return None
    lines = [f"{host}: {line}" for host, line in report.denials]
    return section("SELinux denials", el("p", "Count and denial:", cls="dim"), el("pre", "\n".join(lines)))


def packages(report: RunReport) -> Html | None:
    """Packages compared with the given lock, or with the state before the run."""
    found = report.afterwards
    if not found:
        return None
    number = sum(int(n) for n in (found.get("packages") or {}).values())
    against, different = str(found.get("against") or ""), report.not_as_locked
    summary = f"{number} packages, recorded in stackwright.lock."
    if against:
        summary += f" Compared with {against}: " + (
            f"{len(different)} differences." if different else "no differences."
        )
    lines = [f"{title}: {line}" for title, line in different]
    shown = el("ul", *(el("li", line) for line in lines[:_MOST])) if lines else None
    rest = lines[_MOST:]
    more = (
        el("details", el("summary", f"{len(rest)} more"), el("ul", *(el("li", line) for line in rest)))
        if rest
        else None
    )
    gone = [f"{host}: {', '.join(names)}" for host, names in (found.get("unrepeatable") or {}).items()]
    return section(
        "Packages",
        el("p", summary),
        shown,
        more,
        join(el("h3", "No longer in any repository"), el("ul", *(el("li", line) for line in gone))) if gone else None,
    )
