"""How long a verified all-in-one cloud takes, against what its packages take, and against Packstack's way.

    sudo .venv/bin/python benchmarks/allinone.py [floor] [ours] [unchanged] [stock] [--lab NUMBER] [--json FILE]

Each way starts from a bare node of this machine's lab, one after the other, in one run, so that ratios hold:

* `floor`: the packages of the cloud in one transaction of apt, services not started, nothing synced to the disk; and
  nothing else.
* `ours`: `stackwright --allinone` onto the node, which ends with the verified cloud.
* `unchanged`: `apply` once more on that node, and `apply --again`. It needs `ours`.
* `stock`: Packstack's way: the same settings with the stock providers and Puppet installing the packages, in passes for
  the controller, the network, computing, one after the other. No demonstration, no image, no proof.

The cloud has Keystone, Glance, Placement, Nova, Neutron with OVN, Cinder and Horizon. Packages come from the lab's
store where an earlier node has downloaded them (warm); `--cold` empties the node's own cache first. CPU is the whole
machine's, user and system; the control process's peak of memory is the kernel's count. Without a word, all but
`stock`, which takes half an hour, is done.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from stackwright import executor, journal, lab, places, planner, render, workflow
from stackwright.lab import Lab, Node
from stackwright.model import Event, File, Plan, PuppetApply, Run, Step, Upload
from stackwright.planner.scripts import apt_install

WAYS = ("floor", "ours", "unchanged", "stock")
SETTINGS = ("--set", "CONFIG_SWIFT_INSTALL=n")
NETWORK = {"external-bridge", "ovn-controller", "ovn-metadata"}
COMPUTE = {"nova-compute", "chrony"}
LEFT_OUT = {"demo", "clients"}

FLOOR = """\
set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
apt-get -q update
eatmydata apt-get -q -y --no-install-recommends -o Dpkg::Options::=--force-confold install %s
"""


def _busy() -> float:
    """CPU seconds, user and system, of the whole machine so far (proc(5), /proc/stat)."""
    user, nice, system = map(int, Path("/proc/stat").read_text().split()[1:4])
    return (user + nice + system) / os.sysconf("SC_CLK_TCK")


def measured(what: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Wall and CPU seconds of a call, beside what it says itself."""
    wall, cpu = time.monotonic(), _busy()
    told = what()
    return {"wall": round(time.monotonic() - wall, 1), "cpu": round(_busy() - cpu, 1), **told}


