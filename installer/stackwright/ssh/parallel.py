"""Works on many hosts in parallel; Ctrl-C ends it at once.

Python's own pools wait for started tasks, even when the program ends, so after Ctrl-C a host that does not answer would
delay the exit.
"""

from __future__ import annotations

import contextlib
import functools
import queue
import resource
import threading
from collections.abc import Callable, Iterable
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


def map(items: Iterable[K], work: Callable[[K], V], at_once: int = 32) -> dict[K, V]:
    """Calls `work` for each item, `at_once` in parallel; returns the results in the order of the items. Raises the
    first exception of `work`; items that were not started by then are skipped."""
    unique = list(dict.fromkeys(items))
    todo: queue.SimpleQueue[K] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[K, Callable[[], V]]] = queue.SimpleQueue()
    over = threading.Event()
    for item in unique:
        todo.put(item)

    def worker() -> None:
        while not over.is_set():
            try:
                item = todo.get_nowait()
            except queue.Empty:
                return
            done.put((item, _outcome(functools.partial(work, item))))

    for number in range(max(1, min(at_once, len(unique)))):
        threading.Thread(target=worker, daemon=True, name=f"parallel-{number}").start()
    found: dict[K, V] = {}
    try:
        for _ in unique:
            item, outcome = done.get()
            found[item] = outcome()
    finally:
        over.set()
    return {item: found[item] for item in unique}


def start(work: Callable[[], V]) -> Callable[[], V]:
    """Starts `work` in a thread. Returns a function that waits for it and returns its result, or raises its
    exception."""
    outcomes: queue.SimpleQueue[Callable[[], V]] = queue.SimpleQueue()
    threading.Thread(target=lambda: outcomes.put(_outcome(work)), daemon=True, name="parallel-one").start()
    return lambda: outcomes.get()()


def allow_many_files() -> None:
    """Raises the limit of open files to the hard limit (at most 65,536). A thousand hosts need a thousand sockets, but
    the usual soft limit is 1,024; programs must raise it themselves."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
    if soft != resource.RLIM_INFINITY and soft < enough:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (enough, hard))


def _outcome(work: Callable[[], V]) -> Callable[[], V]:
    """Calls `work`; returns a function that returns the same result or raises the same exception."""
    try:
        value = work()
    except BaseException as caught:
        error = caught

        def fail() -> V:
            raise error

        return fail
    return lambda: value
