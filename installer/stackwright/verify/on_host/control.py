"""Checks of the control plane: tokens, endpoints, agents, the cell mapping, images and objects."""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from .api import ApiError, Failure, wait_for
from .cloud import Session
from .runner import Check, Skip

NAMES = {
    "identity": "keystone",
    "image": "glance",
    "placement": "placement",
    "compute": "nova",
    "network": "neutron",
    "volumev3": "cinder",
    "object-store": "swift",
    "orchestration": "heat",
}
"""Catalog type -> the project whose logs tell more."""

# A cheap request that only works when the service itself does, not just its web server.
_ASK = {
    "identity": "/projects?limit=1",
    "image": "/images?limit=1",
    "placement": "/resource_providers?name=stackwright",
    "compute": "/flavors?limit=1",
    "network": "/networks?limit=1",
    "volumev3": "/volumes?limit=1",
    "orchestration": "/stacks?limit=1",
}
_VERSION = {"image": "/v2", "network": "/v2.0", "identity": "/v3"}


def endpoint(admin: Session, kind: str) -> str:
    """Every URL that the catalog has for the service answers a request that reaches its database."""
    admin.url(kind)
    names = {"volumev3": ("volumev3", "block-storage", "volume")}.get(kind, (kind,))
    entry = next(admin.token().catalog[n] for n in names if n in admin.token().catalog)
    for url in sorted(set(entry.values())):
        if kind == "object-store":
            parts = urlsplit(url)
            admin.http.call("GET", f"{parts.scheme}://{parts.netloc}/info")
        elif kind in _ASK:
            version = _VERSION.get(kind, "")
            base = url if url.endswith(version) else url + version
            admin.http.call("GET", base + _ASK[kind], token=admin.token().id)
        else:
            try:
                admin.http.call("GET", url, token=admin.token().id)
            except ApiError as error:
                if error.status in (0, 404) or error.status >= 500:
                    raise
    return ", ".join(f"{where} {entry[where]}" for where in sorted(entry)) if len(set(entry.values())) > 1 else url


def _all_up(
    rows: Callable[[], list[dict[str, Any]]],
    up: Callable[[dict[str, Any]], bool],
    name: Callable[[dict[str, Any]], str],
    wanted: Callable[[list[dict[str, Any]]], str],
    service: str,
    timeout: float,
) -> list[dict[str, Any]]:
    """All rows, once each is up and none of `wanted` is missing. A service that has just been started reports itself
    within a minute; Failure names those that did not."""
    last = ""

    def look() -> list[dict[str, Any]] | None:
        nonlocal last
        seen = rows()
        down = sorted(name(r) for r in seen if not up(r))
        last = ("down: " + ", ".join(down)) if down else wanted(seen)
        return None if last else seen

    try:
        return wait_for("services", look, timeout, 2.0)
    except Failure as error:
        if isinstance(error, ApiError) or not last:
            raise
        raise Failure(f"{last} (waited {timeout:.0f} s)", service) from None


def _counted(names: Sequence[str]) -> str:
    return ", ".join(f"{n} x{names.count(n)}" if names.count(n) > 1 else n for n in sorted(set(names)))


def nova_services(admin: Session, timeout: float) -> str:
    def missing(rows: list[dict[str, Any]]) -> str:
        there = {r["binary"] for r in rows}
        lost = [b for b in ("nova-compute", "nova-conductor", "nova-scheduler") if b not in there]
        return "missing: " + ", ".join(lost) if lost else ""

    rows = _all_up(
        lambda: list(admin.get("compute", "/os-services")["services"]),
        lambda r: r["state"] == "up" and r["status"] == "enabled",
        lambda r: f"{r['binary']} on {r['host']} ({r['state']}, {r['status']})",
        missing,
        "nova",
        timeout,
    )
    return _counted([r["binary"] for r in rows])


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

    rows = _all_up(
        lambda: list(admin.get("network", "/agents")["agents"]),
        lambda r: bool(r["alive"] and r["admin_state_up"]),
        lambda r: f"{r['agent_type']} on {r['host']}",
        missing,
        "neutron",
        timeout,
    )
    return _counted([r["agent_type"] for r in rows])


