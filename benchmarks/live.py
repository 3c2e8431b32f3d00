"""Measure what `stackwright report --serve` costs while a run on many hosts goes on and one browser shows it.

    python benchmarks/live.py [--hosts 100] [--seconds 300] [--json]

The plan is real; this program plays its run: it appends the events to the record of the run as the executor
does, evenly over the time. Each carries the parts of its time, and Puppet's resources, as in the recorded run in
tests/data/recorded-run; of a compute host, a quarter of those of the all-in-one host. The server is the real command in
a process of its own; a client asks as the page does (`installer/stackwright/report/live.js`): when the server says, and
with the version that it has.

Counted are the CPU time of the server (user and system), as a share of the time that passed on one processor, and its
peak memory, without what the same process has before the first request. Targets with 100 hosts: less than 2 % and
10 MB. The share is only right if the machine is not busy: processors that share a core make it larger.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cloud

from stackwright import answers, planner, report
from stackwright.model import Step
from stackwright.operations import apply

RECORDED = cloud.ROOT / "tests" / "data" / "recorded-run" / "run.jsonl"
MOST_CPU, MOST_MEMORY = 0.02, 10e6


def _last_events() -> dict[str, dict[str, Any]]:
    """The data of the last event of each kind of step (the last part of its name) in the recorded run."""
    found = (json.loads(line) for line in RECORDED.read_text(encoding="utf-8").splitlines())
    return {raw["step"].rpartition(":")[2]: raw["data"] for raw in found if raw.get("kind") == "ok"}


def _fitted(data: dict[str, Any], seconds: float, part: int) -> dict[str, Any]:
    """The same in so many seconds; of its items and resources, only each of so many."""
    faster = seconds / (data["seconds"] or 1.0)
    profile = dict(data["profile"])
    for name, each in (("phases", 1), ("items", part)):
        profile[name] = [
            [what, kind, at * faster, took * faster] for what, kind, at, took in profile.get(name, ())[::each]
        ]
    profile["kinds"] = {kind: took * faster for kind, took in profile.get("kinds", {}).items()}
    return {**data, "seconds": seconds, "profile": profile, "resources": data.get("resources", [])[::part]}


def _events(steps: tuple[Step, ...], controller: str, began: float, seconds: float) -> Iterator[tuple[float, str]]:
    """Lines of the record with the times, since the epoch, at which they are written. Each step lasts a tenth of the
    run."""
    last = _last_events()
    lines = []
    for number, step in enumerate(steps):
        at = began + 0.9 * seconds * number / len(steps)
        data = last.get(step.id.rpartition(":")[2], last["lists"])
        data = _fitted(data, 0.1 * seconds, 1 if step.host == controller else 4) | {"title": step.title}
        head = {"step": step.id, "host": step.host}
        lines.append((at, json.dumps({"kind": "started", "at": at, **head, "data": {"title": step.title}})))
        end = at + 0.1 * seconds
        lines.append((end, json.dumps({"kind": "ok", "at": end, **head, "data": data})))
    yield from sorted(lines)


def _used(process: int) -> float:
    """Seconds of CPU of a process."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory(process: int, name: str) -> int:
    """Memory of a process in bytes: VmRSS now, VmHWM at most."""
    found = re.search(rf"^{name}:\s+(\d+) kB$", Path(f"/proc/{process}/status").read_text(), re.M)
    return int(found[1]) * 1024 if found else 0


class Browser:
    """Asks for the page as its script does."""

    def __init__(self, url: str) -> None:
        _, _, self._host, self._path = url.split("/", 3)
        self._version = ""
        self.due = 0.0
        self.pages = self.asked = self.size = 0

    def ask(self) -> None:
        """Asks once, and notes when to ask again."""
        connection = http.client.HTTPConnection(self._host, timeout=60)
        connection.request("GET", f"/{self._path}", headers={"If-None-Match": self._version} if self._version else {})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        self.asked += 1
        if answer.status == 200:
            self.pages, self.size = self.pages + 1, len(body)
            self._version = answer.headers["ETag"]
        self.due = time.time() + float(answer.headers["Retry-After"])


def measure(count: int, seconds: float) -> dict[str, Any]:
    """Runs the server for so many hosts and seconds."""
    hosts = [f"198.18.{number // 200}.{number % 200 + 10}" for number in range(count)]
    with tempfile.TemporaryDirectory() as folder:
        file, state = Path(folder) / "cloud.answers", Path(folder) / "state"
        cloud.write_answers(file, hosts)
        given = answers.read([file])
        whole = planner.cloud(given, cloud.facts(hosts))
        plan = planner.plan(whole)
        log = state / hosts[0] / "logs" / "run.log"
        log.parent.mkdir(parents=True)
        began = time.time()
        report.begin(log, {**apply.about(whole, plan), "began": began, "answer_files": [str(file)]})
        record = log.with_suffix(".jsonl")
        environment = {**os.environ, "PYTHONPATH": str(cloud.ROOT / "installer"), "STACKWRIGHT_STATE": str(state)}
        words = [sys.executable, "-m", "stackwright", "report", "--serve", "-a", str(file)]
        with (
            report.at_work(record),
            subprocess.Popen(
                words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
            ) as server,
        ):
            try:
                assert server.stdout
                browser = Browser(server.stdout.readline().strip())
                cpu, memory, since = _used(server.pid), _memory(server.pid, "VmRSS"), time.time()
                for at, line in _events(plan.steps, hosts[0], since, seconds):
                    while (now := time.time()) < at:
                        if now >= browser.due:
                            browser.ask()
                        time.sleep(max(0.0, min(at, browser.due) - time.time()))
                    with record.open("a") as out:
                        out.write(line + "\n")
                passed = time.time() - since
                return {
                    "hosts": count,
                    "steps": len(plan.steps),
                    "seconds": passed,
                    "share": (_used(server.pid) - cpu) / passed,
                    "memory": _memory(server.pid, "VmHWM") - memory,
                    "idle": memory,
                    "record": record.stat().st_size,
                    "page": browser.size,
                    "asked": browser.asked,
                    "pages": browser.pages,
                }
            finally:
                server.terminate()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    arguments = parser.parse_args()
    row = measure(arguments.hosts, arguments.seconds)
    if arguments.json:
        print(json.dumps(row))
        return 0
    print(f"{row['hosts']} hosts, {row['steps']} steps, {row['seconds']:.0f} s; record {row['record'] / 1e6:.1f} MB")
    print(f"asked {row['asked']} times, {row['pages']} versions of the page, the last one {row['page'] / 1e6:.2f} MB")
    print(f"CPU {row['share']:.2%} of one processor (target: less than {MOST_CPU:.0%})")
    print(
        f"memory {row['memory'] / 1e6:.1f} MB above the {row['idle'] / 1e6:.0f} MB of the idle command "
        f"(target: less than {MOST_MEMORY / 1e6:.0f} MB)"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
