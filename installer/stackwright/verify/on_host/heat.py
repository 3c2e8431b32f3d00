"""Heat: its engines are up, and a stack is created and deleted."""

from __future__ import annotations

from .api import Failure, wait_for
from .cloud import Session
from .reports import all_up, counted
from .runner import Check, Context


def heat_services(admin: Session, timeout: float) -> str:
    rows = all_up(
        lambda: list(admin.get("orchestration", "/services")["services"]),
        lambda r: r["status"] == "up",
        lambda r: f"{r['binary']} on {r['host']}",
        lambda rows: "" if rows else "missing: heat-engine",
        "heat",
        timeout,
    )
    return counted([r["binary"] for r in rows])


def stack(own: Session, name: str, timeout: float = 120.0) -> str:
    """A stack of one random string is created and deleted."""
    resource = {"type": "OS::Heat::RandomString", "properties": {"length": 8}}
    template = {"heat_template_version": "2018-08-31", "resources": {"text": resource}}
    made = own.post("orchestration", "/stacks", {"stack_name": name, "template": template, "timeout_mins": 5})["stack"]
    path = f"/stacks/{name}/{made['id']}"

    def look() -> str | None:
        seen = own.get("orchestration", path)["stack"]
        if seen["stack_status"].endswith("FAILED"):
            raise Failure(f"the stack failed: {seen['stack_status_reason']}", "heat")
        return "created" if seen["stack_status"] == "CREATE_COMPLETE" else None

    wait_for("no stack of one random string", look, timeout)
    own.delete("orchestration", path)
    return "created with one resource, deleted"


def checks(context: Context) -> list[Check]:
    """Heat's engines, and a temporary stack."""
    settle = float(context.config.settle_timeout)

    def engines() -> str:
        return heat_services(context.admin, settle)

    return [
        Check("heat-engines", "Heat's engines", "heat", engines, ("endpoint-heat",)),
        Check("stack", "A stack created and deleted", "heat", context.in_project(stack), ("heat-engines", "project")),
    ]
