"""Neutron's other agents, each chosen with one flag: a cloud in which an instance boots and answers, and a second run
that changes nothing. OVN, the default, is what tests/lab/test_allinone.py installs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import port_scan
import pytest
from shell import Shell

import clouds
from stackwright import lab
from stackwright.lab import Lab

pytestmark = [pytest.mark.lab, pytest.mark.long]

RESULTS = Path(__file__).resolve().parents[2] / "test-results" / "l2-agents"

REACHED = {"instance", "console", "dhcp", "metadata", "ping", "ssh", "outbound"}
"""The checks of `verify` that need the network."""

CLOUDS = [pytest.param(name, marks=pytest.mark.cloud(name)) for name in ("openvswitch", "linuxbridge")]


@pytest.fixture(params=CLOUDS)
def agent(request: pytest.FixtureRequest, nodes_lab: Lab, with_packages: str) -> Iterator[str]:
    name = str(request.param)
    lab.up([name], snapshot=with_packages, lab=nodes_lab)
    yield name
    lab.down([name], lab=nodes_lab)


def test_an_instance_answers(agent: str, nodes_lab: Lab, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "STACKWRIGHT_STATE": str(tmp_path / "state"),
        "STACKWRIGHT_LAB_NUMBER": str(nodes_lab.number),
    }

    def stackwright(*words: str) -> str:
        command = [sys.executable, "-m", "stackwright", *words]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        RESULTS.mkdir(parents=True, exist_ok=True)
        with (RESULTS / f"{agent}.txt").open("a") as log:
            log.write(done.stdout + done.stderr)
        assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
        return done.stdout

    stackwright("--allinone", "--lab", agent, *clouds.named(agent).settings, "--no-verify")
    file = str(tmp_path / f"stackwright-{agent}.answers")
    proof = json.loads(stackwright("verify", "-a", file, "--json"))["verification"]
    checks = {check["name"]: check["state"] for check in proof["checks"]}
    assert checks.keys() >= REACHED
    assert set(checks.values()) == {"ok"}
    again = [
        json.loads(line) for line in stackwright("apply", "-a", file, "--again", "--json", "--no-verify").splitlines()
    ]
    (finished,) = (event for event in again if event.get("kind") == "finished")
    assert finished["data"]["changed"] == 0, [e for e in again if e.get("data", {}).get("changed")]

    # An instance reaches nothing of the host but what is open to everyone.
    login = next(line.strip() for line in stackwright("launch", "-a", file).splitlines() if "ssh " in line)
    node = Shell(nodes_lab, {n.name: n for n in lab.list_nodes(nodes_lab)}[agent])
    targets = port_scan.listening(node)
    metadata = {(port_scan.METADATA, port) for _, port in targets}

    def inside(line: str) -> str:
        done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, env=environment, check=False)
        return done.stdout

    end = time.monotonic() + 180
    while "up" not in inside(port_scan.logged_in(login, "uptime")):
        assert time.monotonic() < end, "no login"
        time.sleep(3)
    found = port_scan.parsed(inside(port_scan.over_ssh(login, targets | metadata)))
    (opened,) = json.loads(stackwright("plan", "-a", file, "--json"))["ports"].values()
    port_scan.judge(found, {agent: (targets, port_scan.open_to_everyone(opened))})
    stackwright("launch", "-a", file, "--delete")
