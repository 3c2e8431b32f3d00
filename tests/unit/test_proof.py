"""Where a cloud is proved from."""

from __future__ import annotations

import pytest

from golden import CASES
from stackwright import planner, proof


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
    assert proof.host_of(planner.cloud(given.answers(), given.facts())) == host
