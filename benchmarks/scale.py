"""Measure the load of many hosts on the controlling machine: real transport and executor, 10, 100 and 500 hosts.

    python benchmarks/scale.py [--hosts N ...] [--pace X] [--json] [--live]

Every host is a real sshd on a loopback address (see farm.py). The plan is the real one for this number of hosts, with
uploads, dependencies and journal; only the work of a host is simulated: scripts sleep and print progress, and
tests/unit/standin-puppet replaces Puppet and writes the same reports. Therefore the minimum duration is known: the
longest chain of steps. Wall time, CPU and memory are those of the controlling process. The hosts share this machine's
cores with it, so their load counts, too.

`one by one` is the same plan executed as Packstack does: one step at a time, with a connection for each command.
Connections are measured on a sample of hosts; the known work is added.

Target: 500 hosts within 1.3 times the longest chain plus 30 s, in less than 1 GB.
"""

from __future__ import annotations

import argparse
import getpass
import grp
import json
import os
import resource
import shlex
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cloud
from farm import Farm, running

from stackwright import answers, planner
from stackwright.executor import puppet
from stackwright.model import Action, Answers, Facts, Plan, Probe, PuppetApply, Run, Step, Upload
from stackwright.operations import apply
from stackwright.output import live as live_output
from stackwright.ssh import Connection, pack
from stackwright.state import directory

SIZES = (10, 100, 500)
SAMPLE = 20
"""Hosts for the `one by one` measurement; more would take hours and change nothing."""
STANDIN = cloud.ROOT / "tests" / "unit" / "standin-puppet"

# Seconds of work by step, similar to a real cloud.
_SECONDS = {"lists": 5.0, "packages": 100.0, "image": 10.0, "firewall": 1.0, "migration": 1.0}
_PUPPET = {True: 120.0, False: 45.0}
"""The controller, and the other hosts."""
_RESOURCES = {True: 1500, False: 300}


@dataclass(frozen=True)
class Work:
    """A plan for the simulated hosts, and its known durations."""

    plan: Plan
    given: Answers
    seen: dict[str, Facts]
    seconds: dict[str, float]
    """Seconds of work, by step."""

    def chain(self) -> float:
        """Seconds of the longest chain of steps: the minimum duration."""
        end: dict[str, float] = {}
        for step in self.plan.steps:
            end[step.id] = self.seconds[step.id] + max((end[n] for n in (*step.needs, *step.after)), default=0.0)
        return max(end.values())


def prepare(farm: Farm, pace: float) -> Work:
    """The plan for the simulated hosts, with substitutes for work and for changes of this machine."""
    path = farm.folder / "cloud.answers"
    if not path.exists():
        cloud.write_answers(path, farm.names)
    given = answers.load([path], files=False).answers
    seen = cloud.facts(farm.names)
    real = planner.plan(planner.cloud(given, seen))
    steps, seconds = [], {}
    for step in real.steps:
        first = step.host == farm.names[0]
        name = step.id.rpartition(":")[2]
        whole = pace * (_PUPPET[first] if name.startswith("puppet") else _SECONDS.get(name, 0.0))
        actions = tuple(_standin(action, farm, step, whole) for action in step.actions)
        waits = any(isinstance(action, Run | PuppetApply) for action in step.actions)
        seconds[step.id] = whole if waits else 0.0
        steps.append(replace(step, actions=actions))
    return Work(replace(real, steps=tuple(steps)), given, seen, seconds)


def _standin(action: Action, farm: Farm, step: Step, seconds: float) -> Action:
    match action:
        case Upload():
            me = f"{getpass.getuser()}:{grp.getgrgid(os.getgid()).gr_name}"
            disk = farm.disk(step.host)
            ours = "/var/lib/stackwright/"
            return Upload(
                tuple(
                    replace(f, owner=me, path=f"{disk}{f.path}".replace(f"{disk}{ours}", f"{disk}/base/"))
                    for f in action.files
                )
            )
        case Run():
            lines = max(1, round(seconds / 5))
            return replace(
                action,
                script="n=0\nwhile [ $n -lt @N@ ]; do n=$((n + 1)); sleep @S@\n"
                'echo "stackwright: progress $n @N@ Unpacking package-$n"; done\n'.replace("@N@", str(lines)).replace(
                    "@S@", f"{seconds / lines:.3f}"
                ),
            )
        case PuppetApply():
            count = _RESOURCES[step.host == farm.names[0]]
            said = f"# resources {count - 3}\n# seconds {seconds / count:.5f}\n"
            said += "".join(f"# change Service[service-{n}]\n" for n in range(3))
            return replace(action, manifest=said + action.manifest, puppet=str(STANDIN))
        case Probe():
            return replace(action, script="true")


class Hosts(apply.Hosts):
    """Connections to the simulated hosts."""

    def __init__(self, farm: Farm) -> None:
        self._farm = farm
        self._trust = farm.trust()
        self._open: dict[str, Connection] = {}

    def connect(self, name: str) -> Connection:
        self._open[name] = self._farm.connect(name, self._trust)
        return self._open[name]


