"""Order from capabilities: which component waits for which, and which components of a host share one Puppet run."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from typing import NamedTuple, TypeVar

from stackwright.model import Component, ExitCode, StackwrightError

Node = TypeVar("Node", bound=Hashable)


class Placed(NamedTuple):
    """A component on a host."""

    host: str
    name: str


_WORDS = {"database": "a database", "messaging": "a message broker"}


def _words(capability: str) -> str:
    return _WORDS.get(capability, capability)


def needs(placement: Mapping[str, tuple[Component, ...]], given: Iterable[str] = ()) -> dict[Placed, frozenset[Placed]]:
    """For each placed component, those that it waits for: the providers on all hosts of what it `requires` and is
    `after`, and the providers on its own host of what it `requires_here`.

    `given` are capabilities that existing servers provide (a database server). Raises StackwrightError if a requirement
    has no provider.
    """
    providers: dict[str, set[Placed]] = defaultdict(set)
    for host, components in placement.items():
        for component in components:
            for capability in component.provides:
                providers[capability].add(Placed(host, component.name))
    given = frozenset(given)
    # Equal requirements share one set, which saves time in large clouds.
    anywhere: dict[tuple[tuple[str, ...], tuple[str, ...]], frozenset[Placed]] = {}
    out: dict[Placed, frozenset[Placed]] = {}
    for host, components in placement.items():
        for component in components:
            me = Placed(host, component.name)
            wanted = component.requires, component.after
            if wanted not in anywhere:
                for capability in component.requires:
                    if not providers.get(capability) and capability not in given:
                        raise StackwrightError(
                            f"{component.name} on {host} needs {_words(capability)}, "
                            "but nothing in this plan provides it",
                            "switch on the service that provides it, or switch this one off",
                            ExitCode.ANSWERS,
                        )
                found = (providers.get(capability, set()) for capability in (*component.requires, *component.after))
                anywhere[wanted] = frozenset().union(*found)
            waits = anywhere[wanted]
            if component.requires_here:
                waits |= _here(host, components, component)
            out[me] = waits - {me} if me in waits else waits
    return out


def _here(host: str, components: tuple[Component, ...], component: Component) -> set[Placed]:
    """The components on this host that provide what the component `requires_here`."""
    found: set[Placed] = set()
    for capability in component.requires_here:
        names = [c.name for c in components if capability in c.provides]
        if not names:
            raise StackwrightError(
                f"{component.name} on {host} needs {_words(capability)} there, but nothing on that host provides it",
                "switch on the service that provides it, or give this host its role",
                ExitCode.ANSWERS,
            )
        found |= {Placed(host, name) for name in names}
    return found


def levels(waits: Mapping[Placed, frozenset[Placed]]) -> dict[Placed, int]:
    """For each placed component, how often the chain of components that it waits for changes hosts (the longest chain).
    The result is ordered: each component follows those that it waits for. Raises StackwrightError for a cycle, and
    names its members."""
    level: dict[Placed, int] = {}
    path: dict[Placed, None] = {}

    def visit(node: Placed) -> int:
        if node in level:
            return level[node]
        if node in path:
            ring = [*list(path)[list(path).index(node) :], node]
            raise StackwrightError(
                "these components wait for each other: " + " -> ".join(f"{p.name} on {p.host}" for p in ring),
                code=ExitCode.FAILED,
            )
        path[node] = None
        level[node] = max(
            (visit(other) + (0 if other.host == node.host else 1) for other in sorted(waits[node])), default=0
        )
        del path[node]
        return level[node]

    for node in sorted(waits):
        visit(node)
    return level


def runs(waits: Mapping[Placed, frozenset[Placed]]) -> dict[Placed, int]:
    """For each placed component, the number of the Puppet run on its host that includes it first, counted from 0.

    Runs are as few as possible, because each costs a compilation and repeats the earlier components. So a component
    gets the latest of its host's levels that is early enough for all components that wait for it. Raises
    StackwrightError for a cycle.
    """
    level = levels(waits)
    of_host: dict[str, set[int]] = defaultdict(set)
    for node, number in level.items():
        of_host[node.host].add(number)
    run: dict[Placed, int] = {}
    latest: dict[Placed, int] = {}
    for node in reversed(level):  # components that wait for it come first
        limit = latest.get(node)
        run[node] = max(n for n in of_host[node.host] if limit is None or n <= limit)
        for other in waits[node]:
            by_then = run[node] - (0 if other.host == node.host else 1)
            latest[other] = min(by_then, latest.get(other, by_then))
    used: dict[str, set[int]] = defaultdict(set)
    for node, number in run.items():
        used[node.host].add(number)
    counted = {host: {number: n for n, number in enumerate(sorted(numbers))} for host, numbers in used.items()}
    return {node: counted[node.host][run[node]] for node in level}


def sequence(waits: Mapping[Placed, frozenset[Placed]], nodes: Iterable[Placed]) -> list[Placed]:
    """`nodes` in an order in which each follows what it waits for; ties are broken by name."""
    return in_order({node: waits[node] for node in sorted(nodes)})


def in_order(needs: Mapping[Node, Iterable[Node]]) -> list[Node]:
    """The keys in an order in which each follows the keys that it needs; ties keep their order. ValueError for a
    cycle."""
    nodes = list(needs)
    place = {node: number for number, node in enumerate(nodes)}
    missing = [0] * len(nodes)
    waiting: list[list[int]] = [[] for _ in nodes]
    for number, node in enumerate(nodes):
        for need in needs[node]:
            if need in place:
                missing[number] += 1
                waiting[place[need]].append(number)
    ready = [number for number, count in enumerate(missing) if not count]
    out = []
    while ready:
        number = heapq.heappop(ready)
        out.append(nodes[number])
        for other in waiting[number]:
            missing[other] -= 1
            if not missing[other]:
                heapq.heappush(ready, other)
    if len(out) < len(nodes):
        raise ValueError(f"these wait for each other: {sorted(map(str, set(nodes) - set(out)))}")
    return out
