"""Explains one answer: its value, its origin, what it does, and which components use it."""

from __future__ import annotations

from dataclasses import dataclass

from stackwright.answers.destinations import Destinations, destinations
from stackwright.answers.flags import metavar
from stackwright.answers.packstack.history import releases
from stackwright.answers.reading import ENVIRONMENT_PREFIX, flag_name
from stackwright.answers.typed import in_words, matters, shown
from stackwright.answers.writing import limits
from stackwright.model import Answers
from stackwright.records import Change
from stackwright.services import change_of, options, service_of
from stackwright.values import allowed


@dataclass(frozen=True)
class Explanation:
    """The explanation of one answer. Secrets are masked."""

    key: str
    value: str
    origin: str
    help: str
    service: str
    allowed: str
    default: str
    flag: str
    variable: str
    known: str
    """First and last Packstack release with this key."""
    was: tuple[str, ...]
    condition: str
    matters: bool
    ends_up: Destinations
    changes: str
    """Whether it can change in an installed cloud; if not, why."""


def changing(change: Change) -> str:
    """Whether an answer can change in an installed cloud, as a sentence without its full stop."""
    until = f" once {' or '.join(change.until)} is installed" if change.until else ""
    match change.can:
        case "no":
            return f"it cannot change{until}: {change.why}"
        case "more":
            return f"entries can be added, but not removed{until}: {change.why}"
    return f"`apply` changes it; {change.why}" if change.why else "`apply` changes it"


def explain(answers: Answers, key: str) -> Explanation:
    """The explanation of `key`. KeyError unless it is a current key."""
    option = options()[key]
    entry = answers.entries[key]
    first, last = releases().get(key, ("", ""))
    known = first if first == last else f"{first} to {last}"
    if option.ours:
        known = f"{known}, again with Stackwright" if first else "new with Stackwright"
    return Explanation(
        key=key,
        value=shown(answers, key),
        origin=str(entry.origin),
        help=option.help + "".join(f" {limit}" for limit in limits(option)),
        service=service_of(key).summary,
        allowed=allowed(option.parse, option.choices),
        default="generated" if option.generate else option.default,
        flag=f"--{flag_name(option)}={metavar(option)}",
        variable=f"{ENVIRONMENT_PREFIX}{key}",
        known=known,
        was=option.was,
        condition=in_words(option),
        matters=matters(option, answers),
        ends_up=destinations(answers, key),
        changes=changing(change_of(key)),
    )
