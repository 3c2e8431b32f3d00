"""Where a cloud is proved from."""

from __future__ import annotations

import pytest

from golden import CASES
from stackwright import planner
from stackwright.operations import verify


@pytest.mark.parametrize(
    ("case", "host"),
    [
        ("allinone", "198.18.0.10"),
        ("tunnels-in-user-space", "network.lab.stackwright.test"),
        ("three-hosts", "network.lab.stackwright.test"),
        ("no-demo", "198.18.0.10"),
        ("roles-apart", "control.lab.stackwright.test"),
    ],
)
def test_it_runs_where_floating_addresses_are_reached_from(case: str, host: str) -> None:
    """On the host whose bridge is the external network's gateway, and not on one that only has a tunnels' bridge."""
    given = CASES[case]
    assert verify.host_of(planner.cloud(given.answers(), given.facts())) == host


@pytest.mark.parametrize(
    ("case", "agents"),
    [
        ("allinone", {"OVN Metadata agent", "OVN Controller Gateway agent"}),
        ("three-hosts", {"OVN Metadata agent", "OVN Controller Gateway agent"}),
        ("linuxbridge", {"Linux bridge agent", "L3 agent", "DHCP agent", "Metadata agent"}),
        ("openvswitch", {"Open vSwitch agent", "L3 agent", "DHCP agent", "Metadata agent"}),
        ("keystone-only", set()),
    ],
)
def test_each_kind_of_agent_is_waited_for(case: str, agents: set[str]) -> None:
    """An instance that starts before the L3 agent has reported gets neither its metadata nor its key."""
    given = CASES[case]
    assert set(verify.config(planner.cloud(given.answers(), given.facts())).agents) == agents
