"""Answers from typed values, for tests of code that gets answers which were read already."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stackwright.model import Answer, Answers, Origin
from stackwright.services import options

DEFAULTS: dict[str, Any] = {key: option.parse(option.default) for key, option in options().items()}


def answers(values: Mapping[str, Any] = DEFAULTS, /, **more: Any) -> Answers:
    """Answers with these values; every other key has its default."""
    found = {**DEFAULTS, **values, **more}
    return Answers({key: Answer(value, str(value), Origin("default")) for key, value in found.items()})
