"""Neutron: its agents are up, and every host that needs one has one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .cloud import Session
from .reports import all_up, counted
from .runner import Check, Context


def neutron_agents(admin: Session, expected: Sequence[str], kinds: Sequence[str], timeout: float) -> str:
    """Every agent is up, every compute host has one, and there is one of each of these types; otherwise instances get
    no network or address, or cannot be reached. A new agent appears in the list only after a while."""

    def missing(rows: list[dict[str, Any]]) -> str:
        there = {r["host"].partition(".")[0] for r in rows}
        lost = [host for host in expected if host.partition(".")[0] not in there]
        if not rows:
            return "Neutron has no agents"
        if lost:
            return "no agent has reported from " + ", ".join(lost)
        absent = sorted(set(kinds) - {r["agent_type"] for r in rows})
        return "no agent of this type has reported: " + ", ".join(absent) if absent else ""

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
