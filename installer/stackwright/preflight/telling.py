"""Problems of hosts in plain text: each with what was seen, what was wanted and a hint; one that many share, once."""

from __future__ import annotations

import re
from collections.abc import Iterable

from stackwright.model import Problem

_NAMED = 3
"""Hosts that are named where a problem is that of many."""


def told(problems: Iterable[Problem]) -> str:
    """The problems, in the order of their first hosts. What is the same for several hosts, but for their names, is told
    once."""
    alike: dict[tuple[str, ...], list[Problem]] = {}
    for one in problems:
        plain = [_without(one.host, words) for words in (one.seen, one.wanted, one.hint)]
        alike.setdefault((one.name, str(one.severity), *plain), []).append(one)
    return "\n".join(_one(found) for found in alike.values())


def _without(host: str, words: str) -> str:
    return re.sub(rf"(?<![\w.-]){re.escape(host)}(?![\w-]|\.\w)", "", words) if host else words


def _one(found: list[Problem]) -> str:
    problem = found[0]
    hosts = list(dict.fromkeys(one.host for one in found if one.host))
    at = ", ".join(hosts[:_NAMED]) + (f" and {len(hosts) - _NAMED} more hosts" if len(hosts) > _NAMED else "")
    wanted = f"; wanted: {problem.wanted}" if problem.wanted else ""
    hint = f"\n    hint: {problem.hint}" if problem.hint else ""
    return f"{at}{': ' if at else ''}{problem.severity}: {problem.seen}{wanted} [{problem.name}]{hint}"
