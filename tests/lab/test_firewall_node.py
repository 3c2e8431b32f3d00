"""The firewall on a real node: listed ports are open for their hosts, others are refused, and rules of other programs
are not changed. With nftables as on Debian, and with firewalld as on CentOS."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from shell import Shell

from stackwright import executor, lab
from stackwright.executor import Outcome
from stackwright.model import Plan, Step
from stackwright.planner.firewall_policy import Opening
from stackwright.planner.steps import firewall_rules
from stackwright.ssh import Connection, Host, Trust, connect
from stackwright.state.journal import open_journal

pytestmark = pytest.mark.lab

API, RABBIT, CLOSED = 5000, 5672, 9999
KINDS = ("nftables", "firewalld")
NODE6, STRANGER6, FRIEND6 = "fd00:18::10", "fd00:18::1", "fd00:18::201"


@dataclass(frozen=True)
class Site:
    sh: Shell
    kind: str
    state: Path

    @property
    def friend(self) -> str:
        """An address of this machine that is admitted to ports that refuse the lab's own address."""
        return f"198.18.{self.sh.lab.number}.201"

    @property
    def external(self) -> str:
        return f"198.19.{(self.sh.lab.number + 100) % 256}.0/24"

    def connect(self, _: str = "") -> Connection:
        node = self.sh.node
        return connect(Host("node", address=node.address, keys=(node.key,)), Trust(files=(node.known_hosts,)))

    def openings(self) -> tuple[Opening, ...]:
        return (
            Opening("tcp", 22, 22, "SSH"),
            Opening("tcp", API, API, "identity API"),
            Opening("tcp", RABBIT, RABBIT, "AMQP", ("friend",), (self.friend, FRIEND6)),
        )

    def apply(self, openings: Sequence[Opening] | None, *, again: bool = False) -> Outcome:
        actions = firewall_rules.removal()
        if openings is not None:
            actions = firewall_rules.actions(self.kind, tuple(openings), (self.external,))
        with open_journal(self.state) as journal:
            step = Step("node:firewall", "node", "firewall", actions)
            return executor.run(Plan((step,)), self.connect, journal, lambda _: None, again=again)

    def applied(self, openings: Sequence[Opening] | None, *, again: bool = False) -> int:
        """How many things this changed."""
        done = self.apply(openings, again=again)
        assert done.ok, done.failures
        return done.changed

    def reaches(self, port: int, source: str = "", to: str = "") -> bool:
        """Whether a connection from this machine, or from one of its addresses, is accepted."""
        try:
            with socket.create_connection((to or self.sh.node.address, port), 10, (source, 0) if source else None):
                return True
        except OSError:
            return False

    def seen(self) -> dict[str, bool]:
        return {
            "ssh": self.reaches(22),
            "api": self.reaches(API),
            "api over IPv6": self.reaches(API, to=NODE6),
            "rabbit, stranger": self.reaches(RABBIT),
            "rabbit, friend": self.reaches(RABBIT, self.friend),
            "rabbit, stranger over IPv6": self.reaches(RABBIT, STRANGER6, to=NODE6),
            "rabbit, friend over IPv6": self.reaches(RABBIT, FRIEND6, to=NODE6),
            "closed": self.reaches(CLOSED),
            "closed, friend": self.reaches(CLOSED, self.friend),
        }

    def prepare(self) -> None:
        """Something listens at each port, and other programs have rules, as Neutron and libvirt do."""
        self.sh(PREPARE)


RIGHT = {
    "ssh": True,
    "api": True,
    "api over IPv6": True,
    "rabbit, stranger": False,
    "rabbit, friend": True,
    "rabbit, stranger over IPv6": False,
    "rabbit, friend over IPv6": True,
    "closed": False,
    "closed, friend": False,
}

PREPARE = f"""
set -e
link=$(ip -o -4 addr | awk '$4 ~ /^198.18/ {{print $2; exit}}')
ip addr replace {NODE6}/64 dev $link nodad
for port in {API} {RABBIT} {CLOSED}; do
  systemctl -q is-active open$port.socket || systemd-run -q --unit=open$port --socket-property=ListenStream=$port \\
    sleep infinity
done
nft list table ip foreign >/dev/null 2>&1 || nft -f - <<'END'
table ip foreign {{
  chain input {{ type filter hook input priority 0; policy accept; counter comment "neutron-filter-top"; }}
  chain forward {{ type filter hook forward priority 0; policy accept; counter; }}
}}
END
"""

FOREIGN = "nft list table ip foreign | grep -c neutron-filter-top"


