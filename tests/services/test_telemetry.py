"""Telemetry: what others need for it, what `verify` does with it, and that nothing of it is there without it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import yaml

import golden
import outcome
from golden import CASES
from stackwright import answers, verify
from stackwright.model import Plan

CONTROL, METERS, REDIS, COMPUTE = "198.18.0.10", "198.18.0.66", "198.18.0.67", "198.18.0.31"
ON = {"CONFIG_CEILOMETER_INSTALL": "y", "CONFIG_AODH_INSTALL": "y"}
APART = {"CONFIG_CEILOMETER_HOST": METERS, "CONFIG_REDIS_HOST": REDIS, "CONFIG_COMPUTE_HOSTS": COMPUTE}


def read(**flags: str) -> answers.Reading:
    return answers.load([golden.FOLDER / "base.txt"], flags, {}, local_host=CONTROL, files=False)


def planned(**flags: str) -> Plan:
    reading = read(**flags)
    assert not reading.errors
    return outcome.plan(reading.answers, outcome.facts(reading.answers))


def data(plan: Plan, host: str = CONTROL) -> dict[str, Any]:
    found = yaml.safe_load(golden.last_runs(plan)[host].hieradata)
    assert isinstance(found, dict)
    return found


NOTIFIED = ("glance::notify::rabbitmq", "heat", "keystone", "neutron", "nova")


def test_services_send_notifications_only_if_telemetry_is_installed() -> None:
    """A queue that nobody reads grows for ever."""
    heat = {"CONFIG_HEAT_INSTALL": "y"}
    silent, told = data(planned(**heat)), data(planned(**ON, **heat))
    assert {key for key in silent if key.endswith("notification_driver")} == set()
    assert {name for name in NOTIFIED if told.get(f"{name}::notification_driver") == "messagingv2"} == set(NOTIFIED)
    assert told["nova::notify_on_state_change"] == "vm_and_task_state"
    assert told["nova::compute::instance_usage_audit"] is True


def test_events_go_to_aodh_only_where_it_is_installed() -> None:
    key = "ceilometer::agent::notification::event_pipeline_publishers"
    assert data(planned(**ON))[key] == ["gnocchi://", "notifier://?topic=alarm.all"]
    assert data(planned(CONFIG_CEILOMETER_INSTALL="y"))[key] == ["gnocchi://"]


def test_requests_to_swift_are_measured_where_that_is_asked_for() -> None:
    assert "ceilometer" not in data(planned(**ON))["swift::proxy::pipeline"]
    found = data(planned(**ON, CONFIG_ENABLE_CEILOMETER_MIDDLEWARE="y"))
    assert found["swift::proxy::pipeline"][-3:] == ["ceilometer", "proxy-logging", "proxy-server"]
    (problem,) = read(**ON, CONFIG_ENABLE_CEILOMETER_MIDDLEWARE="y", CONFIG_SWIFT_INSTALL="n").errors
    assert "it needs CONFIG_SWIFT_INSTALL=y" in problem.wanted


def test_each_host_polls_what_it_is_there_for() -> None:
    plan = planned(**ON, **APART)
    names = ("central", "compute", "ipmi")
    polled = {
        host: [name for name in names if data(plan, host)[f"ceilometer::agent::polling::{name}_namespace"]]
        for host in (METERS, COMPUTE)
    }
    assert polled == {METERS: ["central"], COMPUTE: ["compute"]}
    sources = data(plan, COMPUTE)["ceilometer::agent::polling::polling_config"]["sources"]
    assert {s["name"]: s["interval"] for s in sources} == {"instances": 60, "apis": 300}
    assert {"memory.usage", "network.incoming.bytes"} <= set(sources[0]["meters"])


def test_a_longer_interval_holds_for_apis_as_well() -> None:
    sources = data(planned(**ON, CONFIG_CEILOMETER_POLLING_INTERVAL="600"))
    assert {s["interval"] for s in sources["ceilometer::agent::polling::polling_config"]["sources"]} == {600}


def test_redis_on_a_host_of_its_own_lets_in_the_hosts_of_telemetry_alone() -> None:
    plan = planned(**ON, **APART, CONFIG_REDIS_PORT="6380")
    assert golden.last_runs(plan)[REDIS].components == ("redis",)
    (line,) = (line for line in plan.summary["ports"][REDIS] if " 6380 " in line)
    assert METERS in line
    assert CONTROL not in line
    assert COMPUTE not in line
    assert "CONFIG_REDIS_PW" in golden.secrets()
    url = data(plan, METERS)["gnocchi::coordination_url"]
    assert url.startswith("redis://:")
    assert url.endswith(f"@{REDIS}:6380")
    assert {data(plan, METERS)[f"{m}::coordination::backend_url"] for m in ("aodh", "ceilometer")} == {url}
    assert "redis://" not in golden.last_runs(plan)[COMPUTE].hieradata


def test_without_redis_gnocchi_uses_its_database() -> None:
    found = data(planned(**ON, CONFIG_CEILOMETER_COORDINATION_BACKEND="none"))
    assert not [key for key in found if "coordination" in key or "redis" in key]


def test_a_password_that_no_url_carries_is_refused_where_redis_is_installed() -> None:
    (problem,) = read(**ON, CONFIG_REDIS_PW="a/b").errors
    assert problem.message.startswith("CONFIG_REDIS_PW must consist of letters")
    assert "'/'" in problem.wanted
    assert not read(CONFIG_REDIS_PW="a/b").errors
    assert not read(**ON, CONFIG_REDIS_PW="a-b_c.d~1").errors


def test_aodh_alone_has_no_effect() -> None:
    (problem,) = (p for p in read(CONFIG_AODH_INSTALL="y").problems if "AODH" in p.seen)
    assert problem.name == "no-effect"


def test_routers_are_metered_with_agents_and_not_with_ovn() -> None:
    metering = {"CONFIG_NEUTRON_METERING_AGENT_INSTALL": "y"}
    plan = planned(CONFIG_NEUTRON_L2_AGENT="openvswitch", **metering)
    assert data(plan)["neutron::service_plugins"] == ["router", "metering"]
    assert data(plan)["neutron::agents::metering::driver"] == "iptables"
    assert "neutron::agents::metering::driver" not in data(planned(**metering))


def test_a_cloud_without_telemetry_has_neither_its_modules_nor_its_packages() -> None:
    words = ("aodh", "ceilometer", "gnocchi", "redis")
    for name, case in CASES.items():
        packages = {package for found in case.packages().values() for package in found}
        there = {word for word in words if any(word in package for package in packages)}
        assert there == (set(words) if name == "telemetry" else set()), name


# ------------------------------------------------------------------------------------------------- stackwright verify


@pytest.fixture
def on_host(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Modules of the verification as they are on the host, where the program's folder is a package of its own."""
    monkeypatch.syspath_prepend(str(verify.program().parent))
    for name in [name for name in sys.modules if name.partition(".")[0] == "on_host"]:
        monkeypatch.delitem(sys.modules, name)

    def load(name: str) -> ModuleType:
        module = importlib.import_module(f"on_host.{name}")
        monkeypatch.setattr(module.__dict__["time"] if "time" in module.__dict__ else __import__("time"), "sleep", _no)
        return module

    return load


