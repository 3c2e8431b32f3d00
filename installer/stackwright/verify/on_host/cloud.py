"""Access to the verified cloud: tokens, endpoints, and a temporary project that is removed afterwards."""

from __future__ import annotations

import functools
import secrets
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from .api import Answer, ApiError, Failure, Http, wait_for

PREFIX = "stackwright-verify-"
"""The prefix of the names of everything that a verification creates; it removes only objects with this prefix."""


class Token(NamedTuple):
    id: str
    project_id: str
    user_id: str
    catalog: Mapping[str, Mapping[str, str]]
    """Service type -> interface -> URL, of the configured region."""


def _catalog(document: Mapping[str, Any], region: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for service in document.get("catalog", []):
        for endpoint in service.get("endpoints", []):
            if endpoint.get("region_id", endpoint.get("region")) == region:
                found.setdefault(service["type"], {})[endpoint["interface"]] = endpoint["url"].rstrip("/")
    return found


# Some service types have several names, and catalogs contain any of them.
_ALIASES = {"volumev3": ("volumev3", "block-storage", "volume"), "network": ("network",)}


class Session:
    """Requests as one user in one project. The token is fetched once, at the first request."""

    def __init__(
        self, http: Http, auth_url: str, region: str, user: str, password: str, project: str, interface: str
    ) -> None:
        self.http = http
        self._auth_url = auth_url.rstrip("/")
        self._region = region
        self._user, self._password, self._project = user, password, project
        self._interface = interface
        self._token: Token | None = None
        self._lock = threading.Lock()

    def token(self) -> Token:
        """The project's token. Raises Failure with the user's name, never with the password."""
        with self._lock:
            if self._token is None:
                self._token = self._fetch()
            return self._token

    def _fetch(self) -> Token:
        default = {"id": "default"}
        user = {"name": self._user, "domain": default, "password": self._password}
        body = {
            "auth": {
                "identity": {"methods": ["password"], "password": {"user": user}},
                "scope": {"project": {"name": self._project, "domain": default}},
            }
        }
        try:
            answer = self.http.call("POST", f"{self._auth_url}/auth/tokens", body, again=True)
        except ApiError as error:
            if error.status == 401:
                raise ApiError(
                    f"Keystone refuses the password of user {self._user} for project {self._project}",
                    401,
                    error.request_id,
                ) from None
            raise
        document = answer.json()["token"]
        identity = answer.headers.get("x-subject-token", "")
        if not identity:
            raise Failure("Keystone's answer has no token", "keystone")
        return Token(identity, document["project"]["id"], document["user"]["id"], _catalog(document, self._region))

    def url(self, service: str) -> str:
        """The endpoint of a service type. Raises Failure if the catalog has none."""
        catalog = self.token().catalog
        for name in _ALIASES.get(service, (service,)):
            entry = catalog.get(name)
            if entry:
                return entry.get(self._interface) or next(iter(entry.values()))
        raise Failure(f"the catalog has no service of type {service} in region {self._region}", "keystone")

    def base(self, service: str) -> str:
        """The service's URL with its version, which some catalogs leave out."""
        url = self.url(service)
        version = {"image": "/v2", "network": "/v2.0", "identity": "/v3"}.get(service, "")
        return url if not version or url.endswith(version) else url + version

    def call(
        self, method: str, service: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        url, used = self.base(service) + path, self.token().id
        try:
            return self.http.call(method, url, body, used, headers)
        except ApiError as error:
            if error.status != 401:
                raise
        # Keystone's times are in seconds: a changed password also revokes tokens that are issued within the same
        # second.
        time.sleep(1.1)
        with self._lock:
            if self._token is not None and self._token.id == used:
                self._token = None
        return self.http.call(method, url, body, self.token().id, headers)

    def get(self, service: str, path: str) -> Any:
        return self.call("GET", service, path).json()

    def post(self, service: str, path: str, body: Any, headers: Mapping[str, str] | None = None) -> Any:
        answer = self.call("POST", service, path, body, headers)
        return answer.json() if answer.body else None

    def delete(self, service: str, path: str) -> bool:
        """Returns True if the object is gone, also if it did not exist before."""
        try:
            self.call("DELETE", service, path)
        except ApiError as error:
            if error.status != 404:
                raise
        return True

    def has(self, service: str) -> bool:
        """Whether the catalog contains the service."""
        return any(name in self.token().catalog for name in _ALIASES.get(service, (service,)))


Connect = Callable[[str, str, str], Session]
"""(user, password, project) -> a session; it requests its token later, when it is first used."""


class Tenant(NamedTuple):
    """A temporary project with its user."""

    name: str
    project_id: str
    user_id: str
    password: str
    session: Session


def make_tenant(admin: Session, connect: Connect, name: str, roles: Sequence[str]) -> Tenant:
    """Creates project and user `name` with those of `roles` that exist. Raises Failure if none exists."""
    password = secrets.token_urlsafe(18)
    known = {r["name"].lower(): r["id"] for r in admin.get("identity", "/roles")["roles"]}
    existing = [known[r.lower()] for r in roles if r.lower() in known]
    if not existing:
        raise Failure("the cloud has none of the roles " + ", ".join(roles), "keystone")
    about = {"name": name, "domain_id": "default", "description": "of a verification, removed at its end"}
    project = admin.post("identity", "/projects", {"project": about})["project"]["id"]
    user = admin.post("identity", "/users", {"user": {**about, "password": password}})["user"]["id"]
    for role in existing:
        admin.call("PUT", "identity", f"/projects/{project}/users/{user}/roles/{role}")
    return Tenant(name, project, user, password, connect(name, password, name))


def find_tenants(
    admin: Session, connect: Connect, wanted: Callable[[str], bool], passwords: Mapping[str, str]
) -> list[Tenant]:
    """The projects of verifications whose names are `wanted`. Users whose password is not in `passwords` (by name) get
    a new one for the cleanup."""
    users = {u["name"]: u["id"] for u in admin.get("identity", "/users?domain_id=default")["users"]}
    found = []
    for project in admin.get("identity", "/projects?domain_id=default")["projects"]:
        name = project["name"]
        if not (name.startswith(PREFIX) and wanted(name)):
            continue
        password = passwords.get(name) or secrets.token_urlsafe(18)
        user = users.pop(name, "")
        if user and name not in passwords:
            admin.call("PATCH", "identity", f"/users/{user}", {"user": {"password": password}})
        found.append(Tenant(name, project["id"], user, password, connect(name, password, name)))
    for name, user in users.items():
        if name.startswith(PREFIX) and wanted(name):  # the project was removed, but not the user
            admin.delete("identity", f"/users/{user}")
    return found


def remove_all(
    admin: Session,
    connect: Connect,
    wanted: Callable[[str], bool],
    services: Collection[str],
    passwords: Mapping[str, str] | None = None,
) -> tuple[list[str], list[str]]:
    """Removes the projects of verifications whose names are `wanted`, and their flavors. Returns their names, and what
    could not be removed."""
    tenants = find_tenants(admin, connect, wanted, passwords or {})
    left: list[str] = []
    with ThreadPoolExecutor(max_workers=4) as pool:
        for one in pool.map(lambda tenant: remove_tenant(admin, tenant, services), tenants):
            left += one
    if admin.has("compute"):
        for flavor in admin.get("compute", "/flavors?is_public=None")["flavors"]:
            if flavor["name"].startswith(PREFIX) and wanted(flavor["name"]):
                admin.delete("compute", f"/flavors/{flavor['id']}")
    return [tenant.name for tenant in tenants], left


def remove_tenant(admin: Session, tenant: Tenant, services: Collection[str], wait: float = 120.0) -> list[str]:
    """Removes everything in the project, then user and project. Continues after errors, and returns what could not be
    removed, with the reason. `wait` is in seconds: for instances, volumes and stacks each.

    This covers all services of the catalog. Errors count only for `services`, which are those that are verified;
    nothing was created in the others.
    """
    left: list[str] = []

    def attempt(what: str, do: Callable[[], object], service: str = "identity") -> None:
        try:
            do()
        except Failure as error:
            broken = isinstance(error, ApiError) and (error.status == 0 or error.status >= 500)
            if not (broken and service not in services):
                left.append(f"{tenant.name}: {what}: {error.message}")
        except (KeyError, TypeError, ValueError) as error:
            left.append(f"{tenant.name}: {what}: unexpected answer: {error!r}")

    own = tenant.session
    usable = bool(tenant.user_id)
    if usable:
        try:
            own.token()
        except Failure as error:
            # The user has no role yet, so it cannot have created anything.
            usable = False
            if not (isinstance(error, ApiError) and error.status == 401):
                left.append(f"{tenant.name}: {error.message}")
    if usable:
        for service, steps in _STEPS:
            if own.has(service):
                for what, step in steps:
                    attempt(what, functools.partial(step, own, wait), service)
            if service == "volumev3" and own.has(service):
                attempt("volumes", functools.partial(_volumes, admin, own, wait), service)
    if admin.has("network"):
        attempt("default security group", lambda: _default_groups(admin, tenant.project_id), "network")
    if left:
        return left  # keep the project, so that the next verification finds it and tries again
    if tenant.user_id:
        attempt("user", lambda: admin.delete("identity", f"/users/{tenant.user_id}"))
    attempt("project", lambda: admin.delete("identity", f"/projects/{tenant.project_id}"))
    return left


def _gone(own: Session, service: str, list_path: str, key: str, wait: float) -> None:
    def look() -> bool | None:
        rows = own.get(service, list_path)[key]
        broken = [r for r in rows if str(r.get("status", "")).startswith("error_deleting")]
        if broken:
            raise Failure(f"{broken[0]['id']} is in status {broken[0]['status']}")
        return None if rows else True

    wait_for(f"{key} still there", look, wait)


def _stacks(own: Session, wait: float) -> None:
    for stack in own.get("orchestration", "/stacks")["stacks"]:
        own.delete("orchestration", f"/stacks/{stack['stack_name']}/{stack['id']}")
    _gone(own, "orchestration", "/stacks", "stacks", wait)


def _servers(own: Session, wait: float) -> None:
    for server in own.get("compute", "/servers")["servers"]:
        own.delete("compute", f"/servers/{server['id']}")
    _gone(own, "compute", "/servers/detail", "servers", wait)


def _keypairs(own: Session, _: float) -> None:
    for pair in own.get("compute", "/os-keypairs")["keypairs"]:
        own.delete("compute", f"/os-keypairs/{pair['keypair']['name']}")


def _volumes(admin: Session, own: Session, wait: float) -> None:
    """Deletes the volumes. The admin resets a volume that is stuck after a failed detach, because no instance is left
    that could use it. Backups are deleted first, because their container is removed later."""

    def backups_gone() -> bool | None:
        rows = own.get("volumev3", "/backups/detail")["backups"]
        for row in rows:
            if row["status"] in ("available", "error"):
                own.delete("volumev3", f"/backups/{row['id']}")
        return None if rows else True

    wait_for("volume backups still there", backups_gone, wait)
    forced_at = time.monotonic() + min(wait / 4, 20.0)
    forced: set[str] = set()

    def look() -> bool | None:
        rows = own.get("volumev3", "/volumes/detail")["volumes"]
        for row in rows:
            if row["status"] in ("available", "error"):
                own.delete("volumev3", f"/volumes/{row['id']}")
            elif time.monotonic() > forced_at and row["id"] not in forced and row["status"] != "deleting":
                forced.add(row["id"])
                action = f"/volumes/{row['id']}/action"
                reset = {"status": "error", "attach_status": "detached"}
                admin.post("volumev3", action, {"os-reset_status": reset})
                admin.post("volumev3", action, {"os-force_delete": {}})
        return None if rows else True

    wait_for("volumes still there", look, wait)


def _images(own: Session, _: float) -> None:
    for image in own.get("image", f"/images?owner={own.token().project_id}")["images"]:
        if image["owner"] == own.token().project_id:
            own.delete("image", f"/images/{image['id']}")


def _floating(own: Session, _: float) -> None:
    for row in _mine(own, "floatingips"):
        own.delete("network", f"/floatingips/{row['id']}")


def _routers(own: Session, _: float) -> None:
    for router in _mine(own, "routers"):
        ports = own.get("network", f"/ports?device_id={router['id']}")["ports"]
        for subnet in {
            ip["subnet_id"] for p in ports for ip in p["fixed_ips"] if "router_interface" in p["device_owner"]
        }:
            try:
                own.call("PUT", "network", f"/routers/{router['id']}/remove_router_interface", {"subnet_id": subnet})
            except ApiError as error:
                if error.status != 404:
                    raise
        own.delete("network", f"/routers/{router['id']}")


def _ports(own: Session, _: float) -> None:
    for port in _mine(own, "ports"):
        if not port["device_owner"].startswith("network:"):
            own.delete("network", f"/ports/{port['id']}")


def _networks(own: Session, wait: float) -> None:
    def look() -> bool | None:
        # While Nova releases a port, Neutron answers 409 for a moment.
        busy = False
        for network in _mine(own, "networks"):
            try:
                own.delete("network", f"/networks/{network['id']}")
            except ApiError as error:
                if error.status != 409:
                    raise
                busy = True
        return None if busy else True

    wait_for("networks still in use", look, min(wait, 30.0))


def _groups(own: Session, _: float) -> None:
    for group in _mine(own, "security-groups"):
        if group["name"] != "default":
            own.delete("network", f"/security-groups/{group['id']}")


def _default_groups(admin: Session, project_id: str) -> None:
    # Neutron creates one per project that lists them, keeps it when the project is removed, and only the admin may
    # delete it.
    for group in admin.get("network", f"/security-groups?project_id={project_id}")["security_groups"]:
        if group["project_id"] == project_id:
            admin.delete("network", f"/security-groups/{group['id']}")


def _mine(own: Session, kind: str) -> list[dict[str, Any]]:
    project = own.token().project_id
    rows = own.get("network", f"/{kind}?project_id={project}")[kind.replace("-", "_")]
    # Check the project again, so that a service that ignores the filter cannot cause other projects' objects to be
    # deleted.
    return [row for row in rows if row.get("project_id", row.get("tenant_id")) == project]


def _alarms(own: Session, _: float) -> None:
    for alarm in own.get("alarming", "/v2/alarms"):
        own.delete("alarming", f"/v2/alarms/{alarm['alarm_id']}")


def _containers(own: Session, _: float) -> None:
    rows = own.call("GET", "object-store", "?format=json")
    for container in (rows.json() or []) if rows.body else []:
        name = container["name"]
        objects = own.call("GET", "object-store", f"/{name}?format=json")
        for item in (objects.json() or []) if objects.body else []:
            own.delete("object-store", f"/{name}/{item['name']}")
        own.delete("object-store", f"/{name}")


_Step = Callable[[Session, float], None]
# Objects come before those that they use.
_STEPS: tuple[tuple[str, tuple[tuple[str, _Step], ...]], ...] = (
    ("orchestration", (("stacks", _stacks),)),
    ("alarming", (("alarms", _alarms),)),
    ("compute", (("instances", _servers), ("key pairs", _keypairs))),
    ("volumev3", ()),  # with the admin's help: see remove_tenant
    ("image", (("images", _images),)),
    (
        "network",
        (
            ("floating addresses", _floating),
            ("routers", _routers),
            ("ports", _ports),
            ("networks", _networks),
            ("security groups", _groups),
        ),
    ),
    ("object-store", (("containers", _containers),)),
)


def fresh_name() -> str:
    """A unique name for a verification."""
    return f"{PREFIX}{int(time.time()):x}-{secrets.token_hex(2)}"
