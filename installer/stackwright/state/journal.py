"""The journal: one JSON line per finished step, appended and synced, in the cloud's state directory.

Because of it, `apply` is also `resume`: a step whose digest was recorded as done is skipped.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import getpass
import json
import os
import socket
import stat
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from stackwright.model import ExitCode, StackwrightError

VERSION = 1
"""Version of the format. A journal with a higher version was written by a newer Stackwright, and is refused."""


@dataclass(frozen=True)
class Record:
    """The record of one ended step."""

    step: str
    digest: str
    ok: bool
    at: float
    """Seconds since the epoch."""
    seconds: float = 0.0
    changed: int = 0
    host: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    """Data for output and report: times of Puppet, changed resources, the cause of a failure."""


class Journal:
    """The journal of one cloud. Open it with `open_journal`."""

    def __init__(self, path: Path, records: list[Record], lock: int | None) -> None:
        self.path = path
        self._records = records
        self._lock = lock
        self._writing = threading.Lock()
        self._last = {r.step: r for r in records}
        self._last_ok = {r.step: r for r in records if r.ok}

    @property
    def records(self) -> tuple[Record, ...]:
        """All records, oldest first."""
        return tuple(self._records)

    def last(self, step: str) -> Record | None:
        """The newest record of a step."""
        return self._last.get(step)

    def done(self, step: str, digest: str) -> bool:
        """Whether the newest record of the step is a success with this digest."""
        record = self._last.get(step)
        return record is not None and record.ok and record.digest == digest

    def last_ok(self, step: str) -> Record | None:
        """The newest successful record of a step."""
        return self._last_ok.get(step)

    def steps(self) -> tuple[str, ...]:
        """All steps with a record, in the order of their first records."""
        return tuple(self._last)

    def estimate(self, step: str) -> float | None:
        """The seconds that the step took when it last succeeded."""
        record = self._last_ok.get(step)
        return record.seconds if record else None

    def add(self, *records: Record) -> None:
        """Appends records, and syncs once. Raises StackwrightError(ENVIRONMENT) if the file cannot be written (disk
        full), because a step without a record must not count as done."""
        with self._writing:
            try:
                _append(self.path, "\n".join(_text(record) for record in records))
            except OSError as error:
                raise StackwrightError(
                    f"cannot write {self.path}: {error.strerror}",
                    "free disk space on this machine (`df -h`), then apply again; finished steps are skipped",
                    ExitCode.ENVIRONMENT,
                ) from None
            for record in records:
                self._records.append(record)
                self._last[record.step] = record
                if record.ok:
                    self._last_ok[record.step] = record

    def forget(self, *steps: str) -> None:
        """Marks steps as not done."""
        known = [last for step in steps if (last := self._last.get(step))]
        gone = {"forgotten": True}
        if known:
            self.add(*(Record(r.step, digest="", ok=False, at=time.time(), host=r.host, data=gone) for r in known))

    def lose(self, hosts: Collection[str]) -> None:
        """Marks all steps of these hosts as not done, because the hosts were reinstalled. A journal that was opened
        read-only does not change its file."""
        steps = [step for step, last in self._last.items() if last.ok and last.host in hosts and ":" in step]
        if self._lock is not None:
            self.forget(*steps)
            return
        for step in steps:
            del self._last[step], self._last_ok[step]

    def working(self) -> frozenset[str]:
        """The hosts with finished steps."""
        return frozenset(last.host for step, last in self._last.items() if last.ok and ":" in step)

    def close(self) -> None:
        """Releases the lock of the state directory."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_journal(state: Path, *, exclusive: bool = True) -> Journal:
    """The journal in a state directory, which is made (0700) if need be. `exclusive` keeps a second process out.

    A last line that was cut short, as after a crash or on a full disk, is left out. Raises StackwrightError: BUSY when
    another process has it, ENVIRONMENT when it is damaged elsewhere, newer than this program, or cannot be read.
    """
    path = state / "journal.jsonl"
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        if exclusive:
            state.chmod(0o700)
        lock = _take(state / "lock") if exclusive else None
    except OSError as error:
        raise StackwrightError(
            f"cannot use the state directory {state}: {error.strerror}",
            "choose another with `--state`, or correct its permissions",
            ExitCode.ENVIRONMENT,
        ) from None
    try:
        return Journal(path, _read(path, repair=exclusive), lock)
    except BaseException:
        if lock is not None:
            os.close(lock)
        raise


