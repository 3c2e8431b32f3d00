"""Ceilometer and Gnocchi: what an instance uses is measured, and the measurements can be read."""

from __future__ import annotations

from typing import Any

from .api import ApiError, wait_for
from .cloud import Session
from .runner import Check, Context, Skip

METRICS = ("memory.resident", "network.incoming.bytes", "network.outgoing.bytes")
"""The first is the instance's own metric, the others those of its network interfaces."""


def server_id(own: Session, name: str) -> str:
    """Our instance, which another check boots."""
    rows = own.get("compute", f"/servers?name={name}")["servers"]
    return str(rows[0]["id"]) if rows else ""


def measures(own: Session, server: str) -> dict[str, float]:
    """The last value of each of METRICS that Gnocchi has for the instance."""
    found: dict[str, float] = {}
    for metric, uuid in _metrics(own, server).items():
        if metric in METRICS and (values := own.get("metric", f"/v1/metric/{uuid}/measures")):
            found[metric] = float(values[-1][2])
    return found


def _metrics(own: Session, server: str) -> dict[str, str]:
    """The ids of the instance's metrics and of those of its interfaces, by name."""
    try:
        found = dict(own.get("metric", f"/v1/resource/instance/{server}")["metrics"])
    except ApiError as error:
        if error.status == 404:
            return {}
        raise
    query: dict[str, Any] = {"=": {"instance_id": server}}
    for interface in own.post("metric", "/v1/search/resource/instance_network_interface", query):
        found.update(interface["metrics"])
    return {str(name): str(uuid) for name, uuid in found.items()}


def measured(own: Session, name: str, timeout: float) -> str:
    """Memory and network traffic of our instance are in Gnocchi within two polls."""
    server = server_id(own, name)
    if not server:
        raise Skip("there is no instance")

    def look() -> dict[str, float] | None:
        found = measures(own, server)
        return found if set(METRICS) <= set(found) else None

    found = wait_for(f"no measures of {', '.join(METRICS)}", look, timeout)
    return f"memory {found['memory.resident']:.0f} MB, network {found['network.incoming.bytes']:.0f} bytes in"


def checks(context: Context) -> list[Check]:
    """The measurements of the instance that the verification boots."""
    if "compute" not in context.config.services or "network" not in context.config.services:
        return []
    timeout = 2 * float(context.config.polling_interval) + 60.0

    def run() -> str:
        return measured(context.own(), context.name, timeout)

    return [Check("measures", "The instance is measured", "ceilometer", run, ("endpoint-gnocchi", "dhcp"))]
