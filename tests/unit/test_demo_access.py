"""From where instances of the demo project accept ping and SSH."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

import outcome
import typed
from stackwright.model import Answers

KEY = "CONFIG_PROVISION_DEMO_SSH_FROM"
RANGE = "CONFIG_PROVISION_DEMO_FLOATRANGE"


def answers(*hosts: str, **changed: Any) -> Answers:
    placed = {"CONFIG_CONTROLLER_HOST": hosts[0], "CONFIG_COMPUTE_HOSTS": hosts, "CONFIG_NETWORK_HOSTS": hosts[:1]}
    return typed.answers({**placed, RANGE: "198.19.4.0/24"}, **changed)


def rules(given: Answers) -> dict[str, str]:
    """The rules of the plan: title, and present or absent."""
    plan = outcome.plan(given, outcome.facts(given))
    manifest = "".join(getattr(a, "manifest", "") for step in plan.steps for a in step.actions)
    found = re.findall(r"stackwright_security_group_rule { \[(.*?)\]: ensure => (\w+) }", manifest)
    return {title.strip("' "): ensure for titles, ensure in found for title in titles.split(",")}


def accepts(given: Answers, address: str) -> bool:
    """Whether SSH from this address is accepted."""
    networks = (
        name.partition("@")[2] for name, there in rules(given).items() if "tcp:22" in name and there == "present"
    )
    return any(ipaddress.ip_address(address) in ipaddress.ip_network(network) for network in networks)


def test_the_clouds_own_networks_are_accepted_and_others_are_not() -> None:
    given = answers("198.18.0.10", "198.18.0.11")
    gateway, host, beside = "198.19.4.1", "198.18.0.11", "198.18.0.1"
    assert [accepts(given, address) for address in (gateway, host, beside)] == [True] * 3
    assert not accepts(given, "203.0.113.9")
    assert "demo:default:icmp@198.18.0.0/24" in rules(given)


def test_a_rule_for_everyone_of_an_older_version_is_removed() -> None:
    gone = [name for name, there in rules(answers("198.18.0.10")).items() if there == "absent"]
    assert gone == ["demo:default:icmp@0.0.0.0/0", "demo:default:tcp:22@0.0.0.0/0"]


def test_networks_that_the_answer_names_take_their_place() -> None:
    given = answers("198.18.0.10", **{KEY: ("203.0.113.0/24",)})
    assert accepts(given, "203.0.113.9")
    assert not accepts(given, "198.18.0.1")


def test_everyone_is_accepted_if_the_answer_says_so() -> None:
    given = answers("198.18.0.10", **{KEY: ("0.0.0.0/0",)})
    assert accepts(given, "203.0.113.9")
    assert set(rules(given).values()) == {"present"}


def test_rules_are_of_the_family_of_the_private_network() -> None:
    inside = {RANGE: "2001:db8:4::/64", "CONFIG_PROVISION_DEMO_PRIVATE_SUBNET": "2001:db8:8::/64"}
    given = answers("2001:db8::10", **inside)
    assert accepts(given, "2001:db8::1")
    assert accepts(given, "2001:db8:4::1")
    assert all(":" in name.partition("@")[2] for name, there in rules(given).items() if there == "present")
