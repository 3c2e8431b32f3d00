"""Nova: its services are up, and each compute host is mapped to a cell and has its inventory in Placement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .api import ApiError, Failure, wait_for
from .cloud import Session
from .reports import all_up, counted
from .runner import Check, Context


def nova_services(admin: Session, timeout: float) -> str:
    def missing(rows: list[dict[str, Any]]) -> str:
        there = {r["binary"] for r in rows}
        lost = [b for b in ("nova-compute", "nova-conductor", "nova-scheduler") if b not in there]
        return "missing: " + ", ".join(lost) if lost else ""

    rows = all_up(
        lambda: list(admin.get("compute", "/os-services")["services"]),
        lambda r: r["state"] == "up" and r["status"] == "enabled",
        lambda r: f"{r['binary']} on {r['host']} ({r['state']}, {r['status']})",
        missing,
        "nova",
        timeout,
    )
    return counted([r["binary"] for r in rows])


def cell_mapping(admin: Session, expected: Sequence[str], timeout: float) -> str:
    """Every compute host is mapped to a cell and has its resources in Placement.

    Nova lists hypervisors only of mapped hosts, but services of all hosts. A host that has a service and no hypervisor
    would never get an instance.
    """
    last = ""

    def look() -> str | None:
        nonlocal last
        services = admin.get("compute", "/os-services?binary=nova-compute")["services"]
        hosts = {r["host"] for r in services}
        rows = admin.get("compute", "/os-hypervisors/detail")["hypervisors"]
        mapped = {r["service"]["host"] for r in rows}
        short = {h.split(".")[0] for h in hosts} | hosts
        absent = [h for h in expected if h not in short and h.split(".")[0] not in short]
        unmapped = sorted(hosts - mapped)
        if absent:
            last = "no nova-compute has reported from " + ", ".join(absent)
        elif unmapped:
            last = f"not mapped to a cell: {', '.join(unmapped)} (nova-manage cell_v2 discover_hosts maps them)"
        elif not rows:
            last = "Nova lists no hypervisor"
        else:
            # Placement gets the inventory a moment after the service has started.
            for row in rows:
                name = row["hypervisor_hostname"]
                providers = admin.get("placement", f"/resource_providers?name={name}")["resource_providers"]
                have = (
                    admin.get("placement", f"/resource_providers/{providers[0]['uuid']}/inventories")
                    if providers
                    else {}
                )
                if "VCPU" not in have.get("inventories", {}):
                    last = f"Placement has no VCPU inventory of {name}"
                    return None
            return f"{len(mapped)} of {len(hosts)} mapped, with inventory: {', '.join(sorted(mapped))}"
        return None

    try:
        return wait_for("no compute hosts", look, timeout, 2.0)
    except Failure as error:
        if isinstance(error, ApiError) or not last:
            raise
        raise Failure(f"{last} (waited {timeout:.0f} s)", "nova") from None


def checks(context: Context) -> list[Check]:
    """Nova's services, and the mapping of compute hosts."""
    config, admin = context.config, context.admin
    settle = float(config.settle_timeout)
    needs = ("endpoint-nova", "endpoint-placement")
    return [
        Check("nova-services", "Nova's services", "nova", lambda: nova_services(admin, settle), needs[:1]),
        Check(
            "cell-mapping",
            "Compute hosts are mapped to a cell",
            "nova",
            lambda: cell_mapping(admin, tuple(config.compute_hosts), settle),
            needs,
        ),
    ]
