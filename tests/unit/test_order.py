"""Order from capabilities."""

from __future__ import annotations

import random
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackwright.model import Component, ExitCode, StackwrightError
from stackwright.planner import order
from stackwright.planner.order import Placed


def c(name: str, requires: str = "", provides: str = "", after: str = "", here: str = "") -> Component:
    return Component(
        name, "any", tuple(requires.split()), tuple(provides.split()), tuple(after.split()), tuple(here.split())
    )


DATABASE = c("mariadb", provides="database")
KEYSTONE = c("keystone", "database", "identity")
GLANCE = c("glance", "database identity", "image", after="object")
SWIFT = c("swift", "identity", "object")


def test_a_component_waits_for_every_provider_on_whichever_host() -> None:
    waits = order.needs({"a": (DATABASE, KEYSTONE), "b": (DATABASE,)})
    assert waits[Placed("a", "keystone")] == {Placed("a", "mariadb"), Placed("b", "mariadb")}
    assert waits[Placed("b", "mariadb")] == frozenset()


def test_after_waits_only_if_there_is_a_provider() -> None:
    without = order.needs({"a": (DATABASE, KEYSTONE, GLANCE)})
    assert Placed("a", "swift") not in without[Placed("a", "glance")]
    with_swift = order.needs({"a": (DATABASE, KEYSTONE, GLANCE, SWIFT)})
    assert Placed("a", "swift") in with_swift[Placed("a", "glance")]


def test_a_requirement_without_a_provider_is_an_error() -> None:
    with pytest.raises(StackwrightError) as caught:
        order.needs({"a": (KEYSTONE,)})
    assert caught.value.message == "keystone on a needs a database, but nothing in this plan provides it"
    assert caught.value.hint
    assert caught.value.code == ExitCode.ANSWERS


def test_a_given_capability_needs_no_provider() -> None:
    assert order.needs({"a": (KEYSTONE,)}, given=("database",)) == {Placed("a", "keystone"): frozenset()}


def test_a_given_capability_with_a_provider_is_waited_for() -> None:
    waits = order.needs({"a": (KEYSTONE, DATABASE)}, given=("database",))
    assert waits[Placed("a", "keystone")] == {Placed("a", "mariadb")}


def test_a_component_does_not_wait_for_itself() -> None:
    both = c("cluster", "quorum", "quorum")
    waits = order.needs({"a": (both,), "b": (c("arbiter", provides="quorum"),)})
    assert waits[Placed("a", "cluster")] == {Placed("b", "arbiter")}


SWITCH = c("switch", "database", "chassis")
METADATA = c("metadata", here="chassis")


def test_requires_here_waits_only_for_the_same_host() -> None:
    waits = order.needs({"a": (SWITCH, METADATA), "b": (SWITCH, METADATA), "d": (DATABASE,)})
    assert waits[Placed("a", "metadata")] == {Placed("a", "switch")}
    assert waits[Placed("b", "metadata")] == {Placed("b", "switch")}


def test_requires_here_without_a_provider_on_the_host_is_an_error() -> None:
    with pytest.raises(StackwrightError) as caught:
        order.needs({"a": (METADATA,), "b": (SWITCH,), "d": (DATABASE,)})
    assert caught.value.message == "metadata on a needs chassis there, but nothing on that host provides it"
    assert caught.value.hint
    assert caught.value.code == ExitCode.ANSWERS


def test_a_cycle_is_an_error_that_names_its_members() -> None:
    ring = {"a": (c("egg", "hen", "egg"), c("salt")), "b": (c("hen", "egg", "hen"),)}
    with pytest.raises(StackwrightError) as caught:
        order.levels(order.needs(ring))
    assert caught.value.message == "these components wait for each other: egg on a -> hen on b -> egg on a"
    assert "salt" not in caught.value.message


def test_components_of_one_host_share_a_run_until_the_order_leaves_the_host_and_comes_back() -> None:
    level = order.levels(order.needs({"a": (KEYSTONE, GLANCE), "b": (DATABASE, SWIFT)}))
    assert level == {
        Placed("b", "mariadb"): 0,
        Placed("a", "keystone"): 1,
        Placed("b", "swift"): 2,
        Placed("a", "glance"): 3,
    }


def test_on_one_host_everything_is_one_run() -> None:
    assert set(order.levels(order.needs({"a": (GLANCE, SWIFT, KEYSTONE, DATABASE)})).values()) == {0}


