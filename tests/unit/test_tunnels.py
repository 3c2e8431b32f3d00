"""Tunnels between hosts: their address, and the bridge they need where Open vSwitch works in user space."""

from __future__ import annotations

from dataclasses import replace

import pytest

import typed
from stackwright.model import Facts, Interface, StackwrightError
from stackwright.planner import tunnels

HOST = Facts(
    host="n1",
    address="198.18.0.10",
    interfaces=(
        Interface("eth0", addresses=("198.18.0.10/24",)),
        Interface("eth1", addresses=("198.19.0.10/24", "fe80::2/64")),
        Interface("eth2", addresses=("fe80::3/64",)),
    ),
)
KEY = "CONFIG_NEUTRON_OVN_TUNNEL_IF"
# The kernel gives every interface an address of the link alone, also one without any other.
MOVED = replace(
    HOST,
    interfaces=(
        HOST.interfaces[0],
        Interface("eth1", addresses=("fe80::2/64",)),
        Interface("br-tunnel", addresses=("198.19.0.10/24", "fe80::2/64")),
    ),
)


@pytest.mark.parametrize(
    ("answers", "address"),
    [
        ({}, "198.18.0.10"),
        ({KEY: "eth1"}, "198.19.0.10"),
        ({KEY: "198.19.0.0/24"}, "198.19.0.10"),
        ({"CONFIG_NEUTRON_OVN_TUNNEL_SUBNETS": ("198.19.0.0/16",)}, "198.19.0.10"),
        ({"CONFIG_NEUTRON_OVN_TUNNEL_SUBNETS": ("198.20.0.0/16",)}, "198.18.0.10"),
    ],
)
def test_where_they_start(answers: dict[str, object], address: str) -> None:
    assert tunnels.address(typed.answers(answers), "ovn", HOST, HOST.address) == address


@pytest.mark.parametrize("name", ["eth2", "eth9"])
def test_an_interface_without_an_address_is_refused(name: str) -> None:
    with pytest.raises(StackwrightError, match=f"{KEY} is {name}"):
        tunnels.address(typed.answers({KEY: name}), "ovn", HOST, HOST.address)


def test_the_bridge_takes_the_address_and_the_second_plan_is_the_same() -> None:
    answers = {KEY: "eth1"}
    made = tunnels.bridge(typed.answers(answers), "ovn", HOST)
    assert made == tunnels.Bridge("br-tunnel", ("eth1",), "198.19.0.10/24")
    assert tunnels.bridge(typed.answers(answers), "ovn", MOVED) == made
    assert tunnels.address(typed.answers(answers), "ovn", MOVED, MOVED.address) == "198.19.0.10"
    assert tunnels.bridge(typed.answers(), "ovn", HOST) is None


BRIDGES = "CONFIG_NEUTRON_OVS_BRIDGE_IFACES"
TAKEN = replace(
    HOST,
    interfaces=(
        HOST.interfaces[0],
        Interface("eth1", addresses=("fe80::2/64",)),
        Interface("br-ex", addresses=("198.19.0.10/24", "fe80::2/64")),
    ),
)


@pytest.mark.parametrize("facts", [HOST, TAKEN], ids=["before", "afterwards"])
@pytest.mark.parametrize("name", ["eth1", "br-ex"])
def test_tunnels_start_at_the_bridge_that_takes_the_interface_and_its_address(facts: Facts, name: str) -> None:
    answers = typed.answers({"CONFIG_NEUTRON_OVS_TUNNEL_IF": name, BRIDGES: (("br-ex", "eth1"),)})
    assert tunnels.address(answers, "openvswitch", facts, facts.address) == "198.19.0.10"
    # In user space they leave through that bridge, and need none of their own.
    assert tunnels.bridge(answers, "openvswitch", facts) is None


def test_a_bridge_of_an_interface_without_an_address_is_refused() -> None:
    answers = typed.answers({"CONFIG_NEUTRON_OVS_TUNNEL_IF": "br-ex", BRIDGES: (("br-ex", "eth2"),)})
    with pytest.raises(StackwrightError, match="CONFIG_NEUTRON_OVS_TUNNEL_IF is br-ex"):
        tunnels.address(answers, "openvswitch", HOST, HOST.address)
