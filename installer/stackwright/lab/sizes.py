"""Sizes that hold: the limits of a node's control groups, which its own root cannot raise."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable

from stackwright.lab import supervisor
from stackwright.lab.layout import Size

LEAST_MEMORY = 128 * 2**20
"""Bytes below which a node of Debian does not get as far as its sshd: idle, it has 60 MiB."""

LIMITS = "etc/stackwright-lab-limits"
"""In a node: what it is limited to. Where the kernel still has old hierarchies, nothing else in a node shows that."""

_PERIOD = 100_000
_MOST_MEMORY = 2**62
_MOST_SHARES = 2**18


def hold(name: str, size: Size, mountinfo: str) -> Size:
    """Sets the limits of a node that does not run yet, and returns those that the kernel holds it to.

    They are on the group above that of each start, so they stay when the node reboots, and whatever groups are made
    in the node are below them. What is not in the returned size has no controller here, or one that cannot be
    written to.
    """
    memory = not size.memory or _set(name, "memory", min(size.memory, _MOST_MEMORY), mountinfo)
    # No group where there is nothing to hold: in it the node has its share, and not that of each of its processes.
    cpus = size.cpus >= (os.cpu_count() or 1) or not size.cpus or _set(name, "cpu", size.cpus, mountinfo)
    return Size(size.memory if memory else 0, size.cpus if cpus else 0)


def _set(name: str, controller: str, value: int, mountinfo: str) -> bool:
    path, unified = supervisor.hierarchy(mountinfo, controller)
    if path is None:
        return False
    group = supervisor.group(path, name)
    # The machine's swap is none of the node's memory. The kernel has the files for it only where it counts swap.
    files = {
        ("memory", False): (("memory.limit_in_bytes", f"{value}"), ("memory.memsw.limit_in_bytes", f"{value}")),
        ("memory", True): (("memory.max", f"{value}"), ("memory.swap.max", "0")),
        ("cpu", False): (
            ("cpu.cfs_period_us", f"{_PERIOD}"),
            ("cpu.cfs_quota_us", f"{value * _PERIOD}"),
            # Beside an old group stand single processes: all nodes together would get no more than one of them.
            ("../cpu.shares", f"{min(1024 * (os.cpu_count() or 1), _MOST_SHARES)}"),
            ("cpu.shares", f"{min(1024 * value, _MOST_SHARES)}"),
        ),
        ("cpu", True): (("cpu.max", f"{value * _PERIOD} {_PERIOD}"), ("cpu.weight", f"{min(100 * value, 10_000)}")),
    }[controller, unified]
    try:
        group.mkdir(parents=True, exist_ok=True)
        for above in (path, group.parent) if unified else ():
            (above / "cgroup.subtree_control").write_text(f"+{controller}")
        for file, text in files:
            if "sw" not in file or (group / file).exists():
                (group / file).write_text(text)
    except OSError:
        return False
    return True


def limits_text(size: Size) -> str:
    """What stands in a node's `LIMITS`, in the words of the control groups' own files; empty without limits."""
    lines = [f"memory {size.memory}", "swap 0"] if size.memory else []
    return "".join(f"{line}\n" for line in [*lines, *([f"cpu {size.cpus * _PERIOD} {_PERIOD}"] if size.cpus else [])])


def lost(wanted: Size, held: Size) -> tuple[str, ...]:
    """The names of the limits that are wanted and not held."""
    memory, cpus = wanted.memory and not held.memory, wanted.cpus and not held.cpus
    return (*(["memory"] if memory else []), *(["processors"] if cpus else []))


def tell(missing: Collection[str], say: Callable[[str], None]) -> None:
    """Warns, in one line, of limits that are not held."""
    if missing:
        say(
            f"warning: node sizes are not enforced: this machine has no writable control groups for "
            f"{' and '.join(sorted(missing))}"
            "; the nodes share all resources"
        )


def check_room(sizes: Iterable[Size], say: Callable[[str], None]) -> None:
    """Warns where nodes of these sizes together have more memory than this machine."""
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    wanted = sum(size.memory for size in sizes)
    if wanted > there:
        say(
            f"warning: these nodes have {wanted / 2**30:.0f} GiB of memory together, but this machine has only "
            f"{there / 2**30:.0f} GiB, which they share"
        )
