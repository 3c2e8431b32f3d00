"""Measure how long a verified cloud takes, compared with its packages alone, Packstack's way and Debian's own script.

    sudo .venv/bin/python benchmarks/allinone.py [WAY ...] [--nodes 1|3|both] [--cache warm|cold|both] [--results FILE]

Each way starts from bare nodes of this machine's lab, which are removed before the next one starts:

* `floor`: only the packages of the cloud, in one apt transaction on each node, without starting services or syncing the
  disk.
* `ours`: `stackwright --allinone` on the node, up to the verified cloud.
* `unchanged`, `again`: after `ours`, another `apply`, and `apply --again` without verification.
* `stock`: Packstack's way: the same settings with the stock providers, packages installed by Puppet, one pass each for
  controller, network, compute and the rest, one after the other. No verification.
* `debian`: `openstack-deploy all-in-one`, Debian's own script, on one node. It installs its own choice of services,
  more than the others, and may fail.

One node gets Keystone, Glance, Placement, Nova, Neutron with OVN, Cinder and Horizon; three nodes are controller,
network and compute host, without Cinder and Horizon. `warm`: the packages are on the nodes before the clock starts.
`cold`: none is.

The results file keeps all measurements of this machine, so that you can run parts; each run ends with the table of all
measurements, and `--table` only prints it. Without a WAY, everything but `debian` is measured, which takes more than an
hour. The output of each way and our reports are beside the results. CPU is that of the whole machine, so it must do
nothing else; the bytes to the nodes are those through the lab's bridge, including the installer's own.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import stock
from figures import CACHES, WAYS, Machine, Row, merged, read, table, write

from stackwright import answers, executor, lab, planner
from stackwright.lab import Lab, Node
from stackwright.model import Event, Plan, StackwrightError
from stackwright.operations import inspection
from stackwright.operations.answers import read_answers
from stackwright.operations.options import AnswerOptions
from stackwright.ssh.pool import Hosts
from stackwright.state import directory, journal

USUAL = ("floor", "ours", "stock")
RESULTS = Path(__file__).resolve().parents[1] / "test-results" / "bench" / "allinone.json"
NAMES = ("control", "network", "compute")
PATIENCE = 3600
"""Seconds after which Debian's script is stopped."""

FLOOR = """\
set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
apt-get -q update
all() { eatmydata apt-get -q -y --no-install-recommends -o Dpkg::Options::=--force-confold install @PACKAGES@; }
# The dashboard's postinst sometimes fails.
all || all
"""

FETCH = """\
set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
apt-get -q update
apt-get -q -y --no-install-recommends --download-only install @PACKAGES@
"""

# The answers that the script needs without a terminal. It needs net-tools to find its address; and if one of these two
# variables is set, it finds no default for the other.
DEBIAN = """\
set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 HOME=/root
apt-get -q update
apt-get -q -y install openstack-deploy net-tools
cd /root
printf '%s\\n' RC_KEYSTONE_ENDPOINT_IP=@ADDRESS@ RC_KEYSTONE_REGION=regionOne > osinstallrc
timeout @PATIENCE@ openstack-deploy --non-interactive all-in-one < /dev/null
"""


# -------------------------------------------------------------------------------------------------- measurements


def _busy() -> float:
    """CPU seconds (user and system) of the whole machine so far (proc(5), /proc/stat)."""
    user, nice, system, _, _, irq, softirq = map(int, Path("/proc/stat").read_text().split()[1:8])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def _sent(bridge: str) -> int:
    """Bytes from the machine to the nodes of a bridge so far, without those between the nodes."""
    return int(Path(f"/sys/class/net/{bridge}/statistics/tx_bytes").read_text())


