"""Which step may start: as the rules say it, and without looking at all steps for each."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any, overload

import pytest

from stackwright.executor.graph import Graph
from stackwright.model import PuppetApply, Run, Step


def step(name: str, host: str = "a", needs: tuple[str, ...] = (), *, puppet: bool = False) -> Step:
    action = PuppetApply(name, "", "", "/m") if puppet else Run(name, "true")
    return Step(name, host, name, (action,), needs)


def started(graph: Graph) -> list[Step]:
    out = []
    while one := graph.start():
        out.append(one)
    return out


def test_a_host_that_found_no_room_gets_the_next_one_in_the_plan_s_order() -> None:
    graph = Graph([step("a1", "a"), step("b1", "b"), step("c1", "c"), step("b2", "b"), step("c2", "c")], 1, 2)
    first = started(graph)
    assert [s.id for s in first] == ["a1"]
    graph.end(first[0], ok=True)
    second = started(graph)
    assert [s.id for s in second] == ["b1", "b2"]
    graph.end(second[0], ok=True)
    assert started(graph) == []
    graph.end(second[1], ok=False)
    assert [s.id for s in started(graph)] == ["c1", "c2"]


@pytest.mark.parametrize("seed", range(20))
def test_every_order_keeps_the_rules(seed: int) -> None:
    """A random plan, ended in a random order, some of it badly."""
    dice = random.Random(seed)
    steps: list[Step] = []
    for n in range(120):
        needs = tuple(s.id for s in dice.sample(steps, min(len(steps), dice.choice((0, 0, 1, 1, 2, 4)))))
        steps.append(step(f"s{n}", f"h{dice.randrange(12)}", needs, puppet=dice.random() < 0.4))
    parallel, per_host = dice.choice((2, 5, 50)), dice.choice((1, 2, 3))
    graph = Graph(steps, parallel, per_host)
    by_id = {s.id: s for s in steps}
    for one in steps[:10]:
        if dice.random() < 0.3 and all(graph.states[n] == "kept" for n in one.needs):
            graph.keep(one)
    running: list[Step] = []
    while True:
        running += started(graph)
        assert graph.running == len(running)
        hosts = Counter(s.host for s in running)
        puppets = Counter(s.host for s in running if isinstance(s.actions[0], PuppetApply))
        assert len(hosts) <= parallel
        assert all(count <= per_host for count in hosts.values())
        assert all(count == 1 for count in puppets.values())
        assert all(graph.states[n] in ("ok", "kept") for s in running for n in s.needs)
        for name in graph.waiting():  # nothing waits that might run
            one = by_id[name]
            assert (
                any(graph.states[n] in ("waiting", "running") for n in one.needs)
                or hosts[one.host] >= per_host
                or (not hosts[one.host] and len(hosts) >= parallel)
                or (isinstance(one.actions[0], PuppetApply) and puppets[one.host])
            ), f"{name} could run"
        if not running:
            break
        one = running.pop(dice.randrange(len(running)))
        skipped = graph.end(one, ok=dice.random() < 0.9)
        assert [steps.index(s) for s in skipped] == sorted(steps.index(s) for s in skipped)
        for name, state in graph.states.items():
            lost = any(graph.states[n] in ("failed", "skipped") for n in by_id[name].needs)
            assert lost == (state == "skipped")
    assert not graph.waiting()


class Counted(tuple[Step, ...]):
    """Steps that count how often they are looked at."""

    looks = 0

    @overload
    def __getitem__(self, key: Any) -> Step: ...
    @overload
    def __getitem__(self, key: slice) -> tuple[Step, ...]: ...
    def __getitem__(self, key: Any) -> Any:
        Counted.looks += 1
        return super().__getitem__(key)

    def __iter__(self) -> Iterator[Step]:
        Counted.looks += len(self)
        return super().__iter__()


@pytest.mark.parametrize("parallel", [10, 10_000])
def test_the_work_grows_as_the_plan_does(parallel: int) -> None:
    looks = []
    for hosts in (100, 400):
        steps = [step("base")]
        for host in range(hosts):
            steps += [step(f"{host}.{n}", f"h{host}", ("base", *([f"{host}.{n - 1}"] if n else []))) for n in range(5)]
        counted, Counted.looks = Counted(steps), 0
        graph = Graph(counted, parallel, 1)
        running = started(graph)
        while running:
            graph.end(running.pop(), ok=True)
            running += started(graph)
        assert not graph.waiting()
        looks.append(Counted.looks)
    assert looks[1] <= 4.2 * looks[0]
