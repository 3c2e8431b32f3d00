"""Hosts that join a run: what the threads that connect to them hand over to the thread that carries out the plan."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from stackwright.model import StackwrightError
from stackwright.ssh import Connection

from .lease import Lease


@dataclass(frozen=True)
class Joined:
    """A host that was connected to and leased, or why not."""

    host: str
    connection: Connection | None = None
    lease: Lease | None = None
    error: StackwrightError | None = None


class Joining:
    """Brings what the connecting threads got to the calling thread. Once that has left, as after Ctrl-C, a thread that
    is late gives its lease back itself: nobody else knows of it."""

    def __init__(self) -> None:
        self.queue: queue.SimpleQueue[Joined] = queue.SimpleQueue()
        self.over = False
        self._lock = threading.Lock()

    def hand_over(self, joined: Joined) -> None:
        """A connecting thread's last act."""
        with self._lock:
            if not self.over:
                self.queue.put(joined)
                return
        if joined.lease:
            joined.lease.release()

    def end(self) -> Iterator[Joined]:
        """The calling thread leaves: what was handed over and not taken yet."""
        with self._lock:
            self.over = True
        while not self.queue.empty():
            yield self.queue.get()