def _peak(pid: int) -> int:
    """The peak memory of a process so far in bytes; 0 after it ended (proc(5), VmHWM)."""
    try:
        found = re.search(r"^VmHWM:\s*(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    except OSError:
        return 0
    return int(found[1]) * 1024 if found else 0


def this_machine() -> Machine:
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return Machine(socket.gethostname(), os.cpu_count() or 1, round(memory / 2**30))


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def bench_lab(number: int) -> Lab:
    return Lab(lab.lab_from(os.environ).directory, number)


def settings_for(nodes: Sequence[Node]) -> dict[str, str]:
    """The answers that differ from the defaults."""
    third = (int(nodes[0].external_network.split(".")[2]) + 128) % 256
    ranges = {
        "CONFIG_PROVISION_DEMO_FLOATRANGE": f"198.19.{third}.0/24",
        "CONFIG_PROVISION_DEMO_PRIVATE_SUBNET": f"198.18.{third}.0/24",
        "CONFIG_SWIFT_INSTALL": "n",
    }
    if len(nodes) == 1:
        return ranges
    # Tunnels in user space need their own interface (planner/tunnels.py).
    return ranges | {
        "CONFIG_NETWORK_HOSTS": nodes[1].address,
        "CONFIG_NEUTRON_OVN_TUNNEL_IF": "eth1",
        "CONFIG_CINDER_INSTALL": "n",
        "CONFIG_HORIZON_INSTALL": "n",
    }


def answers_for(nodes: Sequence[Node], found: Mapping[str, str]) -> str:
    """The text of the answer file; `found` are the answers that follow from the nodes' facts."""
    # The second of three nodes is the network host only.
    installed = [node.address for node in (nodes[0], *nodes[2:])]
    return answers.generate(install_hosts=installed, presets={**found, **settings_for(nodes)})


class Bench:
    """Identical bare nodes, and the ways to install a cloud on them."""

    def __init__(self, number: int, count: int, cache: str, folder: Path) -> None:
        self.lab = bench_lab(number)
        self.count, self.cache = count, cache
        self.folder = folder
        """Where output goes."""

    @contextmanager
    def nodes(self, *, cold: bool) -> Iterator[list[Node]]:
        """Bare nodes, and a home directory for the command; both are removed afterwards."""
        names = [f"bench-{name}" for name in NAMES[: self.count]]
        with tempfile.TemporaryDirectory(prefix="stackwright-bench-") as home:
            self.home = Path(home)
            self.environment = {
                **os.environ,
                "HOME": home,
                "STACKWRIGHT_STATE": f"{home}/state",
                "STACKWRIGHT_LAB_NUMBER": str(self.lab.number),
            }
            try:
                self.away(names)  # left by a killed run
                made = lab.up(names, lab=self.lab)
                for number, node in enumerate(made, 10):
                    network = node.external_network.rpartition(".")[0]
                    if cold:
                        self.sh(node, "apt-get clean")
                    if self.count > 1:
                        self.sh(node, f"ip address add {network}.{number}/24 dev eth1; ip link set eth1 up")
                yield made
            finally:
                for kept in (*self.home.glob("state/*/report.*"), *self.home.glob("state/*/logs/*.log")):
                    shutil.copy(kept, self.folder)
                self.away(names)

    def away(self, names: Sequence[str]) -> None:
        if there := [node.name for node in lab.list_nodes(self.lab) if node.name in names]:
            lab.down(there, lab=self.lab)

    def sh(self, node: Node, script: str, log: str = "", *, check: bool = True) -> int:
        """Runs a script on a node and returns its exit status. `log` names the output file."""
        path = self.folder / f"{log or 'preparation'}.txt"
        with path.open("a") as said:
            command = [*lab.ssh_command(node.name, self.lab), script]
            code = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, check=False).returncode
        if code and check:
            raise StackwrightError(f"{node.name}: exit status {code}\n{path.read_text()[-3000:]}", f"see {path}")
        return code

    def command(self, log: str, *words: str) -> tuple[float, int]:
        """Runs `stackwright ...`: returns its CPU seconds and peak memory in bytes. Raises if it fails."""
        path = self.folder / f"{log}.txt"
        peak, before = 0, resource.getrusage(resource.RUSAGE_CHILDREN)
        with path.open("a") as said:
            said.write(f"$ stackwright {shlex.join(words)}\n")
            said.flush()
            command = [sys.executable, "-m", "stackwright", *words]
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, cwd=self.home, env=self.environment
            )
            # Sampled while it runs: wait4 reports at least the memory that the parent had at the fork.
            while process.poll() is None:
                peak = max(peak, _peak(process.pid))
                time.sleep(0.05)
        if process.returncode:
            text = f"stackwright {shlex.join(words)}: exit status {process.returncode}\n{path.read_text()[-3000:]}"
            raise StackwrightError(text, f"see {path}")
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime, peak

    def measured(self, way: str, what: Callable[[], dict[str, Any]]) -> Row:
        """Measures a call, and adds the fields that it returns."""
        wall, cpu, sent = time.monotonic(), _busy(), _sent(self.lab.bridge)
        told = what()
        seconds, busy = time.monotonic() - wall, _busy() - cpu
        return Row(
            way, self.count, self.cache, round(seconds, 1), round(busy, 1), downloaded=_sent(self.lab.bridge) - sent,
            boot=_boot(), **told,
        )  # fmt: skip

    # ----------------------------------------------------------------------------------------------------- the ways

    def fill(self) -> Iterator[Row]:
        """Downloads missing packages into the lab's store, so that the first way is `warm`, too."""
        with self.nodes(cold=False) as nodes:
            whole, _, _ = self.planned(nodes)
            wanted = sorted({p for host in whole.hosts.values() for p in planner.packages(whole, host)})
            self.sh(nodes[0], FETCH.replace("@PACKAGES@", " ".join(map(shlex.quote, wanted))), "fill")
            # Further packages of Puppet and of Debian's script, with recommended ones. This may fail.
            names = "python3-openstackclient nova-compute-qemu openstack-deploy net-tools ntp openstack-cloud-services"
            script = FETCH.replace("--no-install-recommends ", "").replace("@PACKAGES@", f"{names} openstack-toaster")
            self.sh(nodes[0], script, "fill", check=False)
        yield from ()

    def floor(self) -> Iterator[Row]:
        with self.nodes(cold=self.cache == "cold") as nodes:
            whole, _, _ = self.planned(nodes)

            def install(node: Node) -> int:
                wanted = planner.packages(whole, whole.hosts[node.address])
                self.sh(node, FLOOR.replace("@PACKAGES@", " ".join(map(shlex.quote, wanted))), f"floor-{node.name}")
                return len(wanted)

            def in_parallel() -> dict[str, Any]:
                with ThreadPoolExecutor(max_workers=len(nodes)) as pool:
                    return {"detail": {"packages asked for": list(pool.map(install, nodes))}}

            yield self.measured("floor", in_parallel)

    def ours(self) -> Iterator[Row]:
        with self.nodes(cold=self.cache == "cold") as nodes:
            settings = [word for key, value in settings_for(nodes).items() for word in ("--set", f"{key}={value}")]
            file = self.home / "bench.answers"
            first = nodes[0]
            if len(nodes) == 1:
                words: tuple[str, ...] = ("--allinone", "--lab", first.name, "--answer-file", str(file), *settings)
            else:
                self.answer_file(nodes, file)
                access = ("--user", "root", "--ssh-key", str(first.key), "--known-hosts", str(first.known_hosts))
                words = ("apply", "-a", str(file), *access)

            def once(log: str, *words: str) -> dict[str, Any]:
                cpu, peak = self.command(log, *words)
                report = json.loads((self.home / "state" / first.address / "report.json").read_text())
                told = {key: report[key] for key in ("changed", "by_kind", "critical_path", "slowest")}
                return {"control_cpu": round(cpu, 1), "control_peak": peak, "detail": told}

            yield self.measured("ours", lambda: once("ours", *words))
            proof = json.loads((self.home / "state" / first.address / "verify.json").read_text())
            if not proof["ok"]:
                raise StackwrightError("the verification of the cloud failed", f"see {self.folder}/ours.txt")
            apply = ("apply", "-a", str(file))
            yield self.measured("unchanged", lambda: once("unchanged", *apply))
            yield self.measured("again", lambda: once("again", *apply, "--again", "--no-verify"))

    def stock(self) -> Iterator[Row]:
        with self.nodes(cold=self.cache == "cold") as nodes, (self.folder / "stock.txt").open("a") as said:
            whole, ours, hosts = self.planned(nodes)
            ended: dict[str, float] = {}
            failures: list[str] = []
            # The steps of a host run one after the other, so these times add up.
            kinds: Counter[str] = Counter()
            items: list[list[Any]] = []

            def emit(event: Event) -> None:
                if event.kind in ("started", "ok", "failed", "skipped"):
                    said.write(f"{time.strftime('%H:%M:%S')} {event.step} {event.kind}\n")
                    said.flush()
                spent = event.data.get("profile", {})
                kinds.update(spent.get("kinds", {}))
                items.extend(spent.get("items", ()))

            def install() -> dict[str, Any]:
                begun = time.monotonic()
                with hosts, journal.open_journal(self.home / "stock") as kept:
                    for title, plan in stock.plans(whole, ours).items():
                        done = executor.run(
                            plan, hosts.connect, kept, emit, per_host=2, log=lambda step, line: _tell(said, step, line)
                        )
                        ended[title] = round(time.monotonic() - begun, 1)
                        failures.extend(f"{f.step}: {f.cause}" for f in done.failures)
                        if failures and title == "tools":
                            raise StackwrightError(f"Packstack's way did not start: {failures}", f"see {said.name}")
                told = {"ended after": ended, "failures": failures}
                told["by_kind"] = {kind: round(seconds, 1) for kind, seconds in kinds.most_common()}
                told["slowest"] = sorted(items, key=lambda item: -item[3])[:20]
                return {"complete": not failures, "detail": told}

            yield self.measured("stock", install)

    def debian(self) -> Iterator[Row]:
        with self.nodes(cold=self.cache == "cold") as nodes:
            script = DEBIAN.replace("@ADDRESS@", nodes[0].address).replace("@PATIENCE@", str(PATIENCE))

            def install() -> dict[str, Any]:
                code = self.sh(nodes[0], script, "debian", check=False)
                last = (self.folder / "debian.txt").read_text(errors="replace").splitlines()[-5:]
                return {"complete": code == 0, "detail": {"exit status": code, "last lines": last}}

            yield self.measured("debian", install)

    def planned(self, nodes: Sequence[Node]) -> tuple[Any, Plan, Hosts]:
        """The cloud, its plan, and connections to its hosts, as for `ours`."""
        file = self.home / "planned.answers"
        self.answer_file(nodes, file)
        read = read_answers(AnswerOptions((file,), state=self.home / "state"))
        hosts = self.hosts(nodes)
        with hosts:
            seen = inspection.look(hosts, [n.address for n in nodes], read.answers)
        return planner.cloud(read.answers, seen), planner.plan(planner.cloud(read.answers, seen)), hosts

    def answer_file(self, nodes: Sequence[Node], file: Path) -> None:
        """Writes the answer file that `--allinone --lab` would write for the first node."""
        with self.hosts(nodes) as hosts:
            _, found = inspection.presets(hosts, nodes[0].address)
        answers.save(file, answers_for(nodes, found))

    def hosts(self, nodes: Sequence[Node]) -> Hosts:
        access = directory.Access(user="root", keys=(str(nodes[0].key),), known_hosts=(str(nodes[0].known_hosts),))
        return Hosts(access, directory.state_dir(nodes[0].address, self.home / "state"))