def cinder_services(admin: Session, timeout: float) -> str:
    def missing(rows: list[dict[str, Any]]) -> str:
        there = {r["binary"] for r in rows}
        lost = [b for b in ("cinder-scheduler", "cinder-volume") if b not in there]
        return "missing: " + ", ".join(lost) if lost else ""

    rows = _all_up(
        lambda: list(admin.get("volumev3", "/os-services")["services"]),
        lambda r: r["state"] == "up" and r["status"] == "enabled",
        lambda r: f"{r['binary']} on {r['host']} ({r['state']}, {r['status']})",
        missing,
        "cinder",
        timeout,
    )
    return _counted([r["binary"] for r in rows])


def heat_services(admin: Session, timeout: float) -> str:
    rows = _all_up(
        lambda: list(admin.get("orchestration", "/services")["services"]),
        lambda r: r["status"] == "up",
        lambda r: f"{r['binary']} on {r['host']}",
        lambda rows: "" if rows else "missing: heat-engine",
        "heat",
        timeout,
    )
    return _counted([r["binary"] for r in rows])


def cell_mapping(admin: Session, expected: Sequence[str], timeout: float) -> str:
    """Every compute host is mapped to a cell and has its resources in Placement.

    Nova lists a hypervisor only once its host is mapped, while the list of services needs no mapping: a host that is
    in the one and not in the other would never get an instance.
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
            last = "Nova knows no hypervisor"
        else:
            # The inventory comes a moment after the service.
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
        return wait_for("compute hosts", look, timeout, 2.0)
    except Failure as error:
        if isinstance(error, ApiError) or not last:
            raise
        raise Failure(f"{last} (waited {timeout:.0f} s)", "nova") from None


def image_active(session: Session, name: str) -> dict[str, Any]:
    """The image of that name, active."""
    rows: list[dict[str, Any]] = session.get("image", f"/images?name={name}")["images"]
    if not rows:
        raise Failure(f"there is no image called {name}", "glance")
    for row in rows:
        if row["status"] == "active":
            return row
    raise Failure(f"image {name} is in status {rows[0]['status']}, wanted: active", "glance")


def image_upload(own: Session, name: str) -> str:
    """An image is made, filled, read back the same, and deleted."""
    content = os.urandom(1 << 20)
    about = {"name": name, "disk_format": "raw", "container_format": "bare", "visibility": "private"}
    made = own.post("image", "/images", about)
    path = f"/images/{made['id']}"
    own.call("PUT", "image", path + "/file", content, {"Content-Type": "application/octet-stream"})
    seen = own.get("image", path)
    if seen["status"] != "active":
        raise Failure(f"an uploaded image is in status {seen['status']}, wanted: active", "glance")
    back = own.call("GET", "image", path + "/file", headers={"Accept": "*/*"}).body
    if hashlib.sha256(back).digest() != hashlib.sha256(content).digest():
        raise Failure(
            f"an image read back differs from what was uploaded ({len(back)} of {len(content)} bytes)", "glance"
        )
    own.delete("image", path)
    return "1 MiB uploaded, read back the same, deleted"


def object_round_trip(own: Session, container: str) -> str:
    """An object is stored, listed, read back the same, and deleted."""
    content = os.urandom(256 * 1024)
    # Swift's own checksum; it protects nothing, which hosts in FIPS mode want to be told.
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
    own.call("PUT", "object-store", f"/{container}")
    stored = own.call("PUT", "object-store", f"/{container}/object", content, {"ETag": digest})
    if stored.headers.get("etag", "").strip('"') != digest:
        raise Failure("Swift's checksum of a stored object differs from ours", "swift")
    back = own.call("GET", "object-store", f"/{container}/object", headers={"Accept": "*/*"}).body
    if back != content:
        raise Failure(
            f"an object read back differs from what was stored ({len(back)} of {len(content)} bytes)", "swift"
        )
    own.delete("object-store", f"/{container}/object")
    own.delete("object-store", f"/{container}")
    return "256 KiB stored, checksum compared, read back the same, deleted"


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

    wait_for("a stack of one random string", look, timeout)
    own.delete("orchestration", path)
    return "created with one resource, deleted"


def demo(session: Session, network: str, image: str) -> str:
    """The demo user gets a token, and sees the image and the network that were made for it."""
    session.token()
    image_active(session, image)
    if not network:
        return "token; the image is visible"
    rows = session.get("network", f"/networks?name={network}")["networks"]
    if not rows:
        raise Failure(f"the demo project does not see the network {network}", "neutron")
    return f"token; image {image} and network {network} are visible"


def checks(
    config: Any, admin: Session, demo_session: Session | None, own: Callable[[], Session], name: str
) -> list[Check]:
    """The control plane's checks, for the services that the configuration names. `own` is the project of ours."""
    settle = float(config.settle_timeout)
    found: list[Check] = []

    def add(name: str, title: str, service: str, run: Callable[[], str], *needs: str) -> None:
        found.append(Check(name, title, service, run, needs))

    def admin_token() -> str:
        known = ", ".join(sorted(admin.token().catalog))
        lost = [kind for kind in config.services if not admin.has(kind)]
        if lost:
            raise Failure(f"the catalog lacks {', '.join(lost)} in region {config.region}; it has: {known}", "keystone")
        return f"catalog: {known}"

    def active() -> str:
        if not config.image:
            raise Skip("no image is provisioned")
        row = image_active(own(), config.image)
        return f"{config.image}: {row['disk_format']}, {int(row['size']) >> 20} MiB, active"

    def seen_by_demo() -> str:
        if demo_session is None:
            raise Skip("no demo project is provisioned")
        return demo(demo_session, config.demo_network, config.image)

    add("token-admin", "Token and catalog of the admin", "keystone", admin_token)
    add("demo", "Token and view of the demo user", "keystone", seen_by_demo, "token-admin")
    for kind in config.services:
        service = NAMES.get(kind, kind)
        run = functools.partial(endpoint, admin, kind)
        add(f"endpoint-{service}", f"Endpoints of {service}", service, run, "token-admin")
        if kind == "image":
            add("image", "The image is active", service, active, "endpoint-glance", "project")
            upload = functools.partial(_with, own, image_upload, name)
            add("image-upload", "An image stored and read", service, upload, "endpoint-glance", "project")
        elif kind == "compute":
            add("nova-services", "Nova's services", service, lambda: nova_services(admin, settle), "endpoint-nova")
            cells = functools.partial(cell_mapping, admin, tuple(config.compute_hosts), settle)
            title = "Compute hosts are mapped to a cell"
            add("cell-mapping", title, service, cells, "endpoint-nova", "endpoint-placement")
        elif kind == "network":
            agents = functools.partial(neutron_agents, admin, config.compute_hosts, config.agents, settle)
            add("neutron-agents", "Neutron's agents", service, agents, "endpoint-neutron")
        elif kind == "volumev3":
            services = functools.partial(cinder_services, admin, settle)
            add("cinder-services", "Cinder's services", service, services, "endpoint-cinder")
        elif kind == "object-store":
            store = functools.partial(_with, own, object_round_trip, name)
            add("object", "An object stored and read", service, store, "endpoint-swift", "project")
        elif kind == "orchestration":
            add("heat-engines", "Heat's engines", service, lambda: heat_services(admin, settle), "endpoint-heat")
            build = functools.partial(_with, own, stack, name)
            add("stack", "A stack created and deleted", service, build, "heat-engines", "project")
    return found


def _with(own: Callable[[], Session], run: Callable[[Session, str], str], name: str) -> str:
    """Runs a check in the project of ours, which is there only when the check starts."""
    return run(own(), name)
