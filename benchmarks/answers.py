"""Measure the time for answer files (read and check a full file, check facts, plan), and for starting the command.

    python benchmarks/answers.py [--json]

Each number of hosts is measured three times in a process of its own; the minimum counts. The process measures wall
time and CPU seconds (user and system); the kernel counts peak memory, with Python and all modules. The hosts are a
controller and compute hosts. Targets: reading, checking and planning 1,000 hosts in under 1 s and 200 MB;
`--version` and `--help` in under 200 ms of CPU.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import cloud

SIZES = (1, 10, 100, 1000)
REPEATS = 3
PHASES = ("modules", "read and check", "preflight", "plan")

_MEASURE = """
import json, resource, sys, time
times, begun = {}, []

def begin():
    begun[:] = time.perf_counter(), time.process_time()

def end(phase):
    times[phase] = time.perf_counter() - begun[0], time.process_time() - begun[1]

begin()
from stackwright import answers, planner, preflight
from stackwright.services import SERVICES
end("modules")

begin()
reading = answers.load([sys.argv[1]], files=False)
end("read and check")
assert not reading.errors, reading.errors
given = reading.answers

hosts = planner.all_hosts(given, SERVICES)
import cloud
facts = cloud.facts(hosts)

begin()
found = preflight.check(given, facts, planner.place(given, SERVICES), cloud_id=planner.cloud_key(given))
end("preflight")
assert not found, found[:3]

begin()
plan = planner.plan(planner.cloud(given, facts))
end("plan")
assert set(plan.hosts) == set(hosts)

peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"times": times, "peak": peak, "steps": len(plan.steps)}))
"""


def _python(code: str, *words: str) -> dict[str, Any]:
    environment = {**os.environ, "PYTHONPATH": f"{cloud.ROOT / 'installer'}:{cloud.ROOT / 'benchmarks'}"}
    command = [sys.executable, "-c", code, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _hosts(count: int) -> list[str]:
    """Addresses of a controller and compute hosts, in the range reserved for tests."""
    return [f"198.18.{number // 200}.{number % 200 + 10}" for number in range(count)]


def measure(count: int) -> dict[str, Any]:
    """The best of a few runs: wall and CPU seconds of each phase, and peak memory in bytes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "full.txt"
        cloud.write_answers(path, _hosts(count))
        runs = [_python(_MEASURE, str(path)) for _ in range(REPEATS)]
    wall, cpu = ({phase: min(run["times"][phase][n] for run in runs) for phase in PHASES} for n in (0, 1))
    return {
        "hosts": count,
        "steps": runs[0]["steps"],
        "wall": wall,
        "cpu": cpu,
        "peak": min(run["peak"] for run in runs),
    }


def starting(*words: str) -> float:
    """CPU seconds of one call of the command: the best of a few."""
    code = (
        "import os, resource, subprocess, sys\n"
        "subprocess.run([sys.executable, '-m', 'stackwright', *sys.argv[1:]], stdout=subprocess.DEVNULL, check=True)\n"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print('{\"cpu\": %f}' % (used.ru_utime + used.ru_stime))"
    )
    return min(_python(code, *words)["cpu"] for _ in range(REPEATS))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    arguments = parser.parse_args()
    sizes = [measure(count) for count in SIZES]
    starts = {" ".join(words): starting(*words) for words in (("--version",), ("--help",), ("answers", "--help"))}
    if arguments.json:
        print(json.dumps({"sizes": sizes, "starts": starts}))
        return 0
    print("milliseconds: wall, CPU")
    print("hosts  steps" + "".join(f"{phase:>16}" for phase in (*PHASES, "all")) + "      peak")
    for row in sizes:
        spent = [(row["wall"][phase] * 1000, row["cpu"][phase] * 1000) for phase in PHASES]
        spent.append((sum(wall for wall, _ in spent), sum(cpu for _, cpu in spent)))
        cells = "".join(f"{wall:9.0f} {cpu:6.0f}" for wall, cpu in spent)
        print(f"{row['hosts']:5}  {row['steps']:5}{cells}{row['peak'] / 1e6:7.0f} MB")
    for words, seconds in starts.items():
        print(f"stackwright {words}: {seconds * 1000:.0f} ms of CPU")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
