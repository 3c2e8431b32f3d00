"""Verification: its requests, the order of its checks, its cleaning up, its words about a log, and its output."""

from __future__ import annotations

import fcntl
import http.server
import importlib
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from stackwright import services, verify
from stackwright.verify.on_host import cloud, control, dashboard, instance, logs, neutron, nova, volume
from stackwright.verify.on_host.api import ApiError, Failure, Http
from stackwright.verify.on_host.runner import Check, Context, Reporter, Skip, run_all

SECRET = "correct-horse-battery"
SERVICES = ("identity", "compute", "network", "image", "volumev3")
APIS = services.asked_apis(lambda _: True)
IDENTITY = {"identity": APIS["identity"]}

# ----------------------------------------------------------------------------------------------- a stand-in for a cloud


class Refused(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Cloud:
    """Answers the requests that it was told of, keeps what is made, and refuses to remove what is in use.

    Anything else is answered with 501 and remembered in `unexpected`.
    """

    def __init__(self) -> None:
        self.url = ""
        self.unexpected: list[str] = []
        self.seen: list[str] = []
        self.passwords = {"admin": SECRET}
        self.roles: dict[str, set[str]] = {}
        self.number = 0
        self.fail: dict[str, tuple[int, int]] = {}
        """"METHOD /path" -> (how often, status; 0 closes the connection without an answer)."""
        self.rows: dict[str, dict[str, dict[str, Any]]] = {
            name: {}
            for name in [
                "projects",
                "users",
                "servers",
                "keypairs",
                "volumes",
                "backups",
                "images",
                "floatingips",
                "routers",
                "ports",
                "networks",
                "security_groups",
                "flavors",
            ]
        }
        self.rows["projects"]["p-admin"] = {"id": "p-admin", "name": "admin"}
        self.rows["users"]["u-admin"] = {"id": "u-admin", "name": "admin"}

    def add(self, kind: str, **values: Any) -> dict[str, Any]:
        self.number += 1
        row = {"id": f"{kind}-{self.number}", **values}
        self.rows[kind][row["id"]] = row
        return row

    # The catalog says which services there are; the path's first part says which one is meant.
    def catalog(self) -> list[dict[str, Any]]:
        kinds = {"identity": "/identity/v3", "compute": "/compute", "network": "/network", "image": "/image"}
        kinds["volumev3"] = "/volume"
        return [
            {"type": kind, "endpoints": [{"interface": "public", "region_id": "RegionOne", "url": self.url + path}]}
            for kind, path in kinds.items()
        ]

    def handle(self, method: str, path: str, query: str, token: str, body: Any) -> Any:
        self.seen.append(f"{method} {path}")
        if (method, path) == ("POST", "/identity/v3/auth/tokens"):
            return self.token(body["auth"])
        name, _, project = token.partition("@")
        if not project:
            raise Refused(401, "no token")
        parts = path.strip("/").split("/")
        if parts[:2] == ["identity", "v3"]:
            return self.identity(method, parts[2:], body, name)
        parts = [part for part in parts if part not in ("v2", "v2.0")]
        kind = {"os-keypairs": "keypairs", "security-groups": "security_groups"}.get(parts[1], parts[1])
        rows = self.rows.get(kind)
        if rows is None:
            raise Refused(501, "not told")
        mine = {i: r for i, r in rows.items() if name == "admin" or r.get("project_id", project) == project}
        if method == "GET" and (len(parts) == 2 or parts[2:] == ["detail"]):
            wanted = dict(re.findall(r"(\w+)=([^&]*)", query))
            device = wanted.get("device_id")
            listed = [r for r in mine.values() if device is None or r.get("device_id") == device]
            return {kind: [{"keypair": r} for r in listed] if kind == "keypairs" else listed}
        if method == "DELETE" and len(parts) == 3:
            if parts[2] not in mine:
                raise Refused(404, "no such thing")
            self.check_free(kind, rows[parts[2]], name)
            del rows[parts[2]]
            return None
        if method == "POST" and parts[1] == "volumes" and parts[-1] == "action":
            if name != "admin":
                raise Refused(403, "only the admin")
            if "os-force_delete" in body:
                if rows[parts[2]]["status"] != "error":
                    raise Refused(400, "volume is attached")
                del rows[parts[2]]
            else:
                rows[parts[2]].update(body["os-reset_status"])
            return None
        if method == "PUT" and parts[-1] == "remove_router_interface":
            self.rows["ports"] = {
                i: p
                for i, p in self.rows["ports"].items()
                if not (p.get("device_id") == parts[2] and p["fixed_ips"][0]["subnet_id"] == body["subnet_id"])
            }
            return {}
        raise Refused(501, "not told")

    def token(self, auth: dict[str, Any]) -> Any:
        user = auth["identity"]["password"]["user"]
        project = next(
            (p for p in self.rows["projects"].values() if p["name"] == auth["scope"]["project"]["name"]), None
        )
        if self.passwords.get(user["name"]) != user["password"] or project is None:
            raise Refused(401, "The request you have made requires authentication.")
        if user["name"] != "admin" and not self.roles.get(user["name"]):
            raise Refused(401, "no role")
        return {
            "token": {"project": {"id": project["id"]}, "user": {"id": "u"}, "catalog": self.catalog()},
            "_subject": f"{user['name']}@{project['id']}",
        }

    def identity(self, method: str, parts: list[str], body: Any, who: str) -> Any:
        if who != "admin":
            raise Refused(403, "only the admin")
        match method, parts:
            case "GET", ["roles"]:
                return {"roles": [{"id": "r1", "name": "member"}, {"id": "r2", "name": "reader"}]}
            case "GET", ["projects" | "users" as kind]:
                return {kind: list(self.rows[kind].values())}
            case "POST", ["projects" | "users" as kind]:
                about = body[kind[:-1]]
                if kind == "users":
                    self.passwords[about["name"]] = about["password"]
                return {kind[:-1]: self.add(kind, name=about["name"])}
            case "PATCH", ["users", identity]:
                self.passwords[self.rows["users"][identity]["name"]] = body["user"]["password"]
                return {}
            case "PUT", ["projects", project, "users", user, "roles", role]:
                assert project in self.rows["projects"]
                self.roles.setdefault(self.rows["users"][user]["name"], set()).add(role)
                return None
            case "DELETE", ["projects" | "users" as kind, identity]:
                if identity not in self.rows[kind]:
                    raise Refused(404, "no such thing")
                if kind == "projects" and any(
                    r.get("project_id") == identity for rows in self.rows.values() for r in rows.values()
                ):
                    raise AssertionError("a project was removed before what is in it")
                del self.rows[kind][identity]
                return None
        raise Refused(501, "not told")

    def check_free(self, kind: str, row: dict[str, Any], who: str) -> None:
        """As the services do: what is used by something else is not removed."""
        ports = self.rows["ports"].values()
        if kind == "servers":  # takes its port and its hold on volumes along
            self.rows["ports"] = {i: p for i, p in self.rows["ports"].items() if p.get("device_id") != row["id"]}
            for volume in self.rows["volumes"].values():
                volume["status"] = "available"
        elif kind == "networks" and any(p["network_id"] == row["id"] for p in ports):
            raise Refused(409, "network is in use")
        elif kind == "routers" and any(p.get("device_id") == row["id"] for p in ports):
            raise Refused(409, "router has interfaces")
        elif kind == "routers" and any(f["router_id"] == row["id"] for f in self.rows["floatingips"].values()):
            raise Refused(409, "router is needed by a floating address")
        elif kind == "volumes" and row["status"] != "available":
            raise Refused(400, "volume is in use")
        elif kind == "ports" and row["device_owner"].startswith("network:"):
            raise Refused(409, "port is the router's")
        elif kind == "security_groups" and (row["name"] == "default" and who != "admin"):
            raise Refused(409, "only the admin removes a default group")


@pytest.fixture
def standin() -> Iterator[Cloud]:
    told = Cloud()

    class Handler(http.server.BaseHTTPRequestHandler):
        def serve(self) -> None:
            path, _, query = self.path.partition("?")
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            rest, status = told.fail.get(f"{self.command} {path}", (0, 0))
            if rest:
                told.fail[f"{self.command} {path}"] = (rest - 1, status)
                if not status:
                    self.close_connection = True
                    return None
                return self.answer(status, {"error": {"message": "told to fail"}}, "")
            try:
                found = told.handle(self.command, path, query, self.headers.get("X-Auth-Token", ""), body)
            except Refused as refused:
                if refused.status == 501:
                    told.unexpected.append(f"{self.command} {self.path}")
                return self.answer(refused.status, {"error": {"message": str(refused)}}, "")
            subject = found.pop("_subject", "") if isinstance(found, dict) else ""
            return self.answer(200 if found is not None else 204, found, subject)

        def answer(self, status: int, document: Any, subject: str) -> None:
            payload = json.dumps(document).encode() if document is not None else b""
            self.send_response(status)
            self.send_header("Content-Length", str(len(payload)))
            self.send_header("X-OpenStack-Request-Id", "req-11112222")
            if subject:
                self.send_header("X-Subject-Token", subject)
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = serve

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield told
    server.shutdown()
    server.server_close()


Connect = Callable[[str, str, str], cloud.Session]


@pytest.fixture
def connect(standin: Cloud) -> Connect:
    http = Http()

    def make(user: str, password: str, project: str) -> cloud.Session:
        return cloud.Session(http, standin.url + "/identity/v3", "RegionOne", user, password, project, "public")

    return make


@pytest.fixture
def admin(connect: Connect) -> cloud.Session:
    return connect("admin", SECRET, "admin")


def fill(told: Cloud, project: str) -> None:
    """What a verification makes in its project, each thing in use by another."""
    server = told.add("servers", name="s", project_id=project, status="ACTIVE")
    network = told.add("networks", name="n", project_id=project)
    router = told.add("routers", name="r", project_id=project)
    gone = {"project_id": project, "network_id": network["id"], "fixed_ips": [{"subnet_id": "sub"}]}
    told.add("ports", device_owner="compute:nova", device_id=server["id"], **gone)
    told.add("ports", device_owner="", device_id="", **gone)
    told.add("ports", device_owner="network:router_interface", device_id=router["id"], **gone)
    told.add("floatingips", router_id=router["id"], project_id=project)
    told.add("volumes", status="in-use", project_id=project)
    told.add("images", owner=project, project_id=project)
    told.add("security_groups", name="default", project_id=project)
    told.add("security_groups", name="mine", project_id=project)
    told.rows["keypairs"]["k"] = {"name": "k", "project_id": project}


# --------------------------------------------------------------------------------------------------------- cleaning up


def test_a_tenant_is_made_with_the_roles_that_exist_and_removed_without_a_trace(
    standin: Cloud, admin: cloud.Session, connect: Connect
) -> None:
    before = json.dumps(standin.rows, sort_keys=True)
    tenant = cloud.make_tenant(admin, connect, cloud.fresh_name(), ("member", "SwiftOperator"))
    assert standin.roles[tenant.name] == {"r1"}
    assert tenant.session.token().project_id == tenant.project_id
    fill(standin, tenant.project_id)
    assert cloud.remove_tenant(admin, tenant, SERVICES) == []
    assert json.dumps(standin.rows, sort_keys=True) == before
    assert standin.unexpected == []


def test_leftovers_of_a_killed_verification_are_removed_and_nothing_else(
    standin: Cloud, admin: cloud.Session, connect: Connect
) -> None:
    tenant = cloud.make_tenant(admin, connect, cloud.PREFIX + "dead", ("member",))
    fill(standin, tenant.project_id)
    standin.add("projects", name=cloud.PREFIX + "no-user")
    standin.add("users", name=cloud.PREFIX + "no-project")
    other = standin.add("projects", name="somebody")
    standin.add("networks", name="theirs", project_id=other["id"])
    standin.add("flavors", name=cloud.PREFIX + "dead")
    standin.add("flavors", name="m1.tiny")

    running = standin.add("projects", name=cloud.PREFIX + "running")
    gone, left = cloud.remove_all(admin, connect, lambda name: name != cloud.PREFIX + "running", SERVICES)
    assert (sorted(gone), left) == ([cloud.PREFIX + "dead", cloud.PREFIX + "no-user"], [])
    del standin.rows["projects"][running["id"]]
    assert {p["name"] for p in standin.rows["projects"].values()} == {"admin", "somebody"}
    assert {u["name"] for u in standin.rows["users"].values()} == {"admin"}
    assert [n["name"] for n in standin.rows["networks"].values()] == ["theirs"]
    assert [f["name"] for f in standin.rows["flavors"].values()] == ["m1.tiny"]
    assert standin.unexpected == []


def test_a_volume_whose_detaching_failed_is_set_free_by_the_admin(
    standin: Cloud, admin: cloud.Session, connect: Connect
) -> None:
    tenant = cloud.make_tenant(admin, connect, cloud.fresh_name(), ("member",))
    standin.add("volumes", status="detaching", project_id=tenant.project_id)
    assert cloud.remove_tenant(admin, tenant, SERVICES, wait=4) == []
    assert not standin.rows["volumes"]


def test_unremovable_resources_are_reported_and_their_project_stays(
    standin: Cloud, admin: cloud.Session, connect: Connect
) -> None:
    tenant = cloud.make_tenant(admin, connect, cloud.fresh_name(), ("member",))
    fill(standin, tenant.project_id)
    image = next(iter(standin.rows["images"]))
    standin.fail[f"DELETE /image/v2/images/{image}"] = (99, 500)
    standin.rows["images"][image]["id"] = image
    standin.fail["GET /image/v2/images"] = (1, 500)
    left = cloud.remove_tenant(admin, tenant, SERVICES)
    assert len(left) == 1
    assert "images" in left[0]
    assert "told to fail" in left[0]
    assert tenant.project_id in standin.rows["projects"]
    assert not standin.rows["networks"], "the rest was not cleaned up"


def test_a_cloud_without_any_wanted_role_is_a_failure_of_keystone(admin: cloud.Session, connect: Connect) -> None:
    with pytest.raises(Failure, match="none of the roles Operator") as caught:
        cloud.make_tenant(admin, connect, cloud.fresh_name(), ("Operator",))
    assert caught.value.service == "keystone"


# ------------------------------------------------------------------------------------------------------------ requests


def test_a_wrong_password_is_reported_but_not_shown(connect: Connect) -> None:
    with pytest.raises(ApiError) as caught:
        connect("admin", "wrong-" + SECRET, "admin").token()
    assert caught.value.status == 401
    assert "refuses the password of user admin" in caught.value.message
    assert "wrong-" not in caught.value.message


@pytest.mark.parametrize("status", [0, 502, 503, 504])
def test_temporary_failures_of_repeatable_requests_are_retried(
    standin: Cloud, admin: cloud.Session, status: int
) -> None:
    standin.fail["GET /network/v2.0/networks"] = (1, status)
    assert admin.get("network", "/networks") == {"networks": []}


def test_a_post_whose_answer_was_lost_is_not_sent_again(standin: Cloud, admin: cloud.Session) -> None:
    admin.token()
    standin.fail["POST /network/v2.0/networks"] = (1, 0)
    with pytest.raises(ApiError, match="no answer"):
        admin.post("network", "/networks", {"network": {}})
    assert standin.fail["POST /network/v2.0/networks"] == (0, 0)
    assert not [line for line in standin.seen if line.startswith("POST /network")]


def test_a_refusal_carries_the_services_own_words_and_the_request(standin: Cloud, admin: cloud.Session) -> None:
    standin.fail["GET /compute/servers"] = (1, 500)
    with pytest.raises(ApiError) as caught:
        admin.get("compute", "/servers")
    assert "500" in caught.value.message
    assert "told to fail" in caught.value.message
    assert caught.value.request_id == "req-11112222"


def test_a_rejected_token_is_renewed_once(standin: Cloud, admin: cloud.Session) -> None:
    admin.token()
    standin.fail["GET /compute/servers"] = (1, 401)
    assert admin.get("compute", "/servers") == {"servers": []}
    assert standin.seen.count("POST /identity/v3/auth/tokens") == 2
    standin.fail["GET /compute/servers"] = (9, 401)
    with pytest.raises(ApiError, match="401"):
        admin.get("compute", "/servers")


def test_a_stopped_connection_sends_nothing_more(standin: Cloud, admin: cloud.Session) -> None:
    admin.token()
    admin.http.stop.set()
    count = len(standin.seen)
    with pytest.raises(Failure, match="stopped"):
        admin.get("compute", "/servers")
    assert len(standin.seen) == count


def test_a_service_that_the_catalog_lacks_is_keystones_failure(admin: cloud.Session) -> None:
    with pytest.raises(Failure, match="no service of type object-store in region RegionOne"):
        admin.url("object-store")


# ---------------------------------------------------------------------------------------------------------------- order


def collect(checks: list[Check], **more: Any) -> tuple[dict[str, str], verify.VerifyResult]:
    out: list[str] = []
    reporter = Reporter((SECRET,), out.append)
    reporter.plan(checks)
    states = run_all(checks, reporter, **more)
    reporter.finished(1.0, ())
    return states, verify.read("".join(out).splitlines())


def fails(message: str, service: str = "") -> Callable[[], str]:
    def run() -> str:
        raise Failure(message, service)

    return run


def test_dependents_of_a_failure_are_skipped_because_of_the_root() -> None:
    checks = [
        Check("ssh", "S", "nova", lambda: "in", ("ping",)),
        Check("ping", "P", "neutron", lambda: "yes", ("boot",)),
        Check("boot", "B", "nova", fails("no valid host"), ()),
        Check("image", "I", "glance", lambda: "active"),
    ]
    states, result = collect(checks)
    assert states == {"boot": "failed", "ping": "skipped", "ssh": "skipped", "image": "ok"}
    by_name = {c.name: c for c in result.checks}
    assert by_name["ssh"].detail == "because boot failed"
    assert [c.name for c in result.failures] == ["boot"]
    assert not result.ok


def test_independent_checks_run_at_the_same_time() -> None:
    barrier = threading.Barrier(2)

    def meet() -> str:
        barrier.wait(10)
        return "met"

    states, _ = collect([Check("a", "A", "x", meet), Check("b", "B", "x", meet)])
    assert set(states.values()) == {"ok"}


def test_a_check_that_does_not_apply_skips_its_dependents() -> None:
    def nothing() -> str:
        raise Skip("there is no external network")

    states, result = collect(
        [Check("a", "A", "x", nothing), Check("b", "B", "x", lambda: "", ("a",)), Check("c", "C", "x", lambda: "")]
    )
    assert states == {"a": "skipped", "b": "skipped", "c": "ok"}
    assert result.ok


def test_a_ring_of_checks_is_an_error_and_not_a_wait_for_ever() -> None:
    with pytest.raises(ValueError, match="a, b"):
        collect([Check("a", "A", "x", lambda: "", ("b",)), Check("b", "B", "x", lambda: "", ("a",))])


def test_an_unexpected_response_fails_only_one_check() -> None:
    def odd() -> str:
        return {}["servers"]  # type: ignore[no-any-return]

    states, result = collect([Check("a", "A", "nova", odd), Check("b", "B", "x", lambda: "fine")])
    assert states == {"a": "failed", "b": "ok"}
    assert "KeyError" in result.failures[0].detail


def test_an_interruption_stops_what_runs() -> None:
    stopped = threading.Event()

    def interrupts() -> str:
        raise SystemExit(143)

    checks = [Check("a", "A", "x", interrupts), Check("b", "B", "x", lambda: str(stopped.wait(10)))]
    with pytest.raises(SystemExit):
        run_all(checks, Reporter((), lambda _: None), stopped.set)
    assert stopped.is_set()


def test_no_secret_gets_into_the_output() -> None:
    _, result = collect([Check("a", "A", "nova", fails(f"mysql://nova:{SECRET}@198.18.0.10/ refused {SECRET}"))])
    assert SECRET not in json.dumps(result.to_json())
    assert "****" in result.failures[0].detail


def test_every_need_of_a_check_is_the_name_of_a_check_or_of_a_service_that_was_not_chosen(tmp_path: Path) -> None:
    config = verify.VerifyConfig("http://x", "pw", services=tuple(APIS), apis=APIS, dashboard_url="http://x")
    admin: Any = None
    context = Context(config, admin, lambda: admin, "n")
    checks = control.checks(context, None)
    for module in services.checks(lambda _: True):
        checks += importlib.import_module(f"stackwright.verify.on_host.{module}").checks(context)
    checks += instance.checks(instance.Site(config, "n", str(tmp_path)), admin, lambda: admin, dict)
    names = [c.name for c in checks] + ["project"]
    assert len(names) == len(set(names))
    checks += volume.checks(instance.Site(config, "n", str(tmp_path)), lambda: admin)
    names += [c.name for c in checks if c.name.startswith("volume")]
    assert {n for c in checks for n in c.needs} <= set(names)


# ----------------------------------------------------------------------------------------------------- checks' verdicts


def row(binary: str, **more: Any) -> dict[str, Any]:
    return {"binary": binary, "host": "n1", "state": "up", "status": "enabled", **more}


class Replies:
    """A session that answers the requests it was told of; KeyError for the others."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers

    def get(self, _service: str, path: str) -> Any:
        return self.answers[path.strip("/").partition("?")[0].replace("-", "_").replace("/", "_")]


def test_a_service_that_is_down_disabled_or_absent_is_named() -> None:
    good = [row("nova-compute"), row("nova-conductor"), row("nova-scheduler")]
    assert "nova-compute" in nova.nova_services(Replies(os_services={"services": good}), 0)  # type: ignore[arg-type]
    for change in ({"state": "down"}, {"status": "disabled"}):
        bad = [{**good[0], **change}, *good[1:]]
        with pytest.raises(Failure, match="nova-compute on n1"):
            nova.nova_services(Replies(os_services={"services": bad}), 0)  # type: ignore[arg-type]
    with pytest.raises(Failure, match="missing: nova-scheduler"):
        nova.nova_services(Replies(os_services={"services": good[:2]}), 0)  # type: ignore[arg-type]
    with pytest.raises(Failure, match="Neutron has no agent"):
        neutron.neutron_agents(Replies(agents={"agents": []}), (), (), 0)  # type: ignore[arg-type]
    agent = {"agent_type": "OVN Controller agent", "host": "n1.lab.test", "alive": True, "admin_state_up": True}
    told: Any = Replies(agents={"agents": [agent]})
    assert neutron.neutron_agents(told, ("n1.lab.test",), ("OVN Controller agent",), 0) == "OVN Controller agent"
    with pytest.raises(Failure, match="no agent has reported from n2"):
        neutron.neutron_agents(told, ("n1.lab.test", "n2.lab.test"), (), 0)
    with pytest.raises(Failure, match="no agent of this type has reported: L3 agent"):
        neutron.neutron_agents(told, ("n1.lab.test",), ("OVN Controller agent", "L3 agent"), 0)


def hypervisor(host: str) -> dict[str, Any]:
    return {"hypervisor_hostname": host, "service": {"host": host}}


def cells(hosts: list[str], mapped: list[str], inventory: dict[str, Any]) -> Replies:
    return Replies(
        os_services={"services": [row("nova-compute", host=h) for h in hosts]},
        os_hypervisors_detail={"hypervisors": [hypervisor(h) for h in mapped]},
        resource_providers={"resource_providers": [{"uuid": "u"}]},
        resource_providers_u_inventories={"inventories": inventory},
    )


def test_a_compute_host_that_no_cell_knows_is_named() -> None:
    vcpu = {"VCPU": {}}
    told: Any = cells(["n1", "n2"], ["n1", "n2"], vcpu)
    assert nova.cell_mapping(told, ("n1.lab", "n2"), 0).startswith("2 of 2 mapped")
    told = cells(["n1", "n2"], ["n1"], vcpu)
    with pytest.raises(Failure, match=r"not mapped to a cell: n2 \(nova-manage"):
        nova.cell_mapping(told, (), 0)
    told = cells(["n1"], ["n1"], vcpu)
    with pytest.raises(Failure, match="no nova-compute has reported from n3"):
        nova.cell_mapping(told, ("n1", "n3"), 0)
    told = cells(["n1"], ["n1"], {})
    with pytest.raises(Failure, match="no VCPU inventory of n1"):
        nova.cell_mapping(told, (), 0)


def with_console(text: str, tmp_path: Path) -> tuple[Any, instance.Site]:
    class Own:
        def post(self, _service: str, path: str, body: Any) -> Any:
            assert path == "/servers/s/action"
            assert body == {"os-getConsoleOutput": {"length": 2000}}
            return {"output": text}

    site = instance.Site(verify.VerifyConfig("http://x", "pw", boot_timeout=0), "n", str(tmp_path))
    site.server = {"id": "s", "OS-EXT-SRV-ATTR:instance_name": "instance-0000002a"}
    site.fixed_address = "198.19.254.5"
    return Own(), site


def test_the_console_tells_address_and_metadata_of_our_guest_and_of_cirros(tmp_path: Path) -> None:
    ours = (
        "stackwright-guest: [3.0] dhcp: eth0 has 198.19.254.5/24\n"
        "stackwright-guest: [3.5] metadata: from metadata, instance-id i-0000002a, hostname x, 1 key(s)\n"
    )
    cirros = (
        "udhcpc: lease of 198.19.254.5 obtained, lease time 43200\n"
        "successful after 1/20 tries: up 9.01. iid=i-0000002a\n"
    )
    for text in (ours, cirros):
        own, site = with_console(text, tmp_path)
        assert "198.19.254.5" in instance.dhcp(own, site)
        assert "i-0000002a" in instance.metadata(own, site)
    own, site = with_console(ours.replace("198.19.254.5", "198.19.254.50"), tmp_path)
    with pytest.raises(Failure, match=r"no 198\.19\.254\.5 in the console log after \d+ s") as caught:
        instance.dhcp(own, site)
    assert any("198.19.254.50" in line for line in caught.value.lines), "the console's lines are not shown"
    # What comes late is no failure; what never comes is told as what it is.
    late = "stackwright-guest: [24.0] dhcp: no answer on eth0 yet\n"
    own, site = with_console(late + ours, tmp_path)
    assert "198.19.254.5" in instance.dhcp(own, site)
    for never in (late, "udhcpc: No lease, failing\n"):
        own, site = with_console(never, tmp_path)
        with pytest.raises(Failure, match="the guest got no answer to DHCP"):
            instance.dhcp(own, site)
    own, site = with_console(ours.replace("i-0000002a", "i-0000002b"), tmp_path)
    with pytest.raises(Failure, match="got the instance id i-0000002b"):
        instance.metadata(own, site)
    own, site = with_console("stackwright-guest: [40.0] metadata: no answer, and no config drive\n", tmp_path)
    with pytest.raises(Failure, match="no answer from the metadata service") as caught:
        instance.metadata(own, site)
    assert caught.value.service == "neutron"


LOGIN = """<html><form><input type="hidden" name="csrfmiddlewaretoken" value="abc&amp;d">
<select name="region" id="x"><option value="default" selected>RegionOne</option><option value="b">B</option></select>
<input type="text" name="username"><input type="password" name="password"></form></html>"""


def test_the_login_form_is_read_as_a_browser_does() -> None:
    assert dashboard.form_fields(LOGIN) == {"csrfmiddlewaretoken": "abc&d", "region": "default"}


# ----------------------------------------------------------------------------------------------------------------- logs


def test_a_failure_shows_the_lines_of_its_request_or_the_newest_errors(tmp_path: Path) -> None:
    now = time.time()

    def stamp(seconds: float) -> str:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now + seconds)) + ".123"

    log = tmp_path / "nova-api.log"
    log.write_text(
        f"{stamp(-900)} 1 ERROR nova.old [-] yesterday's\n"
        f"{stamp(1)} 1 INFO nova [req-aaaa u p] started\n"
        f"{stamp(2)} 1 ERROR nova.db [req-bbbb u p] DBError: mysql+pymysql://nova:{SECRET}@198.18.0.10/nova is away\n"
        f"{stamp(3)} 1 ERROR nova.other [req-cccc u p] not ours, password='hush hush'\n"
    )
    sources = logs.Sources((str(tmp_path / "*.log"),))
    found = logs.about(sources, "req-bbbb", now, (SECRET,))
    assert found.source == str(log)
    assert len(found.lines) == 1
    assert "DBError" in found.lines[0]
    assert SECRET not in found.lines[0]
    frames = [
        "Traceback (most recent call last):",
        '  File "/usr/lib/x.py", line 1, in f',
        "    raise value",
        "        ^^^^^",
        "libvirt.libvirtError: internal error: qemu closed the monitor",
        "",
    ]
    found = logs.about(sources, "", now, ())
    assert [re.findall(r"nova\.\w+", line)[0] for line in found.lines] == ["nova.db", "nova.other"]
    assert SECRET not in "".join(found.lines), "a password in a URL was shown"
    assert "hush" not in found.lines[1]
    assert logs.about(logs.Sources(), "req-x", now + 60, ()).lines == ()
    prefix = f"{stamp(4)} 1 ERROR nova.compute.manager [instance: b7eb]"
    log.write_text("".join(f"{prefix} {line}\n" for line in frames))
    assert [line.partition("] ")[2] for line in logs.about(sources, "", now, ()).lines] == [frames[4]]


# --------------------------------------------------------------------------------------------- the controlling machine


def test_the_steps_secrets_are_in_a_private_file_that_is_deleted() -> None:
    config = verify.VerifyConfig("http://198.18.0.10:5000/v3", SECRET, demo_user="demo", demo_password="also-" + SECRET)
    assert SECRET not in repr(config)
    step = verify.build(config, "198.18.0.10", ("credentials",))
    assert step.always
    assert step.needs == ("credentials",)
    upload, run = step.actions
    assert isinstance(upload, verify.Upload)
    assert isinstance(run, verify.Run)
    assert SECRET not in run.script
    secret = [f for f in upload.files if f.secret]
    assert [f.mode for f in secret] == [0o600]
    assert f"rm -f {secret[0].path}" in run.script
    assert not [f for f in upload.files if not f.secret and SECRET.encode() in f.content]
    subprocess.run(["sh", "-n"], input=run.script.encode(), check=True)


def pythons() -> list[str]:
    """This Python, and the oldest that a host may have where this machine has it."""
    found = [sys.executable]
    old = subprocess.run(
        ["sh", "-c", "command -v python3.9"], capture_output=True, text=True, check=False
    ).stdout.strip()
    works = old and subprocess.run([old, "-c", ""], capture_output=True, check=False).returncode == 0
    return [*found, old] if works else found


def write_program(folder: Path) -> None:
    """As on a host, with a lock of its own: another test beside this one is on the same host."""
    for file in verify.files(str(folder)):
        path = Path(file.path)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(file.content.replace(b'Path("/run/lock")', f"Path({str(folder)!r})".encode()))


@pytest.mark.parametrize("python", pythons())
def test_the_program_runs_alone_and_names_the_root_of_a_failure(standin: Replies, tmp_path: Path, python: str) -> None:
    password = "not-" + SECRET
    config = verify.VerifyConfig(standin.url + "/identity/v3", password, apis=APIS, settle_timeout=1)
    write_program(tmp_path)
    place = tmp_path / "config.json"
    place.write_bytes(config.to_json())
    command = [python, "-B", "-s", "-m", "on_host", str(place)]
    place.chmod(0o644)
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "0600" in done.stderr
    place.chmod(0o600)
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 1, done.stderr
    assert password not in done.stdout + done.stderr
    result = verify.read(done.stdout.splitlines())
    assert result.complete
    assert not result.ok
    assert [c.name for c in result.failures] == ["token-admin"]
    assert "refuses the password" in result.failures[0].detail
    assert {c.detail for c in result.checks if c.state == "skipped"} == {"because token-admin failed"}
    assert verify.text(result)[-1] == "Verification failed: keystone."
    with (tmp_path / "stackwright-verify.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 6
    assert "another verification is running" in done.stderr


def run_program(folder: Path, config: verify.VerifyConfig) -> subprocess.CompletedProcess[str]:
    write_program(folder)
    place = folder / "config.json"
    place.write_bytes(config.to_json())
    place.chmod(0o600)
    command = [sys.executable, "-B", "-s", "-m", "on_host", str(place)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)


def test_the_program_makes_its_project_removes_leftovers_and_leaves_nothing(standin: Replies, tmp_path: Path) -> None:
    old = standin.add("projects", name=cloud.PREFIX + "old")
    standin.add("users", name=cloud.PREFIX + "old")
    standin.roles[cloud.PREFIX + "old"] = {"r1"}
    fill(standin, old["id"])
    config = verify.VerifyConfig(standin.url + "/identity/v3", SECRET, services=("identity",), apis=IDENTITY)
    done = run_program(tmp_path, verify.VerifyConfig(config.auth_url, "wrong"))
    assert done.returncode == 1
    # Only Keystone is proved here; that there are other services to clean up in is told by the catalog.
    done = run_program(tmp_path, config)
    result = verify.read(done.stdout.splitlines())
    states = {c.name: c.state for c in result.checks}
    assert states == {
        "token-admin": "ok",
        "demo": "skipped",
        "endpoint-keystone": "ok",
        "project": "ok",
        "leftovers": "ok",
        "cleanup": "ok",
    }, done.stdout + done.stderr
    assert done.returncode == 0
    assert {p["name"] for p in standin.rows["projects"].values()} == {"admin"}
    assert {u["name"] for u in standin.rows["users"].values()} == {"admin"}
    assert not standin.rows["networks"], "a project was removed, and its network left"


def test_output_that_stops_half_way_proves_nothing() -> None:
    plan = [{"check": "a", "title": "A", "service": "x"}, {"check": "b", "title": "B", "service": "x"}]
    lines = [
        json.dumps({"kind": "plan", "checks": plan}),
        json.dumps({"kind": "check", **plan[0], "state": "ok", "seconds": 1.5, "detail": "fine"}),
        "stackwright: progress 1 2 A: ok",
        "Killed",
    ]
    result = verify.read(lines)
    assert not result.ok
    assert [(c.name, c.state) for c in result.checks] == [("a", "ok"), ("b", "unknown")]
    assert verify.text(result)[-2:] == ["Killed", "Verification did not finish: the cloud is not verified."]
    assert not verify.read(lines[1:2]).ok, "all that was told is fine, but the end is missing"
    whole = verify.read([*lines[1:3], '{"kind": "finished", "seconds": 3.0, "left": []}'])
    assert whole.ok
    assert verify.text(whole)[-1] == "The cloud works: 1 checks passed in 3 s."
    dirty = verify.read([*lines[1:3], '{"kind": "finished", "seconds": 3.0, "left": ["router r: 409"]}'])
    assert not dirty.ok


def test_the_volume_is_attached_through_nova_and_found_by_what_is_new_in_the_guest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = instance.Site(verify.VerifyConfig("http://x", "pw"), "n", str(tmp_path))
    site.server, site.volume = {"id": "s1"}, "v1"
    disks = ["loop0 vda", "loop0 vda vdb"]
    asked: list[tuple[str, ...]] = []

    class Own:
        def post(self, service: str, path: str, body: Any) -> None:
            asked.append(("POST", service, path, body["volumeAttachment"]["volumeId"]))

        def get(self, service: str, path: str) -> Any:
            assert (service, path) == ("volumev3", "/volumes/v1")
            return {"volume": {"status": "in-use" if asked else "available"}}

    monkeypatch.setattr(volume, "ssh", lambda *_: (0, disks.pop(0).replace(" ", "\n"), ""))
    own: Any = Own()
    assert volume.attach(own, site) == "in-use, the guest sees /dev/vdb"
    assert asked == [("POST", "compute", "/servers/s1/os-volume_attachments", "v1")]
    monkeypatch.setattr(volume, "ssh", lambda *_: (0, "a" * 64 + "\n" + "b" * 64 + "\n", ""))
    with pytest.raises(Failure, match="differs from what it wrote") as caught:
        volume.write(site)
    assert caught.value.service == "cinder"


class Backups:
    """Cinder's API of backups: each look at one finds it in the next state; "gone" is a 404."""

    def __init__(self, states: list[str]) -> None:
        self.states = states
        self.asked: list[str] = []

    def post(self, service: str, path: str, body: Any) -> Any:
        assert (service, path, body["backup"]["volume_id"]) == ("volumev3", "/backups", "v1")
        return {"backup": {"id": "b1"}}

    def get(self, service: str, path: str) -> Any:
        assert (service, path) == ("volumev3", "/backups/b1")
        state = self.states.pop(0)
        if state == "gone":
            raise ApiError("no such backup", 404)
        return {"backup": {"status": state}}

    def delete(self, service: str, path: str) -> None:
        self.asked.append(f"{service} {path}")


def test_a_volume_is_backed_up_and_the_backup_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stackwright.verify.on_host.api.time.sleep", lambda _: None)
    site = instance.Site(verify.VerifyConfig("http://x", "pw"), "n", str(tmp_path))
    site.volume = "v1"
    own: Any = Backups(["creating", "available", "deleting", "gone"])
    assert volume.back_up(own, site) == "1 GiB backed up, the backup deleted"
    assert own.asked == ["volumev3 /backups/b1"]
    broken: Any = Backups(["creating", "error"])
    with pytest.raises(Failure, match="the backup is in status error, expected: available"):
        volume.back_up(broken, site)


def test_the_volume_is_backed_up_only_where_backups_are_installed(tmp_path: Path) -> None:
    def needs(**more: bool) -> dict[str, tuple[str, ...]]:
        config = verify.VerifyConfig("http://x", "pw", services=("compute", "network", "volumev3"), **more)
        checks = volume.checks(instance.Site(config, "n", str(tmp_path)), lambda: Any)
        return {check.name: check.needs for check in checks}

    assert needs(volume_backups=True)["volume-delete"] == ("volume-backup",), "they would run at the same time"
    assert "volume-backup" not in needs()
    assert needs()["volume-delete"] == ("volume-detach",)
