"""What services and agents report of themselves, through the API of their project."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .api import ApiError, Failure, wait_for


def all_up(
    rows: Callable[[], list[dict[str, Any]]],
    up: Callable[[dict[str, Any]], bool],
    name: Callable[[dict[str, Any]], str],
    wanted: Callable[[list[dict[str, Any]]], str],
    service: str,
    timeout: float,
) -> list[dict[str, Any]]:
    """All rows, once each is up and none of `wanted` is missing. A service that has just been started reports itself
    within a minute; Failure names those that did not."""
    last = ""

    def look() -> list[dict[str, Any]] | None:
        nonlocal last
        seen = rows()
        down = sorted(name(r) for r in seen if not up(r))
        last = ("down: " + ", ".join(down)) if down else wanted(seen)
        return None if last else seen

    try:
        return wait_for("services", look, timeout, 2.0)
    except Failure as error:
        if isinstance(error, ApiError) or not last:
            raise
        raise Failure(f"{last} (waited {timeout:.0f} s)", service) from None


def counted(names: Sequence[str]) -> str:
    """Names for people: each once, with how often it was there."""
    return ", ".join(f"{n} x{names.count(n)}" if names.count(n) > 1 else n for n in sorted(set(names)))
