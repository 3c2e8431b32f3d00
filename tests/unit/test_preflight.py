"""Each check: one case in which it tells, and one in which it is silent.

Facts are recorded ones, with one thing changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import typed
from stackwright import facts, preflight
from stackwright.model import Answers, Component, ExitCode, Facts, Interface, Port, Problem, Severity, StackwrightError
from stackwright.planner import render
from stackwright.preflight.situation import Situation
from stackwright.services import SERVICES

RECORDS = Path(__file__).parent.parent / "data" / "facts"
GIB = 1024**3

NODE9 = facts.from_json((RECORDS / "centos-stream-9.json").read_text())
NODE = replace(NODE9, repositories=("baseos", "appstream"), extra={**NODE9.extra, "image_url": "reachable"})
DEBIAN = facts.from_json((RECORDS / "debian-12.json").read_text())
COMPONENTS: dict[str, Component] = {c.name: c for s in SERVICES for c in s.components}


def answers(host: str = NODE.host, **changed: Any) -> Answers:
    hosts = {"CONFIG_CONTROLLER_HOST": host, "CONFIG_COMPUTE_HOSTS": (host,), "CONFIG_NETWORK_HOSTS": (host,)}
    return typed.answers(hosts, **changed)


def wanted(values: Mapping[str, Any], *without: str) -> tuple[Component, ...]:
    return tuple(c for c in COMPONENTS.values() if c.when(values) and c.name not in without)


def look(node: Facts = NODE, /, *, cloud_id: str = "", skip: tuple[str, ...] = (), **changed: Any) -> list[Problem]:
    """The problems of an all-in-one on this node."""
    values = answers(node.host, **changed)
    return preflight.check(values, {node.host: node}, {node.host: wanted(values)}, cloud_id=cloud_id, skip=skip)


def names(problems: list[Problem]) -> list[str]:
    return [p.name for p in problems]


def only(problems: list[Problem], name: str) -> Problem:
    """The one problem of that name; it says what was seen, what is wanted and, all but always, what to do."""
    found = [p for p in problems if p.name == name]
    assert len(found) == 1, problems
    assert found[0].seen
    assert found[0].message
    return found[0]


def pair(first: Facts, second: Facts, **changed: Any) -> list[Problem]:
    """The problems of a controller and one compute host."""
    values = answers(first.host, CONFIG_COMPUTE_HOSTS=(second.host,), **changed)
    everything = wanted(values, "nova-compute", "ovn-metadata")
    placement = {first.host: everything, second.host: (COMPONENTS["nova-compute"], COMPONENTS["ovn-controller"])}
    return preflight.check(values, {first.host: first, second.host: second}, placement)


def other(node: Facts = NODE, **changed: Any) -> Facts:
    """A second host like the first, but for what makes it another."""
    twin = replace(
        node,
        host="198.18.9.91",
        address="198.18.9.91",
        hostname="node91.example.org",
        fqdn="node91.example.org",
        machine_id="0" * 31 + "1",
        resolves={"node91.example.org": ("198.18.9.91",)},
        interfaces=(
            Interface("eth0", "52:54:00:00:01:5b", 1500, True, ("198.18.9.91/24",)),
            Interface("eth1", "52:54:00:00:02:5b", 1500, True),
        ),
        extra={"init": "systemd"},
    )
    return replace(twin, **changed)


# ------------------------------------------------------------------------------------------------------ all together


def test_a_fit_host_has_no_problems() -> None:
    assert look() == []


def test_two_fit_hosts_have_no_problems() -> None:
    assert pair(NODE, other()) == []


def test_debian_node_of_the_lab() -> None:
    """A container without device-mapper: the default volume back end is refused, the rest are remarks."""
    found = look(DEBIAN)
    assert [(p.name, p.severity) for p in found] == [
        ("kernel-module", Severity.ERROR),
        ("image", Severity.WARNING),
        ("kvm", Severity.WARNING),
        ("kernel-module", Severity.WARNING),
    ]
    assert "CONFIG_CINDER_BACKEND=ceph" in found[0].hint
    assert not [p for p in look(DEBIAN, CONFIG_CINDER_BACKEND=("ceph",)) if p.severity is Severity.ERROR]


def test_all_problems_are_reported_at_once_errors_first() -> None:
    broken = replace(NODE, memory=2 * GIB, swap=0, os_id="ubuntu", sudo=False, kvm=False, fqdn="")
    found = look(broken)
    assert {"os", "sudo", "memory", "fqdn", "kvm"} <= set(names(found))
    severities = [p.severity for p in found]
    assert severities == sorted(severities, key=lambda s: s is not Severity.ERROR)
    assert all(p.host for p in found)


def test_checks_can_be_waived_by_name() -> None:
    broken = replace(NODE, memory=2 * GIB, swap=0, kvm=False)
    assert names(look(broken)) == ["memory", "kvm"]
    assert names(look(broken, skip=("memory",))) == ["kvm"]
    assert look(broken, skip=("memory", "kvm")) == []


def test_unknown_check_cannot_be_waived() -> None:
    with pytest.raises(StackwrightError, match="no such check: memroy") as caught:
        look(skip=("memroy",))
    assert "memory" in caught.value.hint
    assert caught.value.code is ExitCode.USAGE
    look(skip=("package", "repository"))


def test_problems_carry_the_names_of_their_checks() -> None:
    values = answers()
    for name, run in preflight.CHECKS.items():
        assert run.__doc__, name
        for node in (
            replace(NODE, os_id="x", memory=1, swap=0, disk_free={"/": 1}, fqdn="", uid=1, sudo=False),
            DEBIAN,
        ):
            situation = preflight.Situation(values, {node.host: node}, {node.host: wanted(values), "away": ()}, "id")
            assert {p.name for p in run(situation)} <= {name}
    assert len(preflight.table()) == len(preflight.CHECKS)


def test_the_order_of_facts_does_not_matter_to_what_is_found() -> None:
    one, two = replace(NODE, kvm=False), other(memory=GIB, swap=0)
    assert sorted(map(repr, pair(one, two))) == sorted(map(repr, pair(one, two)))


USERSPACE = replace(NODE, kernel_modules=frozenset({"vxlan", "br_netfilter"}))


def test_userspace_tunnels_need_an_interface_of_their_own() -> None:
    """Where the kernel has no openvswitch; a single host has nobody to tunnel to."""
    twin = other(kernel_modules=USERSPACE.kernel_modules)
    assert names(pair(USERSPACE, twin)).count("tunnel-interface") == 2
    assert "tunnel-interface" not in names(look(USERSPACE))
    assert "tunnel-interface" not in names(pair(NODE, other()))
    carried = (Interface("eth2", up=True, addresses=("198.19.0.10/24",)),)
    with_one = [replace(f, interfaces=(*f.interfaces, *carried)) for f in (USERSPACE, twin)]
    assert "tunnel-interface" not in names(pair(*with_one, CONFIG_NEUTRON_OVN_TUNNEL_IF="eth2"))
    own = USERSPACE.interfaces[0].name
    assert "tunnel-interface" in names(pair(USERSPACE, twin, CONFIG_NEUTRON_OVN_TUNNEL_IF=own))


def test_a_host_without_facts() -> None:
    values = answers()
    found = preflight.check(values, {NODE.host: NODE}, {NODE.host: wanted(values), "198.18.9.99": ()})
    assert only(found, "facts").host == "198.18.9.99"


# ------------------------------------------------------------------------------------------------- system and access


@pytest.mark.parametrize("changed", [{"os_id": "ubuntu"}, {"os_version": "8"}, {"arch": "riscv64"}, {"os_id": ""}])
def test_unsupported_system(changed: dict[str, str]) -> None:
    problem = only(look(replace(NODE, **changed)), "os")  # type: ignore[arg-type]
    assert problem.severity is Severity.ERROR
    assert problem.hint


def test_release_that_the_system_lacks() -> None:
    problem = only(look(DEBIAN, CONFIG_OPENSTACK_RELEASE="epoxy"), "release")
    assert "Debian 13" in problem.hint
    assert "release" not in names(look(DEBIAN, CONFIG_OPENSTACK_RELEASE="zed"))


def test_package_sources_that_have_no_effect_or_no_keys() -> None:
    own = {"CONFIG_REPO": ("https://mirror.example/own",)}
    problem = only(look(**own), "package-source")
    assert problem.severity is Severity.WARNING
    assert "CONFIG_REPO without CONFIG_REPO_KEYS" in problem.seen
    unsigned = only(look(**own, CONFIG_REPO_UNSIGNED=True), "package-source")
    assert "signatures of these packages are not checked" in unsigned.seen
    assert look(**own, CONFIG_REPO_KEYS=("file:///etc/keys/own",)) == []
    assert "CONFIG_REPO has no effect on Debian 12" in only(look(DEBIAN, **own), "package-source").seen
    registered = only(look(CONFIG_RH_USER="somebody"), "package-source")
    assert "CONFIG_RH_USER has no effect on CentOS Stream 9" in registered.seen


def test_release_that_is_only_tested_on_the_system() -> None:
    stream10 = replace(NODE, os_version="10", os_name="CentOS Stream 10")
    problem = only(look(stream10), "release")
    assert "RDO has not released OpenStack epoxy for CentOS Stream 10 yet" in problem.seen
    assert "CONFIG_ENABLE_RDO_TESTING=y" in problem.hint
    assert "--trunk" in problem.hint
    assert look(stream10, CONFIG_ENABLE_RDO_TESTING=True) == []


def test_release_without_linuxbridge() -> None:
    assert only(look(CONFIG_NEUTRON_L2_AGENT="linuxbridge"), "release").where == "CONFIG_NEUTRON_L2_AGENT"
    assert look(CONFIG_NEUTRON_L2_AGENT="linuxbridge", CONFIG_OPENSTACK_RELEASE="zed") == []


def test_hosts_with_different_releases() -> None:
    found = [p for p in pair(NODE, other(DEBIAN)) if p.name == "release"]
    assert "epoxy on 198.18.9.90; zed on 198.18.9.91" in found[0].seen
    zed = [p for p in pair(NODE, other(DEBIAN), CONFIG_OPENSTACK_RELEASE="zed") if p.name == "release"]
    assert zed == []


def test_root() -> None:
    asks = replace(NODE, sudo=False, extra={**NODE.extra, "sudo": "password"})
    problem = only(look(asks), "sudo")
    assert "sudo asks for a password" in problem.seen
    assert "cloud-user ALL=(ALL) NOPASSWD: ALL" in problem.hint
    lacks = replace(NODE, sudo=False, extra={**NODE.extra, "sudo": "missing"})
    assert "there is no sudo" in only(look(lacks), "sudo").seen
    assert "sudo" not in names(look(replace(NODE, uid=0, sudo=False)))


def test_systemd() -> None:
    assert only(look(replace(NODE, extra={**NODE.extra, "init": "tini"})), "systemd").seen == "process 1 is tini"


def test_locale() -> None:
    assert "locale" in names(look(replace(NODE, extra={**NODE.extra, "locales": "C POSIX"})))
    assert "locale" not in names(look(replace(NODE, extra={**NODE.extra, "locales": "C POSIX de_DE.UTF-8"})))


def test_another_cloud() -> None:
    theirs = replace(NODE, cloud={"id": "198.18.7.1", "operator": "eve"})
    problem = only(look(theirs, cloud_id="198.18.9.90"), "other-cloud")
    assert "198.18.7.1" in problem.seen
    assert "operator eve" in problem.seen
    assert look(theirs, cloud_id="198.18.7.1") == []
    assert look(NODE, cloud_id="198.18.9.90") == []
    damaged = replace(NODE, cloud={"id": "", "unreadable": "..."})
    assert "other-cloud" in names(look(damaged, cloud_id="198.18.9.90"))


def test_openstack_from_elsewhere() -> None:
    packstack = replace(NODE, installed={"openstack-keystone": "26.0.0", "openstack-packstack": "26.0.0"})
    assert "Packstack is installed too" in only(look(packstack), "earlier-installation").seen
    assert look(replace(packstack, cloud={"id": "198.18.9.90"}), cloud_id="198.18.9.90") == []


def test_conflicting_software() -> None:
    assert only(look(replace(NODE, installed={"mysql-server": "8.0"})), "conflicts").severity is Severity.ERROR
    assert only(look(replace(NODE, installed={"docker-ce": "28"})), "conflicts").severity is Severity.WARNING
    assert look(replace(NODE, installed={"podman": "5"})) == []


def test_epel() -> None:
    problem = only(look(NODE9), "epel")
    assert problem.severity is Severity.WARNING
    assert "epel" in problem.seen
    assert "epel" not in names(look(replace(DEBIAN, repositories=("epel",)))), "a name on Debian means nothing"


# ------------------------------------------------------------------------------------------------- memory and disk


def test_memory() -> None:
    problem = only(look(replace(NODE, memory=4 * GIB, swap=0)), "memory")
    assert problem.severity is Severity.ERROR
    assert "4.0 GiB of memory, no swap" in problem.seen
    assert "CONFIG_SWIFT_INSTALL=n" in problem.hint
    with_swap = only(look(replace(NODE, memory=4 * GIB, swap=4 * GIB)), "memory")
    assert with_swap.severity is Severity.WARNING
    assert "memory" not in names(look(replace(NODE, memory=0))), "not known is not too little"
    assert look(replace(NODE, memory=10 * GIB, swap=0)) == []


def test_memory_estimate_follows_components_and_workers() -> None:
    small = preflight.estimate_memory(["keystone", "mariadb"])
    assert small < preflight.estimate_memory(["keystone", "mariadb", "neutron-server"])
    assert preflight.estimate_memory(["keystone"], 1) < preflight.estimate_memory(["keystone"], 8)
    assert preflight.estimate_memory(["keystone", "keystone"]) == preflight.estimate_memory(["keystone"])
    assert preflight.estimate_memory(["keystone-database"]) == preflight.estimate_memory([])
    everything = preflight.estimate_memory(COMPONENTS)
    assert 6 * GIB < everything < 12 * GIB, "an all-in-one was measured at 5.1 GiB, idle"


def test_memory_counts_the_workers_that_are_asked_for() -> None:
    eight = replace(NODE, memory=8 * GIB, swap=0)
    assert look(eight) == []
    assert "memory" in names(look(eight, CONFIG_SERVICE_WORKERS=12))


def test_disk() -> None:
    problem = only(look(replace(NODE, disk_free={"/": 2 * GIB})), "disk")
    assert problem.severity is Severity.ERROR
    assert "2.0 GiB are free on /" in problem.seen
    small_var = look(replace(NODE, disk_free={"/": 50 * GIB, "/var": 1 * GIB}))
    assert "free on /var" in only(small_var, "disk").seen
    assert look(replace(NODE, disk_free={})) == []
    ours = replace(NODE, disk_free={"/": 2 * GIB}, cloud={"id": "c"})
    assert look(ours, cloud_id="c") == [], "what is installed already needs no room"


def test_disk_for_volumes_that_grow() -> None:
    room = replace(NODE, disk_free={"/": 20 * GIB})
    problem = only(look(room), "disk")
    assert problem.severity is Severity.WARNING
    assert "CONFIG_CINDER_VOLUMES_SIZE" in problem.wanted
    assert look(room, CONFIG_CINDER_VOLUMES_SIZE=2 * GIB) == []
    assert look(room, CONFIG_CINDER_VOLUMES_CREATE=False) == []


# ------------------------------------------------------------------------------------------------- names and clocks


@pytest.mark.parametrize(
    ("changed", "seen"),
    [
        ({"hostname": "localhost.localdomain"}, "the host is called localhost"),
        ({"fqdn": ""}, "`hostname -f` fails"),
        ({"fqdn": "node9"}, "a name without a domain"),
        ({"fqdn": "web.example.org"}, "`hostname -f` says web.example.org"),
    ],
)
def test_fqdn(changed: dict[str, str], seen: str) -> None:
    problem = next(p for p in look(replace(NODE, **changed)) if p.name == "fqdn")  # type: ignore[arg-type]
    assert seen in problem.seen
    assert "hostnamectl" in problem.hint or "198.18.9.90 " in problem.hint


def test_resolution() -> None:
    name = NODE.fqdn
    nothing = only(look(replace(NODE, resolves={name: ()})), "resolution")
    assert nothing.severity is Severity.ERROR
    assert "198.18.9.90 node9.example.org node9" in nothing.hint
    elsewhere = only(look(replace(NODE, resolves={name: ("198.18.77.7",)})), "resolution")
    assert "not an address of the host" in elsewhere.seen
    loopback = replace(NODE, resolves={name: ("127.0.1.1",)})
    assert look(loopback) == [], "on a single host a loopback address does no harm"
    assert only(pair(loopback, other()), "resolution").severity is Severity.WARNING
    back = replace(NODE, extra={**NODE.extra, "reverse 198.18.9.90": "gate.example.org"})
    assert only(look(back), "resolution").severity is Severity.WARNING


def test_ovs_hostname() -> None:
    wrong = replace(NODE, extra={**NODE.extra, "ovs-hostname": "localhost"})
    assert "external_ids:hostname=node9.example.org" in only(look(wrong), "ovs-hostname").hint
    assert look(replace(NODE, extra={**NODE.extra, "ovs-hostname": "node9.example.org"})) == []


@pytest.mark.parametrize(
    ("same", "what"),
    [
        ({"hostname": NODE.hostname, "fqdn": NODE.fqdn}, "host name"),
        ({"machine_id": NODE.machine_id}, "machine id"),
        ({"address": NODE.address}, "address"),
    ],
)
def test_hosts_that_are_not_two(same: dict[str, str], what: str) -> None:
    found = [p for p in pair(NODE, other(**same)) if p.name == "distinct"]
    assert any(f"198.18.9.90, 198.18.9.91 have the same {what}" in p.seen for p in found)


def test_another_ceph_is_not_overwritten() -> None:
    own = {"CONFIG_CINDER_BACKEND": ("ceph",), "CONFIG_CEPH_SECRET": "secret"}
    ours = {**NODE.extra, "ceph-fsid": render.ceph_fsid("secret")}
    assert look(replace(NODE, extra=ours), **own) == []
    for fsid in ("6f2b-77", "unknown"):
        found = only(look(replace(NODE, extra={**NODE.extra, "ceph-fsid": fsid}), **own), "other-ceph")
        assert fsid in found.seen
        assert found.severity is Severity.ERROR
    assert look(replace(NODE, extra={**NODE.extra, "ceph-fsid": "6f2b-77"})) == [], "LVM leaves it alone"


def test_compute_hosts_without_host_keys_are_reported_if_there_are_several() -> None:
    """Instances are moved over SSH, to hosts that are known."""
    bare = other(host_keys=())
    values = answers(NODE.host, CONFIG_COMPUTE_HOSTS=(NODE.host, bare.host))
    placement = {NODE.host: wanted(values), bare.host: (COMPONENTS["nova-compute"], COMPONENTS["ovn-controller"])}
    found = only(preflight.check(values, {NODE.host: NODE, bare.host: bare}, placement), "ssh-host-key")
    assert (found.host, found.severity) == (bare.host, Severity.WARNING)
    assert "ssh-host-key" not in names(pair(NODE, bare)), "there is nowhere to move instances from"


def test_clocks() -> None:
    assert "clock" not in names(pair(NODE, other(clock_offset=1.5)))
    assert only(pair(NODE, other(clock_offset=-10)), "clock").severity is Severity.WARNING
    far = only(pair(replace(NODE, clock_offset=100), other(clock_offset=-100)), "clock")
    assert far.severity is Severity.ERROR
    assert "of 198.18.9.90 is 200 s ahead of that of 198.18.9.91" in far.seen
    assert "behind this machine's" in only(look(replace(NODE, clock_offset=-4000)), "clock").seen


def test_proxy() -> None:
    problem = only(look(replace(NODE, extra={**NODE.extra, "proxy": "http_proxy"})), "proxy")
    assert "198.18.9.90" in problem.hint
    assert look(replace(NODE, extra={**NODE.extra, "proxy": "http_proxy no_proxy"})) == []


# ------------------------------------------------------------------------------------------------- ports, interfaces


def test_port_in_use() -> None:
    taken = replace(NODE, listening=(("tcp", 3306, "mysqld"), ("tcp", 22, "sshd")))
    problem = only(look(taken), "port-in-use")
    assert problem.seen == "port 3306/tcp is used by mysqld"
    assert "mariadb" in problem.wanted
    assert "ss -lntup 'sport = :3306'" in problem.hint
    assert look(replace(taken, cloud={"id": "c"}), cloud_id="c") == [], "it is this cloud's own"
    assert "port-in-use" in names(look(replace(taken, cloud={"id": "d"}), cloud_id="c"))


def test_port_of_the_other_protocol_is_free() -> None:
    assert look(replace(NODE, listening=(("udp", 3306, "x"),))) == []


def test_port_within_a_range_is_a_warning() -> None:
    screen = replace(NODE, listening=(("tcp", 5901, "Xvnc"),))
    assert only(look(screen), "port-in-use").severity is Severity.WARNING


def test_ports_are_those_of_the_host_s_own_components() -> None:
    busy = other(listening=(("tcp", 3306, "mysqld"),))
    assert "port-in-use" not in names(pair(NODE, busy)), "the database is on the other host"
    values = answers()
    custom = (Component("probe", "controller", ports=(Port(4000),)),)
    node = replace(NODE, listening=(("tcp", 4000, ""),))
    found = preflight.check(values, {NODE.host: node}, {NODE.host: custom})
    assert "only root may see" in only(found, "port-in-use").seen


def test_bridge_interface_must_exist() -> None:
    problem = only(look(CONFIG_NEUTRON_OVN_BRIDGE_IFACES=(("br-ex", "eth7"),)), "interface")
    assert "no interface eth7; there are eth0, eth1" in problem.seen
    assert problem.where == "CONFIG_NEUTRON_OVN_BRIDGE_IFACES"
    assert look(CONFIG_NEUTRON_OVN_BRIDGE_IFACES=(("br-ex", "eth1"),)) == []
    assert look(CONFIG_NEUTRON_OVN_BRIDGE_IFACES=(("br-ex", "52:54:00:00:02:5a"),)) == [], "a MAC address names one too"
    assert look(CONFIG_NEUTRON_OVS_BRIDGE_IFACES=(("br-ex", "eth7"),)) == [], "a key that does not count with OVN"
    with_ovs = {"CONFIG_NEUTRON_L2_AGENT": "openvswitch", "CONFIG_NEUTRON_OVS_BRIDGE_IFACES": (("br-ex", "eth7"),)}
    assert names(look(**with_ovs)) == ["interface"]
    unmapped = look(CONFIG_NEUTRON_OVN_BRIDGE_IFACES=(("ext-net", "br-ex"),))
    assert unmapped == [], "a bridge without a physical network is not created"


def test_bridge_interface_matters_where_the_bridge_is_made() -> None:
    second = other(interfaces=(Interface("eth0", "", 1500, True, ("198.18.9.91/24",)),))
    mapping = {"CONFIG_NEUTRON_OVN_BRIDGE_IFACES": (("br-ex", "eth1"),)}
    assert "interface" not in names(pair(NODE, second, **mapping)), "computes have no bridge"
    found = only(pair(NODE, second, CONFIG_NEUTRON_OVN_BRIDGES_COMPUTE=("br-ex",), **mapping), "interface")
    assert found.host == second.host


def test_interface_that_is_down() -> None:
    down = replace(NODE, interfaces=(*NODE.interfaces[:2], replace(NODE.interfaces[2], up=False)))
    assert only(look(down, CONFIG_NEUTRON_OVN_BRIDGE_IFACES=(("br-ex", "eth1"),)), "interface").seen == "eth1 is down"


def test_tunnel_interface_needs_an_address() -> None:
    assert only(look(CONFIG_NEUTRON_OVN_TUNNEL_IF="eth1"), "interface").seen == "eth1 has no address"
    assert look(CONFIG_NEUTRON_OVN_TUNNEL_IF="eth0") == []


def test_interfaces_given_as_networks() -> None:
    assert look(CONFIG_USE_SUBNETS=True, CONFIG_NEUTRON_OVN_TUNNEL_IF="198.18.9.0/24") == []
    problem = only(look(CONFIG_USE_SUBNETS=True, CONFIG_NEUTRON_OVN_TUNNEL_IF="198.18.4.0/24"), "interface")
    assert "no interface with an address in 198.18.4.0/24" in problem.seen


def test_linuxbridge_interfaces() -> None:
    mapping = {"CONFIG_NEUTRON_L2_AGENT": "linuxbridge", "CONFIG_OPENSTACK_RELEASE": "zed"}
    assert names(look(CONFIG_NEUTRON_LB_INTERFACE_MAPPINGS=(("extnet", "eth7"),), **mapping)) == ["interface"]
    assert look(CONFIG_NEUTRON_LB_INTERFACE_MAPPINGS=(("extnet", "eth1"),), **mapping) == []


def test_bridge_that_would_take_the_default_route() -> None:
    problem = only(look(CONFIG_NEUTRON_OVN_BRIDGE_IFACES=(("br-ex", "eth0"),)), "bridge-interface")
    assert "eth0 carries the default route" in problem.seen
    assert problem.severity is Severity.WARNING
    routeless = replace(NODE, default_interface="eth1")
    login = only(look(routeless, CONFIG_NEUTRON_OVN_BRIDGE_IFACES=(("br-ex", "eth0"),)), "bridge-interface")
    assert "the address that this program uses" in login.seen


def at(node: Facts, *addresses: str) -> Facts:
    """The host, with these addresses on eth1."""
    return replace(node, interfaces=(node.interfaces[0], Interface("eth1", "", 1500, True, addresses)))


@pytest.mark.parametrize(
    ("first", "second", "seen"),
    [
        (("198.19.0.10/24",), ("198.19.0.10/24",), "start at the same address: 198.19.0.10"),
        (("fd00::1/64", "198.19.0.10/24"), ("198.19.0.11/24",), "two families: 198.18.9.91 has 198.19.0.11"),
        (("127.0.0.2/8",), ("198.19.0.11/24",), "127.0.0.2, its loopback"),
    ],
)
def test_tunnels_start_where_the_other_hosts_reach_them(
    first: tuple[str, ...], second: tuple[str, ...], seen: str
) -> None:
    given = {"CONFIG_NEUTRON_OVN_TUNNEL_IF": "eth1"}
    found = only(pair(at(NODE, *first), at(other(), *second), **given), "tunnel-address")
    assert seen in found.seen
    assert found.severity is Severity.ERROR
    assert found.hint
    fit = pair(at(NODE, "198.19.0.10/24"), at(other(), "198.19.0.11/24", "fd00::1/64"), **given)
    assert "tunnel-address" not in names(fit)


def test_a_host_without_an_address_in_the_network_of_tunnels_is_named() -> None:
    given = {"CONFIG_NEUTRON_OVN_TUNNEL_SUBNETS": ("198.19.0.0/24",)}
    found = only(pair(at(NODE, "198.19.0.10/24"), other(), **given), "tunnel-address")
    assert (found.host, found.severity) == ("198.18.9.91", Severity.WARNING)
    assert "so its tunnels start at 198.18.9.91" in found.seen


def test_an_interface_with_addresses_of_its_link_only() -> None:
    found = pair(at(NODE, "169.254.1.1/16"), at(other(), "198.19.0.11/24"), CONFIG_NEUTRON_OVN_TUNNEL_IF="eth1")
    assert only(found, "interface").seen == "eth1 has only addresses of its link: 169.254.1.1/16"


# ------------------------------------------------------------------------------------------------------------ ranges


def test_a_range_that_is_a_part_of_a_network_has_the_networks_router() -> None:
    part = {"CONFIG_PROVISION_DEMO_FLOATRANGE": "198.18.9.128/25"}
    bridged = {"CONFIG_NEUTRON_OVN_BRIDGE_IFACES": (("br-ex", "eth0"),)}
    node = replace(NODE, gateway="198.18.9.1", default_interface="eth0")
    found = only(look(node, **part, **bridged), "ranges")
    assert "a part of 198.18.9.0/24, whose router 198.18.9.1 is not in it" in found.seen
    assert "CONFIG_PROVISION_DEMO_FLOATRANGE=198.18.9.0/24" in found.hint
    assert "CONFIG_PROVISION_DEMO_ALLOCATION_POOLS=198.18.9.129-198.18.9.254" in found.hint
    for fit in (
        look(replace(node, gateway="198.18.9.254"), **part, **bridged),
        look(node, CONFIG_PROVISION_DEMO_GATEWAY="198.18.9.250", **part, **bridged),
        look(replace(node, gateway="198.18.40.1"), **part, **bridged),
    ):
        assert "ranges" not in names(fit)


def test_floating_range_with_a_host_s_address() -> None:
    inside = {"CONFIG_PROVISION_DEMO_FLOATRANGE": "198.18.9.0/24"}
    assert "198.18.9.90 on eth0 is in the range" in only(look(**inside), "ranges").seen
    pool = "start=198.18.9.200,end=198.18.9.220"
    apart = {"CONFIG_PROVISION_OVS_BRIDGE": False}  # else the bridge would be the router
    assert look(CONFIG_PROVISION_DEMO_ALLOCATION_POOLS=(pool,), **inside, **apart) == []
    wide = "start=198.18.9.20,end=198.18.9.220"
    assert names(look(CONFIG_PROVISION_DEMO_ALLOCATION_POOLS=(wide,), **inside)) == ["ranges"]
    assert look(CONFIG_PROVISION_DEMO=False, **inside) == []


def test_pool_outside_of_its_network() -> None:
    found = look(CONFIG_PROVISION_DEMO_ALLOCATION_POOLS=("start=198.18.4.10,end=198.18.4.20",))
    assert "is not within 172.24.4.0/24" in only(found, "ranges").seen


def test_networks_that_overlap() -> None:
    found = look(
        CONFIG_PROVISION_DEMO_FLOATRANGE="198.18.64.0/20", CONFIG_PROVISION_DEMO_PRIVATE_SUBNET="198.18.65.0/24"
    )
    assert only(found, "ranges").severity is Severity.ERROR
    found = look(CONFIG_PROVISION_DEMO_PRIVATE_SUBNET="198.18.0.0/16")
    assert only(found, "ranges").severity is Severity.WARNING
    assert "overlaps 198.18.9.0/24 on eth0" in found[0].seen


def test_the_bridge_s_own_address_is_no_conflict() -> None:
    """On the second run the external bridge carries the gateway's address."""
    bridge = Interface("br-ex", "", 1500, True, ("172.24.4.1/24",))
    assert look(replace(NODE, interfaces=(*NODE.interfaces, bridge))) == []
    stranger = Interface("eth2", "", 1500, True, ("172.24.4.1/24",))
    assert names(look(replace(NODE, interfaces=(*NODE.interfaces, stranger)))) == ["ranges"]


