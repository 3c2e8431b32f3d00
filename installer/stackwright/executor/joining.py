"""Passes connections and leases from the connecting threads to the thread that carries out the plan."""

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
    """A host with its connection and lease, or the error."""

    host: str
    connection: Connection | None = None
    lease: Lease | None = None
    error: StackwrightError | None = None


class Joining:
    """The queue from the connecting threads to the calling thread. After the calling thread has left (Ctrl-C), a
    connecting thread releases its lease itself, because no other thread knows about it."""

    def __init__(self) -> None:
        self.queue: queue.SimpleQueue[Joined] = queue.SimpleQueue()
        self.over = False
        self._lock = threading.Lock()

    def hand_over(self, joined: Joined) -> None:
        """Called by a connecting thread as the last thing it does."""
        with self._lock:
            if not self.over:
                self.queue.put(joined)
                return
        if joined.lease:
            joined.lease.release()

    def end(self) -> Iterator[Joined]:
        """Called by the calling thread when it leaves. Yields what is still in the queue."""
        with self._lock:
            self.over = True
        while not self.queue.empty():
            yield self.queue.get()
