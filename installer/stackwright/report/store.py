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
from dataclasses import replace
from pathlib import Path
from typing import Any

from stackwright.model import Event, ExitCode, StackwrightError
from stackwright.output import machine
from stackwright.report.anonymize import neutralizer
from stackwright.report.as_json import as_json
from stackwright.report.page import as_html
from stackwright.report.run import RunReport, collect
from stackwright.state import journal
from stackwright.state.directory import StateDir

VERSION = 1
"""Version of the record's format."""


LATER = ("tempest", "afterwards", "bundle")
"""Files NAME.json in the state directory with a time `at`, which belong to the report of the run before that time."""


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
    # By the time of the last event, not by name: local time is not monotonic.
    path = max((place.folder / "logs").glob("*.jsonl"), key=lambda p: p.stat().st_mtime_ns, default=None)
    if path is None:
        raise StackwrightError(
            f"no run in {place.folder}: nothing was applied yet",
            "run `stackwright apply -a FILE` first; a failed run has a report, too",
            ExitCode.USAGE,
        )
    neutral = neutralizer()

    def clean(value: Any) -> Any:
        return neutral(redact(value))

    try:
        about, events = _read(path)
        proof = json.loads(place.read("verify.json") or "{}")
        later = {name: json.loads(place.read(f"{name}.json") or "{}") for name in LATER}
        later = {name: _with_versions(clean(original), redact(original)) for name, original in later.items()}
        with journal.open_journal(place.folder, exclusive=False) as kept:
            last = {record.step: record for record in kept.records if record.ok}
        records = [replace(r, step=clean(r.step), data=clean(r.data)) for r in last.values()]
        return collect(
            clean(about), [_event(clean(raw)) for raw in events], proof=clean(proof), records=records, later=later
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StackwrightError(
            f"{path} cannot be read: {error}",
            "it may be damaged or of another version; run `stackwright apply` to create a new one",
            ExitCode.ENVIRONMENT,
        ) from error


def _with_versions(cleaned: dict[str, Any], original: dict[str, Any]) -> dict[str, Any]:
    """The same with the original package versions: a version of four numbers looks like an address."""
    found = zip(cleaned.get("differences") or (), original.get("differences") or (), strict=True)
    for section, original_section in found:
        if str(original_section["title"]).endswith((": packages", ": Puppet modules")):
            section["lines"] = original_section["lines"]
    return cleaned


def _read(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The first line and the events; incomplete lines are ignored."""
    about: dict[str, Any] = {}
    events: list[dict[str, Any]] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            raw = json.loads(line)
        except ValueError:
            continue
        if "stackwright-run" in raw:
            about = raw
        elif "kind" in raw and "at" in raw:
            events.append(raw)
    if int(about.get("stackwright-run", 0)) > VERSION:
        raise ValueError(f"it has version {about['stackwright-run']}; the newest known version is {VERSION}")
    return about, events


def _event(raw: Mapping[str, Any]) -> Event:
    return Event(
        raw["kind"], raw["at"], raw.get("step", ""), raw.get("host", ""), raw.get("message", ""), raw.get("data", {})
    )


def refresh(place: StateDir) -> Path | None:
    """Writes report.html and report.json (0600) of the newest run to the state directory and returns the page's path;
    None if that fails."""
    try:
        report = load(place)
        place.write("report.json", as_json(report))
        return place.write("report.html", as_html(report))
    except Exception:
        # A failing report must not fail the installation; `stackwright report` shows the error.
        return None