def test_ranges_of_ipv6() -> None:
    node = replace(NODE, interfaces=(*NODE.interfaces, Interface("eth2", "", 1500, True, ("fd00:9::5/64",))))
    assert names(look(node, CONFIG_PROVISION_DEMO_FLOATRANGE="fd00:9::/64")) == ["ranges"]
    assert look(node, CONFIG_PROVISION_DEMO_FLOATRANGE="fd00:8::/64") == []


# ------------------------------------------------------------------------------------------------- processor, kernel


def test_kvm() -> None:
    bare = replace(NODE, kvm=False)
    assert only(look(bare), "kvm").severity is Severity.WARNING
    refused = only(look(bare, CONFIG_NOVA_LIBVIRT_VIRT_TYPE="kvm"), "kvm")
    assert refused.severity is Severity.ERROR
    assert "CONFIG_NOVA_LIBVIRT_VIRT_TYPE=qemu" in refused.hint
    assert look(bare, CONFIG_NOVA_LIBVIRT_VIRT_TYPE="qemu") == []
    assert "(container)" in only(look(replace(NODE, container=True)), "kvm").seen
    assert "kvm" not in names(pair(replace(NODE, kvm=False), other())), "the controller runs no instances"


def test_kernel_datapath() -> None:
    without = replace(NODE, kernel_modules=NODE.kernel_modules - {"openvswitch", "geneve"})
    assert only(look(without), "kernel-module").severity is Severity.WARNING
    refused = only(look(without, CONFIG_NEUTRON_DATAPATH="system"), "kernel-module")
    assert refused.severity is Severity.ERROR
    assert "geneve, openvswitch" in refused.seen
    assert look(without, CONFIG_NEUTRON_DATAPATH="netdev") == []
    assert look(replace(NODE, kernel_modules=frozenset())) == [], "nothing known is not nothing there"


