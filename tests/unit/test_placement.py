"""Which component goes to which host."""

from __future__ import annotations

from typing import Any

import pytest

import typed
from stackwright.model import Component, ExitCode, Service, StackwrightError
from stackwright.planner import placement, swift
from stackwright.services import SERVICES, options, roles
from stackwright.values import storages

BASE: dict[str, Any] = {
    "CONFIG_CONTROLLER_HOST": "control",
    "CONFIG_COMPUTE_HOSTS": ("c1", "c2"),
    "CONFIG_NETWORK_HOSTS": ("net",),
}

ADDRESSES = {"s1": "198.18.0.1", "s2": "2001:db8::2"}


def hosts(values: dict[str, Any], role: str) -> tuple[str, ...]:
    return placement.hosts(typed.answers(values), role)


def service(*components: Component) -> Service:
    return Service("s", "a service", (), components)


def test_roles_fall_back_to_the_controller() -> None:
    for role in (role.name for role in roles()):
        found = hosts(BASE, role)
        if role == "compute":
            assert found == ("c1", "c2")
        elif role in {"network", "dhcp", "l3", "metadata"}:
            assert found == ("net",)
        elif role == "chassis":
            assert found == ("net", "c1", "c2")
        else:
            assert found == ("control",), role


@pytest.mark.parametrize(
    ("key", "role"),
    [
        ("CONFIG_MARIADB_HOST", "database"),
        ("CONFIG_AMQP_HOST", "messaging"),
        ("CONFIG_KEYSTONE_HOST", "identity"),
        ("CONFIG_GLANCE_HOST", "image"),
        ("CONFIG_NOVA_API_HOST", "compute-api"),
        ("CONFIG_NOVA_API_HOST", "placement"),
        ("CONFIG_NOVA_API_HOST", "conductor"),
        ("CONFIG_NOVA_VNCPROXY_HOST", "console"),
        ("CONFIG_NEUTRON_SERVER_HOST", "network-api"),
        ("CONFIG_CINDER_HOST", "volume-api"),
        ("CONFIG_HORIZON_HOST", "dashboard"),
        ("CONFIG_OSCLIENT_HOST", "clients"),
    ],
)
def test_a_role_is_placed_on_its_own_host(key: str, role: str) -> None:
    assert hosts(BASE | {key: "apart"}, role) == ("apart",)


@pytest.mark.parametrize(
    ("key", "role"),
    [
        ("CONFIG_COMPUTE_HOSTS", "compute"),
        ("CONFIG_NETWORK_HOSTS", "network"),
        ("CONFIG_CACHE_HOSTS", "cache"),
        ("CONFIG_HORIZON_HOST", "dashboard"),
        ("CONFIG_SWIFT_PROXY_HOSTS", "object-proxy"),
        ("CONFIG_STORAGE_HOST", "volume"),
        ("CONFIG_STORAGE_HOST", "object-storage"),
    ],
)
def test_a_role_can_have_several_hosts(key: str, role: str) -> None:
    value = options()[key].parse("one,two")
    assert hosts(BASE | {"CONFIG_UNSUPPORTED": True, key: value}, role) == ("one", "two")


def test_single_components_are_on_the_first_storage_host() -> None:
    """A small Ceph is one cluster, and the rings are built in one place."""
    answers = BASE | {"CONFIG_UNSUPPORTED": True, "CONFIG_STORAGE_HOST": ("one", "two")}
    assert hosts(answers, "ceph") == hosts(answers, "object-rings") == ("one",)


def test_routers_and_dhcp_servers_on_hosts_of_their_own_have_all_that_they_need_there() -> None:
    """An agent that plugs them into networks, and one that answers for the metadata of instances behind them."""
    answers = BASE | {"CONFIG_NEUTRON_L2_AGENT": "openvswitch"}
    answers |= {"CONFIG_NEUTRON_L3_HOSTS": ("r1",), "CONFIG_NEUTRON_DHCP_HOSTS": ("d1",)}
    assert hosts(answers, "chassis") == ("net", "r1", "d1", "c1", "c2")
    assert hosts(answers, "metadata") == ("r1", "d1")
    assert hosts(answers | {"CONFIG_NEUTRON_METADATA_HOSTS": ("m1", "d1")}, "metadata") == (
        "m1",
        "d1",
        "r1",
    )
    with_ovn = answers | {"CONFIG_NEUTRON_L2_AGENT": "ovn"}
    assert hosts(with_ovn, "chassis") == ("net", "r1", "c1", "c2")


def test_the_storage_host_counts_only_in_unsupported_plans() -> None:
    """As in Packstack."""
    answers = BASE | {"CONFIG_STORAGE_HOST": "store"}
    assert hosts(answers, "volume") == ("control",)
    assert hosts(answers | {"CONFIG_UNSUPPORTED": True}, "volume") == ("store",)


