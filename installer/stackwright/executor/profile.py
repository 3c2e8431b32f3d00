"""Measures where the time of a step goes: its phases, the longest items within them, and the sum by kind of work."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from stackwright.executor import puppet

_MOST_ITEMS = 300
"""Per step. A host has about 3,000 resources and 800 packages; most take hardly any time."""

_LONG = 0.3
"""Minimum seconds for a package to be listed by name."""

_STRETCH = 1.0
"""Minimum seconds for a phase of unpacking or of setting up packages; the two alternate."""

# The lines that apt, dpkg and dnf write when they begin to work on a package.
_PACKAGE = (
    (re.compile(r"^Selecting previously unselected package (?P<name>\S+)\.$"), "package unpacking"),
    (re.compile(r"^Unpacking (?P<name>\S+) \("), "package unpacking"),
    (re.compile(r"^Setting up (?P<name>\S+)"), "package set-up"),
    (re.compile(r"^Processing (?P<name>triggers for \S+)"), "package set-up"),
    (re.compile(r"^ +(?:Installing|Upgrading|Reinstalling) +: (?P<name>\S+)"), "package unpacking"),
    (re.compile(r"^ +(?:Running scriptlet|Verifying|Cleanup) *: (?P<name>\S+)"), "package set-up"),
)


class Profile:
    """Collects the profile of one step. Times are seconds since the step began, by this machine's clock."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._phases: list[tuple[str, str, float, float]] = []
        self._items: list[tuple[str, str, float, float]] = []
        self._kinds: dict[str, float] = {}

    def now(self) -> float:
        """Seconds since the step began."""
        return time.monotonic() - self._began

    def phase(self, name: str, kind: str, at: float, seconds: float, *, counts: bool = True) -> None:
        """Adds a part of the step. `counts` is False if its time is added to the kinds elsewhere."""
        self._phases.append((name, kind, at, seconds))
        if counts:
            self.spent(kind, seconds)

    def item(self, name: str, kind: str, at: float, seconds: float) -> None:
        """Adds an item within a phase that took long."""
        self._items.append((name, kind, at, seconds))

    def spent(self, kind: str, seconds: float) -> None:
        """Adds to the time of a kind of work."""
        self._kinds[kind] = self._kinds.get(kind, 0.0) + max(0.0, seconds)

    @contextmanager
    def timed(self, name: str, kind: str) -> Iterator[None]:
        """Adds a phase for the duration of the block, even if the block fails."""
        at = self.now()
        try:
            yield
        finally:
            self.phase(name, kind, at, self.now() - at)

    def puppet(self, report: puppet.PuppetReport, at: float, seconds: float) -> None:
        """Adds a Puppet run and its report. The run began at `at` and took `seconds`, measured on this machine."""
        began = report.began or max(0.0, seconds - report.applied)
        facts = max(0.0, began - report.retrieval)
        self.phase("Ruby starts and collects facts", "facts", at, facts)
        self.phase("catalog", "catalog", at + facts, report.retrieval)
        self.phase("resources", "configuration", at + began, report.applied, counts=False)
        for name, offset, took in report.timeline:
            self.item(name, puppet.kind_of(name), at + began + offset, took)
        for kind, took in puppet.time_by_kind(report).items():
            self.spent(kind, took)

    def data(self) -> dict[str, Any]:
        """The profile for the step's event and journal record: `phases` and `items` are [name, kind, at, seconds],
        ordered by time, and only the longest items; `kinds` has seconds by kind. Empty if nothing took any time."""
        longest = sorted(self._items, key=lambda item: -item[3])[:_MOST_ITEMS]
        out = {
            "phases": [_rounded(span) for span in sorted(self._phases, key=_at) if span[3] >= 0.05],
            "items": [_rounded(span) for span in sorted(longest, key=_at)],
            "kinds": {kind: round(spent, 2) for kind, spent in self._kinds.items() if spent >= 0.05},
        }
        return {key: value for key, value in out.items() if value}


def _at(span: tuple[str, str, float, float]) -> float:
    return span[2]


def _rounded(span: tuple[str, str, float, float]) -> list[Any]:
    name, kind, at, seconds = span
    return [name, kind, round(at, 2), round(seconds, 2)]


class PackageLog:
    """Reads the output of a package manager to measure how long each package takes. A line's time is its arrival; the
    time before the first package is the download."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._began = profile.now()
        self._first = self._since = self._stretch = 0.0
        self._count = 0
        self._doing = ("", "")

    def line(self, text: str) -> None:
        """Reads one line of output."""
        for pattern, kind in _PACKAGE:
            if found := pattern.match(text):
                doing = (found["name"].partition(":")[0], kind)
                if doing != self._doing:
                    self._turn(doing)
                return

    def _turn(self, doing: tuple[str, str]) -> None:
        now = self._profile.now()
        (package, kind), self._doing = self._doing, doing
        if kind:
            self._profile.spent(kind, now - self._since)
            self._count += 1
            if now - self._since >= _LONG:
                self._profile.item(package, kind, self._since, now - self._since)
        else:
            self._first = now
        if kind != doing[1]:
            if now - self._stretch >= _STRETCH and kind:
                name = f"{self._count} packages in a row"
                self._profile.phase(name, kind, self._stretch, now - self._stretch, counts=False)
            self._stretch, self._count = now, 0
        self._since = now

    def end(self) -> bool:
        """Call this when the run has ended. Returns whether it installed any packages."""
        if not self._doing[1]:
            return False
        self._turn(("", ""))
        self._profile.phase("download", "package download", self._began, self._first - self._began)
        return True
