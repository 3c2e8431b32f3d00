"""CONFIG_HOST_NAMES on two real nodes: a host gets the full name that the answers call it by, and both know each other
without a name server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from shell import Shell

import golden
from stackwright import answers, executor, facts, planner
from stackwright.model import Facts, Plan
from stackwright.ssh import Connection, Host, Trust, connect
from stackwright.state.journal import open_journal

pytestmark = pytest.mark.lab

NAME = "ctl.stackwright.example"


@pytest.fixture
def shells(make_node: Callable[..., Shell]) -> dict[str, Shell]:
    """By what the answers call them: the first by a name that nobody knows, the second by its address."""
    first, second = make_node("names1"), make_node("names2")
    first("sed -i 's/^127.0.0.1.*/& ctl.stackwright.example ctl/' /etc/hosts")  # as a careless template has it
    return {NAME: first, second.node.address: second}


def test_hosts_get_their_names_and_resolve_each_other(shells: dict[str, Shell], tmp_path: Path) -> None:
    second = next(name for name in shells if name != NAME)
    flags = {"CONFIG_CONTROLLER_HOST": NAME, "CONFIG_COMPUTE_HOSTS": second, "CONFIG_NETWORK_HOSTS": NAME}
    flags |= {"CONFIG_PROVISION_DEMO": "n", "CONFIG_HOST_NAMES": "y"}
    given = answers.read([], flags, {}, local_host=NAME, remembered=golden.secrets())

    def there(name: str) -> Connection:
        node = shells[name].node
        return connect(Host("node", address=node.address, keys=(node.key,)), Trust(files=(node.known_hosts,)))

    def seen() -> dict[str, Facts]:
        found = {}
        for name in shells:
            with there(name) as connection:
                found[name] = facts.parse(connection.run(facts.probe([name]), timeout=60).out, name, 0.0)
        return found

    def names() -> Plan:
        steps = planner.plan(planner.cloud(given, seen())).steps
        return Plan(tuple(step for step in steps if step.id.endswith(":names")))

    def applied(plan: Plan, *, again: bool = False) -> int:
        with open_journal(tmp_path / "state") as kept:
            outcome = executor.run(plan, there, kept, lambda _: None, again=again)
        assert outcome.ok, outcome.failures
        return outcome.changed

    plan = names()
    assert len(plan.steps) == 2
    assert applied(plan) > 0
    one, two = shells.values()
    assert one("hostname; hostname -f").split() == [NAME, NAME]
    assert one("getent ahostsv4 ctl").split()[0] == one.node.address, "and no loopback"
    assert two(f"getent hosts {NAME}").split() == [one.node.address, NAME, "ctl"]
    assert one(f"getent hosts {two.node.fqdn}").split()[0] == two.node.address
    assert one("getent hosts localhost").split()[0] in ("127.0.0.1", "::1")
    assert "was names1" in one("cat /var/lib/stackwright/changes.log")

    assert names().digests() == plan.digests(), "the plan of a host that has its name is the same"
    assert applied(names(), again=True) == 0
    assert one("cat /etc/hostname").strip() == NAME
