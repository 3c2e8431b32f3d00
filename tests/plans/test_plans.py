"""Plans are compared byte by byte with the expected ones (`make golden` rewrites them), with several hash seeds."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from difflib import unified_diff
from pathlib import Path

import pytest
import yaml

import golden
from golden import CASES, Case
from stackwright import planner
from stackwright.model import Run

SEEDS = ("0", "1", "4711")
SEEDED = ("allinone", "roles-apart", "openvswitch-three-hosts", "two-network-hosts")


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


def test_the_plan_is_as_expected(case: Case, update_golden: bool) -> None:
    texts = golden.texts(case)
    if update_golden:
        case.expected.mkdir(exist_ok=True)
        for path in case.expected.iterdir():
            if path.name not in texts:
                path.unlink()
        for name, text in texts.items():
            (case.expected / name).write_text(text, encoding="utf-8")
    assert sorted(p.name for p in case.expected.glob("*")) == sorted(texts)
    for name, text in texts.items():
        expected = (case.expected / name).read_text(encoding="utf-8")
        difference = unified_diff(expected.splitlines(True), text.splitlines(True), f"expected/{name}", name, n=1)
        assert text == expected, f"{case.name} ({name}); `make golden` rewrites it\n" + "".join(list(difference)[:80])


def test_every_step_follows_the_steps_that_it_needs(case: Case) -> None:
    done: set[str] = set()
    for step in case.plan().steps:
        assert {*step.needs, *step.after} <= done, f"{step.id} needs {set(step.needs) - done}, which comes later"
        assert step.id not in done
        done.add(step.id)


def test_every_host_is_prepared_before_puppet_runs_on_it(case: Case) -> None:
    plan = case.plan()
    by_id = {s.id: s for s in plan.steps}

    def needed(step_id: str) -> set[str]:
        return {step_id}.union(*(needed(n) for n in by_id[step_id].needs))

    for host in plan.hosts:
        runs = [s.id for s in plan.steps if s.host == host and ":puppet-" in s.id]
        assert runs, f"{host} gets no Puppet run"
        for run in runs:
            assert {f"{host}:module", f"{host}:packages"} <= needed(run)


def test_no_password_is_empty(case: Case) -> None:
    """A service with an empty password would be open to everybody, or to nobody."""
    for host, run in golden.last_runs(case.plan()).items():
        data = yaml.safe_load(run.hieradata)
        empty = [k for k, v in data.items() if ("password" in k or "secret" in k) and v in ("", None)]
        empty += [k for k, v in data.items() if isinstance(v, str) and re.search(r"://[^/@]*:@", v)]
        assert empty == [], host


def test_messaging_database_and_storage_can_have_hosts_of_their_own() -> None:
    """With Packstack, all services point at the host, but it gets no manifest."""
    runs = golden.last_runs(CASES["roles-apart"].plan())
    assert {"mariadb", "rabbitmq"} <= set(runs["data.lab.stackwright.test"].components)
    assert "cinder-volume" in runs["store.lab.stackwright.test"].components
    assert "nova-compute" in runs["gpu-compute1.lab.stackwright.test"].components


def test_hosts_with_nightly_jobs_have_cron() -> None:
    case = CASES["roles-everywhere"]
    packages = case.packages()
    with_jobs = {
        host
        for host, parts in planner.place(case.answers()).items()
        if {"keystone", "nova-api", "cinder-api"} & {part.name for part in parts}
    }
    assert len(with_jobs) == 3
    for host in with_jobs:
        assert {"cron", "cronie"} & set(packages[host]), host


def test_each_of_several_network_hosts_gets_its_bridges() -> None:
    """With Packstack, Python's hash seed decides which of them gets one."""
    plan = CASES["two-network-hosts"].plan()
    scripts = {}
    for host in ("network", "network2", "compute"):
        change = plan.step(f"{host}.lab.stackwright.test:bridges").actions[0]
        assert isinstance(change, Run)
        scripts[host] = re.findall("^bridge (.*)$", change.script, re.M)
    assert scripts["network"] == scripts["network2"] == ["br-ex system eth1", "br-data system eth2"]
    assert scripts["compute"] == ["br-data system eth2"]


SCRIPT = """\
import json, sys, golden
cases = [golden.CASES[name] for name in sys.argv[1:]]
print(json.dumps({case.name: [golden.texts(case), case.plan().digests()] for case in cases}))
"""


def test_a_plan_does_not_depend_on_the_hash_seed() -> None:
    root = Path(golden.__file__).parent
    path = f"{root}:{root.parent / 'installer'}"
    running = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT, *SEEDED],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": path},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in SEEDS
    ]
    first, *others = [json.loads(process.communicate()[0]) for process in running]
    assert sorted(first) == sorted(SEEDED)
    for other in others:
        assert other == first


def test_neutron_gets_the_smallest_mtu_of_the_tunnel_interfaces() -> None:
    """The smallest MTU of the hosts with tunnels; 1500 and more are not configured."""
    case = CASES["three-hosts"]

    def told(**mtus: int) -> list[str]:
        seen = {
            name: replace(f, interfaces=tuple(replace(i, mtu=mtus[f.hostname]) for i in f.interfaces))
            for name, f in case.facts().items()
        }
        runs = golden.last_runs(planner.plan(planner.cloud(case.answers(), seen))).values()
        return [line for run in runs for line in run.hieradata.splitlines() if "path_mtu" in line]

    assert told(control=1500, network=9000, compute=1500) == []
    # The controller has no tunnels.
    assert told(control=1200, network=1400, compute=1450) == ["neutron::plugins::ml2::path_mtu: 1400"]
