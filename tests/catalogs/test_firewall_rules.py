"""The firewall's rules of every golden case, and of hosts with IPv6 addresses, as the real nft reads them."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest
from puppet_tools import need

from golden import CASES
from stackwright import planner
from stackwright.model import Plan, Upload

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