@pytest.mark.parametrize(
    ("module", "changed", "way"),
    [
        ("dm_mod", {}, "CONFIG_CINDER_BACKEND=ceph"),
        ("nfs", {"CONFIG_CINDER_BACKEND": ("nfs",)}, "CONFIG_CINDER_BACKEND=ceph or lvm"),
        ("xfs", {"CONFIG_SWIFT_STORAGE_FSTYPE": "xfs"}, "CONFIG_SWIFT_STORAGE_FSTYPE=ext4"),
        ("vxlan", {"CONFIG_NEUTRON_L2_AGENT": "linuxbridge", "CONFIG_OPENSTACK_RELEASE": "zed"}, "AGENT=ovn"),
    ],
)
def test_kernel_modules(module: str, changed: dict[str, Any], way: str) -> None:
    found = look(replace(NODE, kernel_modules=NODE.kernel_modules - {module}), **changed)
    assert set(names(found)) == {"kernel-module"}
    assert found[0].severity is Severity.ERROR
    assert module in found[0].seen
    assert way in found[0].hint
    assert look(**changed) == []


def test_a_blocked_kernel_module_is_reported() -> None:
    modules = NODE.kernel_modules - {"xfs"}
    node = replace(NODE, kernel_modules=modules, extra={**NODE.extra, "modules-off": "xfs dccp"})
    found = only(look(node, CONFIG_SWIFT_INSTALL=True, CONFIG_SWIFT_STORAGE_FSTYPE="xfs"), "kernel-module")
    assert found.seen == "kernel module xfs is missing (/etc/modprobe.d forbids xfs)"


