"""Runs a node: its control groups, and a small shell process that starts systemd-nspawn again when the node reboots."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

from stackwright.lab import machine

# systemd-nspawn ends with 133 when its node reboots and there is no systemd outside that would start it again.
# Each start gets fresh control groups (run1, run2, ...): a used one accepts no processes once its controllers are
# handed down. The keeper itself stays in a leaf, out of the node's way.
_KEEPER = """\
groups=$1; shift
n=0
for g in $groups; do mkdir -p "$g/keeper" && echo $$ > "$g/keeper/cgroup.procs"; done
while :; do
  n=$((n + 1))
  for g in $groups; do mkdir -p "$g/run$n"; done
  groups="$groups" n=$n sh -c 'for g in $groups; do echo $$ > "$g/run$n/cgroup.procs"; done; exec "$@"' sh "$@"
  [ $? -eq 133 ] || break
  echo "-- reboot"
done
"""


def hierarchies(mountinfo: str) -> list[Path]:
    """Where node groups are needed: the unified hierarchy, and of the old ones systemd's and the memory controller's.

    A node that shares its group of the unified hierarchy with another one kills the other's services with its own.
    """
    out = []
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        kind, _, options = [*right.split(" ", 2), "", ""][:3]
        wanted = kind == "cgroup2" or (kind == "cgroup" and {"name=systemd", "memory"} & set(options.split(",")))
        if wanted and len(left.split()) > 4 and left.split()[3] == "/":
            out.append(Path(left.split()[4]))
    return list(dict.fromkeys(out))


def groups(name: str) -> list[Path]:
    """The node's control groups, one in each hierarchy; they need not exist."""
    mounted = hierarchies(Path("/proc/self/mountinfo").read_text())
    return [path / "stackwright-lab" / name for path in mounted]


def start(name: str, argv: Sequence[str], log: Path, environment: dict[str, str]) -> None:
    """Starts a systemd-nspawn command line under a keeper that nobody's Ctrl-C or exit reaches."""
    made = groups(name)
    for group in made:
        group.mkdir(parents=True, exist_ok=True)
    shell = 'log=$1; shift; exec setsid --fork "$@" </dev/null >>"$log" 2>&1'
    keeper = ["sh", "-c", _KEEPER, "stackwright-lab-keeper", " ".join(map(str, made)), *argv]
    machine.run(["sh", "-c", shell, "sh", log, *keeper], env=environment)


def remove_groups(name: str) -> None:
    """Removes the node's control groups; they are empty once its processes are gone."""
    for group in groups(name):
        if group.is_dir():
            for path in sorted(group.rglob("*/"), key=lambda p: len(p.parts), reverse=True):
                with contextlib.suppress(OSError):
                    path.rmdir()
            for path in (group, group.parent):
                with contextlib.suppress(OSError):
                    path.rmdir()