@pytest.fixture(scope="module", params=KINDS)
def site(
    request: pytest.FixtureRequest, nodes_lab: lab.Lab, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    kind = request.param
    (node,) = lab.up([f"fw-{kind}"], lab=nodes_lab)
    sh = Shell(nodes_lab, node)
    made = Site(sh, kind, tmp_path_factory.mktemp(kind))
    packages = "nftables firewalld" if kind == "firewalld" else "nftables"
    install = "DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends"
    sh(f"apt-get -qq update && {install} {packages}; systemctl disable -q --now firewalld 2>/dev/null || true")
    if kind == "nftables":
        sh("systemctl enable -q --now nftables")
    with contextlib.ExitStack() as undo:
        for address in (f"{made.friend}/32", f"{STRANGER6}/64", f"{FRIEND6}/128"):
            own = ["dev", sh.lab.bridge, *(["nodad"] if ":" in address else [])]
            subprocess.run(["ip", "addr", "add", address, *own], check=True)
            undo.callback(subprocess.run, ["ip", "addr", "del", address, "dev", sh.lab.bridge], check=False)
        made.prepare()
        yield made
    lab.down([node.name], lab=nodes_lab)


def test_only_listed_ports_are_open(site: Site) -> None:
    assert set(site.seen().values()) == {True}, "without listeners nothing would be proved"
    with site.connect() as before:
        assert site.applied(site.openings())
        assert before.run("echo still here").out == "still here\n"
    assert site.seen() == RIGHT
    for own in ("127.0.0.1", "::1", site.sh.node.address, NODE6):
        assert site.sh(f"timeout 10 bash -c '</dev/tcp/{own}/{CLOSED}' && echo own") == "own\n"


def test_the_second_time_nothing_changes(site: Site) -> None:
    assert site.applied(site.openings(), again=True) == 0


def test_the_rules_of_others_are_left_alone(site: Site) -> None:
    assert site.sh(FOREIGN) == "1\n"


def test_a_removed_host_is_refused_but_keeps_its_connections(site: Site) -> None:
    with site.connect() as before:
        assert site.applied(site.openings()[:2])
        assert before.run("true").ok
    assert site.seen() == {**RIGHT, "rabbit, friend": False, "rabbit, friend over IPv6": False}
    assert site.sh(FOREIGN) == "1\n"
    assert site.applied(site.openings())
    assert site.seen() == RIGHT


def test_instances_traffic_passes(site: Site) -> None:
    """A namespace in an instance's place, behind the node's external bridge, reaches the world and is reached."""
    network, machine = site.external, site.sh.lab.gateway
    gateway, inside = network.replace(".0/24", ".1"), network.replace(".0/24", ".5")
    site.sh(f"""set -e
        ip link add br-ex type bridge; ip addr add {gateway}/24 dev br-ex; ip link set br-ex up
        sysctl -q -w net.ipv4.ip_forward=1
        ip netns add vm; ip link add tap0 type veth peer name eth0 netns vm
        ip link set tap0 master br-ex up; ip -n vm addr add {inside}/24 dev eth0
        ip -n vm link set eth0 up; ip -n vm route add default via {gateway}
        nft add table ip masq; nft 'add chain ip masq post {{ type nat hook postrouting priority srcnat; }}'
        nft 'add rule ip masq post ip saddr {network} ip daddr != {network} masquerade'
    """)
    subprocess.run(["ip", "route", "add", network, "via", site.sh.node.address], check=True)
    try:
        with socket.create_server((machine, 0)) as server:
            assert site.sh(_from_vm(machine, server.getsockname()[1])) == "yes\n"
        assert site.sh(_from_vm(gateway, API)) == "yes\n"
        assert "yes" not in site.sh(_from_vm(gateway, CLOSED), check=False).split()
        # The namespace itself says that nobody listens; the node's firewall would say that it is not allowed to.
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((inside, 7), 10)
    finally:
        subprocess.run(["ip", "route", "del", network], check=False)
        site.sh("ip netns del vm; ip link del br-ex; nft delete table ip masq", check=False)


def _from_vm(address: str, port: int) -> str:
    return f"ip netns exec vm timeout 10 bash -c '</dev/tcp/{address}/{port}' && echo yes"


def test_rules_that_cannot_be_loaded_change_nothing(site: Site) -> None:
    done = site.apply((*site.openings()[:1], Opening("tcp", 99999, 99999, "no such port")))
    assert done.failed == 1
    assert site.seen() == RIGHT
    site.applied(site.openings(), again=True)


def test_the_rules_come_back_with_the_node(site: Site) -> None:
    if site.kind == "nftables":
        for word in ("restart", "reload"):
            site.sh(f"systemctl {word} nftables")
            assert "identity API" in site.sh("nft list table inet stackwright"), "Debian's `flush ruleset` took it"
    site.sh("systemd-run -q --on-active=1 systemctl reboot")
    _wait(lambda: not site.reaches(22))
    _wait(lambda: site.reaches(22))
    site.prepare()
    assert site.seen() == RIGHT
    assert site.applied(site.openings(), again=True) == 0


def test_without_a_firewall_only_our_rules_are_removed(site: Site) -> None:
    assert site.applied(None)
    assert site.sh(FOREIGN) == "1\n"
    if site.kind == "nftables":
        assert set(site.seen().values()) == {True}
        assert "stackwright" not in site.sh("nft list tables")
    else:
        assert site.reaches(22), "the person's own zones hold"
        assert not site.reaches(API)
    assert site.applied(None, again=True) == 0


def _wait(until: Callable[[], bool]) -> None:
    for _ in range(600):
        if until():
            return
        time.sleep(0.2)
    raise AssertionError("it did not come about")
