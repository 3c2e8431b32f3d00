"""Runs a node: its control groups, and a small shell process that starts systemd-nspawn again when the node reboots."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from stackwright import shell
from stackwright.lab import machine


def hierarchies(mountinfo: str) -> list[Path]:
    """Where node groups are needed: the unified hierarchy, and of the old ones systemd's and the memory controller's.

    A node that shares its group of the unified hierarchy with another one kills the other's services with its own.
    """
    found = [path for path, has in _mounted(mountinfo) if not has or {"name=systemd", "memory"} & has]
    return list(dict.fromkeys(found))


def hierarchy(mountinfo: str, controller: str) -> tuple[Path | None, bool]:
    """Where groups get limits of this controller, and whether that is the unified hierarchy; None where nowhere.

    A controller is in one hierarchy only: an old one that is mounted has it, or the unified one may.
    """
    unified = None
    for path, has in _mounted(mountinfo):
        if controller in has:
            return path, False
        if not has and controller in _words(path / "cgroup.controllers"):
            unified = unified or path
    return unified, True


def _mounted(mountinfo: str) -> Iterator[tuple[Path, frozenset[str]]]:
    """The hierarchies that are mounted as a whole, with the options of old ones; none for the unified one."""
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        kind, _, options = [*right.split(" ", 2), "", ""][:3]
        if kind in ("cgroup", "cgroup2") and len(left.split()) > 4 and left.split()[3] == "/":
            yield Path(left.split()[4]), frozenset(options.split(",") if kind == "cgroup" else ())


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:
        return []


def mountinfo() -> str:
    """What is mounted here, as the kernel says it."""
    return Path("/proc/self/mountinfo").read_text()


def group(path: Path, name: str) -> Path:
    """The node's control group in the hierarchy mounted at `path`."""
    return path / "stackwright-lab" / name


def groups(name: str) -> list[Path]:
    """The control groups that every node has, one in each hierarchy; they need not exist."""
    return [group(path, name) for path in hierarchies(mountinfo())]


def grouped(prefix: str) -> set[str]:
    """What follows the prefix in the names of the control groups that are there."""
    return {p.name.removeprefix(prefix) for each in groups("") for p in each.glob(f"{prefix}*")}


def limited(name: str) -> list[Path]:
    """The further control group of a node that has a limit of processors, where that is in a hierarchy of its own.

    Other nodes have none: in it all processes of a node together get as much as one outside.
    """
    path, _ = hierarchy(mountinfo(), "cpu")
    return [g for g in ([group(path, name)] if path else []) if g not in groups(name) and g.is_dir()]


def start(name: str, argv: Sequence[str], log: Path, environment: dict[str, str]) -> None:
    """Starts a systemd-nspawn command line under a keeper that nobody's Ctrl-C or exit reaches.

    What limits the node must be set before: the keeper itself goes into its groups, and every process after it.
    """
    made = groups(name)
    for each in made:
        each.mkdir(parents=True, exist_ok=True)
    made += limited(name)
    redirect = 'log=$1; shift; exec setsid --fork "$@" >>"$log" 2>&1'
    keeper = ["sh", "-c", shell.fill("lab/supervisor.sh"), "stackwright-lab-keeper", " ".join(map(str, made)), *argv]
    machine.run(["sh", "-c", redirect, "sh", log, *keeper], env=environment, hands_lock_on=True)


def remove_groups(name: str, patience: float = 2.0) -> None:
    """Removes the node's control groups; they are empty once its processes are gone.

    The kernel may need a moment after their end: waits for that up to `patience` seconds.
    """
    deadline = time.monotonic() + patience
    for each in (*groups(name), *limited(name)):
        while each.is_dir():
            for path in sorted(each.rglob("*/"), key=lambda p: len(p.parts), reverse=True):
                _remove(path)
            if _remove(each) or time.monotonic() > deadline:
                break
            time.sleep(0.02)
        _remove(each.parent)


def _remove(path: Path) -> bool:
    with contextlib.suppress(OSError):
        path.rmdir()
        return True
    return False