def test_kernel_modules_of_unused_features_are_not_required() -> None:
    bare = replace(NODE, kernel_modules=NODE.kernel_modules - {"dm_mod", "nfs", "xfs", "br_netfilter"})
    assert look(bare, CONFIG_CINDER_INSTALL=False) == []


def test_volume_group() -> None:
    assert look(CONFIG_CINDER_VOLUMES_CREATE=False) == []
    problem = only(look(CONFIG_CINDER_VOLUMES_CREATE=False, CONFIG_CINDER_VOLUME_NAME="tank"), "volume-group")
    assert "no volume group tank (only cinder-volumes, cs)" in problem.seen
    assert "volume-group" not in names(look(CONFIG_CINDER_VOLUME_NAME="tank")), "it will be made"


def test_an_unavailable_image_is_reported() -> None:
    lost = replace(NODE, extra={**NODE.extra, "image_url": "unreachable"})
    told = only(look(lost), "image")
    assert told.severity is Severity.WARNING
    assert "built from the host's own kernel instead" in told.wanted
    for changed in ({"CONFIG_PROVISION_IMAGE_SOURCE": "url"}, {"CONFIG_PROVISION_IMAGE_URL": "/srv/images/own.qcow2"}):
        told = only(look(lost, **changed), "image")
        assert told.severity is Severity.ERROR, "whoever names a file of theirs gets no other in its place"
    assert "there is no file /srv/images/own.qcow2" in told.seen
    for quiet in ({"CONFIG_PROVISION_IMAGE_SOURCE": "build"}, {"CONFIG_PROVISION_DEMO": False}):
        assert "image" not in names(look(lost, **quiet))
    assert "image" not in names(look())


