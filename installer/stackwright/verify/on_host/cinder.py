"""Cinder: its services are up. Checks with a volume need an instance: see volume.py."""

from __future__ import annotations

from typing import Any

from .cloud import Session
from .reports import all_up, counted
from .runner import Check, Context


def cinder_services(admin: Session, backups: bool, timeout: float) -> str:
    """Waits until every Cinder service of this cloud reports that it is up."""
    expected = ("cinder-scheduler", "cinder-volume", *(("cinder-backup",) if backups else ()))

    def missing(rows: list[dict[str, Any]]) -> str:
        there = {r["binary"] for r in rows}
        lost = [b for b in expected if b not in there]
        return "missing: " + ", ".join(lost) if lost else ""

    rows = all_up(
        lambda: list(admin.get("volumev3", "/os-services")["services"]),
        lambda r: r["state"] == "up" and r["status"] == "enabled",
        lambda r: f"{r['binary']} on {r['host']} ({r['state']}, {r['status']})",
        missing,
        "cinder",
        timeout,
    )
    return counted([r["binary"] for r in rows])


def checks(context: Context) -> list[Check]:
    """Cinder's services."""
    settle = float(context.config.settle_timeout)

    def services() -> str:
        return cinder_services(context.admin, context.config.volume_backups, settle)

    return [Check("cinder-services", "Cinder's services", "cinder", services, ("endpoint-cinder",))]
