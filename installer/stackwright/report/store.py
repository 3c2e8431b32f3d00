"""The record of a run: one file beside its log, from which the report can be created at any time; and the report files.

Its first line contains what was known before the run, each further line is an event. It is valid for interrupted runs,
too.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stackwright.model import Event
from stackwright.output import machine
from stackwright.report.as_json import as_json
from stackwright.report.follow import VERSION, Follower
from stackwright.report.page import as_html
from stackwright.report.run import RunReport
from stackwright.state.directory import StateDir


class Clock:
    """Measures the parts of a command before the first step; `spans` is the form that reports use."""

    def __init__(self) -> None:
        self.began = time.time()
        self.spans: list[tuple[str, str, float, float]] = []

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Measures the block as a part."""
        at = time.time()
        yield
        self.spans.append((name, "preparation", round(at - self.began, 2), round(time.time() - at, 2)))


def _path(log: Path) -> Path:
    return log.with_suffix(".jsonl")


def begin(log: Path, about: Mapping[str, Any]) -> Callable[[Event], None]:
    """Starts the record of the run with this log (0600) and returns a function that records events. `about` must not
    contain secrets."""
    path = _path(log)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(handle, "a", encoding="utf-8") as out:
        out.write(json.dumps({"stackwright-run": VERSION, **about}, ensure_ascii=False, default=str) + "\n")
    write = machine.event_log(path)

    def take(event: Event) -> None:
        if event.kind != "progress":  # there are thousands
            write(event)

    return take


def discard(log: Path) -> None:
    """Removes the record of a run that did nothing."""
    _path(log).unlink(missing_ok=True)


def load(place: StateDir, redact: Callable[[Any], Any] = lambda value: value) -> RunReport:
    """The newest run of a cloud, without public addresses and keys; `redact` masks secrets once more. Raises
    StackwrightError if there is none or it cannot be read."""
    return Follower(place, redact).read()


def refresh(place: StateDir) -> Path | None:
    """Writes report.html and report.json (0600) of the newest run to the state directory and returns the page's path;
    None if that fails."""
    try:
        report = Follower(place).read(final=True)
        place.write("report.json", as_json(report))
        return place.write("report.html", as_html(report))
    except Exception:
        # A failing report must not fail the installation; `stackwright report` shows the error.
        return None
