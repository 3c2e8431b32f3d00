"""Problems that are about an answer: where it stands, and what it says, with secrets masked."""

from __future__ import annotations

from stackwright.answers.secrets import MASK
from stackwright.model import Answers, Problem, Severity
from stackwright.services import options


def where(answers: Answers, key: str) -> str:
    """file:line, the flag or the variable; the key itself where a default counts."""
    origin = answers.entries[key].origin
    return str(origin) if origin.kind in ("file", "flag", "environment") else key


def shown(answers: Answers, key: str) -> str:
    """The text of an answer as it may be shown: a terminal gets nothing that it would obey."""
    entry = answers.entries[key]
    if options()[key].secret:
        return MASK if entry.text else ""
    if entry.text:
        text = entry.text if entry.text.isprintable() else repr(entry.text)
        return text if len(text) <= 60 else text[:57] + "..."
    return ",".join(map(str, entry.value)) if isinstance(entry.value, tuple) else str(entry.value)


def problem(answers: Answers, key: str, name: str, wanted: str, hint: str = "", *, warning: bool = False) -> Problem:
    """A problem with the answer to `key`."""
    severity = Severity.WARNING if warning else Severity.ERROR
    return Problem(name, f"{key} = {shown(answers, key)}", wanted, hint, severity=severity, where=where(answers, key))
