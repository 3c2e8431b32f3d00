"""Runs a node: its control groups, and a shell process that starts systemd-nspawn again when the node reboots."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from stackwright import shell
from stackwright.lab import machine


def hierarchies(mountinfo: str) -> list[Path]:
    """The hierarchies that need a group per node: the unified one, and of cgroup v1 those of systemd and memory.

    If two nodes share a group of the unified hierarchy, one kills the services of the other together with its own.
    """
    found = [path for path, has in _mounted(mountinfo) if not has or {"name=systemd", "memory"} & has]
    return list(dict.fromkeys(found))


def hierarchy(mountinfo: str, controller: str) -> tuple[Path | None, bool]:
    """The hierarchy of this controller (None if there is none), and whether it is the unified hierarchy.

    A controller is in one hierarchy only: a mounted one of cgroup v1, or else the unified one.
    """
    unified = None
    for path, has in _mounted(mountinfo):
        if controller in has:
            return path, False
        if not has and controller in _words(path / "cgroup.controllers"):
            unified = unified or path
    return unified, True


def _mounted(mountinfo: str) -> Iterator[tuple[Path, frozenset[str]]]:
    """The hierarchies that are mounted as a whole, with the mount options of those of cgroup v1."""
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
    """The kernel's list of mounts."""
    return Path("/proc/self/mountinfo").read_text()


def group(path: Path, name: str) -> Path:
    """The node's control group in the hierarchy mounted at `path`."""
    return path / "stackwright-lab" / name


def groups(name: str) -> list[Path]:
    """The control groups that every node has, one in each hierarchy; they need not exist."""
    return [group(path, name) for path in hierarchies(mountinfo())]


def grouped(prefix: str) -> set[str]:
    """The names of existing control groups that begin with the prefix, without it."""
    return {p.name.removeprefix(prefix) for each in groups("") for p in each.glob(f"{prefix}*")}


def limited(name: str) -> list[Path]:
    """The additional control group of a node with a processor limit, if that controller has its own hierarchy.

    Nodes without a limit have none, because all processes in it together get the share of one process outside.
    """
    path, _ = hierarchy(mountinfo(), "cpu")
    return [g for g in ([group(path, name)] if path else []) if g not in groups(name) and g.is_dir()]


def start(name: str, argv: Sequence[str], log: Path, environment: dict[str, str]) -> None:
    """Starts a systemd-nspawn command line under a supervisor process that survives Ctrl-C and the end of this process.

    The limits must be set before: the supervisor and all its child processes are in the node's groups.
    """
    paths = groups(name)
    for each in paths:
        each.mkdir(parents=True, exist_ok=True)
    paths += limited(name)
    redirect = 'log=$1; shift; exec setsid --fork "$@" >>"$log" 2>&1'
    script, folders = shell.fill("lab/supervisor.sh"), " ".join(map(str, paths))
    command = ["sh", "-c", script, "stackwright-lab-supervisor", folders, *argv]
    machine.run(["sh", "-c", redirect, "sh", log, *command], env=environment, hands_lock_on=True)


def remove_groups(name: str, patience: float = 2.0) -> None:
    """Removes the node's control groups. Its processes must have ended; the groups are empty then.

    The kernel may need a moment after that: waits for up to `patience` seconds.
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
