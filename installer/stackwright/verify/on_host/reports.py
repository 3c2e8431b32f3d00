"""The state of services and agents, as the API of their project reports it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .api import ApiError, Failure, wait_for


def all_up(
    rows: Callable[[], list[dict[str, Any]]],
    up: Callable[[dict[str, Any]], bool],
    name: Callable[[dict[str, Any]], str],
    missing: Callable[[list[dict[str, Any]]], str],
    service: str,
    timeout: float,
) -> list[dict[str, Any]]:
    """Waits until all rows are up and `missing` returns an empty text, then returns the rows. A new service reports
    within a minute. Raises Failure with the names of those that did not."""
    last = ""

    def look() -> list[dict[str, Any]] | None:
        nonlocal last
        seen = rows()
        down = sorted(name(r) for r in seen if not up(r))
        last = ("down: " + ", ".join(down)) if down else missing(seen)
        return None if last else seen

    try:
        return wait_for("no services", look, timeout, 2.0)
    except Failure as error:
        if isinstance(error, ApiError) or not last:
            raise
        raise Failure(f"{last} (waited {timeout:.0f} s)", service) from None


def counted(names: Sequence[str]) -> str:
    """Names for people: each once, with the number of times it occurs."""
    return ", ".join(f"{n} x{names.count(n)}" if names.count(n) > 1 else n for n in sorted(set(names)))
