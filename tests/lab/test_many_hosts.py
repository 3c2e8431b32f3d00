"""Controller, network host and compute host on three nodes; then a second compute host is added, and an instance is
migrated to it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import port_scan
import pytest
from shell import Shell

import clouds
from stackwright import lab
from stackwright.lab import Lab, Node

CLOUD = clouds.named("many")
pytestmark = [pytest.mark.lab, pytest.mark.cloud(CLOUD.name)]

RESULTS = Path(__file__).resolve().parents[2] / "test-results" / "many-hosts"


@dataclass
class Site:
    """Some nodes, the answer file of a cloud on them, and the command."""

    home: Path
    lab: Lab
    nodes: dict[str, Node]
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def file(self) -> Path:
        return self.home / "cloud.answers"

    def sh(self, name: str, script: str, *, check: bool = True) -> str:
        return Shell(self.lab, self.nodes[name])(script, check=check)

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "HOME": str(self.home), "STACKWRIGHT_STATE": str(self.home / "state")}
        command = [sys.executable, "-m", "stackwright", *words]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        with (RESULTS / "output.txt").open("a") as log:
            log.write(f"$ stackwright {' '.join(words)}\n{done.stdout}{done.stderr}")
        return done

    def apply(self, *words: str) -> list[dict[str, Any]]:
        node = next(iter(self.nodes.values()))
        access = ("--user", "root", "--ssh-key", str(node.key), "--known-hosts", str(node.known_hosts))
        done = self.command("apply", "-a", str(self.file), *access, "--json", "--no-verify", *words)
        assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
        found = [json.loads(line) for line in done.stdout.splitlines()]
        return [one for one in found if one["type"] == "event"]

    def verify(self) -> dict[str, Any]:
        done = self.command("verify", "-a", str(self.file), "--json")
        assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
        found: dict[str, Any] = json.loads(done.stdout)["verification"]
        return found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, nodes_lab: Lab, with_packages: str) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("many")
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "output.txt").unlink(missing_ok=True)
    names = CLOUD.nodes
    try:
        made = dict(zip(names, lab.up(list(names), snapshot=with_packages, lab=nodes_lab), strict=True))
        site = Site(home, nodes_lab, made)
        for number, name in enumerate(names, 10):
            network = str(made[name].external_network).rpartition(".")[0]
            site.sh(name, f"ip address add {network}.{number}/24 dev eth1; ip link set eth1 up")
        hosts = ",".join(made[n].address for n in ("control", "compute1"))
        third = str(made["control"].external_network).split(".")[2]
        answers = {
            **CLOUD.answers,
            "CONFIG_NETWORK_HOSTS": made["network"].address,
            "CONFIG_PROVISION_DEMO_FLOATRANGE": f"198.19.{(int(third) + 128) % 256}.0/24",
            "CONFIG_PROVISION_DEMO_PRIVATE_SUBNET": f"198.18.{(int(third) + 128) % 256}.0/24",
        }
        settings = [word for key, value in answers.items() for word in ("--set", f"{key}={value}")]
        done = site.command("--gen-answer-file", str(site.file), "--install-hosts", hosts, *settings)
        assert done.returncode == 0, done.stderr
        yield site
    finally:
        there = {n.name for n in lab.list_nodes(nodes_lab)} & set(names)
        if there:
            lab.down(sorted(there), lab=nodes_lab)


def test_a_cloud_on_three_hosts_is_installed(site: Site) -> None:
    site.apply()
    result = site.verify()
    states = {check["name"]: check["state"] for check in result["checks"]}
    assert states.keys() >= {"instance", "dhcp", "metadata", "ping", "ssh", "outbound"}
    assert set(states.values()) == {"ok"}
    assert "spread" not in states, "there is one compute host"
    # os-vif left the integration bridge as it was (modules/stackwright/files/os-vif).
    assert "datapath of type system" not in site.sh("compute1", "cat /var/log/openvswitch/ovs-vswitchd.log")
    # The instance ran on the compute host, and its floating address was reached on the network host.
    assert "qemu-system" not in site.sh("control", "ls /var/lib/nova/instances 2>/dev/null || true")
    chassis = site.sh("control", "ovn-sbctl --bare --columns=hostname list chassis").split()
    assert sorted(chassis) == sorted(site.sh(n, "hostname -f").strip() for n in ("network", "compute1"))
    # A bridge has the hardware address of the interface that it took over: other hosts know the address by it.
    for name in ("network", "compute1"):
        first, second = site.sh(name, "cat /sys/class/net/eth1/address /sys/class/net/br-tunnel/address").split()
        assert first == second, name
    # Each router's gateway is where the external network is (modules/stackwright/files/ovn-chassis.py).
    gateways = site.sh("control", "ovn-nbctl --bare --columns=chassis_name list gateway_chassis").split()
    assert set(gateways) == {site.sh("network", "ovs-vsctl get open . external_ids:system-id").strip().strip('"')}
    agents = next(check["detail"] for check in result["checks"] if check["name"] == "neutron-agents")
    assert "OVN Controller Gateway agent" in agents


def test_the_second_run_changes_nothing_on_any_host(site: Site) -> None:
    events = site.apply("--again")
    (finished,) = (event for event in events if event["kind"] == "finished")
    assert finished["data"]["changed"] == 0, [e for e in events if e["data"].get("changed")]


@pytest.mark.long
def test_an_instance_reaches_of_the_hosts_only_what_is_open_to_everyone(site: Site) -> None:
    """Its packets leave under the address of the network host, which the other hosts trust."""
    site.apply()
    done = site.command("launch", "-a", str(site.file))
    assert done.returncode == 0, done.stdout + done.stderr
    login = re.search(r"ssh .*-i (\S+) (\S+@\S+)", done.stdout)
    assert login, done.stdout
    key = "/root/instance.key"
    site.sh("network", f"umask 077; cat > {key} <<'KEY'\n{Path(login[1]).read_text()}\nKEY")
    into = f"ssh -i {key} {login[2]}"
    hosts = {name: port_scan.listening(partial(site.sh, name)) for name in CLOUD.hosts}
    targets = set[port_scan.Target]().union(*hosts.values())
    metadata = {(port_scan.METADATA, port) for _, port in targets}
    try:
        end = time.monotonic() + 180
        while "up" not in site.sh("network", port_scan.logged_in(into, "uptime"), check=False):
            assert time.monotonic() < end, "no login"
            time.sleep(3)
        found = port_scan.parsed(site.sh("network", port_scan.over_ssh(into, targets | metadata)))
    finally:
        site.command("launch", "-a", str(site.file), "--delete")
        site.sh("network", f"rm {key}")
    opened = json.loads(site.command("plan", "-a", str(site.file), "--json").stdout)["ports"]
    everyone = {name: port_scan.open_to_everyone(opened[site.nodes[name].address]) for name in hosts}
    # The guard of the network host passes on what is public, and SSH is not.
    meant = {name: ports if name == "network" else ports - {22} for name, ports in everyone.items()}
    port_scan.judge(found, {name: (addresses, meant[name]) for name, addresses in hosts.items()})


def test_a_compute_host_is_added(site: Site) -> None:
    """Only the new host gets components; on the others only firewalls and SSH keys change."""
    first, second = site.nodes["compute1"].address, site.nodes["compute2"].address
    reports = "stat -c '%n %Y' /var/lib/stackwright/runs/*puppet*/started"
    old = {name: site.sh(name, reports) for name in ("network", "compute1")}
    assert all(old.values())
    text = site.file.read_text()
    assert f"\nCONFIG_COMPUTE_HOSTS={first}\n" in text
    site.file.write_text(
        text.replace(f"\nCONFIG_COMPUTE_HOSTS={first}\n", f"\nCONFIG_COMPUTE_HOSTS={first},{second}\n")
    )
    done = [event for event in site.apply() if event["kind"] == "ok"]
    there = {site.nodes[name].address for name in old}
    assert {e["step"].partition(":")[2] for e in done if e["host"] in there} <= {"firewall", "migration"}
    assert {name: site.sh(name, reports) for name in old} == old
    # The scheduler looks for new hosts a few times a minute.
    result = site.verify()
    assert {check["state"] for check in result["checks"]} == {"ok"}
    names = [site.sh(n, "hostname -f").strip() for n in ("compute1", "compute2")]
    details = {check["name"]: check["detail"] for check in result["checks"]}
    for check in ("cell-mapping", "between"):  # mapped; an instance on each, which reach each other
        assert all(name in details[check] for name in names), details


def test_an_instance_is_migrated(site: Site) -> None:
    """From one compute host to the other and back; its floating address answers on each."""

    def demo(command: str) -> str:
        return site.sh("control", f". /root/keystonerc_demo; openstack {command}").strip()

    def admin(command: str) -> str:
        return site.sh("control", f". /root/keystonerc_admin; openstack {command}").strip()

    def where() -> tuple[str, str]:
        server = json.loads(admin(f"server show {moving} -f json"))
        return server["status"], server["OS-EXT-SRV-ATTR:host"]

    def answers() -> None:
        end = time.monotonic() + 180
        while "1 received" not in site.sh("network", f"ping -c1 -W1 {address}", check=False):
            assert time.monotonic() < end, (address, where())

    def moved(command: str, wanted: str) -> None:
        _, before = where()
        admin(command)
        end = time.monotonic() + 300
        while (now := where()) != (wanted, now[1]) or now[1] == before:
            assert now[0] != "ERROR", (command, now, before)
            assert time.monotonic() < end, (command, now, before)
            time.sleep(3)
        answers()

    address = demo("floating ip create public -f value -c floating_ip_address")
    try:
        create = "server create --image cirros --flavor m1.tiny --network private --wait moving"
        moving = demo(f"{create} -f value -c id").splitlines()[-1]
        demo(f"server add floating ip moving {address}")
        answers()
        moved(f"server migrate --live-migration --block-migration {moving}", "ACTIVE")
        moved(f"server migrate {moving}", "VERIFY_RESIZE")
        admin(f"server migration confirm {moving}")
    finally:
        demo("server delete --wait moving")
        demo(f"floating ip delete {address}")