def test_object_storage_goes_to_the_hosts_of_its_devices_each_once() -> None:
    devices = storages("s1/sdb,s2:/dev/sdc,s1/sdd")
    assert hosts(BASE | {"CONFIG_SWIFT_STORAGES": devices}, "object-storage") == ("s1", "s2")
    assert hosts(BASE | {"CONFIG_SWIFT_STORAGES": storages("/dev/sdb")}, "object-storage") == ("control",)
    mixed = storages("s1/sdb,/dev/sdc")
    assert hosts(BASE | {"CONFIG_SWIFT_STORAGES": mixed}, "object-storage") == (
        "s1",
        "control",
    )


def test_a_device_without_a_host_is_on_each_storage_host() -> None:
    answers = BASE | {"CONFIG_UNSUPPORTED": True, "CONFIG_STORAGE_HOST": ("s1", "s2")}
    found = swift.devices(typed.answers(answers | {"CONFIG_SWIFT_STORAGES": storages("/dev/sdb,s2/sdc")}), ADDRESSES)
    assert {h: [d.device for d in ds] for h, ds in found.items()} == {
        "s1": ["/dev/sdb"],
        "s2": ["/dev/sdb", "/dev/sdc"],
    }
    assert found["s2"][1] == swift.SwiftDevice("s2", "[2001:db8::2]", "sdc", 1, "/dev/sdc")


def test_a_host_without_a_device_gets_a_file() -> None:
    (only,) = swift.devices(typed.answers(BASE | {"CONFIG_SWIFT_STORAGES": storages("s1")}), {"s1": "198.18.0.1"})["s1"]
    assert (only.name, only.loopback) == ("swiftloopback", True), "that is what the manifest calls it"
    found = swift.devices(typed.answers(BASE), ADDRESSES)
    assert [d.name for ds in found.values() for d in ds] == ["swiftloopback"] * 2


@pytest.mark.parametrize(("zones", "expected"), [(1, [1, 1, 1, 1]), (2, [1, 1, 2, 2]), (4, [1, 2, 3, 4])])
def test_zones_are_made_of_whole_hosts_as_long_as_there_are_enough(zones: int, expected: list[int]) -> None:
    """Otherwise both copies of an object can be on one host."""
    answers = BASE | {
        "CONFIG_SWIFT_STORAGES": storages("s1/sdb,s1/sdc,s2/sdb,s2/sdc"),
        "CONFIG_SWIFT_STORAGE_ZONES": zones,
    }
    found = swift.devices(typed.answers(answers), ADDRESSES)
    assert [d.zone for ds in found.values() for d in ds] == expected


def test_a_devices_name_can_be_part_of_a_path() -> None:
    answers = BASE | {"CONFIG_SWIFT_STORAGES": storages("/dev/disk/by-id/ata-X.1"), "CONFIG_CONTROLLER_HOST": "s1"}
    assert swift.devices(typed.answers(answers), {"s1": "198.18.0.1"})["s1"][0].name == "ata_X_1"


def test_excluded_hosts_get_nothing() -> None:
    answers = BASE | {"EXCLUDE_SERVERS": ("c1",)}
    assert hosts(answers, "compute") == ("c2",)
    assert "c1" not in placement.place(typed.answers(answers), (service(Component("nova-compute", "compute")),))


def test_a_host_that_is_both_is_there_once() -> None:
    answers = BASE | {"CONFIG_COMPUTE_HOSTS": ("net", "control")}
    services = (service(Component("a", "compute"), Component("b", "network"), Component("c", "controller")),)
    assert placement.all_hosts(typed.answers(answers), services) == ("control", "net")
    placed = placement.place(typed.answers(answers), services)
    assert {h: [c.name for c in cs] for h, cs in placed.items()} == {"control": ["a", "c"], "net": ["a", "b"]}


def test_only_hosts_with_something_to_do_are_touched() -> None:
    assert placement.all_hosts(typed.answers(BASE), (service(Component("a", "controller")),)) == ("control",)


def test_components_of_services_that_are_off_are_not_placed() -> None:
    off = Component("a", "controller", when=lambda answers: bool(answers.get("CONFIG_A")))
    assert placement.place(typed.answers(BASE), (service(off),)) == {}
    assert list(placement.place(typed.answers(BASE | {"CONFIG_A": True}), (service(off),))) == ["control"]


def test_a_role_without_a_host_is_an_error() -> None:
    with pytest.raises(StackwrightError) as caught:
        placement.place(
            typed.answers({"CONFIG_CONTROLLER_HOST": "control"}), (service(Component("nova-compute", "compute")),)
        )
    assert caught.value.message == "nova-compute needs a host with the role compute, and the answers name none"
    assert caught.value.code == ExitCode.ANSWERS


def test_a_role_whose_only_host_is_excluded_is_no_error() -> None:
    answers = BASE | {"EXCLUDE_SERVERS": ("control",)}
    assert placement.place(typed.answers(answers), (service(Component("a", "controller")),)) == {}


def test_every_component_has_a_role_that_exists() -> None:
    assert {c.role for s in SERVICES for c in s.components} <= {role.name for role in roles()}