def test_a_sequence_follows_what_it_waits_for_and_breaks_ties_by_name() -> None:
    components = [GLANCE, SWIFT, KEYSTONE, DATABASE, c("aardvark"), c("zebra")]
    expected = ["aardvark", "mariadb", "keystone", "swift", "glance", "zebra"]
    for seed in range(10):
        random.Random(seed).shuffle(components)
        waits = order.needs({"a": tuple(components)})
        assert [p.name for p in order.sequence(waits, reversed(list(waits)))] == expected


def test_a_sequence_of_a_part_ignores_what_is_outside() -> None:
    waits = order.needs({"a": (KEYSTONE,), "b": (DATABASE,)})
    assert order.sequence(waits, [Placed("a", "keystone")]) == [Placed("a", "keystone")]


def test_a_host_has_as_few_runs_as_the_order_allows() -> None:
    bridge = c("bridge", provides="bridge")
    switch = c("switch", "identity", "chassis", here="bridge")
    agent = c("agent", "image", "compute", here="chassis")
    placement = {"control": (KEYSTONE, GLANCE, c("clients")), "data": (DATABASE,), "c1": (bridge, switch, agent)}
    waits = order.needs(placement)
    assert order.levels(waits)[Placed("c1", "bridge")] == 0
    assert set(order.runs(waits).values()) == {0}, "nobody else waits for the bridge: it comes with the rest"


def test_a_component_that_another_host_waits_for_does_not_wait_for_its_own_host_s_next_run() -> None:
    """Glance waits for Swift on b, which waits for Keystone on a: a has two runs, and cannot have fewer."""
    run = order.runs(order.needs({"a": (KEYSTONE, GLANCE, DATABASE, c("clients")), "b": (SWIFT,)}))
    assert run == {
        Placed("a", "mariadb"): 0,
        Placed("a", "keystone"): 0,
        Placed("b", "swift"): 0,
        Placed("a", "clients"): 1,
        Placed("a", "glance"): 1,
    }


@st.composite
def placements(draw: st.DrawFn) -> dict[str, tuple[Component, ...]]:
    """Components on up to four hosts; each requires some of those before it, there or anywhere."""
    hosts: dict[str, list[Component]] = defaultdict(list)
    for number in range(draw(st.integers(1, 12))):
        host = draw(st.sampled_from("abcd"))
        anywhere = draw(st.sets(st.integers(0, number - 1), max_size=3)) if number else set()
        here = draw(st.sets(st.sampled_from([p.provides[0] for p in hosts[host]]), max_size=2)) if hosts[host] else ()
        name = f"c{draw(st.integers(0, 99)):02}-{number}"
        requires = " ".join(f"cap{n}" for n in sorted(anywhere))
        hosts[host].append(c(name, requires, f"cap{number}", here=" ".join(sorted(here))))
    return {host: tuple(components) for host, components in hosts.items() if components}


@given(placements())
def test_runs_are_in_order_and_never_more_than_levels(placement: dict[str, tuple[Component, ...]]) -> None:
    waits = order.needs(placement)
    level, run = order.levels(waits), order.runs(waits)
    assert run.keys() == waits.keys()
    steps: dict[tuple[str, int], set[tuple[str, int]]] = {(p.host, number): set() for p, number in run.items()}
    for placed, others in waits.items():
        step = placed.host, run[placed]
        for other in others:
            assert other.host != placed.host or run[other] <= run[placed]
            steps[step] |= {(other.host, run[other])} - {step}
    for host in placement:
        numbers = sorted({number for p, number in run.items() if p.host == host})
        assert numbers == list(range(len(numbers)))
        assert len(numbers) <= len({number for p, number in level.items() if p.host == host})
        for number in numbers[1:]:
            steps[host, number].add((host, number - 1))
    assert len(order.in_order(steps)) == len(steps), "no step waits for itself by way of others"


def test_sorting_is_stable() -> None:
    assert order.in_order({"d": "c", "b": "", "c": "ax", "a": ""}) == ["b", "a", "c", "d"]


def test_a_ring_has_no_order() -> None:
    with pytest.raises(ValueError, match=r"these wait for each other: \['a', 'b', 'c'\]"):
        order.in_order({"x": "", "a": "b", "b": "a", "c": "a"})
