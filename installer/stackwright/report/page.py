"""A run as an HTML page: one file without network access, for screens, phones and print. One script copies text. The
same page follows a run while a server shows it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from pathlib import Path

from stackwright.output.live import duration
from stackwright.report import drawing, followups
from stackwright.report.advice import documentation, explanation, given, lead, next_steps, verdict
from stackwright.report.blocks import MANY_HOSTS, copy_button, folded, moment, section, table, web_link, with_copies
from stackwright.report.element import Html, code, el, join
from stackwright.report.profile import critical_path
from stackwright.report.run import Check, RunReport, StepReport
from stackwright.report.text import digest, machine
from stackwright.report.timeline import timeline, where_time_went


def as_html(report: RunReport, *, served: bool = False) -> str:
    """The page. With `served`, the style sheet and the script are files beside it (page.css, page.js), and it follows
    the run; everything else is the same."""
    links = critical_path(report)
    sections = [
        _failures(report),
        _next(report),
        _topology(report),
        timeline(report, links),
        where_time_went(report, links),
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
        el("p", f"Stackwright {report.about.get('version', '')}", " · ", moment(report.began), cls="eyebrow"),
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
    links = [web_link(url, title) for title, url in (*found, ("Documentation", documentation(report))) if url]
    return el("p", *(join(link, " ") for link in links), cls="links") if links else None


# ------------------------------------------------------------------------------------------------------------- failures


def _failures(report: RunReport) -> Html | None:
    blocks = [_failure(report, step) for step in report.failures]
    blocks += [_failed_check(check) for check in report.failed_checks]
    return section("What failed", *blocks, cls="failures") if blocks else None


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
    return section("What to do next", el("ol", *(el("li", with_copies(text)) for text in next_steps(report))))


# --------------------------------------------------------------------------------------------------- hosts and services


def _topology(report: RunReport) -> Html | None:
    if not report.hosts:
        return None
    endpoints = report.summary.get("endpoints") or {}
    rows = [el("tr", el("th", name, scope="row"), el("td", web_link(url))) for name, url in endpoints.items()]
    if dashboard := report.summary.get("dashboard"):
        rows.append(el("tr", el("th", "dashboard", scope="row"), el("td", web_link(dashboard))))
    addresses = el("details", el("summary", f"{len(rows)} service addresses"), el("table", el("tbody", *rows)))
    return section("Hosts and services", drawing.topology(report.hosts), addresses if rows else None)


# --------------------------------------------------------------------------------------------- verification, warnings


def _checks(report: RunReport) -> Html:
    if not report.proof:
        text = f"The cloud was not verified: `stackwright verify {given(report)}`."
        if report.verifying:
            text = "The cloud is being verified."
        elif report.state == "running":
            text = "The cloud is verified when it is installed."
        return section("Verification", el("p", with_copies(text)))
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
    ended = moment(report.began + report.proof.at + report.proof.seconds)
    summary = f"{duration(report.proof.seconds)}, ended {ended}. "
    summary += "An instance was booted, reached and removed again." if report.proved else ""
    return section(
        "Verification", el("p", summary, cls="dim"), table(("result", "check", "service", "time"), rows, "checks")
    )


def _warnings(report: RunReport) -> Html | None:
    notes = [note for note in report.notes if note not in report.warnings]
    if not report.warnings and len(notes) < 2:
        return None
    return section(
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
    rows = [*each] if len(each) <= MANY_HOSTS else []
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
    return section(
        "Environment",
        el("div", el("table", el("tbody", *rows)), cls="scroll"),
        folded(f"{len(each)} hosts", el("div", el("table", el("tbody", *each)), cls="scroll"))
        if len(each) > MANY_HOSTS else None,
        el("details", el("summary", f"Answers that differ from the defaults, without secrets: {len(given)}"),
           el("div", el("table", el("tbody", *given)), cls="scroll")) if given else None,
        *(resources if len(resources) <= MANY_HOSTS else [folded("Changed Puppet resources", *resources)]),
    )  # fmt: skip


def _puppets(report: RunReport, host: str) -> list[str]:
    """Puppet's runs on a host."""
    return [
        f"Puppet {step.puppet.get('version', '')}: {step.puppet.get('total', 0)} resources, "
        f"{len(step.resources)} changed; the catalog was compiled in {step.puppet.get('compile', 0)} s"
        for step in report.steps.values()
        if step.host == host and step.puppet
    ]


def _bug_report(report: RunReport) -> Html:
    return section(
        "For a bug report",
        el(
            "p",
            "This text contains what a bug report needs, without secrets, keys and public addresses. ",
            "Check it before you post it.",
            cls="dim",
        ),
        copy_button(digest(report)),
        el("pre", digest(report), cls="digest"),
    )  # fmt: skip


def _footer(report: RunReport, served: bool) -> Html:
    data = el("a", "report.json", href="report.json") if served else "report.json"
    return el("footer", f"Written by Stackwright {report.about.get('version', '')}. The same data as JSON: ", data, ".")