def test_a_problem_of_many_hosts_is_reported_once() -> None:
    def problem(host: str, seen: str) -> Problem:
        hint = f"give {host} more"
        return Problem("memory", seen, "8 GiB", hint, host)

    names = [f"compute-{n}.lab.test" for n in range(1, 201)]
    same = [problem(name, f"{name} has 4 GiB") for name in names]
    other = [problem("control.lab.test", "control.lab.test has 2 GiB"), problem("x.lab.test", "x.lab.test.org is it")]
    first = "compute-1.lab.test, compute-2.lab.test, compute-3.lab.test and 197 more hosts"
    assert preflight.format_problems([*same, *other]).splitlines() == [
        f"{first}: error: compute-1.lab.test has 4 GiB; 8 GiB [memory]",
        "    hint: give compute-1.lab.test more",
        "control.lab.test: error: control.lab.test has 2 GiB; 8 GiB [memory]",
        "    hint: give control.lab.test more",
        "x.lab.test: error: x.lab.test.org is it; 8 GiB [memory]",
        "    hint: give x.lab.test more",
    ]
    assert preflight.format_problems(same[:2]).startswith("compute-1.lab.test, compute-2.lab.test: error: ")


@pytest.mark.parametrize("name", ["198.18.77.10", "2001:db8::1", "10", "4711.example.org"])
def test_a_host_is_called_by_a_name(name: str) -> None:
    """RabbitMQ never starts on a host whose name is an address."""
    found = only(look(replace(NODE, hostname=name)), "host-name")
    assert name in found.seen
    assert found.severity is Severity.ERROR


