"""Cross-checks: one answer at a time is changed in a file that is fine, and the check must name it."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackwright import answers
from stackwright.answers import checking, syntax
from stackwright.answers.reading import from_documents
from stackwright.model import Severity
from stackwright.services import options

FINE = {
    "CONFIG_NEUTRON_L2_AGENT": "ovn",
    "CONFIG_CONTROLLER_HOST": "198.18.0.10",
    "CONFIG_COMPUTE_HOSTS": "198.18.0.31,198.18.0.32",
    "CONFIG_PROVISION_DEMO_FLOATRANGE": "198.18.4.0/24",
    "CONFIG_PROVISION_DEMO_PRIVATE_SUBNET": "198.18.8.0/24",
}

VLAN = {
    "CONFIG_NEUTRON_L2_AGENT": "openvswitch",
    "CONFIG_NEUTRON_ML2_MECHANISM_DRIVERS": "openvswitch",
    "CONFIG_NEUTRON_ML2_TYPE_DRIVERS": "vlan,flat,vxlan",
    "CONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES": "vlan",
    "CONFIG_NEUTRON_ML2_VLAN_RANGES": "physnet1:100:200",
    "CONFIG_NEUTRON_OVS_BRIDGE_MAPPINGS": "extnet:br-ex,physnet1:br-data",
    "CONFIG_NEUTRON_OVS_BRIDGE_IFACES": "br-ex:eth2,br-data:eth3",
}


def problems(**texts: str) -> list[tuple[str, str, str]]:
    """What is said, apart from what this version does not do yet."""
    found = from_documents((), {**FINE, **texts}, files=False).problems
    return [(str(p.severity), p.name, p.seen.split(" ")[0]) for p in found if p.name != "not-done"]


def test_base_files_of_the_cases_have_no_problems() -> None:
    assert problems() == []
    assert problems(**VLAN) == []


P, N = "CONFIG_", "CONFIG_NEUTRON_"
CASES: list[tuple[dict[str, str], tuple[str, str, str]]] = [
    # services that need others, or cannot be installed
    ({P + "NEUTRON_INSTALL": "n", P + "PROVISION_DEMO": "n"}, ("error", "needs", P + "NOVA_INSTALL")),
    ({P + "GLANCE_INSTALL": "n", P + "PROVISION_DEMO": "n"}, ("error", "needs", P + "NOVA_INSTALL")),
    ({P + "GLANCE_BACKEND": "swift", P + "SWIFT_INSTALL": "n"}, ("error", "needs", P + "GLANCE_BACKEND")),
    ({P + "TROVE_INSTALL": "y"}, ("error", "not-installable", P + "TROVE_INSTALL")),
    ({P + "IRONIC_INSTALL": "y"}, ("error", "not-installable", P + "IRONIC_INSTALL")),
    ({P + "CINDER_BACKEND": "nfs"}, ("error", "missing", P + "CINDER_NFS_MOUNTS")),
    ({P + "CINDER_BACKEND": "ceph", P + "CEPH_OSD_SIZE": "1G"}, ("error", "small", P + "CEPH_OSD_SIZE")),
    ({P + "CINDER_VOLUMES_SIZE": "63M"}, ("error", "small", P + "CINDER_VOLUMES_SIZE")),
    ({P + "CINDER_VOLUMES_SIZE": "100M"}, ("warning", "small", P + "CINDER_VOLUMES_SIZE")),
    ({P + "CINDER_VOLUMES_SIZE": "17T"}, ("error", "large", P + "CINDER_VOLUMES_SIZE")),
    ({P + "SWIFT_STORAGE_SIZE": "17T", P + "SWIFT_INSTALL": "y"}, ("error", "large", P + "SWIFT_STORAGE_SIZE")),
    ({P + "CINDER_BACKEND": "ceph", P + "CEPH_OSD_SIZE": "17T"}, ("error", "large", P + "CEPH_OSD_SIZE")),
    ({**VLAN, N + "VPNAAS": "y"}, ("error", "not-installable", N + "VPNAAS")),
    ({N + "VPNAAS": "y"}, ("warning", "forced", N + "VPNAAS")),
    ({N + "OVS_BRIDGE_IFACES": "br-ex:eth1"}, ("warning", "no-effect", N + "OVS_BRIDGE_IFACES")),
    ({N + "LB_INTERFACE_MAPPINGS": "extnet:eth1"}, ("warning", "no-effect", N + "LB_INTERFACE_MAPPINGS")),
    ({P + "VNC_SSL_CERT": "/x.crt", P + "HORIZON_SSL": "y"}, ("error", "needs", P + "VNC_SSL_CERT")),
    ({P + "NOVA_INSTALL": "n"}, ("warning", "needs", P + "PROVISION_DEMO")),
    ({P + "HORIZON_SSL": "y", P + "SSL_CERT_SUBJECT_C": "Germany"}, ("error", "bad-value", P + "SSL_CERT_SUBJECT_C")),
    # hosts
    ({P + "COMPUTE_HOSTS": "127.0.0.1"}, ("error", "loopback", P + "COMPUTE_HOSTS")),
    ({P + "COMPUTE_HOSTS": "2001:2::31"}, ("warning", "mixed-families", P + "COMPUTE_HOSTS")),
    ({P + "COMPUTE_HOSTS": "node1,node1.example.org"}, ("warning", "same-host", P + "COMPUTE_HOSTS")),
    ({"EXCLUDE_SERVERS": "198.18.0.99"}, ("warning", "no-effect", "EXCLUDE_SERVERS")),
    ({"EXCLUDE_SERVERS": "198.18.0.10,198.18.0.31,198.18.0.32"}, ("error", "no-hosts", "EXCLUDE_SERVERS")),
    # devices and ports
    (
        {P + "SWIFT_INSTALL": "y", P + "SWIFT_STORAGES": "/dev/mapper/a-1,/dev/mapper/a_1"},
        ("error", "overlap", P + "SWIFT_STORAGES"),
    ),
    ({P + "SWIFT_INSTALL": "y", P + "SWIFT_STORAGE_SIZE": "63M"}, ("error", "small", P + "SWIFT_STORAGE_SIZE")),
    (
        {P + "SWIFT_INSTALL": "y", P + "SWIFT_STORAGE_SIZE": "299M", P + "SWIFT_STORAGE_FSTYPE": "xfs"},
        ("error", "small", P + "SWIFT_STORAGE_SIZE"),
    ),
    ({P + "CEILOMETER_INSTALL": "y", P + "REDIS_PORT": "5000"}, ("error", "taken", P + "REDIS_PORT")),
    # the demo's networks
    ({P + "PROVISION_DEMO_PRIVATE_SUBNET": "198.18.4.128/25"}, ("error", "overlap", P + "PROVISION_DEMO_FLOATRANGE")),
    (
        {P + "PROVISION_DEMO_PRIVATE_SUBNET": "198.18.0.0/24"},
        ("warning", "overlap", P + "PROVISION_DEMO_PRIVATE_SUBNET"),
    ),
    ({P + "PROVISION_DEMO_FLOATRANGE": "198.18.4.0/31"}, ("error", "small", P + "PROVISION_DEMO_FLOATRANGE")),
    ({P + "PROVISION_DEMO_FLOATRANGE": "198.18.4.0/30"}, ("error", "small", P + "PROVISION_DEMO_FLOATRANGE")),
    ({P + "PROVISION_DEMO_FLOATRANGE": "127.0.0.0/24"}, ("error", "special", P + "PROVISION_DEMO_FLOATRANGE")),
    ({P + "PROVISION_DEMO_FLOATRANGE": "169.254.0.0/16"}, ("error", "special", P + "PROVISION_DEMO_FLOATRANGE")),
    ({P + "PROVISION_DEMO_FLOATRANGE": "224.0.0.0/24"}, ("error", "special", P + "PROVISION_DEMO_FLOATRANGE")),
    ({P + "PROVISION_DEMO_FLOATRANGE": "2001:2:0:4::/64"}, ("warning", "no-effect", P + "PROVISION_DEMO_FLOATRANGE")),
    ({P + "PROVISION_DEMO_PRIVATE_SUBNET": ""}, ("error", "missing", P + "PROVISION_DEMO_PRIVATE_SUBNET")),
    ({P + "PROVISION_DEMO_PRIVATE_SUBNET": "10.0.0.0/31"}, ("error", "small", P + "PROVISION_DEMO_PRIVATE_SUBNET")),
    (
        {P + "PROVISION_DEMO_PRIVATE_SUBNET": "169.254.0.0/24"},
        ("error", "special", P + "PROVISION_DEMO_PRIVATE_SUBNET"),
    ),
    ({P + "PROVISION_DEMO_PRIVATE_SUBNET": "fe80::/64"}, ("error", "special", P + "PROVISION_DEMO_PRIVATE_SUBNET")),
    ({P + "PROVISION_DEMO_SSH_FROM": "fd00::/8"}, ("warning", "no-effect", P + "PROVISION_DEMO_SSH_FROM")),
    (
        {P + "PROVISION_DEMO_ALLOCATION_POOLS": "198.18.4.9-198.18.4.9"},
        ("error", "small", P + "PROVISION_DEMO_ALLOCATION_POOLS"),
    ),
    ({P + "PROVISION_DEMO_FLOATRANGE": ""}, ("error", "missing", P + "PROVISION_DEMO_FLOATRANGE")),
    (
        {P + "PROVISION_DEMO_ALLOCATION_POOLS": "198.18.5.1-198.18.5.9"},
        ("error", "outside", P + "PROVISION_DEMO_ALLOCATION_POOLS"),
    ),
    (
        {P + "PROVISION_DEMO_ALLOCATION_POOLS": "198.18.4.2-198.18.4.9,198.18.4.9-198.18.4.20"},
        ("error", "overlap", P + "PROVISION_DEMO_ALLOCATION_POOLS"),
    ),
    (
        {
            P + "PROVISION_DEMO_FLOATRANGE": "198.18.0.0/24",
            P + "PROVISION_DEMO_ALLOCATION_POOLS": "198.18.0.2-198.18.0.20",
        },
        ("error", "overlap", P + "PROVISION_DEMO_ALLOCATION_POOLS"),
    ),
    (
        {P + "PROVISION_DEMO_ALLOCATION_POOLS": "198.18.4.1-198.18.4.9"},  # the gateway
        ("error", "overlap", P + "PROVISION_DEMO_ALLOCATION_POOLS"),
    ),
    (
        {P + "PROVISION_DEMO_ALLOCATION_POOLS": "198.18.4.200-198.18.4.255"},  # the broadcast address
        ("error", "outside", P + "PROVISION_DEMO_ALLOCATION_POOLS"),
    ),
    ({P + "PROVISION_DEMO_FLOATRANGE": "198.18.0.0/24"}, ("warning", "hosts-inside", P + "PROVISION_DEMO_FLOATRANGE")),
    ({N + "OVN_EXTERNAL_PHYSNET": ""}, ("warning", "forced", N + "OVN_EXTERNAL_PHYSNET")),
    # kinds of network
    ({**VLAN, N + "ML2_TYPE_DRIVERS": "flat"}, ("error", "network-types", N + "ML2_TENANT_NETWORK_TYPES")),
    ({**VLAN, N + "ML2_VLAN_RANGES": ""}, ("error", "no-range", N + "ML2_VLAN_RANGES")),
    ({**VLAN, N + "ML2_VLAN_RANGES": "other:1:2"}, ("error", "not-mapped", N + "ML2_VLAN_RANGES")),
    ({**VLAN, N + "ML2_VLAN_RANGES": "physnet1:1:9,physnet1:9:20"}, ("error", "overlap", N + "ML2_VLAN_RANGES")),
    (
        {**VLAN, N + "ML2_VLAN_RANGES": "other:1:2,other:7:9", N + "ML2_TENANT_NETWORK_TYPES": "vxlan"},
        ("warning", "not-mapped", N + "ML2_VLAN_RANGES"),
    ),
    (
        {**VLAN, N + "ML2_TYPE_DRIVERS": "vxlan", N + "ML2_TENANT_NETWORK_TYPES": "vxlan"},
        ("warning", "no-effect", N + "ML2_VLAN_RANGES"),
    ),
    ({**VLAN, N + "ML2_FLAT_NETWORKS": "extnet,nowhere"}, ("warning", "not-mapped", N + "ML2_FLAT_NETWORKS")),
    ({**VLAN, N + "ML2_FLAT_NETWORKS": "physnet1"}, ("warning", "forced", N + "ML2_FLAT_NETWORKS")),
    ({**VLAN, N + "OVS_TUNNEL_IF": "eth1"}, ("warning", "no-effect", N + "OVS_TUNNEL_IF")),
    ({N + "ML2_TENANT_NETWORK_TYPES": "vxlan"}, ("warning", "forced", N + "ML2_TENANT_NETWORK_TYPES")),
    # bridges
    ({N + "OVN_BRIDGE_MAPPINGS": "extnet:br-int"}, ("error", "reserved-bridge", N + "OVN_BRIDGE_MAPPINGS")),
    ({N + "OVN_BRIDGE_MAPPINGS": "extnet:br-ex,p:br-p"}, ("warning", "no-way-out", N + "OVN_BRIDGE_MAPPINGS")),
    ({N + "OVN_BRIDGE_MAPPINGS": "extnet:br-ex,p:br-ex"}, ("error", "overlap", N + "OVN_BRIDGE_MAPPINGS")),
    ({N + "OVN_BRIDGE_IFACES": "br-other:eth1"}, ("warning", "not-mapped", N + "OVN_BRIDGE_IFACES")),
    ({N + "OVN_BRIDGES_COMPUTE": "br-other"}, ("error", "not-mapped", N + "OVN_BRIDGES_COMPUTE")),
    ({N + "OVN_BRIDGES_COMPUTE": "br-ex:eth1"}, ("warning", "bridge-interface", N + "OVN_BRIDGES_COMPUTE")),
    (
        {N + "OVN_BRIDGE_MAPPINGS": "physnet1:br-ex", N + "OVN_EXTERNAL_PHYSNET": "extnet"},
        ("warning", "forced", N + "OVN_EXTERNAL_PHYSNET"),
    ),
    (
        {
            N + "OVN_BRIDGE_MAPPINGS": "a:br-a,b:br-b",
            N + "OVN_BRIDGE_IFACES": "br-a:eth1,br-b:eth2",
            N + "L3_EXT_BRIDGE": "provider",
        },
        ("error", "not-mapped", N + "OVN_EXTERNAL_PHYSNET"),
    ),
    ({N + "OVN_TUNNEL_IF": "eth1", P + "USE_SUBNETS": "y"}, ("error", "subnet", N + "OVN_TUNNEL_IF")),
    ({N + "OVN_TUNNEL_IF": "198.18.1.0/24"}, ("error", "subnet", N + "OVN_TUNNEL_IF")),
    ({N + "OVN_BRIDGE_IFACES": "br-ex:198.18.1.0/24"}, ("error", "subnet", N + "OVN_BRIDGE_IFACES")),
    # objects
    ({P + "SWIFT_STORAGE_REPLICAS": "3"}, ("error", "swift-devices", P + "SWIFT_STORAGE_REPLICAS")),
    ({P + "SWIFT_STORAGE_ZONES": "3"}, ("warning", "swift-devices", P + "SWIFT_STORAGE_ZONES")),
]


@pytest.mark.parametrize(("texts", "expected"), CASES)
def test_inconsistent_answers_are_reported(texts: dict[str, str], expected: tuple[str, str, str]) -> None:
    assert problems(**texts) == [expected]


@pytest.mark.parametrize("port", ["6379", "6380"])
def test_redis_has_its_usual_port_beside_consoles(port: str) -> None:
    """6379 is in the range of the consoles' ports, of which only some are taken."""
    assert problems(**{P + "CEILOMETER_INSTALL": "y", P + "REDIS_PORT": port}) == []


