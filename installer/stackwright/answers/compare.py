"""Comparing answer files by meaning: what differs in what they ask for, not in how they are written."""

from __future__ import annotations

from dataclasses import dataclass

from stackwright.answers.secrets import MASK, PLACEHOLDER, is_elsewhere
from stackwright.answers.typed import matters, shown
from stackwright.model import Answers
from stackwright.services import options


@dataclass(frozen=True)
class Difference:
    """One key that two sets of answers disagree about. Secrets are masked: that they differ is all that is told."""

    key: str
    left: str
    right: str
    left_where: str
    right_where: str
    counts: bool
    """Whether the key has an effect on at least one side."""


def differences(left: Answers, right: Answers) -> list[Difference]:
    """The keys whose typed values differ, in the order of an answer file.

    y and yes, or 20G and 20480M, are the same. Secrets that nobody gave are equal.
    """
    found = []
    for key, option in options().items():
        a, b = left.entries[key], right.entries[key]
        counts = matters(option, left) or matters(option, right)
        if option.secret:
            made = ("", PLACEHOLDER)
            open_on_both = all(entry.origin.kind == "generated" or entry.text in made for entry in (a, b))
            # a generated file has secrets for services that are off, too: they say nothing
            # a command is not run here: what it would give is not known, only whether it is the same one
            known = not (is_elsewhere(a.text) or is_elsewhere(b.text)) or bool(a.value and b.value)
            alike = a.value == b.value if known else a.text == b.text
            same = alike or open_on_both or (option.generate and not counts)
        else:
            same = a.value == b.value
        if same:
            continue
        one, other = (MASK, MASK) if option.secret else (_value(left, key), _value(right, key))
        found.append(Difference(key, one, other, str(a.origin), str(b.origin), counts))
    return found


def _value(answers: Answers, key: str) -> str:
    """The text where it says it all, else what follows from other answers."""
    entry, option = answers.entries[key], options()[key]
    try:
        if option.parse(entry.text) == entry.value:
            return shown(answers, key)
    except ValueError:
        pass
    return ",".join(map(str, entry.value)) if isinstance(entry.value, tuple) else str(entry.value)
