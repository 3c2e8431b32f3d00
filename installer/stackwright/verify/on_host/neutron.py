"""Neutron: its agents are up, on every host that has to have one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .cloud import Session
from .reports import all_up, counted
from .runner import Check, Context


def neutron_agents(admin: Session, expected: Sequence[str], kinds: Sequence[str], timeout: float) -> str:
    """Every agent is up, every compute host has one, and there is one of each of these kinds: without, instances get
    no network, no address, or are not reached. One that has just been started is not in the list yet."""

    def missing(rows: list[dict[str, Any]]) -> str:
        there = {r["host"].partition(".")[0] for r in rows}
        lost = [host for host in expected if host.partition(".")[0] not in there]
        if not rows:
            return "Neutron has no agent at all"
        if lost:
            return "no agent has reported from " + ", ".join(lost)
        absent = sorted(set(kinds) - {r["agent_type"] for r in rows})
        return "no agent of this kind has reported: " + ", ".join(absent) if absent else ""

    rows = all_up(
        lambda: list(admin.get("network", "/agents")["agents"]),
        lambda r: bool(r["alive"] and r["admin_state_up"]),
        lambda r: f"{r['agent_type']} on {r['host']}",
        missing,
        "neutron",
        timeout,
    )
    return counted([r["agent_type"] for r in rows])


def checks(context: Context) -> list[Check]:
    """Neutron's agents."""
    config = context.config

    def agents() -> str:
        return neutron_agents(context.admin, config.compute_hosts, config.agents, float(config.settle_timeout))

    return [Check("neutron-agents", "Neutron's agents", "neutron", agents, ("endpoint-neutron",))]
