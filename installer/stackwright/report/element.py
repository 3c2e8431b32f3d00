"""HTML and SVG as values: text from hosts is escaped."""

from __future__ import annotations

import html
import re

_VOID = frozenset({"meta", "br", "link"})
_NAMES = {"cls": "class"}
_SPECIAL = re.compile("[&<>\"']")


class Html(str):
    """Text that is already markup."""

    __slots__ = ()


def el(tag: str, *children: object, **attributes: object) -> Html:
    """An element. Children other than `Html` are escaped, None is ignored. Attributes: `cls` is class, underscores
    become dashes, None is ignored."""
    given = ""
    for key, value in attributes.items():
        if value is not None:
            name = _NAMES.get(key) or key.rstrip("_").replace("_", "-")
            given += f' {name}="{_escaped(value)}"'
    if tag in _VOID:
        return Html(f"<{tag}{given}>")
    return Html(f"<{tag}{given}>{join(*children)}</{tag}>")


def join(*children: object) -> Html:
    """Concatenates children."""
    return Html("".join([c if isinstance(c, Html) else _escaped(c) for c in children if c is not None]))


def _escaped(value: object) -> str:
    """A page has ten thousands of values, and few of them need it."""
    text = str(value)
    return html.escape(text) if _SPECIAL.search(text) else text


def code(text: str) -> Html:
    """Text with the parts in backquotes as code."""
    parts = text.split("`")
    return join(*(el("code", part) if n % 2 else part for n, part in enumerate(parts)))
