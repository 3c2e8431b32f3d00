"""Work on many hosts side by side, in a way that Ctrl-C ends at once.

Python's own pools wait for what they have begun, also when the program ends: a host that does not answer would hold up
the person who has given up on it.
"""

from __future__ import annotations

import functools
import queue
import threading
from collections.abc import Callable, Iterable
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


def each(items: Iterable[K], work: Callable[[K], V], at_once: int = 32) -> dict[K, V]:
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


def begin(work: Callable[[], V]) -> Callable[[], V]:
    """Begins something beside the rest; what is returned waits for it, and returns or raises what it came to."""
    came: queue.SimpleQueue[Callable[[], V]] = queue.SimpleQueue()
    threading.Thread(target=lambda: came.put(_outcome(work)), daemon=True, name="beside").start()
    return lambda: came.get()()


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
