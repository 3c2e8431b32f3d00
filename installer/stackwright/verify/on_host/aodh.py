"""Aodh: an alarm fires as soon as an event happens."""

from __future__ import annotations

import time

from .api import wait_for
from .cloud import Session
from .runner import Check, Context


def fires(own: Session, name: str, timeout: float = 60.0) -> str:
    """An alarm on new networks is raised by creating one. Both are removed."""
    query = {"field": "traits.name", "op": "eq", "type": "string", "value": f"{name}-alarm"}
    rule = {"event_type": "network.create.end", "query": [query]}
    alarm = own.post(
        "alarming",
        "/v2/alarms",
        {"name": name, "type": "event", "event_rule": rule, "repeat_actions": False},
    )["alarm_id"]
    made = own.post("network", "/networks", {"network": {"name": f"{name}-alarm"}})["network"]["id"]
    began = time.monotonic()

    def look() -> bool | None:
        return own.get("alarming", f"/v2/alarms/{alarm}/state") == "alarm" or None

    try:
        wait_for("no alarm on a new network", look, timeout)
    finally:
        own.delete("network", f"/networks/{made}")
        own.delete("alarming", f"/v2/alarms/{alarm}")
    return f"{time.monotonic() - began:.1f} s after a network was created"


def checks(context: Context) -> list[Check]:
    """An alarm of ours on an event of ours."""
    if "network" not in context.config.services:
        return []
    needs = ("endpoint-aodh", "endpoint-neutron", "project")
    return [Check("event-alarm", "An alarm on an event fires", "aodh", context.in_project(fires), needs)]
