"""Constructors for the options that services share: switches, hosts, passwords, choices.

Each takes the key, the help text and what differs between options of its kind. `Rest` lists the other fields of
`Option` that every constructor accepts. Other kinds of options use `value_of` with a parser from `values`.
"""

from __future__ import annotations

from typing import TypedDict, Unpack

from stackwright.model import Option
from stackwright.values import YES_NO, Parser, boolean, choice, choices, host, hosts, text


class Rest(TypedDict, total=False):
    """The fields of `Option` that any constructor passes on as they are."""

    was: tuple[str, ...]
    when: tuple[tuple[str, str], ...]
    flag: str
    required: bool
    ours: bool
    not_yet: tuple[str, ...]
    not_yet_why: str
    not_done: str
    effect: str
    passed_as: tuple[str, ...]


def value_of(key: str, help: str, parse: Parser, default: str = "", **rest: Unpack[Rest]) -> Option:
    """A single value or a list, read by `parse`."""
    return Option(key, help, default, parse, **rest)


def switch(key: str, help: str, default: str = "n", **rest: Unpack[Rest]) -> Option:
    """y or n."""
    return Option(key, help, default, boolean, YES_NO, **rest)


def host_of(key: str, help: str, **rest: Unpack[Rest]) -> Option:
    """The host of a role. Empty stands for another role's host, which the help text names."""
    return Option(key, help, "", host, **rest)


def hosts_of(key: str, help: str, **rest: Unpack[Rest]) -> Option:
    """The hosts of a role, comma-separated. Empty stands for another role's hosts, which the help text names."""
    return Option(key, help, "", hosts, **rest)


def choice_of(key: str, help: str, names: tuple[str, ...], default: str, **rest: Unpack[Rest]) -> Option:
    """One of `names`."""
    return Option(key, help, default, choice(*names), names, **rest)


def choices_of(key: str, help: str, names: tuple[str, ...], default: str, **rest: Unpack[Rest]) -> Option:
    """A comma-separated list of `names`."""
    return Option(key, help, default, choices(*names), names, **rest)


def password(key: str, help: str, **rest: Unpack[Rest]) -> Option:
    """A password. If the answers have none, it is CONFIG_DEFAULT_PASSWORD or, by default, generated."""
    return Option(key, help, "PW_PLACEHOLDER", text, secret=True, generate=True, **rest)


def generated_secret(key: str, help: str, **rest: Unpack[Rest]) -> Option:
    """A secret that is generated if the answers have none; CONFIG_DEFAULT_PASSWORD does not replace it."""
    return Option(key, help, "", text, secret=True, generate=True, **rest)


def given_secret(key: str, help: str, **rest: Unpack[Rest]) -> Option:
    """A secret that comes from elsewhere; it is never generated."""
    return Option(key, help, "", text, secret=True, **rest)
