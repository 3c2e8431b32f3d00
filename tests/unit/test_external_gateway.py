"""The gateway of the demo's external network: the answered one, the hosts' own router, or the first address."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import outcome
import typed
from stackwright import facts, planner
from stackwright.answers import networks
from stackwright.model import Answers, Facts
from stackwright.planner import demo

NODE = facts.from_json((Path(__file__).parent.parent / "data" / "facts" / "debian-12.json").read_text())
RANGE = {"CONFIG_PROVISION_DEMO_FLOATRANGE": "198.18.41.0/24"}
KEY = "CONFIG_PROVISION_DEMO_GATEWAY"
BRIDGED = {"CONFIG_NEUTRON_OVN_BRIDGE_IFACES": (("br-ex", "eth1"),)}


def answers(**changed: Any) -> Answers:
    hosts = {"CONFIG_CONTROLLER_HOST": NODE.host, "CONFIG_COMPUTE_HOSTS": (NODE.host,),
             "CONFIG_NETWORK_HOSTS": (NODE.host,)}  # fmt: skip
    return typed.answers(hosts, **{**RANGE, **changed})


def network(node: Facts, **changed: Any) -> tuple[str, tuple[str, ...], str]:
    """Gateway and pools as the templates get them, and the address of the external bridge."""
    whole = planner.cloud(answers(**changed), {node.host: node})
    context = whole.context(whole.hosts[node.host])
    bridge = next(b for b in whole.hosts[node.host].bridges if b.name == "br-ex")
    return context["external"].gateway, context["external"].pools, bridge.address


def test_the_hosts_router_is_the_gateway_where_the_bridge_has_an_interface() -> None:
    node = replace(NODE, gateway="198.18.41.254")
    assert network(node, **BRIDGED) == ("198.18.41.254", ("start=198.18.41.1,end=198.18.41.253",), "")
    assert network(node, CONFIG_PROVISION_OVS_BRIDGE=False)[0] == "198.18.41.254"
    middle = network(replace(NODE, gateway="198.18.41.100"), **BRIDGED)
    assert middle[1] == ("start=198.18.41.1,end=198.18.41.99", "start=198.18.41.101,end=198.18.41.254")


@pytest.mark.parametrize("gateway", ["", "198.18.40.1", "fe80::1", "2001:db8::1"])
def test_a_router_elsewhere_is_not(gateway: str) -> None:
    found = network(replace(NODE, gateway=gateway), **BRIDGED)
    assert found == ("198.18.41.1", ("start=198.18.41.2,end=198.18.41.254",), "")


def test_a_bridge_without_an_interface_is_the_gateway_itself() -> None:
    node = replace(NODE, gateway="198.18.41.254")
    assert network(node) == ("198.18.41.1", ("start=198.18.41.2,end=198.18.41.254",), "198.18.41.1/24")
    assert network(node, **{KEY: "198.18.41.9"})[::2] == ("198.18.41.9", "198.18.41.9/24")


def test_the_answer_wins() -> None:
    node = replace(NODE, gateway="198.18.41.254")
    assert network(node, **{KEY: "198.18.41.253"}, **BRIDGED)[0] == "198.18.41.253"


def test_it_reaches_neutrons_subnet() -> None:
    given = answers(**{KEY: "198.18.41.253"}, **BRIDGED)
    plan = outcome.plan(given, {NODE.host: NODE})
    manifest = "".join(getattr(a, "manifest", "") for step in plan.steps for a in step.actions)
    assert "gateway_ip       => '198.18.41.253'" in manifest
    assert "start=198.18.41.254,end=198.18.41.254" in manifest


def test_of_ipv6() -> None:
    given = answers(**{"CONFIG_PROVISION_DEMO_FLOATRANGE": "2001:db8:4::/64", KEY: "2001:db8:4::5"})
    found = demo.external(given)
    assert (found.gateway, found.pools[0]) == ("2001:db8:4::5", "start=2001:db8:4::1,end=2001:db8:4::4")


@pytest.mark.parametrize(
    ("gateway", "pool", "name"),
    [
        ("198.18.40.9", "", "outside"),
        ("198.18.41.0", "", "outside"),
        ("198.18.41.255", "", "outside"),
        ("2001:db8::1", "", "outside"),
        ("198.18.41.10", "", "overlap"),  # the host
        ("198.18.41.100", "start=198.18.41.90,end=198.18.41.120", "overlap"),
        ("198.18.41.254", "start=198.18.41.90,end=198.18.41.120", ""),
        ("198.18.41.254", "start=198.18.41.1,end=198.18.41.9", ""),  # the first address is free then
        ("", "start=198.18.41.1,end=198.18.41.9", "overlap"),
    ],
)
def test_check_refuses_what_cannot_be_a_gateway(gateway: str, pool: str, name: str) -> None:
    given = answers(**{KEY: gateway, "CONFIG_PROVISION_DEMO_ALLOCATION_POOLS": (pool,) if pool else ()})
    mine = (KEY, "CONFIG_PROVISION_DEMO_ALLOCATION_POOLS")
    found = [p for p in networks.check(given) if any(key in f"{p.where} {p.seen} {p.hint}" for key in mine)]
    assert [p.name for p in found if str(p.severity) == "error"] == ([name] if name else []), found
