"""Real nodes for tests, in separate labs, so that no other nodes are changed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from shell import Shell

import clouds
from stackwright import lab as rooms
from stackwright import platforms, services
from stackwright.lab import Lab
from stackwright.planner.steps.packages import apt_install, apt_lists

_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
LAB_NUMBER = int(os.environ.get("STACKWRIGHT_TEST_LAB_NUMBER", "250")) + 2 * _WORKER
"""Nodes of the tests are 198.18.NUMBER.10 and so on. The tests of the lab itself use the number after it; each of
pytest's workers has two. The first cloud's number is ten less."""


def _group(item: pytest.Item) -> str:
    """The group of a test. A group shares nodes, so one worker runs all of it: the tests that start from
    `with_packages`, the tests of one cloud, or the tests of one file."""
    if "with_packages" in getattr(item, "fixturenames", ()) or item.path.stem == "test_puppet_providers":
        return "with_packages"
    if marked := item.get_closest_marker("cloud"):
        return f"cloud-{marked.args[0]}"
    return item.path.stem


def pytest_itemcollected(item: pytest.Item) -> None:
    item.add_marker(pytest.mark.xdist_group(_group(item)))
    if item.path.stem in clouds.WAITING:
        item.add_marker(pytest.mark.waits)


def _seconds(group: str) -> int:
    """The approximate duration of a group."""
    if group.startswith("cloud-"):
        return clouds.named(group.removeprefix("cloud-")).seconds
    return clouds.SECONDS.get(group, 0)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sorts groups by duration, longest first, so that no core is idle at the end. The order within a group stays."""
    folder = Path(__file__).parent
    places = [number for number, item in enumerate(items) if item.path.parent == folder]
    ordered = sorted((items[number] for number in places), key=lambda item: -_seconds(_group(item)))
    for number, item in zip(places, ordered, strict=True):
        items[number] = item


def _fresh(number: int) -> Iterator[Lab]:
    lab = Lab(rooms.lab_from(os.environ).directory, number)
    rooms.down(lab=lab)
    yield lab
    rooms.down(lab=lab)


@pytest.fixture(scope="session")
def nodes_lab() -> Iterator[Lab]:
    """The lab for tests that need nodes; all its nodes are removed when the tests end."""
    yield from _fresh(LAB_NUMBER)


@pytest.fixture(scope="module")
def first_day_lab() -> Iterator[Lab]:
    """A lab of its own, in which all nodes and snapshots may be removed."""
    fresh = Lab(rooms.lab_from(os.environ).directory, LAB_NUMBER - 10)
    _empty(fresh)
    yield fresh
    _empty(fresh)


def _empty(lab: Lab) -> None:
    rooms.down(lab=lab)
    for tag in rooms.list_snapshots(lab):
        rooms.remove_snapshot(tag, lab=lab)


@pytest.fixture(scope="module")
def make_node(nodes_lab: Lab) -> Iterator[Callable[..., Shell]]:
    """make_node("n1", release="trixie", snapshot="tag") -> Shell; the nodes are removed after the test module."""
    made: list[str] = []

    def make(name: str, *, release: str = "bookworm", snapshot: str = "") -> Shell:
        made.append(name)
        (node,) = rooms.up([name], release=release, snapshot=snapshot, lab=nodes_lab)
        return Shell(nodes_lab, node)

    yield make
    there = [node.name for node in rooms.list_nodes(nodes_lab)]
    if gone := [name for name in made if name in there]:
        rooms.down(gone, lab=nodes_lab)


@pytest.fixture
def scratch_lab() -> Iterator[Lab]:
    """An empty lab for one test, which may change anything in it."""
    yield from _fresh(LAB_NUMBER + 1)


CORE = (
    *("mariadb", "rabbitmq", "memcached", "keystone", "glance-api", "placement-api", "clients"),
    *("nova-api", "nova-conductor", "nova-scheduler", "nova-vncproxy", "nova-compute", "nova-compute-qemu"),
    *("neutron-server", "ovn-northd", "ovn-controller", "ovn-metadata", "external-bridge"),
    *("openvswitch-agent", "linuxbridge-agent", "dhcp-agent", "l3-agent", "metadata-agent"),
)
"""Components of a cloud without volumes, objects and dashboard, with every agent of Neutron."""


@pytest.fixture(scope="session")
def with_packages(nodes_lab: Lab) -> Iterator[str]:
    """A snapshot of a node that has the packages of CORE and runs none of them: `up(..., snapshot=with_packages)`.

    For tests that are not about packages; tests/lab/test_allinone.py begins without them.
    """
    tag = "packages"
    if tag in rooms.list_snapshots(nodes_lab):
        rooms.remove_snapshot(tag, lab=nodes_lab)
    (node,) = rooms.up(["packages"], lab=nodes_lab)
    shell = Shell(nodes_lab, node)
    units = "systemctl list-unit-files --type=service,socket,timer,path --state=enabled --no-legend | cut -d' ' -f1"
    before = set(shell(units).split())
    shell(apt_lists() + apt_install(services.packages_for(platforms.by_id("debian-12"), CORE)))
    shell("systemctl disable --quiet " + " ".join(sorted(set(shell(units).split()) - before)))
    rooms.take_snapshot("packages", tag, lab=nodes_lab)
    rooms.down(["packages"], lab=nodes_lab)
    yield tag
    rooms.remove_snapshot(tag, lab=nodes_lab)