class Bench:
    """The lab, a folder for the answer file and state, and the ways."""

    def __init__(self, number: int, home: Path, cold: bool) -> None:
        self.lab = Lab(lab.lab_from(os.environ).directory, number)
        self.home, self.cold = home, cold
        self.environment = {
            **os.environ,
            "HOME": str(home),
            "STACKWRIGHT_STATE": str(home / "state"),
            "STACKWRIGHT_LAB_NUMBER": str(number),
        }

    def node(self, name: str) -> Node:
        """A bare node."""
        (made,) = lab.up([name], lab=self.lab)
        if self.cold:
            self.sh(made, "apt-get clean")
        return made

    def sh(self, node: Node, script: str) -> str:
        command = [*lab.ssh_command(node.name, self.lab), script]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{node.name}: exit status {done.returncode}\n{done.stdout[-3000:]}")
        return done.stdout

    def command(self, *words: str) -> tuple[str, int]:
        """What `stackwright` says, and the peak of memory of such calls so far, in KiB."""
        done = subprocess.run(
            [sys.executable, "-m", "stackwright", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            cwd=self.home,
            env=self.environment,
        )
        if done.returncode:
            raise SystemExit(f"stackwright {' '.join(words)}: exit status {done.returncode}\n{done.stdout[-3000:]}")
        return done.stdout, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss

    def planned(self, node: Node) -> tuple[Any, Plan]:
        """The cloud and its plan for a node, as `--allinone` makes them."""
        file = self.home / f"{node.name}.answers"
        self.command("--gen-answer-file", str(file), "--install-hosts", node.address, *SETTINGS)
        read = workflow.read_answers([file], {})
        if read.answers is None:
            raise SystemExit("\n".join(map(str, read.errors)))
        with self.hosts(node) as hosts:
            seen = workflow.look(hosts, [node.address], read.answers)
        return planner.cloud(read.answers, seen), planner.plan(read.answers, seen)

    def hosts(self, node: Node) -> workflow.Hosts:
        access = places.Access(user="root", keys=(str(node.key),), known_hosts=(str(node.known_hosts),))
        return workflow.Hosts(access, places.place(node.name, self.home / "state"))

    def floor(self) -> dict[str, Any]:
        node = self.node("floor")
        whole, _ = self.planned(node)
        wanted = planner.packages(whole, whole.hosts[node.address])

        def install() -> dict[str, Any]:
            said = self.sh(node, FLOOR % " ".join(wanted))
            fetched = re.findall(r"^Need to get (\S+ \S+?B)", said, re.MULTILINE)
            return {"packages": len(wanted), "download": fetched[-1] if fetched else "nothing"}

        try:
            return measured(install)
        finally:
            lab.down(["floor"], lab=self.lab)

    def ours(self) -> dict[str, Any]:
        self.node("ours")

        def install() -> dict[str, Any]:
            said, peak = self.command("--allinone", "--lab", "ours", *SETTINGS)
            (proved,) = re.findall(r"(The cloud works: .*)\.", said)
            return {"peak_kib": peak, "proved": proved}

        told = measured(install)
        (report,) = (self.home / "state").glob("*/report.json")
        return {**told, "by_kind": json.loads(report.read_text())["by_kind"]}

    def unchanged(self) -> dict[str, Any]:
        file = next(self.home.glob("*aio*.answers"), None) or next(self.home.glob("stackwright*.answers"))

        def once(*words: str) -> dict[str, Any]:
            self.command("apply", "-a", str(file), "--no-verify", *words)
            return {}

        return {"kept": measured(once), "again": measured(lambda: once("--again"))}

    def stock(self) -> dict[str, Any]:
        node = self.node("stock")
        whole, plan = self.planned(node)
        host = whole.hosts[node.address]
        try:
            steps = self._stock_steps(whole, host, plan)
            seconds: dict[str, float] = {}
            failed: dict[str, Any] = {}

            def emit(event: Event) -> None:
                if event.kind in ("ok", "failed"):
                    seconds[event.step] = round(event.time, 1)
                if event.kind == "failed":
                    failed[event.step] = event.data

            def install() -> dict[str, Any]:
                begun = time.time()
                with self.hosts(node) as hosts, journal.open_journal(self.home / "stock") as kept:
                    done = executor.run(Plan(steps, hosts=plan.hosts, secrets=plan.secrets), hosts.connect, kept, emit)
                ends = {step: round(end - begun, 1) for step, end in seconds.items()}
                return {"ended_after": ends, "complete": done.ok, "failures": [str(f) for f in done.failures]}

            return measured(install)
        finally:
            lab.down(["stock"], lab=self.lab)

    def _stock_steps(self, whole: Any, host: Any, plan: Plan) -> tuple[Step, ...]:
        (ours,) = (a for s in plan.steps for a in s.actions if isinstance(a, PuppetApply))
        by_name = {s.id.partition(":")[2]: s for s in plan.steps}
        module = by_name["module"]
        types = ("stackwright_", "stackwright/")
        upload = Upload(
            tuple(
                f
                for a in module.actions
                if isinstance(a, Upload)
                for f in a.files
                if "/lib/puppet/provider/" not in f.path or f.path.split("/provider/")[1].startswith(types)
            )
        )
        tools = (*host.platform.puppet_packages, *host.platform.module_packages, "python3-openstackclient")
        policy = File("/usr/sbin/policy-rc.d", b"#!/bin/sh\nexit 101\n", 0o755)
        name = host.name
        steps = [
            Step("module", name, "module", (upload,)),
            replace(by_name["lists"], id="lists", needs=(), after=()),
            Step(
                "tools", name, "tools", (Run("tools", apt_install(tools), 1800), Upload((policy,))), ("lists", "module")
            ),
        ]
        passes: dict[str, Sequence[str]] = {
            "controller": [c for c in ours.components if c not in NETWORK | COMPUTE | LEFT_OUT],
            "network": [c for c in ours.components if c in NETWORK],
            "compute": [c for c in ours.components if c in COMPUTE],
        }
        for number, (title, components) in enumerate(passes.items()):
            context = whole.context(replace(host, components=tuple(components)))
            rendered = render.catalog(components, context)
            action = PuppetApply(title, rendered.manifest, rendered.hieradata, ours.modulepath, timeout=7200)
            steps.append(Step(title, name, title, (action,), (steps[-1].id if number else "tools",)))
        return tuple(steps)


def told(results: dict[str, dict[str, Any]]) -> str:
    """The results for people, with the ratios that matter."""
    lines = []
    for way, result in results.items():
        for part, figures in result.items() if way == "unchanged" else [("", result)]:
            shown = {k: v for k, v in figures.items() if k not in ("wall", "cpu", "by_kind")}
            lines.append(
                f"{way + ' ' + part:20} {figures['wall']:8.1f} s wall {figures['cpu']:8.1f} s CPU  "
                + ", ".join(f"{k} {v}" for k, v in shown.items())
            )
    for a, b in (("ours", "floor"), ("ours", "stock")):
        if a in results and b in results:
            lines.append(f"{a} / {b}: {results[a]['wall'] / results[b]['wall']:.2f}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("ways", nargs="*", metavar="WAY", help=f"{', '.join(WAYS)}; all but the last without any")
    parser.add_argument("--lab", type=int, default=248, metavar="NUMBER", help="the lab's number (default: 248)")
    parser.add_argument("--cold", action="store_true", help="download the packages anew")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    arguments = parser.parse_args()
    ways = arguments.ways or WAYS[:-1]
    if wrong := set(ways) - set(WAYS):
        parser.error(f"{', '.join(sorted(wrong))}: wanted: {', '.join(WAYS)}")
    results: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(prefix="stackwright-bench-") as home:
        bench = Bench(arguments.lab, Path(home), arguments.cold)
        try:
            for way in [w for w in WAYS if w in ways]:
                results[way] = getattr(bench, way)()
                print(told({way: results[way]}), flush=True)
        finally:
            lab.down(lab=bench.lab)
            if arguments.json:
                arguments.json.write_text(json.dumps(results, indent=1) + "\n")
    print(told(results).splitlines()[-1] if len(results) > 1 else "")


if __name__ == "__main__":
    main()