@pytest.mark.parametrize("backend", ["netapp", "solidfire"])
def test_a_backend_that_cannot_be_installed_is_refused(backend: str) -> None:
    """Packstack takes netapp-iscsi and solidfire, whose manifests do not compile."""
    assert ("error", "not-installable", "CONFIG_CINDER_BACKEND") in problems(CONFIG_CINDER_BACKEND=f"lvm,{backend}")


@pytest.mark.parametrize(("texts", "expected"), CASES)
def test_every_problem_has_a_hint(texts: dict[str, str], expected: tuple[str, str, str]) -> None:
    del expected
    for problem in from_documents((), {**FINE, **texts}, files=False).problems:
        assert problem.hint
        assert problem.wanted
        assert problem.where.startswith(("flag --", "CONFIG_"))  # the key itself where a default counts


def test_facts_reveal_a_host_given_by_name_and_by_address() -> None:
    given = from_documents((), {**FINE, "CONFIG_COMPUTE_HOSTS": "node1"}, files=False).answers
    found = checking.check(given, resolves={"node1": "198.18.0.10"})
    assert [(problem.name, problem.severity) for problem in found] == [("same-host", Severity.ERROR)]
    assert not checking.check(given, resolves={"node1": "198.18.0.11"})


def test_missing_certificate_files_are_reported(tmp_path: Path) -> None:
    tls = {"CONFIG_HORIZON_SSL": "y", "CONFIG_SSL_CACERT_SELFSIGN": "n", "CONFIG_SSL_CACERT_FILE": str(tmp_path / "ca")}
    assert _missing_files(tls) == {"CONFIG_SSL_CACERT_FILE", "CONFIG_SSL_CACERT_KEY_FILE"}


