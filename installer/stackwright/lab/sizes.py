"""Enforces the sizes of nodes with limits of their control groups, which root in a node cannot raise."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable

from stackwright.lab import supervisor
from stackwright.lab.layout import Size

LEAST_MEMORY = 128 * 2**20
"""Bytes. With less memory, a Debian node does not start its sshd; an idle node uses 60 MiB."""

LIMITS = "etc/stackwright-lab-limits"
"""File in a node with its limits. With cgroup v1, nothing else in a node shows them."""

_PERIOD = 100_000
_MOST_MEMORY = 2**62
_MOST_SHARES = 2**18


def enforce(name: str, size: Size, mountinfo: str) -> Size:
    """Sets the limits of a node that does not run yet, and returns those that the kernel enforces.

    They are set on the parent of the group of each start, so they survive a reboot of the node and apply to all groups
    in the node. Limits that are missing in the result have no controller here, or one that is not writable.
    """
    memory = not size.memory or _set(name, "memory", min(size.memory, _MOST_MEMORY), mountinfo)
    # No group without a limit: in a group, the whole node would get the processor share of a single process.
    cpus = size.cpus >= (os.cpu_count() or 1) or not size.cpus or _set(name, "cpu", size.cpus, mountinfo)
    return Size(size.memory if memory else 0, size.cpus if cpus else 0)


def _set(name: str, controller: str, value: int, mountinfo: str) -> bool:
    path, unified = supervisor.hierarchy(mountinfo, controller)
    if path is None:
        return False
    group = supervisor.group(path, name)
    # Swap does not count as memory of the node. The files for it exist only if the kernel accounts for swap.
    files = {
        ("memory", False): (("memory.limit_in_bytes", f"{value}"), ("memory.memsw.limit_in_bytes", f"{value}")),
        ("memory", True): (("memory.max", f"{value}"), ("memory.swap.max", "0")),
        ("cpu", False): (
            ("cpu.cfs_period_us", f"{_PERIOD}"),
            ("cpu.cfs_quota_us", f"{value * _PERIOD}"),
            # In cgroup v1, a group competes with single processes: all nodes together would get the share of one.
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
    """The text of a node's `LIMITS`, in the format of the files of control groups; empty without limits."""
    lines = [f"memory {size.memory}", "swap 0"] if size.memory else []
    return "".join(f"{line}\n" for line in [*lines, *([f"cpu {size.cpus * _PERIOD} {_PERIOD}"] if size.cpus else [])])


def not_enforced(requested: Size, enforced: Size) -> tuple[str, ...]:
    """The names of the requested limits that are not enforced."""
    memory, cpus = requested.memory and not enforced.memory, requested.cpus and not enforced.cpus
    return (*(["memory"] if memory else []), *(["processors"] if cpus else []))


def warn(missing: Collection[str], say: Callable[[str], None]) -> None:
    """Warns, in one line, about limits that are not enforced."""
    if missing:
        say(
            "warning: node sizes are not enforced: this machine has no writable control groups for "
            f"{' and '.join(sorted(missing))}; the nodes share all resources"
        )


def check_room(sizes: Iterable[Size], say: Callable[[str], None]) -> None:
    """Warns if nodes of these sizes together have more memory than this machine."""
    available = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    requested = sum(size.memory for size in sizes)
    if requested > available:
        say(
            f"warning: these nodes have {requested / 2**30:.0f} GiB of memory together, but this machine has only "
            f"{available / 2**30:.0f} GiB, which they share"
        )
