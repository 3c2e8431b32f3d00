"""Parts of which the sections of the page consist: sections, tables, links and buttons."""

from __future__ import annotations

import re
import time

from stackwright.report.anonymize import is_neutral
from stackwright.report.element import Html, code, el, join

MANY_HOSTS = 6
"""With more hosts than this, details of them are collapsed."""


_URL = re.compile(r"https?://[\w.\-\[\]:]+(/[\w./\-]*)?")


def web_link(url: object, text: str = "") -> Html:
    """A link to an address of the cloud; other text stays text."""
    shown = text or str(url)
    if not _URL.fullmatch(str(url)) or is_neutral(str(url)):  # the name that replaces an address leads nowhere
        return el("code", str(url))
    return el("a", shown, href=str(url), rel="noopener noreferrer")


def copy_button(text: str) -> Html:
    return el("button", "Copy", type="button", cls="copy", data_copy=text)


def with_copies(text: str) -> Html:
    """Text whose commands in backquotes can be copied."""
    commands = [part for part in text.split("`")[1::2] if " " in part]
    return join(code(text), *(copy_button(command) for command in commands))


def section(title: str, *content: object, cls: str | None = None) -> Html:
    return el("section", el("h2", title), *content, cls=cls)


def moment(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M %Z", time.localtime(at)) if at else ""


def seconds_cell(seconds: float) -> Html:
    return el("td", f"{seconds:.1f} s", cls="n")


def share_cell(part: float, whole: float) -> Html:
    share = 100 * part / whole if whole else 0.0
    return el("td", f"{share:.0f} %" if share >= 1 else "< 1 %", cls="n")


def table(heads: tuple[str, ...], rows: list[Html], cls: str) -> Html:
    numbers = {"time", "share", "changed"}
    head = el("tr", *(el("th", text, scope="col", cls="n" if text in numbers else None) for text in heads))
    return el("div", el("table", el("thead", head), el("tbody", *rows), cls=cls), cls="scroll")


def folded(title: str, *content: object) -> Html:
    """Details of many hosts: collapsed, also in print, where they would fill dozens of pages."""
    return el("details", el("summary", title), *content, cls="much")
