"""Collects the arguments of processes while something goes on. Nodes of the lab are containers without a namespace of
users, so root on this machine sees their processes as well as those of the installer."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

_LOOKS = 3
"""How often a process is looked at: at first it may still have the arguments of the one that made it."""
_LONGEST = 64 * 1024


class Sampler:
    """A context in which the arguments of all processes of this machine are collected, every `interval` seconds. A
    process that lives for less time may be missed."""

    def __init__(self, interval: float = 0.2) -> None:
        self._interval = interval
        self._end = threading.Event()
        self._looks: Counter[str] = Counter()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.seen: set[str] = set()
        """Arguments, separated by blanks."""

    def __enter__(self) -> Sampler:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join()

    def with_a_secret(self, secrets: Iterable[str]) -> list[str]:
        """The arguments that hold one of these, with stars in its place."""
        secrets = sorted(secrets, key=len, reverse=True)
        found = []
        for text in sorted(self.seen):
            clean = text
            for secret in secrets:
                clean = clean.replace(secret, "***")
            if clean != text:
                found.append(clean)
        return found

    def _run(self) -> None:
        while True:
            last = self._end.is_set()  # what began just before the end is looked at as well
            self._look()
            if last:
                return
            self._end.wait(self._interval)

    def _look(self) -> None:
        there = {entry.name for entry in os.scandir("/proc") if entry.name.isdigit()}
        for gone in self._looks.keys() - there:
            del self._looks[gone]
        for process in there:
            if self._looks[process] >= _LOOKS:
                continue
            self._looks[process] += 1
            try:
                with Path("/proc", process, "cmdline").open("rb") as file:
                    raw = file.read(_LONGEST)
            except OSError:
                continue
            if raw:
                self.seen.add(raw.replace(b"\0", b" ").decode(errors="replace"))
