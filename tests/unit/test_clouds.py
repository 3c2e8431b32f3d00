"""tests/clouds: every feature and every important pair of features is on some cloud that `make test` installs."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import pytest

import clouds
import outcome
from clouds import Cloud
from stackwright import answers, planner
from stackwright.model import Answers
from stackwright.platforms import by_id
from stackwright.services import SERVICES

TESTS = Path(__file__).resolve().parents[1]
NAMES = [cloud.name for cloud in clouds.ALL]


def given(cloud: Cloud) -> Answers:
    """Its answers, with addresses for its hosts."""
    address = {name: f"198.18.0.{number}" for number, name in enumerate(cloud.nodes, start=10)}
    laid = {"CONFIG_CONTROLLER_HOST": "198.18.0.10", "CONFIG_OPENSTACK_RELEASE": cloud.release, **cloud.answers}
    # The kernel that nodes share has no device-mapper, so `--lab` chooses Ceph for volumes.
    laid.setdefault("CONFIG_CINDER_BACKEND", "ceph")
    if cloud.hosts:
        computes = [name for name in cloud.nodes if name.startswith("compute")]
        laid["CONFIG_NETWORK_HOSTS"] = address["network"]
        laid["CONFIG_COMPUTE_HOSTS"] = ",".join(address[name] for name in computes)
    return answers.read([], laid, {}, local_host="198.18.0.10")


@cache
def components(name: str) -> frozenset[str]:
    """What is installed on the hosts of the cloud, by the names of components."""
    cloud = clouds.named(name)
    system, _, version = cloud.platform.partition("-")
    answered = given(cloud)
    placed = planner.cloud(answered, outcome.facts(answered, system, version)).placement
    return frozenset(component.name for some in placed.values() for component in some)


def has(component: str) -> Callable[[Cloud], bool]:
    return lambda cloud: component in components(cloud.name)


def says(key: str, value: object = True) -> Callable[[Cloud], bool]:
    return lambda cloud: given(cloud)[key] == value


def on(platform: str) -> Callable[[Cloud], bool]:
    return lambda cloud: cloud.platform == platform


FEATURES: Mapping[str, Callable[[Cloud], bool]] = {
    "Debian 12": on("debian-12"),
    "Debian 13": on("debian-13"),
    "OVN": has("ovn-controller"),
    "Open vSwitch agents": has("openvswitch-agent"),
    "Linux bridge agent": has("linuxbridge-agent"),
    "one host": lambda cloud: len(cloud.nodes) == 1,
    "roles on several hosts": lambda cloud: len(cloud.hosts) > 2,
    "a host that joins": lambda cloud: bool(cloud.joins),
    "volumes in Ceph": lambda cloud: has("cinder-volume")(cloud) and has("ceph")(cloud),
    "objects": has("swift-proxy"),
    "dashboard": has("horizon"),
    "orchestration": has("heat-engine"),
    "telemetry": has("gnocchi-api"),
    "alarms": has("aodh-evaluator"),
    "TLS for the dashboard": says("CONFIG_HORIZON_SSL"),
    "TLS for the messages": says("CONFIG_AMQP_ENABLE_SSL"),
    "no instances and no networks": lambda cloud: not has("nova-api")(cloud) and not has("neutron-server")(cloud),
    "demo project": says("CONFIG_PROVISION_DEMO"),
    "passwords of all characters": lambda cloud: cloud.answers.get("CONFIG_NOVA_DB_PW", "").endswith(clouds.ODD),
    "the packages, from none": lambda cloud: not cloud.from_packages,
}
"""What can be installed here, and how one sees whether a cloud has it."""

PAIRS = (
    ("Debian 12", "OVN"),
    ("Debian 13", "OVN"),
    ("Debian 12", "Open vSwitch agents"),
    ("Debian 12", "volumes in Ceph"),
    ("Debian 13", "volumes in Ceph"),
    ("Debian 12", "dashboard"),
    ("Debian 13", "dashboard"),
    ("Debian 12", "the packages, from none"),
    ("Debian 13", "the packages, from none"),
    ("OVN", "one host"),
    ("OVN", "roles on several hosts"),
    ("OVN", "a host that joins"),
    ("TLS for the dashboard", "TLS for the messages"),
    ("TLS for the messages", "orchestration"),
    ("TLS for the messages", "telemetry"),
    ("telemetry", "alarms"),
    ("telemetry", "objects"),
    ("passwords of all characters", "telemetry"),
    ("passwords of all characters", "orchestration"),
    ("passwords of all characters", "objects"),
    ("passwords of all characters", "dashboard"),
    ("objects", "dashboard"),
)
"""Features that have something to do with each other: each pair is on one cloud."""

ELSEWHERE: Mapping[str, str] = {
    "metering-agent": "for telemetry with other agents than OVN's: its catalogs are compiled",
    "database-client": "for a MariaDB that is there already: its catalogs are compiled, and its plans are golden cases",
}
"""Components that no cloud has, and why: what is tried instead."""


@pytest.mark.parametrize("feature", FEATURES)
def test_every_feature_is_on_a_cloud(feature: str) -> None:
    assert [cloud.name for cloud in clouds.ALL if FEATURES[feature](cloud)]


@pytest.mark.parametrize("pair", PAIRS, ids=" x ".join)
def test_every_important_pair_is_on_one_cloud(pair: tuple[str, str]) -> None:
    assert [cloud.name for cloud in clouds.ALL if all(FEATURES[feature](cloud) for feature in pair)]


def test_every_component_that_can_be_installed_is_on_a_cloud() -> None:
    here = frozenset().union(*map(components, NAMES))
    can = {component.name for service in SERVICES if not service.missing for component in service.components}
    assert can - here == set(ELSEWHERE)


@pytest.mark.parametrize("name", NAMES)
def test_the_cloud_is_planned_and_says_what_it_is_for(name: str) -> None:
    cloud = clouds.named(name)
    answered = given(cloud)
    system, _, version = cloud.platform.partition("-")
    plan = outcome.plan(answered, outcome.facts(answered, system, version))
    assert len(plan.hosts) == len(cloud.nodes)
    assert cloud.release in {release.name for release in by_id(cloud.platform).releases}
    assert len(cloud.why) > 20


def _uses() -> dict[str, set[str]]:
    """By file of tests/lab: the names that it gives to `clouds.named` or to the mark `cloud`."""
    found: dict[str, set[str]] = {}
    for path in sorted((TESTS / "lab").glob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        texts = {node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant)}
        if re.search(r"^import clouds$", text, re.MULTILINE):
            found[path.name] = {str(one) for one in texts} & set(NAMES)
    return found


def test_every_cloud_has_tests() -> None:
    used = _uses()
    assert "test_many_hosts.py" in used
    # The page of the test day names its node, in tests/lab/first_day.py.
    assert set().union(*used.values()) | {"testday"} == set(NAMES)


def test_every_long_test_has_its_reason() -> None:
    """In CONTRIBUTING.md: what is not in `make test` was left out on purpose."""
    told = (TESTS.parent / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("### Long tests")[2]
    marked = [path for path in TESTS.rglob("test_*.py") if "mark.long" in path.read_text(encoding="utf-8")]
    marked.remove(Path(__file__))
    assert marked
    assert [path.name for path in marked if f"\n| `{path.name}`" not in told] == []
