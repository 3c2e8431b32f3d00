"""Many at once: order, errors, and no more at a time than was said."""

from __future__ import annotations

import threading

import pytest

from stackwright import abreast


def test_results_come_in_the_order_of_the_items() -> None:
    first = threading.Event()

    def work(item: str) -> str:
        if item == "a":
            first.wait()  # ends last
        elif item == "c":
            first.set()
        return item.upper()

    assert abreast.each(work, "abc", 3) == ["A", "B", "C"]
    assert abreast.each(str, range(100), 7) == [str(n) for n in range(100)]
    assert abreast.each(str, (), 7) == []


def test_no_more_than_that_at_once() -> None:
    lock, now, most = threading.Lock(), 0, 0

    def work(_: int) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        barrier.wait()
        with lock:
            now -= 1

    barrier = threading.Barrier(4)
    abreast.each(work, range(20), 4)
    assert most == 4


def test_the_first_error_is_raised_when_all_are_through() -> None:
    done = []

    def work(item: int) -> None:
        done.append(item)
        if item % 2:
            raise ValueError(str(item))

    with pytest.raises(ValueError, match="1"):
        abreast.each(work, range(6), 2)
    assert sorted(done) == list(range(6))