def latest(state: Path, wanted: Callable[[str], bool]) -> list[Record]:
    """The newest successful record of each wanted step. Reads the journal line by line, so a long one needs no memory.
    Lines that cannot be read are left out, as are all of a journal that is no regular file."""
    found: dict[str, Record] = {}
    for line in lines(state / "journal.jsonl"):
        try:
            record = _record(json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
        if record.ok and wanted(record.step):
            found[record.step] = record
    return list(found.values())


def lines(path: Path) -> Iterator[bytes]:
    """The complete lines of a file, none if it is no regular file or cannot be read. Longer ones than LONGEST bytes are
    left out."""
    with contextlib.suppress(OSError), opened(path) as file:
        yield from complete_lines(file)


LONGEST = 16 * 1024**2
"""Bytes of a line: more than the first line of a run on several thousand hosts needs."""


def opened(path: Path) -> BinaryIO:
    """A regular file for reading. Raises OSError for other kinds of files, as which nothing of ours is written: links
    would lead elsewhere, and a pipe would be waited for."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return os.fdopen(handle, "rb")


def complete_lines(file: BinaryIO) -> Iterator[bytes]:
    """The complete lines from the file's position on; then the position is behind the last of them. Longer lines than
    LONGEST bytes are left out."""
    at = start = file.tell()
    while line := file.readline(LONGEST):
        at += len(line)
        if line.endswith(b"\n"):
            if at - start <= LONGEST:
                yield line
            start = at
    file.seek(start)


def _take(path: Path) -> int:
    """An exclusive lock that ends with this process; the file contains its holder."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        who = os.read(handle, 1000).decode(errors="replace").strip() or "another process"
        os.close(handle)
        raise StackwrightError(
            f"another process works on this cloud: {who}",
            "wait for it to end; if it hangs, end it, and run your command again: the journal has its finished steps",
            ExitCode.BUSY,
        ) from None
    os.ftruncate(handle, 0)
    os.pwrite(handle, f"{operator()}, since {datetime.now():%Y-%m-%d %H:%M:%S}\n".encode(), 0)
    return handle


def operator() -> str:
    """The operator: user@machine (process n)."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user without an entry in the user database
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()} (process {os.getpid()})"


def _text(record: Record) -> str:
    return json.dumps(
        {
            "step": record.step,
            "digest": record.digest,
            "ok": record.ok,
            "at": round(record.at, 3),
            "seconds": round(record.seconds, 3),
            "changed": record.changed,
            "host": record.host,
            "data": dict(record.data),
        },
        sort_keys=True,
    )


def _append(path: Path, text: str) -> None:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        size = os.fstat(handle).st_size
        if size == 0:
            text = json.dumps({"stackwright-journal": VERSION}) + "\n" + text
        data = (text + "\n").encode()
        try:
            while data:
                data = data[os.write(handle, data) :]
            os.fsync(handle)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(handle, size)  # remove the incomplete line
            raise
    finally:
        os.close(handle)


def _read(path: Path, *, repair: bool) -> list[Record]:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StackwrightError(
            f"cannot read {path}: {error.strerror}", "correct its permissions", ExitCode.ENVIRONMENT
        ) from None
    whole, end, rest = data.rpartition(b"\n")
    if rest and repair:
        os.truncate(path, len(whole) + len(end))
    records: list[Record] = []
    for number, line in enumerate(whole.splitlines(), 1):
        try:
            raw = json.loads(line)
            if number == 1:
                version = raw["stackwright-journal"]
                if not isinstance(version, int):
                    raise ValueError("no version")
                if version > VERSION:
                    raise StackwrightError(
                        f"{path} was written by a newer Stackwright (version {version}, known is {VERSION})",
                        "use that newer Stackwright, or another state directory for another cloud",
                        ExitCode.ENVIRONMENT,
                    )
                continue
            records.append(_record(raw))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise StackwrightError(
                f"{path}:{number} is damaged: it is not the record of a step",
                f"Delete line {number}; its step is then repeated, which does no harm. Or move the file away to repeat "
                "all steps.",
                ExitCode.ENVIRONMENT,
            ) from None
    return records


def _record(raw: Mapping[str, Any]) -> Record:
    return Record(
        step=str(raw["step"]),
        digest=str(raw["digest"]),
        ok=bool(raw["ok"]),
        at=float(raw["at"]),
        seconds=float(raw.get("seconds", 0)),
        changed=int(raw.get("changed", 0)),
        host=str(raw.get("host", "")),
        data=raw.get("data") or {},
    )