def together(farm: Farm, work: Work, *, live: bool) -> dict[str, Any]:
    """Carries out the plan as `apply` does; returns wall time, CPU and peak memory of this process."""
    place = directory.StateDir(farm.folder / "state")
    about = apply.about(planner.cloud(work.given, work.seen), work.plan)
    began, spent = time.perf_counter(), time.process_time()
    with Hosts(farm) as hosts, (farm.folder / "screen").open("w") as quiet:
        screen = live_output.Screen() if live else live_output.Screen(quiet, "plain")
        with screen:
            outcome = apply.apply(work.plan, hosts, place, screen, about=about).outcome
        if not outcome.ok:
            raise SystemExit(f"the plan was not carried out: {outcome.failures[:3]}")
    return {
        "wall": time.perf_counter() - began,
        "cpu": time.process_time() - spent,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def one_by_one(farm: Farm, work: Work) -> dict[str, Any]:
    """Carries out a sample of the plan without work, a connection for each command; returns seconds per command."""
    sample = farm.names[:SAMPLE]
    commands = 0
    began = time.perf_counter()
    for step in work.plan.steps:
        for action in step.actions if step.host in sample else ():
            for script, data in _commands(action, farm.disk(step.host)):
                commands += 1
                with farm.connect(step.host, farm.trust()) as connection:
                    done = connection.run(script, data=data)
                    assert done.ok, done
    return {"command": (time.perf_counter() - began) / commands, "commands": _count(work.plan, farm)}


def _commands(action: Action, disk: Path) -> list[tuple[str, bytes]]:
    """The commands that are sent to a host for an action: files first, then scripts, without the work."""
    into = f"d={shlex.quote(str(disk))}/once; mkdir -p $d; tar -xzf - -C $d"
    match action:
        case Upload():
            return [(into, pack([(str(n), file.content, 0o600) for n, file in enumerate(action.files)]))]
        case PuppetApply():
            return [(into, pack(puppet.inputs(action))), ("true", b""), ("true", b"")]  # run it, fetch its log
        case _:
            return [("true", b"")]


def _count(plan: Plan, farm: Farm) -> int:
    return sum(len(_commands(action, farm.folder)) for step in plan.steps for action in step.actions)


def measure(count: int, pace: float, *, live: bool) -> dict[str, Any]:
    """All results for a number of hosts. Each method runs in its own process."""
    names = [f"198.18.{n // 200}.{n % 200 + 10}" for n in range(count)]
    with tempfile.TemporaryDirectory(prefix="stackwright-scale-") as folder, running(Path(folder), names) as farm:
        found = {}
        for way in ("together", "one_by_one"):
            command = [sys.executable, __file__, "--control", way, folder, str(farm.port), "--pace", str(pace)]
            done = subprocess.run(
                [*command, *(["--live"] if live else []), "--hosts", str(count)], check=True, text=True,
                stdout=None if live else subprocess.PIPE,
            )  # fmt: skip
            if live:
                return {}
            found |= json.loads(done.stdout)
        return {"hosts": count, **found, "alone": found["commands"] * found["command"] + found["work"]}


def control(way: str, folder: Path, port: int, count: int, pace: float, *, live: bool) -> dict[str, Any]:
    """The work of the controlling process."""
    names = tuple(f"198.18.{n // 200}.{n % 200 + 10}" for n in range(count))
    farm = Farm(folder, names, port)
    work = prepare(farm, pace)
    if way == "one_by_one":
        return one_by_one(farm, work)
    known = {"steps": len(work.plan.steps), "chain": work.chain(), "work": sum(work.seconds.values())}
    return known | together(farm, work, live=live)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--hosts", type=int, nargs="+", default=SIZES, metavar="N", help="numbers of hosts (default: 10 100 500)"
    )
    parser.add_argument(
        "--pace", type=float, default=1.0, metavar="X", help="multiply the duration of the hosts' work by X"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object per line")
    parser.add_argument("--live", action="store_true", help="no results, but the live view of the run")
    parser.add_argument("--control", nargs=3, metavar=("WAY", "FOLDER", "PORT"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.control:
        way, folder, port = given.control
        found = control(way, Path(folder), int(port), given.hosts[0], given.pace, live=given.live)
        if not given.live:
            print(json.dumps(found))
        return 0
    if not given.json and not given.live:
        print("hosts  steps    chain     wall  ratio  above        CPU      peak   one by one")
    for count in given.hosts:
        row = measure(count, given.pace, live=given.live)
        if given.json:
            print(json.dumps(row), flush=True)
        elif row:
            print(
                f"{row['hosts']:5}  {row['steps']:5}  {row['chain']:5.0f} s  {row['wall']:5.0f} s"
                f"  {row['wall'] / row['chain']:5.2f}  {row['wall'] - row['chain']:3.0f} s  {row['cpu']:5.1f} s of CPU"
                f"  {row['peak'] / 1e6:4.0f} MB  {row['alone'] / row['wall']:5.1f} times as long",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