def test_names_that_will_be_given_are_compared() -> None:
    fresh = replace(NODE, host="a.example.org", hostname="debian", fqdn="debian")
    second = replace(other(hostname="debian", fqdn="debian"), host="b.example.org")
    same = [p.seen for p in pair(fresh, second) if p.name == "distinct"]
    assert any("same host name: debian" in seen for seen in same)
    assert [p for p in pair(fresh, second, CONFIG_HOST_NAMES=True) if p.name == "distinct"] == []
    # By their addresses they are given none.
    unnamed = [replace(fresh, host=fresh.address), replace(second, host=second.address)]
    assert any(p.name == "distinct" for p in pair(*unnamed, CONFIG_HOST_NAMES=True))


def test_names_that_differ_in_case_only_are_one_name() -> None:
    first, second = replace(NODE, hostname="N1", fqdn="N1.example.org"), other(hostname="n1", fqdn="n1.example.org")
    assert {"host name: n1", "full name: n1.example.org"} == {
        p.seen.partition("same ")[2] for p in pair(first, second) if p.name == "distinct"
    }


def test_a_name_that_the_kernel_refuses_is_told() -> None:
    name = f"{'n' * 52}.example.org"
    assert len(name) == 64
    fits, long = replace(NODE, host=name), replace(NODE, host=f"n{name}")
    assert "host-name" not in names(look(fits, CONFIG_HOST_NAMES=True))
    assert "65 characters" in only(look(long, CONFIG_HOST_NAMES=True), "host-name").seen
    assert "host-name" not in names(look(long)), "it keeps its own name"


