"""The firewall's rules of every golden case, and of hosts with IPv6 addresses, as the real nft reads them."""

from __future__ import annotations

import ipaddress
import json
import subprocess
import sys
import textwrap
from dataclasses import replace

import pytest
from puppet_tools import need

from golden import CASES
from stackwright import planner
from stackwright.model import Plan, Upload
from stackwright.planner import firewall_policy
from stackwright.planner.firewall_policy import Opening
from stackwright.planner.steps import firewall_rules

pytestmark = pytest.mark.slow


def rules(plan: Plan) -> dict[str, str]:
    """By host: the file for nft."""
    files = [(s.host, f) for s in plan.steps for a in s.actions if isinstance(a, Upload) for f in a.files]
    return {host: file.content.decode() for host, file in files if file.path.endswith("/firewall.nft")}


def refused(text: str) -> str:
    """What nft says of a file that it would not load; empty for nothing."""
    command = ["unshare", "-rn", "nft", "--check", "-f", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    return done.stderr if done.returncode else ""


def test_nft_takes_the_rules_of_every_case() -> None:
    need("nft", "unshare")
    found = {text for case in CASES.values() for text in rules(case.plan()).values()}
    assert found
    assert {text: wrong for text in found if (wrong := refused(text))} == {}
    one = next(text for text in sorted(found) if "ip saddr" in text)
    assert refused(one.replace("ip saddr", "ip6 saddr", 1)), "it can fail"


def test_nft_takes_the_rules_of_hosts_with_ipv6_addresses() -> None:
    need("nft", "unshare")
    case = CASES["three-hosts"]
    facts = {
        name: replace(one, address=f"2001:db8::{number}")
        for number, (name, one) in enumerate(case.facts().items(), start=10)
    }
    found = rules(planner.plan(planner.cloud(case.answers(), facts)))
    assert any("ip6 saddr" in text and "2001:db8::10" in text for text in found.values())
    assert [wrong for text in found.values() if (wrong := refused(text))] == []


SEND = """
import json, pathlib, socket, subprocess, sys, time
wanted = json.load(sys.stdin)

def run(*words, text=None):
    subprocess.run(words, input=text, text=True, check=True, capture_output=True)

def inside(name, *words, text=None):
    run("ip", "netns", "exec", name, *words, text=text)

run("mount", "-t", "tmpfs", "none", "/run")
for name in ("gateway", "other", "instance"):
    run("ip", "netns", "add", name)
    inside(name, "ip", "link", "set", "lo", "up")
run("ip", "link", "add", "eth0", "netns", "gateway", "type", "veth", "peer", "eth0", "netns", "other")
run("ip", "link", "add", wanted["bridge"], "netns", "gateway", "type", "veth", "peer", "eth0", "netns", "instance")
links = {"gateway": ("eth0", wanted["bridge"]), "other": ("eth0",), "instance": ("eth0",)}
for name, devices in links.items():
    for device in devices:
        for address in wanted["addresses"][name + " " + device]:
            inside(name, "ip", "address", "add", address, "dev", device, *(["nodad"] if ":" in address else []))
        inside(name, "ip", "link", "set", device, "up")
for via in wanted["via"]:
    inside("instance", "ip", "-6" if ":" in via else "-4", "route", "add", "default", "via", via)
inside("gateway", "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
inside("gateway", "nft", "-f", "-", text="table inet nat { chain out { type nat hook postrouting priority 100; "
       "oifname eth0 masquerade; }; }")
for name in ("gateway", "other"):
    inside(name, "nft", "-f", "-", text=wanted["rules"][name])
listen = (
    "import selectors, socket, sys\\nfound = selectors.DefaultSelector()\\n"
    "for port in sys.argv[1:]:\\n"
    "    one = socket.create_server(('::', int(port)), family=socket.AF_INET6, dualstack_ipv6=True)\\n"
    "    found.register(one, 1)\\nprint('listening', flush=True)\\n"
    "while True:\\n    [key.fileobj.accept()[0].close() for key, _ in found.select()]"
)
servers = []
for name in ("gateway", "other"):
    command = ["ip", "netns", "exec", name, sys.executable, "-c", listen, *map(str, wanted["ports"])]
    servers.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
    servers[-1].stdout.readline()
ask = (
    "import json, socket, sys\\nfrom concurrent.futures import ThreadPoolExecutor\\n"
    "def reached(target):\\n"
    "    try:\\n        socket.create_connection(target, 5).close()\\n        return True\\n"
    "    except OSError:\\n        return False\\n"
    "targets = json.loads(sys.argv[1])\\n"
    "with ThreadPoolExecutor(40) as pool:\\n"
    "    print(json.dumps([t for t, ok in zip(targets, pool.map(reached, map(tuple, targets))) if ok]))"
)
out = {}
for name in ("instance", "gateway"):
    targets = json.dumps([[a, p] for a in wanted["targets"] for p in wanted["ports"]])
    command = ["ip", "netns", "exec", name, sys.executable, "-c", ask, targets]
    done = subprocess.run(command, capture_output=True, text=True)
    out[name] = json.loads(done.stdout or "[]")
[one.kill() for one in servers]
print(json.dumps(out))
"""


def test_packets_from_an_instance_reach_public_ports_only() -> None:
    """Real packets through the generated rules of a gateway and of another host, for both IP versions. The gateway
    masquerades, as it does for an external bridge without an interface, so the other host sees an address it trusts."""
    need("nft", "unshare", "ip")
    case = CASES["three-hosts"]
    facts = case.facts()
    whole = planner.cloud(case.answers(), facts)
    (gateway,) = (h for h in whole.hosts.values() if any(b.network for b in h.bridges))
    other = next(h for h in whole.hosts.values() if "rabbitmq" in h.components)
    opened = firewall_policy.openings(whole)
    guard = firewall_policy.guard(whole, gateway, opened)
    assert guard
    assert other is not gateway
    # The same cloud with IPv6 besides, which the case does not have.
    v6 = {gateway.address: "fd00:18::1", other.address: "fd00:18::2"}

    def twofold(openings: tuple[Opening, ...]) -> tuple[Opening, ...]:
        return tuple(replace(o, sources=(*o.sources, *(v6[s] for s in o.sources if s in v6))) for o in openings)

    both = replace(guard, hosts=(*guard.hosts, v6[other.address]))
    outside = ipaddress.ip_network(guard.networks[0])
    trusted = {o.first for o in opened[other.name] if o.protocol == "tcp" and gateway.address in o.sources}
    assert trusted, "what an instance would reach as the gateway"
    ports = sorted({22, 5000, 5672, 3306, 5900, 11211, *trusted})

    def reached(rules_of_gateway: str) -> dict[str, set[tuple[str, int]]]:
        wanted = {
            "bridge": guard.bridges[0],
            "addresses": {
                "gateway eth0": [f"{gateway.address}/16", "fd00:18::1/64"],
                f"gateway {guard.bridges[0]}": [f"{outside[1]}/{outside.prefixlen}", "fd00:19::1/64"],
                "other eth0": [f"{other.address}/16", "fd00:18::2/64"],
                "instance eth0": [f"{outside[7]}/{outside.prefixlen}", "fd00:19::7/64"],
            },
            "via": [str(outside[1]), "fd00:19::1"],
            "rules": {"gateway": rules_of_gateway, "other": firewall_rules.nftables(twofold(opened[other.name]))},
            "ports": ports,
            "targets": [*v6, *v6.values(), str(outside[1])],
        }
        command = ["unshare", "-rnm", sys.executable, "-c", textwrap.dedent(SEND)]
        done = subprocess.run(
            command, input=json.dumps(wanted), capture_output=True, text=True, check=False, timeout=180
        )
        assert done.returncode == 0, done.stderr
        return {name: {(a, p) for a, p in found} for name, found in json.loads(done.stdout).items()}

    here = twofold(opened[gateway.name])
    public = {(o.first, o.last) for o in both.public if o.protocol == "tcp"}
    found = reached(firewall_rules.nftables(here, both))
    hosts = {other.address, v6[other.address]}
    meant = {(a, p) for a in hosts for p in ports if any(first <= p <= last for first, last in public)}
    assert meant
    assert {(a, p) for a, p in found["instance"] if a in hosts} == meant
    own = {o.first for o in here if not o.sources and not o.hosts}
    assert {p for a, p in found["instance"] if a not in hosts} <= own, "on the gateway itself"
    assert {(a, p) for a in hosts for p in trusted} <= found["gateway"], "the gateway itself reaches what it needs"
    # Without the guard, these are reached under the gateway's address: so this test can fail.
    assert {(a, p) for a in hosts for p in trusted} <= reached(firewall_rules.nftables(here))["instance"]
