"""Limits the progress events of a running step: often enough to see it move, never silent for long."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

OFTEN = 0.2
"""Minimum seconds between progress events of one step: a catalog has 1,600 resources."""

ALIVE = 15.0
"""Seconds between events that only show that a step is still running."""


class Progress:
    """Passes a step's progress to `emit` as event data, at most once every `often` seconds."""

    def __init__(self, emit: Callable[[Mapping[str, Any]], None], often: float = 0.0) -> None:
        self._emit = emit
        self._often = max(OFTEN, often)
        self._shown = 0.0
        self._last: tuple[int, int, str] = (0, 0, "")
        self._pending = False
        self._since = time.monotonic()

    def take(self, done: int, total: int, what: str) -> None:
        """The step has finished `done` of `total`, and works on `what`."""
        now = time.monotonic()
        if what != self._last[2]:
            self._since = now
        self._last = (done, total, what)
        self._pending = True
        if now - self._shown >= self._often or done >= total:
            self._show(now)

    def idle(self) -> None:
        """Called after each second without output from a reachable host. Shows the current item, which is slow."""
        now = time.monotonic()
        if self._pending:
            self._show(now)
        elif now - self._shown >= ALIVE:
            self._show(now, {"for": round(now - self._since)})

    def _show(self, now: float, more: Mapping[str, Any] | None = None) -> None:
        self._shown, self._pending = now, False
        done, total, what = self._last
        self._emit({"done": done, "total": total, "what": what, **(more or {})})
