"""When an option matters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stackwright.model import Option


def holds(value: Any, wanted: str) -> bool:
    """Whether a typed value is what `wanted` says: y, n, a word, words with | between, or * for "not empty"."""
    if wanted == "*":
        return bool(value)
    if isinstance(value, bool):
        value = "y" if value else "n"
    values = value if isinstance(value, tuple) else (str(value),)
    return any(word in values for word in wanted.split("|"))


def matters(option: Option, values: Mapping[str, Any]) -> bool:
    """Whether the option has an effect with these answers (typed values by key)."""
    return all(any(holds(values.get(key, ""), wanted) for key in keys.split("|")) for keys, wanted in option.when)


def in_words(option: Option) -> str:
    """The condition as a person reads it; empty for none."""
    parts = []
    for keys, wanted in option.when:
        key = keys.replace("|", " or ")
        parts.append(f"{key} is set" if wanted == "*" else f"{key}={wanted.replace('|', ' or ')}")
    return " and ".join(parts)
