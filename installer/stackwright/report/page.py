"""A run as an HTML page: one file without network access, for screens, phones and print. One script copies text. The
same page follows a run while a server shows it."""

from __future__ import annotations

import base64
import hashlib
import re
import time
from collections.abc import Iterable
from pathlib import Path

from stackwright.output.live import duration
from stackwright.report import drawing, followups
from stackwright.report.advice import documentation, explanation, given, lead, next_steps, verdict
from stackwright.report.anonymize import is_neutral
from stackwright.report.element import Html, code, el, join
from stackwright.report.profile import Link, by_kind, critical_path, slowest
from stackwright.report.run import Check, RunReport, StepReport
from stackwright.report.text import digest, machine

_MANY_HOSTS = 6
"""With more hosts than this, only those on the critical path or with failures are expanded."""


def as_html(report: RunReport, *, served: bool = False) -> str:
    """The page. With `served`, the style sheet and the script are files beside it (page.css, page.js), and it follows
    the run; everything else is the same."""
    links = critical_path(report)
    sections = [
        _failures(report),
        _next(report),
        _topology(report),
        _timeline(report, links),
        _where_time_went(report, links),
        _checks(report),
        followups.tempest(report),
        followups.denials(report),
        followups.packages(report),
        _warnings(report),
        _environment(report),
        _bug_report(report),
    ]
    return _page(verdict(report), (_header(report), *sections, _footer(report, served)), served)


def waiting(problem: str = "") -> str:
    """The served page while there is no run, or while it cannot be read because of a `problem`."""
    text = "This page shows the run as soon as `stackwright apply` begins its first step."
    title = "The report cannot be shown" if problem else "There is no run yet"
    header = el("header", el("h1", title), el("p", code(problem or text), cls="lead"), cls="open")
    return _page(title, (header,), served=True)


def _page(title: str, main: Iterable[Html | None], served: bool) -> str:
    inline = "" if served else script()
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        None if served else el("meta", http_equiv="Content-Security-Policy", content=_policy(inline)),
        el("title", f"{title} - Stackwright"),
        el("link", rel="stylesheet", href="page.css") if served else el("style", Html(style())),
    )
    status = el("p", "This page does not follow the run without JavaScript.", role="status", cls="live")
    program = el("script", src="page.js") if served else el("script", Html(inline))
    # A page of many hosts has megabytes: it is put together once, and not element by element.
    parts = ('<html lang="en">', head, "<body>", status if served else "", "<main>", *filter(None, main), "</main>")
    return "".join(("<!doctype html>\n", *parts, program, "</body></html>\n"))


_FOLDER = Path(__file__).parent


def style() -> str:
    """The style sheet of the page."""
    return (_FOLDER / "page.css").read_text(encoding="utf-8")


def script(*, live: bool = False) -> str:
    """The script of the page, which copies text. It works in pages from a disk, too, where the clipboard's own
    interface may be missing. With `live`, it also follows the run."""
    names = ("page.js", "live.js") if live else ("page.js",)
    return "".join((_FOLDER / name).read_text(encoding="utf-8") for name in names)


