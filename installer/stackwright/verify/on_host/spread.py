"""Checks for several compute hosts: an instance on each, which the first instance reaches through the tunnels."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

from .api import ApiError, Failure, wait_for
from .cloud import Session
from .instance import Site, active, console_of, last_lines, ssh
from .runner import Check, Skip

LIMIT = 8
"""Number of hosts that are tested, without that of the first instance. A project may have ten instances (the default of
Nova's quota); with more hosts, each verification selects others."""

# The first version in which a request can name a host and is still scheduled (Nova's API history).
_VERSION = {"X-OpenStack-Nova-API-Version": "2.74"}


def admin_here(admin: Session, connect: Callable[[str], Session], project: str) -> Session:
    """A session of the admin in the temporary project: only an admin may select the host of an instance, and the
    temporary project is removed completely. `connect` creates a session from the name of a project."""
    roles = admin.get("identity", "/roles?name=admin")["roles"]
    found = admin.get("identity", f"/projects?name={project}")["projects"]
    if not roles or not found:
        raise Skip("there is no role called admin")
    path = f"/projects/{found[0]['id']}/users/{admin.token().user_id}/roles/{roles[0]['id']}"
    admin.call("PUT", "identity", path)
    return connect(project)


def boot(admin: Session, here: Callable[[], Session], own: Session, site: Site, image: Mapping[str, Any]) -> str:
    """An instance is ACTIVE on each of the other compute hosts that have resources for it."""
    first = site.server.get("OS-EXT-SRV-ATTR:host", "")
    rows = admin.get("compute", "/os-services?binary=nova-compute")["services"]
    hosts = sorted({r["host"] for r in rows if r["state"] == "up" and r["status"] == "enabled"} - {first})
    if not hosts:
        raise Skip("no other compute host is up and enabled")
    chosen = sorted(random.sample(hosts, min(LIMIT, len(hosts))))
    asked: dict[str, tuple[str, str]] = {}
    session = here()
    for number, host in enumerate(chosen, 2):
        name = f"{site.name}-{number}"
        about = {"name": name, "network_id": site.network, "security_groups": [site.group]}
        port = own.post("network", "/ports", {"port": about})["port"]
        server = {
            "name": name, "imageRef": image["id"], "flavorRef": site.flavor, "networks": [{"port": port["id"]}],
            "host": host,
        }  # fmt: skip
        try:
            made = session.post("compute", "/servers", {"server": server}, _VERSION)["server"]["id"]
        except ApiError as error:
            if error.status == 403 and "quota" in error.message.lower():
                break
            raise
        asked[host] = (made, port["fixed_ips"][0]["ip_address"])
    if not asked:
        raise Skip("the quota of a project allows only one instance")

    full: list[str] = []
    for host, (server_id, address) in asked.items():
        if _active(session, server_id, host, site.config.boot_timeout):
            site.others[host] = (server_id, address)
        else:
            full.append(host)
    if not site.others:
        raise Skip(f"the scheduler finds no free resources on {', '.join(full)}")
    left = [h for h in hosts if h not in site.others]
    return f"ACTIVE on {', '.join(site.others)}" + (f"; not tested: {', '.join(left)}" if left else "")


def _active(session: Session, server: str, host: str, timeout: float) -> bool:
    """Waits until it is ACTIVE; returns False if the scheduler finds no free resources. Raises Failure otherwise."""
    try:
        wait_for("instance not ACTIVE", lambda: active(session, server), timeout)
    except ApiError:
        raise
    except Failure as failure:
        if "No valid host" in failure.message:
            return False
        raise Failure(f"{host}: {failure.message}", failure.service) from None
    return True


def reached(own: Session, site: Site) -> str:
    """The first instance can ping each of the others over their common network."""
    lost = dict(site.others)

    def look() -> bool | None:
        for host, (_, address) in list(lost.items()):
            code, _, _ = ssh(site, f"ping -c 1 -w 5 {address}")
            if not code:
                del lost[host]
        return None if lost else True

    home = site.server.get("OS-EXT-SRV-ATTR:host", "a host")
    try:
        wait_for("no answer from the other instances", look, site.config.reach_timeout, 2.0)
    except Failure:
        host, (server, address) = next(iter(lost.items()))
        try:
            text = console_of(own, server)
        except Failure:
            text = ""
        up = "the guest has its address" if address in text else "the guest did not get its address"
        names = ", ".join(f"{a} on {h}" for h, (_, a) in lost.items())
        message = f"the instance on {home} gets no answer from {names}; on {host}, {up}"
        raise Failure(message, "neutron", lines=last_lines(text)) from None
    return f"{site.fixed_address} on {home} pings " + ", ".join(f"{a} on {h}" for h, (_, a) in site.others.items())


def checks(
    site: Site,
    admin: Session,
    here: Callable[[], Session],
    own: Callable[[], Session],
    image: Callable[[], Mapping[str, Any]],
) -> list[Check]:
    """No checks if there is only one compute host. They need checks of the data plane, by name."""
    services = set(site.config.services)
    if len(site.config.compute_hosts) < 2 or not {"compute", "network"} <= services:
        return []

    def each() -> str:
        return boot(admin, here, own(), site, image())

    return [
        Check("spread", "An instance on each other compute host", "nova", each, ("console",)),
        Check(
            "between", "Instances on different hosts reach each other", "neutron",
            lambda: reached(own(), site), ("spread", "ssh"),
        ),
    ]  # fmt: skip
