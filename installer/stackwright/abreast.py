"""The same for many hosts at once, in threads that nobody has to wait for."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterable
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


def each(work: Callable[[K], V], items: Iterable[K], at_once: int) -> list[V]:
    """What `work` returns for each item, in their order; raises what it raised for the first that it raised for.

    Ctrl-C is heard at once: a thread that waits for its host is left behind, and ends with the process. Those of
    concurrent.futures keep a process until the last of them is through.
    """
    wanted = list(items)
    todo: queue.SimpleQueue[int] = queue.SimpleQueue()
    ended: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in range(len(wanted)):
        todo.put(number)
    found: dict[int, V] = {}
    errors: dict[int, Exception] = {}

    def take() -> None:
        while True:
            try:
                number = todo.get_nowait()
            except queue.Empty:
                return
            try:
                found[number] = work(wanted[number])
            except Exception as error:
                errors[number] = error
            ended.put(number)

    for _ in range(min(max(1, at_once), len(wanted))):
        threading.Thread(target=take, daemon=True, name="abreast").start()
    try:
        for _ in wanted:
            ended.get()
    except BaseException:
        with contextlib.suppress(queue.Empty):
            while True:
                todo.get_nowait()  # nothing more is begun
        raise
    if errors:
        raise errors[min(errors)]
    return [found[number] for number in range(len(wanted))]
