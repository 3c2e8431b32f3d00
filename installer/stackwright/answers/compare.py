"""Compares answer files by meaning: typed values, not spelling."""

from __future__ import annotations

from dataclasses import dataclass

from stackwright.answers.secrets import MASK, PLACEHOLDER, is_elsewhere
from stackwright.answers.typed import matters, shown
from stackwright.model import Answers
from stackwright.services import options


@dataclass(frozen=True)
class Difference:
    """One key with different values in two sets of answers. Secrets are masked."""

    key: str
    left: str
    right: str
    left_where: str
    right_where: str
    counts: bool
    """Whether the key has an effect on at least one side."""


def differences(left: Answers, right: Answers) -> list[Difference]:
    """The keys whose typed values differ, in the order of an answer file.

    y equals yes, and 20G equals 20480M. Secrets that are missing on both sides are equal.
    """
    found = []
    for key, option in options().items():
        a, b = left.entries[key], right.entries[key]
        counts = matters(option, left) or matters(option, right)
        if option.secret:
            made = ("", PLACEHOLDER)
            open_on_both = all(entry.origin.kind == "generated" or entry.text in made for entry in (a, b))
            # A generated file also has secrets of services that are off; they do not count.
            # Commands are not run here, so only their texts can be compared.
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
    """The text, or the value if it is derived from other answers."""
    entry, option = answers.entries[key], options()[key]
    try:
        if option.parse(entry.text) == entry.value:
            return shown(answers, key)
    except ValueError:
        pass
    return ",".join(map(str, entry.value)) if isinstance(entry.value, tuple) else str(entry.value)