@pytest.mark.parametrize(
    "given",
    [{"CONFIG_NEUTRON_OVN_BRIDGE_IFACES": (("br-ex", "lo"),)}, {"CONFIG_NEUTRON_OVN_TUNNEL_IF": "lo"}],
)
def test_the_loopback_leads_nowhere(given: dict[str, Any]) -> None:
    loopback = Interface("lo", "", 65536, True, ("127.0.0.1/8", "::1/128"))
    found = only(look(replace(NODE, interfaces=(loopback, *NODE.interfaces)), **given), "interface")
    assert (found.seen, found.severity) == ("lo is the host's loopback", Severity.ERROR)


def test_no_proxy_of_many_hosts_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(preflight.names, "_excepted", lambda address, _: bool(asked.append(address)))
    extra = {"proxy": "http_proxy no_proxy", "no-proxy": "localhost"}
    hosts = {f"h{n}": replace(NODE, host=f"h{n}", address=f"198.18.9.{n}", extra=extra) for n in range(1, 50)}
    situation = Situation(answers(), hosts, {})
    assert len(list(preflight.names.proxy(situation))) == 49
    assert len(asked) == 49


def test_short_names_differ() -> None:
    first, second = replace(NODE, fqdn="n1.a.example.org"), other(hostname="n2", fqdn="n1.b.example.org")
    found = only(pair(first, second), "short-name")
    assert "n1" in found.seen
    assert found.severity is Severity.WARNING


def test_a_translated_address_is_not_the_hosts() -> None:
    """Services would bind to an address that the host does not have."""
    found = only(look(replace(NODE, host="203.0.113.5", address="203.0.113.5")), "own-address")
    assert "198.18.9.90" in found.seen
    assert "198.18.9.90" in found.hint
    assert found.severity is Severity.ERROR


@pytest.mark.parametrize("name", ["nöde", "n$(id)", "no'de", "-node", "node."])
def test_a_host_name_is_one_that_urls_and_certificates_take(name: str) -> None:
    called = replace(NODE, hostname=name, fqdn=f"{name}.example.org", resolves={})
    assert repr(name) in only(look(called), "host-name").seen
    full = replace(NODE, fqdn="node90.example.org.", hostname="node90", resolves={})
    assert "'node90.example.org.'" in only(look(full), "host-name").seen
    fit = replace(NODE, hostname="My_node-1", fqdn="My_node-1.example.org", resolves={})
    assert "host-name" not in names(look(fit))


def test_a_loopback_address_is_no_address_for_other_hosts() -> None:
    """As where /etc/hosts of the controlling machine has the host's name on its first line."""
    loop = Interface("lo", "", 65536, True, ("127.0.0.1/8",))
    node = replace(NODE, host="node90", address="127.0.0.1", interfaces=(loop, *NODE.interfaces))
    found = only(pair(node, other()), "own-address")
    assert "its loopback" in found.seen
    assert "198.18.9.90" in found.hint
    assert "own-address" not in names(look(node))


def test_a_bridge_does_not_take_the_routers_address() -> None:
    """With pools no address of the range is the host's, and the bridge would still be the router."""
    pools = {"CONFIG_PROVISION_DEMO_ALLOCATION_POOLS": ("start=198.18.9.200,end=198.18.9.210",)}
    ranged = {"CONFIG_PROVISION_DEMO_FLOATRANGE": "198.18.9.0/24", **pools}
    found = only(look(**ranged), "ranges")
    assert "198.18.9.1" in found.seen
    assert "CONFIG_NEUTRON_OVN_BRIDGE_IFACES=br-ex:" in found.hint
    assert found.severity is Severity.ERROR
    part = look(**{**ranged, "CONFIG_PROVISION_DEMO_FLOATRANGE": "198.18.9.192/26"})
    assert "198.18.9.193" in only(part, "ranges").seen
    bridged = look(**ranged, CONFIG_NEUTRON_OVN_BRIDGE_IFACES=(("br-ex", NODE.default_interface),))
    assert "ranges" not in names(bridged)
    assert "ranges" not in names(look(**ranged, CONFIG_PROVISION_OVS_BRIDGE=False))


@pytest.mark.parametrize(
    ("no_proxy", "missing"),
    [("localhost", True), ("localhost,198.18.9.90", False), ("198.18.0.0/15", False), ("*", False)],
)
def test_no_proxy_has_the_clouds_own_addresses(no_proxy: str, missing: bool) -> None:
    extra = {**NODE.extra, "proxy": "HTTP_PROXY no_proxy", "no-proxy": no_proxy}
    found = [p for p in look(replace(NODE, extra=extra)) if p.name == "proxy"]
    assert bool(found) is missing
    if missing:
        assert "no_proxy leaves out 198.18.9.90" in found[0].seen
        assert "198.18.9.90" in found[0].hint


