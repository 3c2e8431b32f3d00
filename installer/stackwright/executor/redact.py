"""Takes secrets out of everything that is shown, logged or recorded."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "********"
_SHORT = 4


def _forms(secrets: Iterable[str]) -> dict[str, str]:
    """Every text that a secret may stand as, with the secret: as it is, as in a URL, in JSON, in single quotes of a
    shell, or, if it has several lines, line by line. The longest first."""
    found: dict[str, str] = {}
    for secret in sorted(secrets):
        pieces = [secret]
        if "\n" in secret.strip():
            pieces += [line.strip() for line in secret.splitlines() if len(line.strip()) >= 12]
        for piece in filter(None, pieces):
            forms = [piece]
            if len(piece) >= _SHORT:
                forms += [quote(piece, safe=""), quote_plus(piece), json.dumps(piece)[1:-1]]
                forms.append(json.dumps(piece, ensure_ascii=False)[1:-1])
                forms += [piece.replace("'", "'\\''"), piece.replace("'", "\\'"), piece.replace("\\", "\\\\")]
            for form in forms:
                found.setdefault(form, secret)
    return dict(sorted(found.items(), key=lambda pair: -len(pair[0])))


def _pattern(forms: Iterable[str]) -> re.Pattern[str]:
    """Very short secrets are found only where they stand alone: else whole texts would be unreadable."""
    parts = (re.escape(f) if len(f) >= _SHORT else rf"(?<!\w){re.escape(f)}(?!\w)" for f in forms)
    return re.compile("|".join(parts))


def replacer(secrets: Iterable[str]) -> Callable[[str, Callable[[str], str]], str]:
    """A function (text, mark) that returns the text with `mark(secret)` in the place of each secret. It is for long
    texts with few secrets in them."""
    forms = _forms(secrets)

    def replace(text: str, mark: Callable[[str], str]) -> str:
        inside = [form for form in forms if form in text]
        return _pattern(inside).sub(lambda found: mark(forms[found[0]]), text) if inside else text

    return replace


def redactor(secrets: Iterable[str]) -> Callable[[Any], Any]:
    """A function that returns a value (text, or mappings and sequences of it) with every secret masked, however it is
    written. Secrets under four letters are masked only where they stand alone."""
    forms = _forms(secrets)
    if not forms:
        return lambda value: value
    pattern = _pattern(forms)

    def redact(value: Any) -> Any:
        if isinstance(value, str):
            return pattern.sub(MASK, value)
        if isinstance(value, Mapping):
            return {redact(k): redact(v) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(redact(v) for v in value)
        return value

    return redact