def _policy(script: str) -> str:
    """Nothing is loaded, and no other script runs, whatever a host may have printed."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"


_URL = re.compile(r"https?://[\w.\-\[\]:]+(/[\w./\-]*)?")


def _link(url: object, text: str = "") -> Html:
    """A link to an address of the cloud; other text stays text."""
    shown = text or str(url)
    if not _URL.fullmatch(str(url)) or is_neutral(str(url)):  # the name that replaces an address leads nowhere
        return el("code", str(url))
    return el("a", shown, href=str(url), rel="noopener noreferrer")


def _copy(text: str) -> Html:
    return el("button", "Copy", type="button", cls="copy", data_copy=text)


def _with_copies(text: str) -> Html:
    """Text whose commands in backquotes can be copied."""
    commands = [part for part in text.split("`")[1::2] if " " in part]
    return join(code(text), *(_copy(command) for command in commands))


def _section(title: str, *content: object, cls: str | None = None) -> Html:
    return el("section", el("h2", title), *content, cls=cls)


def _moment(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M %Z", time.localtime(at)) if at else ""


def _header(report: RunReport) -> Html:
    doubt = bool(report.tempest) and not report.tempest.get("ok")
    mood = (
        "bad"
        if report.state == "failed" or report.failures
        else "good"
        if report.state == "ok" and not doubt
        else "open"
    )
    passed = sum(check.state == "ok" for check in report.checks)
    figures = [
        (_elapsed(report), "so far" if report.state == "running" or report.verifying else "total"),
        (str(report.count("ok")), "steps done"),
        (str(report.changed), "changes"),
        (f"{passed}/{len(report.checks)}", "checks passed") if report.checks else ("-", "not verified"),
        (str(len(report.warnings)), "warning" if len(report.warnings) == 1 else "warnings"),
    ]
    if report.tempest:
        failed = len(report.tempest.get("failed") or ())
        figures.insert(
            4, (f"{report.tempest.get('passed', 0)}/{report.tempest.get('passed', 0) + failed}", "Tempest tests")
        )
    return el(
        "header",
        el("p", f"Stackwright {report.about.get('version', '')}", " · ", _moment(report.began), cls="eyebrow"),
        el("h1", verdict(report)),
        el("p", lead(report), cls="lead"),
        *_why(report),
        _entrances(report),
        el("dl", *(el("div", el("dt", what), el("dd", figure)) for figure, what in figures), cls="figures"),
        cls=mood,
    )


def _elapsed(report: RunReport) -> object:
    if report.state == "running" or report.verifying:
        return el("span", duration(report.seconds), data_since=f"{report.seconds:.1f}")
    return duration(report.seconds)


def _why(report: RunReport) -> list[Html]:
    """The first failure and what to do, before everything else."""
    cause, hint = explanation(report)
    found = [el("p", el("strong", cause), cls="cause")] if cause else []
    return [*found, el("p", el("b", "Hint: "), hint, cls="hint")] if hint else found


def _entrances(report: RunReport) -> Html | None:
    """Links to the dashboard, to the identity API, and to the documentation of the release."""
    summary = report.summary
    found = [
        ("Dashboard", summary.get("dashboard")),
        ("Identity API", (summary.get("endpoints") or {}).get("keystone")),
    ]
    found = found if report.state == "ok" else []
    links = [_link(url, title) for title, url in (*found, ("Documentation", documentation(report))) if url]
    return el("p", *(join(link, " ") for link in links), cls="links") if links else None


# ------------------------------------------------------------------------------------------------------------- failures


def _failures(report: RunReport) -> Html | None:
    blocks = [_failure(report, step) for step in report.failures]
    blocks += [_failed_check(check) for check in report.failed_checks]
    return _section("What failed", *blocks, cls="failures") if blocks else None


def _failure(report: RunReport, step: StepReport) -> Html:
    failure = step.failure
    skipped = [s for s in report.steps.values() if s.because == step.step]
    return el(
        "article",
        el("h3", f"{step.host}: {step.title or step.step}"),
        el("p", el("strong", failure.get("cause") or "unknown cause"), f", after {duration(step.seconds)}"),
        _lines(failure.get("lines")),
        join(el("p", f"{failure.get('service') or 'The service'} wrote:"), _lines(failure["log"]))
        if failure.get("log")
        else None,
        el("p", el("b", "Hint: "), failure["hint"], cls="hint") if failure.get("hint") else None,
        el("p", f"Skipped because of this failure: {', '.join(s.step for s in skipped)}.", cls="dim")
        if skipped
        else None,
    )


def _failed_check(check: Check) -> Html:
    return el(
        "article",
        el("h3", f"{check.title} ({check.service})"),
        el("p", check.detail or "no details"),
        join(el("p", f"{check.log or check.service}:"), _lines(check.lines)) if check.lines else None,
    )


def _lines(lines: object) -> Html | None:
    return el("pre", "\n".join(str(line) for line in lines)) if isinstance(lines, list | tuple) and lines else None


def _next(report: RunReport) -> Html:
    return _section("What to do next", el("ol", *(el("li", _with_copies(text)) for text in next_steps(report))))


# --------------------------------------------------------------------------------------------------- hosts and services


def _topology(report: RunReport) -> Html | None:
    if not report.hosts:
        return None
    endpoints = report.summary.get("endpoints") or {}
    rows = [el("tr", el("th", name, scope="row"), el("td", _link(url))) for name, url in endpoints.items()]
    if dashboard := report.summary.get("dashboard"):
        rows.append(el("tr", el("th", "dashboard", scope="row"), el("td", _link(dashboard))))
    table = el("details", el("summary", f"{len(rows)} service addresses"), el("table", el("tbody", *rows)))
    return _section("Hosts and services", drawing.topology(report.hosts), table if rows else None)


# ------------------------------------------------------------------------------------------------------------- timeline


def _timeline(report: RunReport, links: tuple[Link, ...]) -> Html | None:
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
    return _section(
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
    if len(names) <= _MANY_HOSTS:
        return [_host(report, name, critical) for name in names]
    first = [_host(report, name, critical) for name in names if name in expanded]
    rest = [_host(report, name, critical) for name in names if name not in expanded]
    return [*first, _folded(el("b", f"{len(rest)} more hosts"), *rest)] if rest else first


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
        rows.append(el("tr", what, _seconds(link.seconds), _share(link.seconds, report.seconds)))
    return join(el("h3", "Critical path"), _table(("what", "time", "share"), rows, "path"))


def _seconds(seconds: float) -> Html:
    return el("td", f"{seconds:.1f} s", cls="n")


def _share(part: float, whole: float) -> Html:
    share = 100 * part / whole if whole else 0.0
    return el("td", f"{share:.0f} %" if share >= 1 else "< 1 %", cls="n")


def _table(heads: tuple[str, ...], rows: list[Html], cls: str) -> Html:
    numbers = {"time", "share", "changed"}
    head = el("tr", *(el("th", text, scope="col", cls="n" if text in numbers else None) for text in heads))
    return el("div", el("table", el("thead", head), el("tbody", *rows), cls=cls), cls="scroll")


# ------------------------------------------------------------------------------------------------- time by kind of work


def _where_time_went(report: RunReport, links: tuple[Link, ...]) -> Html | None:
    kinds = {kind: seconds for kind, seconds in by_kind(report).items() if seconds >= 0.05}
    found = slowest(report, 25)
    if not kinds and not found:
        return None
    whole = sum(kinds.values()) or 1.0
    shares = [
        el("tr", el("td", drawing.swatch(kind), kind), _seconds(seconds), _share(seconds, whole))
        for kind, seconds in kinds.items()
    ]
    longest = max((slow.seconds for slow in found), default=1.0)
    hosts = len({slow.host for slow in found})
    rows = []
    for slow in found:
        more = f"{slow.kind} on {slow.host}" if hosts > 1 else slow.kind
        what = el("td", el("div", slow.name, el("small", more)), _meter(slow.seconds, longest, slow.kind))
        rows.append(el("tr", _seconds(slow.seconds), what))
    again = "" if any(s.state in ("ok", "failed") for s in report.steps.values()) else " (in earlier runs)"
    return _section(
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


# --------------------------------------------------------------------------------------------- verification, warnings


def _checks(report: RunReport) -> Html:
    if not report.proof:
        text = f"The cloud was not verified: `stackwright verify {given(report)}`."
        if report.verifying:
            text = "The cloud is being verified."
        elif report.state == "running":
            text = "The cloud is verified when it is installed."
        return _section("Verification", el("p", _with_copies(text)))
    words = {"ok": "passed", "failed": "FAILED", "skipped": "skipped", "unknown": "no result"}
    rows = [
        el(
            "tr",
            el("td", el("span", words.get(check.state, check.state), cls=f"badge {check.state}")),
            el("td", check.title, el("small", check.detail)),
            el("td", check.service),
            el("td", f"{check.seconds:.1f} s" if check.state in ("ok", "failed") else "", cls="n"),
        )
        for check in sorted(report.checks, key=lambda c: c.state not in ("failed", "unknown"))
    ]
    ended = _moment(report.began + report.proof.at + report.proof.seconds)
    summary = f"{duration(report.proof.seconds)}, ended {ended}. "
    summary += "An instance was booted, reached and removed again." if report.proved else ""
    return _section(
        "Verification", el("p", summary, cls="dim"), _table(("result", "check", "service", "time"), rows, "checks")
    )


def _warnings(report: RunReport) -> Html | None:
    notes = [note for note in report.notes if note not in report.warnings]
    if not report.warnings and len(notes) < 2:
        return None
    return _section(
        "Warnings" if report.warnings else "Notes",
        el("ul", *(el("li", warning) for warning in report.warnings), cls="warnings") if report.warnings else None,
        el("details", el("summary", f"{len(notes)} notes"), el("ul", *(el("li", note) for note in notes)))
        if len(notes) > 1
        else None,
    )


# --------------------------------------------------------------------------------------------------------- environment


def _environment(report: RunReport) -> Html:
    about = report.about
    each = []
    for name, host in report.hosts.items():
        more = [str(text) for text in host.get("more", ())] + _puppets(report, name)
        each.append(
            el("tr", el("th", name, scope="row"), el("td", ", ".join(machine(host)), *(el("small", t) for t in more)))
        )
    rows = [*each] if len(each) <= _MANY_HOSTS else []
    rows.append(el("tr", el("th", "controlled from", scope="row"), el("td", str(about.get("control", "")))))
    if about.get("digest"):
        rows.append(el("tr", el("th", "plan", scope="row"), el("td", el("code", str(about["digest"])))))
    answers = about.get("answers") or {}
    given = [el("tr", el("th", el("code", key), scope="row"), el("td", str(value))) for key, value in answers.items()]
    changed = [(step, step.resources) for step in report.steps.values() if step.resources]
    resources = [
        el("details", el("summary", f"{step.host}: {len(names)} Puppet resources changed"),
           el("p", ", ".join(names), cls="names"))
        for step, names in changed
    ]  # fmt: skip
    return _section(
        "Environment",
        el("div", el("table", el("tbody", *rows)), cls="scroll"),
        _folded(f"{len(each)} hosts", el("div", el("table", el("tbody", *each)), cls="scroll"))
        if len(each) > _MANY_HOSTS else None,
        el("details", el("summary", f"Answers that differ from the defaults, without secrets: {len(given)}"),
           el("div", el("table", el("tbody", *given)), cls="scroll")) if given else None,
        *(resources if len(resources) <= _MANY_HOSTS else [_folded("Changed Puppet resources", *resources)]),
    )  # fmt: skip


def _folded(title: str, *content: object) -> Html:
    """Details of many hosts: collapsed, also in print, where they would fill dozens of pages."""
    return el("details", el("summary", title), *content, cls="much")


def _puppets(report: RunReport, host: str) -> list[str]:
    """Puppet's runs on a host."""
    return [
        f"Puppet {step.puppet.get('version', '')}: {step.puppet.get('total', 0)} resources, "
        f"{len(step.resources)} changed; the catalog was compiled in {step.puppet.get('compile', 0)} s"
        for step in report.steps.values()
        if step.host == host and step.puppet
    ]


def _bug_report(report: RunReport) -> Html:
    return _section(
        "For a bug report",
        el(
            "p",
            "This text contains what a bug report needs, without secrets, keys and public addresses. ",
            "Check it before you post it.",
            cls="dim",
        ),
        _copy(digest(report)),
        el("pre", digest(report), cls="digest"),
    )  # fmt: skip


def _footer(report: RunReport, served: bool) -> Html:
    data = el("a", "report.json", href="report.json") if served else "report.json"
    return el("footer", f"Written by Stackwright {report.about.get('version', '')}. The same data as JSON: ", data, ".")
