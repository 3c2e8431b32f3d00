"""Masks secrets in everything that is shown, logged or recorded."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

from stackwright.values import consumers

MASK = "********"
_SHORT = 4
_LONG = 8
"""Shorter secrets are not searched for in base64, where any few letters occur by chance."""


def _base64(piece: str) -> Iterator[str]:
    """The base64 characters that depend on the secret alone, for each alignment in a longer text: in
    `Authorization: Basic`, a user name precedes the password."""
    data = piece.encode()
    for before in range(3):
        whole = base64.b64encode(bytes(before) + data + bytes(3)).decode()
        own = whole[-(-before * 8 // 6) : (before + len(data)) * 8 // 6]
        yield own
        yield own.translate(str.maketrans("+/", "-_"))


def _escaped(piece: str) -> Iterator[str]:
    """The secret as configuration files, URLs, JSON, HTML and shells (quotes, backslashes) write it."""
    yield from consumers.forms(piece)
    for url in (quote(piece), quote(piece, safe=""), quote_plus(piece)):
        yield url
        yield re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), url)
    yield json.dumps(piece)[1:-1]
    yield json.dumps(piece, ensure_ascii=False)[1:-1]
    yield html.escape(piece, quote=False)
    yield html.escape(piece)
    yield (decimal := html.escape(piece).replace("&#x27;", "&#39;"))
    yield decimal.replace("&quot;", "&#34;")
    yield piece.replace("'", "'\\''")
    yield piece.replace("'", "\\'")
    yield piece.replace("\\", "\\\\")
    yield re.sub(r"([^A-Za-z0-9_\-.,:+/@\n])", r"\\\1", piece)


def _forms(secrets: Iterable[str]) -> dict[str, str]:
    """Every notation of each secret, with the secret: as it is, in URLs, JSON, HTML, base64 and shells; and each line
    of a secret with several lines. The longest first."""
    found: dict[str, str] = {}
    for secret in sorted(secrets):
        pieces = [secret]
        if "\n" in secret.strip():
            pieces += [line.strip() for line in secret.splitlines() if len(line.strip()) >= 12]
        for piece in filter(None, pieces):
            forms = [piece]
            if len(piece) >= _SHORT:
                forms += _escaped(piece)
            if len(piece) >= _LONG and "\n" not in piece and piece is secret:
                forms += _base64(piece)
            for form in forms:
                found.setdefault(form, secret)
    return dict(sorted(found.items(), key=lambda pair: -len(pair[0])))


def _pattern(forms: Iterable[str]) -> re.Pattern[str]:
    """Very short secrets match only as whole words; otherwise they would make texts unreadable."""
    parts = (re.escape(f) if len(f) >= _SHORT else rf"(?<!\w){re.escape(f)}(?!\w)" for f in forms)
    return re.compile("|".join(parts))


def replacer(secrets: Iterable[str]) -> Callable[[str, Callable[[str], str]], str]:
    """A function (text, mark) that returns the text with each secret replaced by `mark(secret)`. It is meant for long
    texts with few secrets."""
    forms = _forms(secrets)

    def replace(text: str, mark: Callable[[str], str]) -> str:
        inside = [form for form in forms if form in text]
        return _pattern(inside).sub(lambda found: mark(forms[found[0]]), text) if inside else text

    return replace


def redactor(secrets: Iterable[str]) -> Callable[[Any], Any]:
    """A function that returns a value (text, or mappings and sequences of text) with every notation of every secret
    masked. Secrets under four letters are masked only as whole words."""
    forms = _forms(secrets)
    if not forms:
        return lambda value: value
    pattern = _pattern(forms)

    def redact(value: Any) -> Any:
        if isinstance(value, str):
            # Most lines have none, and searching for each form in turn is the fastest way to find that out.
            return pattern.sub(MASK, value) if [form for form in forms if form in value] else value
        if isinstance(value, Mapping):
            return {redact(k): redact(v) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(redact(v) for v in value)
        return value

    return redact
