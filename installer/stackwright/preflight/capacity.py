"""Memory and disk: what the chosen components need, and whether the hosts have it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from stackwright import services
from stackwright.model import Component, Facts, Problem, Severity
from stackwright.preflight.situation import GIB, MIB, Problems, Situation, gib
from stackwright.records import Disk

BASE_MEMORY = 600
"""MiB for the system itself, and for Puppet while it runs (about 300 of it)."""

_BASE_DISK = (0.5, 1.0)
_OTHER_DISK = Disk(0.05, 0.05)
"""GiB of packages and of data: of the system, and of a component whose record names none."""


def estimate_memory(components: Iterable[str], workers: int = 2) -> int:
    """Bytes that a host with these components needs, with one small instance if it is a compute host.

    `workers` are the processes of each API service. Components without a figure count as nothing: they configure
    others.
    """
    total = BASE_MEMORY
    for component in _known(components):
        if need := component.memory:
            total += need.fixed + need.per_worker * max(1, workers) + need.load
    return total * MIB


def _known(names: Iterable[str]) -> Iterator[Component]:
    wanted = set(names)
    return (component for component in services.all_components() if component.name in wanted)


def estimate_disk(components: Iterable[str]) -> tuple[int, int]:
    """Bytes for packages and bytes for data and logs that a host with these components needs to begin with."""
    packages, data = _BASE_DISK
    for component in _known(components):
        if component.memory:
            needed = component.disk or _OTHER_DISK
            packages += needed.packages
            data += needed.data
    return int(packages * GIB), int(data * GIB)


_COMPRESSED = 0.3
"""What is downloaded, as a part of what packages take on disk: an estimate, .deb and .rpm files are compressed."""


def estimate_download(components: Iterable[str]) -> int:
    """Bytes of packages that a host with these components downloads, if it has none of them."""
    return int(estimate_disk(components)[0] * _COMPRESSED)


def memory(situation: Situation) -> Problems:
    """Memory for the chosen services, by estimate. With swap enough for the least, too little is only a warning."""
    for host, facts in situation.facts.items():
        components = situation.components(host)
        workers = _workers(situation, facts)
        needed = estimate_memory(components, workers)
        # Little memory makes the planner take fewer workers, down to this.
        least = estimate_memory(components, 1)
        if not facts.memory or facts.memory >= needed:
            continue
        enough = facts.memory + facts.swap >= least
        ways = _lighter(components)
        yield Problem(
            name="memory",
            host=host,
            seen=f"the host has {gib(facts.memory)} of memory"
            + (f" and {gib(facts.swap)} of swap" if facts.swap else ", no swap"),
            wanted=f"its {len(components)} components need {gib(needed)} ({gib(least)} at the least)",
            hint=f"add memory or swap, move roles to another host{ways}, or set CONFIG_SERVICE_WORKERS=1",
            severity=Severity.WARNING if enough else Severity.ERROR,
        )


def disk(situation: Situation) -> Problems:
    """Free disk space for packages, and for data and logs to begin with."""
    for host, facts in situation.facts.items():
        if not facts.disk_free or situation.ours(facts):
            continue
        packages, data = estimate_disk(situation.components(host))
        wanted: dict[str, list[tuple[int, str]]] = defaultdict(list)
        wanted[mount(facts, "/usr")].append((packages, "packages"))
        wanted[mount(facts, "/var/lib")].append((data, "data and logs"))
        for where, parts in wanted.items():
            needed, free = sum(size for size, _ in parts), facts.disk_free.get(where, 0)
            if free < needed:
                yield Problem(
                    name="disk",
                    host=host,
                    seen=f"only {gib(free)} are free on {where}",
                    wanted=" and ".join(what for _, what in parts) + f" need {gib(needed)}",
                    hint=f"free or add space on {where}",
                )
            for needed_later, what in _volumes(situation, host, facts, where):
                if free >= needed and free - needed < needed_later:
                    yield Problem(
                        name="disk",
                        host=host,
                        seen=f"{gib(free - needed)} are free on {where} after the installation",
                        wanted=f"{what} may grow to {gib(needed_later)}",
                        hint="make it smaller in the answer file, or watch the disk",
                        severity=Severity.WARNING,
                    )


def mount(facts: Facts, path: str) -> str:
    """The mount point of those seen that holds the path."""
    holds = [m for m in facts.disk_free if path == m or path.startswith(m.rstrip("/") + "/")]
    return max(holds, key=len, default="/")


def _volumes(situation: Situation, host: str, facts: Facts, where: str) -> list[tuple[int, str]]:
    """Sparse files that will be made below this mount point: they take their space only when used."""
    found = [
        (growth.path, situation.answers[growth.key], growth.key)
        for component in _known(situation.components(host))
        for growth in component.growth
        if growth.when(situation.answers)
    ]
    return [(size, what) for path, size, what in found if size and mount(facts, path) == where]


def _workers(situation: Situation, facts: Facts) -> int:
    """As answered; else what a host of four cores gets, with as little memory."""
    return int(situation.answers["CONFIG_SERVICE_WORKERS"]) or max(1, min(2, facts.cpus // 2))


def _lighter(components: frozenset[str]) -> str:
    keys = [
        service.switch
        for service in services.all_services()
        if service.expendable and components & {component.name for component in service.components}
    ]
    return f", leave something out ({'=n, '.join(keys)}=n)" if keys else ""
