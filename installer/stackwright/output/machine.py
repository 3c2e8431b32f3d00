"""What programs read: with --json, standard output has one JSON object per line, and nothing else. docs/json.md
describes the objects, docs/output.schema.json is their schema."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TextIO

from stackwright.model import Event, Problem, StackwrightError
from stackwright.untrusted import printable

SCHEMA = 1
"""The version of the format. It changes when a key changes its meaning or goes; new keys may come at any time."""

_KINDS = {"kept": "unchanged"}
"""Kinds of events that programs know under another name."""


def problem(found: Problem) -> dict[str, str]:
    """A problem of an answer or a host."""
    return {
        "name": found.name,
        "severity": str(found.severity),
        "host": found.host,
        "where": found.where,
        "message": found.message,
        "hint": found.hint,
    }


def event(found: Event) -> dict[str, Any]:
    """An event of a run, without what is empty."""
    raw = {key: value for key, value in vars(found).items() if value not in ("", {})}
    if found.kind == "finished":
        raw["data"] = {_KINDS.get(key, key): value for key, value in found.data.items()}
    return {"kind": _KINDS.get(found.kind, found.kind), "at": round(found.at, 3)} | {
        key: value for key, value in raw.items() if key not in ("kind", "at")
    }


def line(kind: str, data: Mapping[str, Any]) -> str:
    """One object: `kind` is event, result or error."""
    return json.dumps({"schema": SCHEMA, "type": kind, **data}, ensure_ascii=False, default=str)


class Output:
    """Standard output with --json. Printed text is collected and becomes part of the last object, so it cannot appear
    between the objects."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        """For objects only."""
        self._text = ""
        self._data: dict[str, Any] = {}
        self._problems: list[dict[str, str]] = []

    def write(self, text: str) -> int:
        self._text += text
        return len(text)

    def flush(self) -> None:
        self.stream.flush()

    def isatty(self) -> bool:
        return False

    def emit(self, kind: str, data: Mapping[str, Any]) -> None:
        """Writes an object at once."""
        self.stream.write(line(kind, data) + "\n")
        self.stream.flush()

    def event(self, found: Event) -> None:
        """Writes an event at once."""
        self.emit("event", event(found))

    def result(self, data: Mapping[str, Any]) -> None:
        """Adds to the result, the last object."""
        self._data |= data

    def problems(self, found: Iterable[Problem]) -> None:
        """Adds problems to the last object."""
        self._problems += [problem(one) for one in found]

    def finish(self, command: str, code: int) -> None:
        """Writes the result."""
        self.emit("result", {"command": command, "exit": code, **self._data, **self._rest()})

    def fail(self, command: str, error: StackwrightError) -> None:
        """Writes the error instead of the result."""
        self.problems(one for one in error.problems if problem(one) not in self._problems)
        said = {"message": printable(error.message), "hint": printable(error.hint)}
        self.emit("error", {"command": command, "exit": int(error.code), **said, **self._data, **self._rest()})

    def _rest(self) -> dict[str, Any]:
        text = self._text.rstrip("\n")
        return {"problems": self._problems} | ({"text": text.split("\n")} if text else {})


# -------------------------------------------------------------------------------------- the log of a run


def as_json(event: Event) -> str:
    """An event as one line of JSON, without what is empty."""
    raw = {k: v for k, v in vars(event).items() if v not in ("", {})}
    raw["at"] = round(event.at, 3)
    return json.dumps(raw, ensure_ascii=False, default=str)


def event_log(path: Path) -> Callable[[Event], None]:
    """A function that appends events to a file (0600) as JSON lines: a run's log. A full disk only ends the log."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600, exist_ok=True)

    def write(event: Event) -> None:
        with contextlib.suppress(OSError), path.open("ab", buffering=0) as file:
            file.write(as_json(event).encode() + b"\n")

    return write
