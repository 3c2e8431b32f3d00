"""How much of a running step's progress is told: enough to see it move, and never that it looks dead."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

OFTEN = 0.2
"""Seconds between progress events of one step, at least: a catalog has 1,600 resources."""

ALIVE = 15.0
"""Seconds between events that only say that a step goes on: long work must not look dead."""


class Progress:
    """Makes events' data of what a step says, for `tell`, no more often than every `often` seconds."""

    def __init__(self, tell: Callable[[Mapping[str, Any]], None], often: float = 0.0) -> None:
        self._tell = tell
        self._often = max(OFTEN, often)
        self._shown = 0.0
        self._last: tuple[int, int, str] = (0, 0, "")
        self._untold = False
        self._since = time.monotonic()

    def take(self, done: int, total: int, what: str) -> None:
        """The step is at `done` of `total`, and busy with `what`."""
        now = time.monotonic()
        if what != self._last[2]:
            self._since = now
        self._last = (done, total, what)
        self._untold = True
        if now - self._shown >= self._often or done >= total:
            self._show(now)

    def idle(self) -> None:
        """Nothing came for a second, but the host is there. What came last of many quick things is what takes long."""
        now = time.monotonic()
        if self._untold:
            self._show(now)
        elif now - self._shown >= ALIVE:
            self._show(now, {"for": round(now - self._since)})

    def _show(self, now: float, more: Mapping[str, Any] | None = None) -> None:
        self._shown, self._untold = now, False
        done, total, what = self._last
        self._tell({"done": done, "total": total, "what": what, **(more or {})})
