"""The proof of several compute hosts: which are tried, what counts as a defect and what as a full host, and whether
instances reach each other."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from stackwright.verify.on_host import cloud, instance, spread
from stackwright.verify.on_host.api import ApiError, Failure
from stackwright.verify.on_host.runner import Skip

IMAGE = {"id": "i1"}


class Cloud:
    """Nova and Neutron as `spread` asks them; anything else is refused."""

    def __init__(self, hosts: dict[str, str], quota: int = 9, faults: dict[str, str] | None = None) -> None:
        self.hosts, self.quota, self.faults = hosts, quota, faults or {}
        self.servers: dict[str, dict[str, Any]] = {}
        self.ports = 0
        self.console = ""

    def get(self, service: str, path: str) -> Any:
        if (service, path) == ("compute", "/os-services?binary=nova-compute"):
            return {"services": [{"host": h, "state": s, "status": "enabled"} for h, s in self.hosts.items()]}
        if service == "compute" and path.startswith("/servers/"):
            return {"server": self.servers[path.removeprefix("/servers/")]}
        raise AssertionError(path)

    def post(self, service: str, path: str, body: Any, headers: Any = None) -> Any:
        if (service, path) == ("network", "/ports"):
            self.ports += 1
            assert body["port"]["network_id"] == "n1"
            return {"port": {"id": f"p{self.ports}", "fixed_ips": [{"ip_address": f"198.19.254.{self.ports}"}]}}
        if (service, path) == ("compute", "/servers"):
            assert headers == {"X-OpenStack-Nova-API-Version": "2.74"}, "a host cannot be named before"
            about = body["server"]
            if len(self.servers) == self.quota:
                raise ApiError("Quota exceeded for instances: Requested 1, but already used 10", 403)
            assert "key_name" not in about, "the key is another user's"
            fault = self.faults.get(about["host"])
            status = {"status": "ERROR", "fault": {"message": fault}} if fault else {"status": "ACTIVE"}
            self.servers[about["host"]] = {**status, "about": about}
            return {"server": {"id": about["host"]}}
        if service == "compute" and path.endswith("/action"):
            return {"output": self.console}
        raise AssertionError(path)

    @property
    def session(self) -> cloud.Session:
        return cast(cloud.Session, self)


def site_on(host: str) -> instance.Site:
    config = SimpleNamespace(boot_timeout=1, reach_timeout=0, services=("compute", "network"), compute_hosts=("a", "b"))
    site = instance.Site(config, "stackwright-verify-x", "/nowhere")
    site.network, site.group, site.flavor, site.fixed_address = "n1", "g1", "f1", "198.19.254.100"
    site.server = {"id": "first", "OS-EXT-SRV-ATTR:host": host}
    return site


def boot(told: Cloud, site: instance.Site) -> str:
    return spread.boot(told.session, lambda: told.session, told.session, site, IMAGE)


def test_every_other_host_that_is_up_gets_an_instance() -> None:
    told, site = Cloud({"a": "up", "b": "up", "c": "up", "d": "down"}), site_on("b")
    assert boot(told, site) == "ACTIVE on a, c"
    assert site.others == {"a": ("a", "198.19.254.1"), "c": ("c", "198.19.254.2")}
    assert [s["about"]["networks"] for s in told.servers.values()] == [[{"port": "p1"}], [{"port": "p2"}]]


def test_of_many_hosts_some_are_tried_and_the_rest_is_named() -> None:
    told, site = Cloud({f"c{n:02}": "up" for n in range(20)}), site_on("c00")
    said = boot(told, site)
    assert len(site.others) == spread.LIMIT
    left = sorted({f"c{n:02}" for n in range(1, 20)} - set(site.others))
    assert said == f"ACTIVE on {', '.join(sorted(site.others))}; not tested: {', '.join(left)}"


def test_a_quota_is_kept_to() -> None:
    told, site = Cloud({"a": "up", "b": "up", "c": "up"}, quota=1), site_on("a")
    assert boot(told, site) == "ACTIVE on b; not tested: c"
    with pytest.raises(Skip, match="allows only one instance"):
        boot(Cloud({"a": "up", "b": "up"}, quota=0), site_on("a"))


def test_a_full_host_is_no_defect_and_any_other_fault_is_one() -> None:
    full = {"b": "No valid host was found. There are not enough hosts available."}
    told, site = Cloud({"a": "up", "b": "up", "c": "up"}, faults=full), site_on("a")
    assert boot(told, site) == "ACTIVE on c; not tested: b"
    with pytest.raises(Skip, match="no free resources on b"):
        boot(Cloud({"a": "up", "b": "up"}, faults=full), site_on("a"))
    broken = {"b": "Binding failed for port p1"}
    with pytest.raises(Failure, match="b: the instance went to ERROR: Binding failed for port p1") as caught:
        boot(Cloud({"a": "up", "b": "up"}, faults=broken), site_on("a"))
    assert caught.value.service == "neutron"
    with pytest.raises(Skip, match="no other compute host"):
        boot(Cloud({"a": "up"}), site_on("a"))


def test_the_first_instance_pings_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    told, site = Cloud({}), site_on("a")
    site.others = {"b": ("b", "198.19.254.1"), "c": ("c", "198.19.254.2")}
    asked: list[str] = []

    def ssh(_: instance.Site, command: str) -> tuple[int, str, str]:
        asked.append(command)
        return (1 if "254.2" in command and told.console else 0), "", ""

    monkeypatch.setattr(spread, "ssh", ssh)
    assert spread.reached(told.session, site) == (
        "198.19.254.100 on a pings 198.19.254.1 on b, 198.19.254.2 on c"
    )  # fmt: skip
    assert asked == ["ping -c 1 -w 5 198.19.254.1", "ping -c 1 -w 5 198.19.254.2"]
    told.console = "up, with 198.19.254.2\n\nlogin:\n"
    with pytest.raises(Failure) as caught:
        spread.reached(told.session, site)
    assert caught.value.message == (
        "the instance on a gets no answer from 198.19.254.2 on c; on c, the guest has its address"
    )
    assert (caught.value.service, caught.value.lines) == ("neutron", ("up, with 198.19.254.2", "login:"))


def test_one_compute_host_has_nothing_to_prove() -> None:
    told, site = Cloud({}), site_on("a")

    def names() -> list[str]:
        found = spread.checks(site, told.session, lambda: told.session, lambda: told.session, lambda: IMAGE)
        return [check.name for check in found]

    assert names() == ["spread", "between"]
    site.config.compute_hosts = ("a",)
    assert names() == []
