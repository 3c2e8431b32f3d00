"""Reads the newest run of a cloud while it may still be written: only what was added since the last time."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from stackwright.model import Event, ExitCode, StackwrightError
from stackwright.report.anonymize import neutralizer
from stackwright.report.run import RunReport, complete, planned, take
from stackwright.state import journal
from stackwright.state.directory import StateDir

VERSION = 1
"""Version of the record's format."""

LATER = ("tempest", "afterwards", "bundle")
"""Files NAME.json in the state directory with a time `at`, which belong to the report of the run before that time."""

_MOST_BYTES = 16 * 1024**2
"""Of these files."""

_DAMAGED = (OSError, ValueError, KeyError, TypeError, AttributeError)


def newest(place: StateDir) -> Path | None:
    """The record of the newest run of a cloud: that with the newest event, because names have the local time, which may
    go back. Only regular files count."""
    found: list[tuple[int, Path]] = []
    for path in (place.folder / "logs").glob("*.jsonl"):
        with contextlib.suppress(OSError):
            if path.is_file() and not path.is_symlink():
                found.append((path.stat().st_mtime_ns, path))
    return max(found)[1] if found else None


@contextlib.contextmanager
def at_work(record: Path | None) -> Iterator[None]:
    """While the block runs, readers of this record see that its command is at work. A lock that ends with the process
    says so, so that a killed command leaves no trace of it."""
    with contextlib.ExitStack() as stack:
        if record is not None:
            with contextlib.suppress(OSError):
                handle = os.open(record, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
                stack.callback(os.close, handle)
                _lock(handle)
        yield


def _lock(handle: int) -> None:
    """Waits for readers, which hold the lock only while they look. Another command that is at work has it for long, and
    says the same."""
    for _ in range(20):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            time.sleep(0.01)


def _is_at_work(file: BinaryIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        fcntl.flock(file, fcntl.LOCK_UN)
    except BlockingIOError:
        return True
    except OSError:  # a file system without locks
        pass
    return False


class Follower:
    """The newest run of one cloud, without public addresses and keys; `redact` masks secrets once more. Memory depends
    on the plan, not on the length of the record."""

    def __init__(self, place: StateDir, redact: Callable[[Any], Any] = lambda value: value) -> None:
        self._place = place
        self._redact = redact
        self._start(None)

    def _start(self, path: Path | None) -> None:
        self._path = path
        self._at = 0
        self._report: RunReport | None = None
        self._looked_up: set[str] = set()
        self._records: list[journal.Record] = []
        self._neutral = neutralizer()

    def _clean(self, value: Any) -> Any:
        return self._neutral(self._redact(value))

    def version(self) -> tuple[object, ...]:
        """Changes when there is something new to read; costs little. The time does not count."""
        path = newest(self._place)
        names = [path, *(self._place.folder / f"{name}.json" for name in ("verify", *LATER))]
        return (path, *(_version(name) for name in names if name))

    def working(self) -> bool:
        """Whether the command of the newest run, or one that verifies its cloud, is at work."""
        path = newest(self._place)
        if path is None:
            return False
        try:
            with journal.opened(path) as file:
                return _is_at_work(file)
        except OSError:
            return False

    def read(self, *, final: bool = False) -> RunReport:
        """The run as it is now; `final`: as its command leaves it behind, which is about to end. Raises
        StackwrightError if there is none or it cannot be read."""
        path = newest(self._place)
        if path is None:
            raise StackwrightError(
                f"no run in {self._place.folder}: nothing was applied yet",
                "run `stackwright apply -a FILE` first; a failed run has a report, too",
                ExitCode.USAGE,
            )
        try:
            with journal.opened(path) as file:
                if path != self._path or os.fstat(file.fileno()).st_size < self._at:
                    self._start(path)
                working = not final and _is_at_work(file)
                file.seek(self._at)
                for line in journal.complete_lines(file):
                    self._take(line)
                self._at = file.tell()
            return self._complete(time.time() if working else 0.0)
        except _DAMAGED as error:
            self._start(None)
            raise StackwrightError(
                f"{path} cannot be read: {error}",
                "it may be damaged or of another version; run `stackwright apply` to create a new one",
                ExitCode.ENVIRONMENT,
            ) from error

    def _take(self, line: bytes) -> None:
        """Adds a line of the record. Lines that are no JSON were cut short by a crash."""
        try:
            raw = json.loads(line)
        except ValueError:
            return
        if "stackwright-run" in raw:
            if int(raw["stackwright-run"]) > VERSION:
                raise ValueError(f"it has version {raw['stackwright-run']}; the newest known version is {VERSION}")
            self._report = planned(self._clean(raw))
        elif "kind" in raw and "at" in raw:
            self._report = self._report or planned({})
            take(self._report, _event(self._clean(raw)))

    def _complete(self, now: float) -> RunReport:
        report = self._report or planned({})
        kept = {step.step for step in report.steps.values() if step.state == "kept"}
        if kept - self._looked_up:
            self._looked_up = kept
            # Addresses in names were replaced in the record.
            found = journal.latest(self._place.folder, lambda name: self._clean(name) in kept)
            self._records = [replace(r, step=self._clean(r.step), data=self._clean(r.data)) for r in found]
        proof = self._clean(self._json("verify"))
        later = {name: self._json(name) for name in LATER}
        later = {name: _with_versions(self._clean(one), self._redact(one)) for name, one in later.items()}
        return complete(report, proof=proof, records=self._records, later=later, now=now)

    def _json(self, name: str) -> dict[str, Any]:
        path = self._place.folder / f"{name}.json"
        try:
            with journal.opened(path) as file:
                found: dict[str, Any] = json.loads(file.read(_MOST_BYTES) or b"{}")
                return found
        except FileNotFoundError:
            return {}


def _version(path: Path) -> tuple[int, int]:
    try:
        found = path.lstat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


def _with_versions(cleaned: dict[str, Any], original: dict[str, Any]) -> dict[str, Any]:
    """The same with the original package versions: a version of four numbers looks like an address."""
    found = zip(cleaned.get("differences") or (), original.get("differences") or (), strict=True)
    for section, original_section in found:
        if str(original_section["title"]).endswith((": packages", ": Puppet modules")):
            section["lines"] = original_section["lines"]
    return cleaned


def _event(raw: Mapping[str, Any]) -> Event:
    return Event(
        raw["kind"], raw["at"], raw.get("step", ""), raw.get("host", ""), raw.get("message", ""), raw.get("data", {})
    )