def test_a_ca_is_required_only_without_own_certificates(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    keys = [f"CONFIG_{who}_SSL_{what}" for who in ("HORIZON", "VNC") for what in ("CERT", "KEY")]
    own = {"CONFIG_HORIZON_SSL": "y", "CONFIG_SSL_CACERT_SELFSIGN": "n", **dict.fromkeys(keys, str(file))}
    authority = {"CONFIG_SSL_CACERT_FILE", "CONFIG_SSL_CACERT_KEY_FILE"}
    assert _missing_files(own) == set()
    assert _missing_files({**own, "CONFIG_AMQP_ENABLE_SSL": "y"}) == authority
    assert _missing_files({**own, "CONFIG_VNC_SSL_CERT": "", "CONFIG_VNC_SSL_KEY": ""}) == authority


def _missing_files(texts: dict[str, str]) -> set[str]:
    found = from_documents((), {**FINE, **texts}).problems
    assert all(str(problem.severity) == "error" for problem in found if problem.name == "no-file")
    return {problem.seen.split(" ")[0] for problem in found if problem.name == "no-file"}


NOT_DONE = {"CONFIG_PROVISION_TEMPEST": "y"}


@pytest.mark.parametrize("key", NOT_DONE)
def test_options_that_are_ignored_cause_a_warning(key: str) -> None:
    found = from_documents((), {**FINE, key: NOT_DONE[key]}, files=False).problems
    assert [(problem.name, str(problem.severity), problem.seen.split(" ")[0]) for problem in found] == [
        ("not-done", "warning", key)
    ]
    assert options()[key].not_done in found[0].wanted
    assert not from_documents((), {**FINE, key: options()[key].default}, files=False).problems


def test_a_needed_answer_is_shown_with_its_line() -> None:
    document = syntax.parse("CONFIG_NOVA_INSTALL=y\n\nCONFIG_NEUTRON_INSTALL=n\nCONFIG_PROVISION_DEMO=y\n", "old.txt")
    (problem,) = from_documents((document,), FINE, files=False).problems
    assert (problem.where, problem.name) == ("old.txt:1", "needs")
    assert "CONFIG_NEUTRON_INSTALL=y (line 3 says n)" in problem.wanted


def test_external_network_settings_are_checked() -> None:
    """Before Ocata a bridge was enough; today it is a flat network on a physical one."""
    old = {
        "CONFIG_NEUTRON_L2_AGENT": "openvswitch",
        "CONFIG_NEUTRON_ML2_TYPE_DRIVERS": "vxlan",
        "CONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES": "vxlan",
        "CONFIG_NEUTRON_ML2_MECHANISM_DRIVERS": "openvswitch",
        "CONFIG_NEUTRON_L3_EXT_BRIDGE": "br-ex",
        "CONFIG_NEUTRON_OVS_BRIDGE_MAPPINGS": "",
    }
    reading = from_documents((), {**FINE, **old}, files=False)
    assert not reading.problems
    assert reading.answers["CONFIG_NEUTRON_ML2_TYPE_DRIVERS"] == ("vxlan", "flat")
    assert reading.answers["CONFIG_NEUTRON_OVS_BRIDGE_MAPPINGS"] == (("extnet", "br-ex"),)
    mapped = {**old, "CONFIG_NEUTRON_OVS_BRIDGE_MAPPINGS": "physnet1:br-ex", "CONFIG_NEUTRON_ML2_FLAT_NETWORKS": "x"}
    given = from_documents((), {**FINE, **mapped}, files=False).answers
    assert given["CONFIG_NEUTRON_OVS_EXTERNAL_PHYSNET"] == "physnet1"
    assert given["CONFIG_NEUTRON_ML2_FLAT_NETWORKS"] == ("x", "physnet1")
    quiet = {**mapped, "CONFIG_PROVISION_DEMO": "n", "CONFIG_NEUTRON_L3_EXT_BRIDGE": ""}
    given = from_documents((), {**FINE, **quiet}, files=False).answers
    assert given["CONFIG_NEUTRON_ML2_TYPE_DRIVERS"] == ("vxlan",)
    assert given["CONFIG_NEUTRON_ML2_FLAT_NETWORKS"] == ("x",)
    assert given["CONFIG_NEUTRON_OVS_EXTERNAL_PHYSNET"] == "extnet"


def test_checks_skip_defaults_that_replace_invalid_values() -> None:
    found = from_documents((), {**FINE, "CONFIG_CINDER_BACKEND": "nfs", "CONFIG_CINDER_NFS_MOUNTS": "nowhere"}).problems
    assert [problem.name for problem in found if "NFS" in problem.seen] == ["bad-value"]


def test_hosts_without_a_role_are_omitted() -> None:
    given = from_documents((), {**FINE, "CONFIG_STORAGE_HOST": "198.18.0.50"}, files=False).answers
    assert set(checking.named_hosts(given)) == {"198.18.0.10", "198.18.0.31", "198.18.0.32"}
    assert answers.check(given)
