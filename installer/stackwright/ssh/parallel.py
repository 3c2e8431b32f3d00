"""Work on many hosts side by side, in a way that Ctrl-C ends at once.

Python's own pools wait for what they have begun, also when the program ends: a host that does not answer would hold up
the person who has given up on it.
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
    """What `work` makes of each item, in the order of the items; `at_once` of them are worked on. Raises what `work`
    raises first; what was not begun then is left."""
    wanted = list(dict.fromkeys(items))
    todo: queue.SimpleQueue[K] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[K, Callable[[], V]]] = queue.SimpleQueue()
    left = threading.Event()
    for item in wanted:
        todo.put(item)

    def worker() -> None:
        while not left.is_set():
            try:
                item = todo.get_nowait()
            except queue.Empty:
                return
            done.put((item, _outcome(functools.partial(work, item))))

    for number in range(max(1, min(at_once, len(wanted)))):
        threading.Thread(target=worker, daemon=True, name=f"side-{number}").start()
    found: dict[K, V] = {}
    try:
        for _ in wanted:
            item, outcome = done.get()
            found[item] = outcome()
    finally:
        left.set()
    return {item: found[item] for item in wanted}


def start(work: Callable[[], V]) -> Callable[[], V]:
    """Begins something beside the rest; what is returned waits for it, and returns or raises what it came to."""
    came: queue.SimpleQueue[Callable[[], V]] = queue.SimpleQueue()
    threading.Thread(target=lambda: came.put(_outcome(work)), daemon=True, name="beside").start()
    return lambda: came.get()()


def allow_many_files() -> None:
    """Lets this process have as many open files as it may. A thousand hosts need a thousand sockets, and the usual
    limit is 1,024; one that is higher is for programs that ask for it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
    if soft != resource.RLIM_INFINITY and soft < enough:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (enough, hard))


def _outcome(work: Callable[[], V]) -> Callable[[], V]:
    """Does it; returns what returns or raises the same."""
    try:
        value = work()
    except BaseException as caught:
        error = caught

        def fail() -> V:
            raise error

        return fail
    return lambda: value
