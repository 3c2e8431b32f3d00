"""HTML and SVG as values: text from hosts is escaped."""

from __future__ import annotations

import html

_VOID = frozenset({"meta", "br", "link"})


class Html(str):
    """Text that is already markup."""

    __slots__ = ()


def el(tag: str, *children: object, **attributes: object) -> Html:
    """An element. Children other than `Html` are escaped, None is ignored. Attributes: `cls` is class, underscores
    become dashes, None is ignored."""
    names = {"cls": "class"}
    given = "".join(
        f' {names.get(key, key.rstrip("_").replace("_", "-"))}="{html.escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if tag in _VOID:
        return Html(f"<{tag}{given}>")
    return Html(f"<{tag}{given}>{join(*children)}</{tag}>")


def join(*children: object) -> Html:
    """Concatenates children."""
    return Html("".join(c if isinstance(c, Html) else html.escape(str(c)) for c in children if c is not None))


def code(text: str) -> Html:
    """Text with the parts in backquotes as code."""
    parts = text.split("`")
    return join(*(el("code", part) if n % 2 else part for n, part in enumerate(parts)))
