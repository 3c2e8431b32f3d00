"""Memory and disk: what the chosen components need, and whether the hosts have it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from stackwright.model import Facts, Problem, Severity
from stackwright.preflight.situation import GIB, MIB, Problems, Situation, gib

BASE_MEMORY = 600
"""MiB for the system itself, and for Puppet while it runs (about 300 of it)."""

INSTANCE_MEMORY = 512
"""MiB kept for one small instance on a compute host."""

MEMORY: Mapping[str, tuple[int, int]] = {
    # MiB that do not depend on the number of worker processes, and MiB per worker. Measured on an idle Debian 12
    # all-in-one with two workers (proportional set size, 5.1 GiB in all), plus a fifth, and more for what grows with
    # use: MariaDB, Ceph's OSD, the dashboard. Not measured: the openvswitch, linuxbridge, DHCP, L3 and metadata agents,
    # and Heat.
    "mariadb": (350, 0),
    "database-client": (0, 0),
    "rabbitmq": (180, 0),
    "memcached": (60, 0),
    "keystone": (40, 120),
    "glance-api": (30, 90),
    "placement-api": (20, 90),
    "nova-api": (40, 260),
    "nova-conductor": (30, 95),
    "nova-scheduler": (140, 0),
    "nova-vncproxy": (140, 0),
    "nova-compute": (520, 0),
    "neutron-server": (170, 190),
    "ovn-northd": (60, 0),
    "ovn-controller": (120, 0),
    "ovn-metadata": (100, 150),
    # Open vSwitch's daemons are counted with the agents.
    "external-bridge": (0, 0),
    "openvswitch-agent": (220, 0),
    "linuxbridge-agent": (180, 0),
    "dhcp-agent": (200, 0),
    "l3-agent": (200, 0),
    "metadata-agent": (120, 0),
    "cinder-api": (180, 115),
    "cinder-volume": (200, 0),
    "ceph": (1000, 0),
    "swift-rings": (0, 0),
    "swift-proxy": (40, 35),
    "swift-storage": (720, 0),
    "horizon": (60, 130),
    "heat-api": (50, 90),
    "heat-api-cfn": (50, 90),
    "heat-engine": (100, 130),
    "clients": (100, 0),
}

DISK: Mapping[str, tuple[float, float]] = {
    # GiB of packages (/usr), GiB of data to begin with (/var).
    # Measured on Debian 12: everything together is 400 MB to download and 2.0 GB installed.
    "mariadb": (0.3, 0.8),
    "rabbitmq": (0.2, 0.2),
    "glance-api": (0.05, 0.5),
    "nova-compute": (1.0, 1.0),
    "ceph": (0.4, 0.5),
    "horizon": (0.2, 0.1),
}
_BASE_DISK = (0.5, 1.0)
_OTHER_DISK = (0.05, 0.05)


def estimate_memory(components: Iterable[str], workers: int = 2) -> int:
    """Bytes that a host with these components needs, with one small instance if it is a compute host.

    `workers` are the processes of each API service. Components without an entry count as nothing: they configure
    others.
    """
    total = BASE_MEMORY
    for name in set(components):
        fixed, each = MEMORY.get(name, (0, 0))
        total += fixed + each * max(1, workers)
        total += INSTANCE_MEMORY if name == "nova-compute" else 0
    return total * MIB


def estimate_disk(components: Iterable[str]) -> tuple[int, int]:
    """Bytes for packages and bytes for data and logs that a host with these components needs to begin with."""
    packages, data = _BASE_DISK
    for name in set(components) & MEMORY.keys():
        more_packages, more_data = DISK.get(name, _OTHER_DISK)
        packages += more_packages
        data += more_data
    return int(packages * GIB), int(data * GIB)


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
            seen=f"{gib(facts.memory)} of memory" + (f" and {gib(facts.swap)} of swap" if facts.swap else ", no swap"),
            wanted=f"{gib(needed)} for {len(components)} components ({gib(least)} at the least)",
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
                    seen=f"{gib(free)} free on {where}",
                    wanted=f"{gib(needed)} for " + " and ".join(what for _, what in parts),
                    hint=f"free or add space on {where}",
                )
            for needed_later, what in _volumes(situation, host, facts, where):
                if free >= needed and free - needed < needed_later:
                    yield Problem(
                        name="disk",
                        host=host,
                        seen=f"{gib(free)} free on {where}, {gib(free - needed)} of it after the installation",
                        wanted=f"{gib(needed_later)} for {what} once it fills; it grows with use",
                        hint="make it smaller in the answer file, or watch the disk",
                        severity=Severity.WARNING,
                    )


def mount(facts: Facts, path: str) -> str:
    """The mount point of those seen that holds the path."""
    holds = [m for m in facts.disk_free if path == m or path.startswith(m.rstrip("/") + "/")]
    return max(holds, key=len, default="/")


def _volumes(situation: Situation, host: str, facts: Facts, where: str) -> list[tuple[int, str]]:
    """Sparse files that will be made below this mount point: they take their space only when used."""
    components, found = situation.components(host), []
    backends = situation.listed("CONFIG_CINDER_BACKEND")
    if "cinder-volume" in components and "lvm" in backends and situation.on("CONFIG_CINDER_VOLUMES_CREATE"):
        found.append(("/var/lib/cinder", situation.size("CONFIG_CINDER_VOLUMES_SIZE"), "CONFIG_CINDER_VOLUMES_SIZE"))
    if "ceph" in components:
        found.append(("/var/lib/ceph", situation.size("CONFIG_CEPH_OSD_SIZE"), "CONFIG_CEPH_OSD_SIZE"))
    if "swift-storage" in components:
        found.append(("/srv", situation.size("CONFIG_SWIFT_STORAGE_SIZE"), "CONFIG_SWIFT_STORAGE_SIZE"))
    return [(size, what) for path, size, what in found if size and mount(facts, path) == where]


def _workers(situation: Situation, facts: Facts) -> int:
    """As answered; else what a host of four cores gets, with as little memory."""
    answered = situation.text("CONFIG_SERVICE_WORKERS")
    return int(answered) if answered.isdigit() and int(answered) else max(1, min(2, facts.cpus // 2))


def _lighter(components: frozenset[str]) -> str:
    switches = {
        "heat-engine": "CONFIG_HEAT_INSTALL",
        "swift-storage": "CONFIG_SWIFT_INSTALL",
        "ceph": "CONFIG_CINDER_INSTALL",
        "cinder-volume": "CONFIG_CINDER_INSTALL",
        "horizon": "CONFIG_HORIZON_INSTALL",
    }
    keys = list(dict.fromkeys(key for name, key in switches.items() if name in components))
    return f", leave something out ({'=n, '.join(keys)}=n)" if keys else ""
