"""What a host itself says of the runs on it: for `status` and `logs`. Only looks, and takes no lease."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Literal

from stackwright.model import StackwrightError
from stackwright.ssh import Connection

from .detached import run_name

_LIST = """\
base=@BASE@
[ -d "$base" ] || exit 0
boot=$(cat /proc/sys/kernel/random/boot_id).$(cut -d' ' -f22 /proc/1/stat)
if [ -f "$base/lease" ]; then
  { read -r _; read -r _; read -r of_boot; read -r beat; read -r since; read -r who; } <"$base/lease"
  read -r up _ </proc/uptime
  [ "$of_boot" != "$boot" ] || [ $((${up%%.*} - beat)) -ge 120 ] || echo "lease $who, since $since"
fi
for run in "$base"/runs/*/; do
  [ -f "$run/started" ] || continue
  name=${run%/}
  if ! (flock -n 9) 9<"$run/alive"; then state=running
  elif [ -f "$run/rc" ]; then state="ended $(cat "$run/rc")"
  else state=died; fi
  echo "run ${name##*/} $(cat "$run/started") $(stat -c %Y "$run/log") $state"
done
"""


@dataclass(frozen=True)
class RemoteRun:
    """A run as its host knows it. Times are seconds since the epoch, by the host's clock."""

    name: str
    """The step and the number of its action: `h1:puppet.2`."""
    state: Literal["running", "ended", "died"]
    started: float
    last_output: float
    exit: int | None = None


@dataclass(frozen=True)
class HostState:
    """Who works on a host, and what was and is run on it."""

    host: str
    held_by: str
    """Operator and since when; empty when nobody has it."""
    runs: tuple[RemoteRun, ...]


def host_state(connection: Connection) -> HostState:
    """What the host says. Raises StackwrightError when it cannot be asked."""
    got = connection.run(_LIST.replace("@BASE@", shlex.quote(connection.base)), timeout=30)
    if not got.ok:
        raise StackwrightError(f"{connection.host}: its runs cannot be listed: {got.err.strip()}")
    held, runs = "", []
    for line in got.out.splitlines():
        words = line.split()
        if words[0] == "lease":
            held = line.removeprefix("lease ")
        elif len(words) >= 5:
            state: Literal["running", "ended", "died"] = "died"
            if words[4] in ("running", "ended"):
                state = "running" if words[4] == "running" else "ended"
            code = int(words[5]) if len(words) > 5 and words[5].isdigit() else None
            runs.append(RemoteRun(words[1], state, float(words[2]), float(words[3]), code))
    return HostState(connection.host, held, tuple(sorted(runs, key=lambda run: run.started)))


def run_log(connection: Connection, name: str, *, lines: int = 0) -> str:
    """The output of a run by its name, or of every run of a step; the last `lines` of it, all where 0. It is as the
    host wrote it: mask secrets before it is shown. Raises StackwrightError when there is none."""
    folder = shlex.quote(f"{connection.base}/runs")
    names = " ".join(shlex.quote(run_name(n)) for n in (name, *(f"{name}.{number}" for number in range(40))))
    show = f"tail -n {lines}" if lines else "cat"
    script = (
        f"cd {folder} || exit 1\nfound=\n"
        f"for run in {names}; do\n"
        f'  [ -f "$run/log" ] || continue\n  found=1\n  {show} "$run/log"\ndone\n[ -n "$found" ]\n'
    )
    got = connection.run(script, timeout=120)
    if not got.ok:
        raise StackwrightError(
            f"{connection.host}: there is no run called {name}", "`stackwright status` lists what was run."
        )
    return got.out