# ------------------------------------------------------------------------------- what somebody else has on the host

USED = replace(
    facts.from_json((RECORDS / "debian-12-used.json").read_text()),
    memory=64 * GIB,
    disk_free={"/": 400 * GIB},
    kernel_modules=NODE.kernel_modules,
)


def test_a_persons_account_is_no_services() -> None:
    found = [p for p in look(USED) if p.name == "accounts"]
    assert [p.severity for p in found] == [Severity.ERROR, Severity.ERROR]
    assert "the user nova has the id 1001" in found[0].seen
    assert "the group nova has the id 1001" in found[1].seen
    assert "neutron" not in found[0].seen, "998 is a system account"
    assert "accounts" not in names(look(USED, CONFIG_NOVA_INSTALL=False))
    assert "accounts" not in names(look(replace(USED, cloud={"id": "c1"}), cloud_id="c1"))


def test_data_of_stopped_services_is_named() -> None:
    database, broker = [p for p in look(USED) if p.name == "existing-data"]
    assert "databases shop, wiki and a password of root" in database.seen
    assert "a cluster with rabbit@f2" in broker.seen
    assert {database.severity, broker.severity} == {Severity.ERROR}
    alone = {**USED.extra, "broker rabbit@f1": "{[rabbit@f1],[rabbit@f1]}."}
    del alone["databases"], alone["database-password"]
    assert only(look(replace(USED, extra=alone)), "existing-data").severity is Severity.WARNING
    elsewhere = {"CONFIG_MARIADB_INSTALL": False, "CONFIG_AMQP_INSTALL": False}
    assert "existing-data" not in names(look(USED, **elsewhere))
    assert "existing-data" not in names(look(replace(USED, cloud={"id": "c1"}), cloud_id="c1"))


def test_web_sites_of_other_people_are_not_removed() -> None:
    found = only(look(USED, CONFIG_HORIZON_INSTALL=True), "apache")
    assert "/etc/apache2/sites-available/shop.conf" in found.seen
    assert found.severity is Severity.ERROR
    assert "apache" not in names(look(USED, CONFIG_HORIZON_INSTALL=True, skip=("apache",)))
    assert "apache" not in names(look(USED, CONFIG_HORIZON_INSTALL=False)), "Debian's APIs run in uWSGI"
    ours = replace(USED, cloud={"id": "c1"})
    assert "apache" in names(look(ours, cloud_id="c1", CONFIG_HORIZON_INSTALL=True)), "a later run removes it as well"
    settings = replace(ours, extra={**USED.extra, "web-files": "/etc/apache2/apache2.conf"})
    assert "apache" not in names(look(settings, cloud_id="c1", CONFIG_HORIZON_INSTALL=True)), "it is the cloud's own"


@pytest.mark.parametrize(
    ("interface", "seen"),
    [("eth3", "eth3 is a port of the bond bond0"), ("eth4", "eth4 is a port of the Linux bridge br0")],
)
def test_a_port_of_something_is_put_into_no_bridge(interface: str, seen: str) -> None:
    for given in (
        {"CONFIG_NEUTRON_OVN_BRIDGE_IFACES": (("br-ex", interface),)},
        {"CONFIG_NEUTRON_OVN_TUNNEL_IF": interface},
    ):
        found = only(look(USED, **given), "interface")
        assert (found.seen, found.severity) == (seen, Severity.ERROR)
        assert "interface" not in names(look(replace(USED, cloud={"id": "c1"}), cloud_id="c1", **given)) or (
            "TUNNEL_IF" in str(given)
        )


def test_an_interface_without_a_carrier_is_reported() -> None:
    found = only(look(USED, CONFIG_NEUTRON_OVN_BRIDGE_IFACES=(("br-ex", "eth2"),)), "interface")
    assert (found.seen, found.severity) == ("eth2 has no carrier", Severity.WARNING)


def test_a_loopback_address_before_the_hosts_own_is_reported_with_several_hosts() -> None:
    debians = replace(NODE, resolves={NODE.hostname: ("127.0.1.1", NODE.address)})
    found = only(pair(debians, other()), "resolution")
    assert f"{NODE.hostname} is 127.0.1.1, {NODE.address} to the host itself" in found.seen
    assert found.severity is Severity.WARNING
    assert "resolution" not in names(look(debians))


# ---------------------------------------------------------------------------------------------------------- gateways


def test_the_gateway_is_no_other_hosts_address() -> None:
    ranged = {
        "CONFIG_PROVISION_DEMO_FLOATRANGE": "198.18.9.0/24",
        "CONFIG_NEUTRON_OVN_BRIDGE_IFACES": (("br-ex", "eth1"),),
    }
    node = replace(NODE, gateway="198.18.9.254")
    pool = {"CONFIG_PROVISION_DEMO_ALLOCATION_POOLS": ("start=198.18.9.200,end=198.18.9.254",)}
    found = only(look(node, **ranged, **pool), "ranges")
    assert "198.18.9.254, the gateway of the external network" in found.seen
    fit = {"CONFIG_PROVISION_DEMO_ALLOCATION_POOLS": ("start=198.18.9.200,end=198.18.9.220",)}
    assert "ranges" not in names(look(node, **ranged, **fit))
    own = {"CONFIG_PROVISION_DEMO_GATEWAY": NODE.address}
    found = only(look(node, **ranged, **fit, **own), "ranges")
    assert (found.where, found.severity) == ("CONFIG_PROVISION_DEMO_GATEWAY", Severity.ERROR)
    assert "the address of eth0" in found.seen


def test_another_hosts_network_within_the_external_one_is_reported() -> None:
    second = other(interfaces=(Interface("eth0", "", 1500, True, ("198.18.9.91/24",)),
                               Interface("eth5", "", 1500, True, ("172.24.0.7/16",))))  # fmt: skip
    found = only(pair(NODE, second), "ranges")
    assert "eth5 is in 172.24.0.0/16, which overlaps the external network 172.24.4.0/24" in found.seen
    assert (found.host, found.severity) == (second.host, Severity.WARNING)