def _no(_: float) -> None:
    """Nobody waits in a test."""


class Clouded:
    """A session with a cloud whose Gnocchi has these measures, by metric, and whose alarms are in this state."""

    def __init__(self, measures: dict[str, float], state: str = "alarm") -> None:
        self.measures, self.state = measures, state
        self.made: list[str] = []
        self.gone: list[str] = []

    def get(self, service: str, path: str) -> Any:
        if service == "compute":
            return {"servers": [{"id": "server"}] if "n1" in path else []}
        if service == "alarming":
            return self.state
        if path.startswith("/v1/resource/instance/"):
            return {"metrics": {name: name for name in self.measures if not name.startswith("network")}}
        name = path.split("/")[3]
        return [["2026-11-30T18:00:00+00:00", 300.0, self.measures[name]]]

    def post(self, service: str, path: str, body: dict[str, Any]) -> Any:
        if service == "metric":
            assert body == {"=": {"instance_id": "server"}}
            return [{"metrics": {name: name for name in self.measures if name.startswith("network")}}]
        self.made.append(path)
        return {"alarm_id": "alarm", "network": {"id": "network"}}

    def delete(self, _: str, path: str) -> None:
        self.gone.append(path)


MEASURES = {"memory.resident": 31.4, "network.incoming.bytes": 1234.0, "network.outgoing.bytes": 99.0, "cpu": 1.0}


def test_the_instance_is_measured_when_memory_and_traffic_are_in_gnocchi(on_host: Callable[[str], ModuleType]) -> None:
    module = on_host("ceilometer")
    assert module.measured(Clouded(MEASURES), "n1", 0) == "memory 31 MB, network 1234 bytes in"
    for lost in module.METRICS:
        some = {name: value for name, value in MEASURES.items() if name != lost}
        with pytest.raises(Exception, match="no measures of"):
            module.measured(Clouded(some), "n1", 0)


def test_without_an_instance_nothing_is_measured(on_host: Callable[[str], ModuleType]) -> None:
    module = on_host("ceilometer")
    with pytest.raises(module.Skip):
        module.measured(Clouded(MEASURES), "other", 0)
    config = SimpleNamespace(services=("identity", "metric"), polling_interval=60.0)
    assert module.checks(SimpleNamespace(config=config)) == []


def test_the_alarm_and_its_network_are_removed_whether_it_fires_or_not(on_host: Callable[[str], ModuleType]) -> None:
    module = on_host("aodh")
    cloud = Clouded({})
    assert module.fires(cloud, "n1", 0).endswith("s after a network was created")
    assert cloud.gone == ["/networks/network", "/v2/alarms/alarm"]
    silent = Clouded({}, "insufficient data")
    with pytest.raises(Exception, match="no alarm on a new network after"):
        module.fires(silent, "n1", 0)
    assert silent.gone == cloud.gone


def test_cinder_of_debian_12_sends_no_notifications() -> None:
    """Its oslo.messaging rebuilds the context of each notification, which Cinder refuses: HTTP 500."""
    hieradata = golden.last_runs(CASES["telemetry"].plan())["198.18.0.10"].hieradata
    assert "nova::notification_driver: messagingv2" in hieradata
    assert "cinder::notification_driver" not in hieradata