def _tell(said: Any, step: str, line: str) -> None:
    said.write(f"{step}| {line}\n")


# ------------------------------------------------------------------------------------------------------- the program


def arguments_of(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ways = [w for w in WAYS if w not in ("unchanged", "again")]
    parser.add_argument("ways", nargs="*", metavar="WAY", help=f"{', '.join(ways)} (default: {', '.join(USUAL)})")
    parser.add_argument("--nodes", choices=("1", "3", "both"), default="1", help="number of nodes (default: 1)")
    parser.add_argument("--cache", choices=(*CACHES, "both"), default="warm", help="package cache (default: warm)")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FILE", help=f"default: {RESULTS}")
    parser.add_argument("--lab", type=int, default=248, metavar="NUMBER", help="the lab's number (default: 248)")
    parser.add_argument("--table", action="store_true", help="only print the table of earlier results")
    given = parser.parse_args(words)
    given.ways = [w for w in ways if w in (given.ways or USUAL)] if set(given.ways) <= set(ways) else None
    if given.ways is None:
        parser.error(f"a WAY is one of {', '.join(ways)}; `unchanged` and `again` come with `ours`")
    given.counts = (1, 3) if given.nodes == "both" else (int(given.nodes),)
    given.caches = CACHES if given.cache == "both" else (given.cache,)
    return given


def main() -> int:
    given = arguments_of()
    machine = this_machine()
    rows = read(given.results, machine)
    failed = False
    for count in () if given.table else given.counts:
        for cache in given.caches:
            folder = given.results.parent / f"{count}-{cache}"
            folder.mkdir(parents=True, exist_ok=True)
            bench = Bench(given.lab, count, cache, folder)
            ways = [w for w in given.ways if w != "debian" or count == 1]
            for way in (*(["fill"] if cache == "warm" else []), *ways):
                print(f"{time.strftime('%H:%M:%S')} {way}, {count} node(s), {cache}", flush=True)
                try:
                    for row in getattr(bench, way)():
                        rows = merged(rows, [row])
                        write(given.results, machine, rows)
                except StackwrightError as error:
                    print(f"{way}: {error.message}\nhint: {error.hint}", file=sys.stderr)
                    failed = True
    print(table(rows, machine) if rows else f"{given.results}: no measurements of this machine")
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
