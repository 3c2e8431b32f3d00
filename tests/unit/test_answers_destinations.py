"""Where answers are used: what `answers explain` says is true, and no answer is ignored without a message."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from stackwright import planner
from stackwright.answers.destinations import destinations, settings
from stackwright.answers.reading import from_documents
from stackwright.answers.typed import matters
from stackwright.model import Answers, Facts, Interface, Option
from stackwright.services import SERVICES, options

HOSTS = {
    "CONFIG_CONTROLLER_HOST": "198.18.0.10",
    "CONFIG_NETWORK_HOSTS": "198.18.0.10",
    "CONFIG_COMPUTE_HOSTS": "198.18.0.10,198.18.0.31",
    "CONFIG_KEYSTONE_ADMIN_PW": "one",
    "CONFIG_DEFAULT_PASSWORD": "one",
}
OVS = {"CONFIG_NEUTRON_L2_AGENT": "openvswitch", "CONFIG_NEUTRON_ML2_TYPE_DRIVERS": "vxlan,flat",
       "CONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES": "vxlan"}  # fmt: skip
LB = {**OVS, "CONFIG_NEUTRON_L2_AGENT": "linuxbridge"}

PASSED_AS = {key: option.passed_as for key, option in options().items() if option.passed_as}
EFFECTS = [key for key, option in options().items() if option.effect]

OTHER: dict[str, tuple[str, dict[str, str]]] = {
    "CONFIG_SERVICE_WORKERS": ("7", {}),
    "CONFIG_CACHE_HOSTS": ("198.18.0.31", {}),
    "CONFIG_AMQP_HOST": ("198.18.0.31", {}),
    "CONFIG_AMQP_ENABLE_SSL": ("y", {}),
    "CONFIG_AMQP_AUTH_USER": ("jane", {}),
    "CONFIG_AMQP_AUTH_PASSWORD": ("two", {}),
    "CONFIG_MARIADB_HOST": ("198.18.0.31", {}),
    "CONFIG_NOVA_LIBVIRT_VIRT_TYPE": ("kvm", {}),
    "CONFIG_NEUTRON_DATAPATH": ("netdev", {}),
    "CONFIG_NEUTRON_METERING_AGENT_INSTALL": ("y", OVS),
    "CONFIG_NEUTRON_L2_AGENT": ("openvswitch", {}),
    "CONFIG_NEUTRON_ML2_TYPE_DRIVERS": ("geneve,flat,vlan", {}),
    "CONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES": ("gre", {**OVS, "CONFIG_NEUTRON_ML2_TYPE_DRIVERS": "vxlan,gre,flat"}),
    "CONFIG_NEUTRON_ML2_MECHANISM_DRIVERS": ("openvswitch,l2population", OVS),
    "CONFIG_NEUTRON_ML2_FLAT_NETWORKS": ("extnet", {}),
    "CONFIG_NEUTRON_ML2_VLAN_RANGES": ("extnet:1:9", {}),
    "CONFIG_NEUTRON_ML2_TUNNEL_ID_RANGES": ("1:9", OVS),
    "CONFIG_NEUTRON_ML2_VNI_RANGES": ("1:9", {}),
    "CONFIG_NEUTRON_ML2_VXLAN_GROUP": ("239.1.1.9", OVS),
    "CONFIG_NEUTRON_LB_INTERFACE_MAPPINGS": ("extnet:eth1", LB),
    "CONFIG_NEUTRON_L3_EXT_BRIDGE": ("br-other", {"CONFIG_NEUTRON_OVN_BRIDGE_MAPPINGS": ""}),
    "CONFIG_SWIFT_STORAGES": ("/dev/sdb,/dev/sdc", {}),
    "CONFIG_SWIFT_STORAGE_ZONES": ("2", {"CONFIG_SWIFT_STORAGES": "/dev/sdb,/dev/sdc"}),
    "CONFIG_PROVISION_OVS_BRIDGE": ("n", {}),
    "CONFIG_PROVISION_DEMO_SSH_FROM": ("198.18.7.0/24", {}),
    "CONFIG_PROVISION_DEMO_FLOATRANGE": ("2001:2:0:4::/64", {}),
    "CONFIG_PROVISION_DEMO_ALLOCATION_POOLS": ('["start=172.24.4.5,end=172.24.4.9"]', {}),
    "CONFIG_PROVISION_DEMO_GATEWAY": ("172.24.4.9", {}),
    "CONFIG_PROVISION_IMAGE_NAME": ("other", {}),
    "CONFIG_PROVISION_IMAGE_FORMAT": ("raw", {}),
    "CONFIG_PROVISION_IMAGE_SOURCE": ("build", {}),
}
"""By key: another answer, and what has to be answered besides for it to matter."""

for family, more in (("OVN", {}), ("OVS", OVS)):
    own = f"CONFIG_NEUTRON_{family}_"
    OTHER |= {
        f"{own}BRIDGE_MAPPINGS": ("extnet:br-ex,data:br-data", more),
        f"{own}BRIDGE_IFACES": ("br-ex:eth2", more),
        f"{own}BRIDGES_COMPUTE": ("br-ex", {**more, "CONFIG_COMPUTE_HOSTS": "198.18.0.31"}),
        f"{own}EXTERNAL_PHYSNET": ("data", {**more, f"{own}BRIDGE_MAPPINGS": "extnet:br-ex,data:br-data"}),
        f"{own}TUNNEL_IF": ("eth1", more),
        f"{own}TUNNEL_SUBNETS": ("198.18.1.0/24", more),
    }


def given(texts: dict[str, str]) -> Answers:
    return from_documents((), {**HOSTS, **texts}, files=False).answers


def seen(texts: dict[str, str]) -> dict[str, Any]:
    """The values that the templates of each host can use, by host and name, with these answers."""
    answers = given(texts)
    facts = {
        host: Facts(
            host=host, hostname=f"n{number}", fqdn=f"n{number}.example.org", address=host, os_id="debian",
            os_version="12", arch="x86_64", cpus=4, memory=16 * 1024**3, default_interface="eth0",
            interfaces=tuple(
                Interface(f"eth{index}", up=True, addresses=(f"198.18.{index}.{number + 10}/24",)) for index in range(3)
            ),
            kernel_modules=frozenset({"openvswitch", "geneve", "dm_mod"}),
        )
        for number, host in enumerate(planner.all_hosts(answers, SERVICES))
    }  # fmt: skip
    cloud = planner.cloud(answers, facts)
    found: dict[str, Any] = {}
    for host in cloud.hosts.values():
        context = cloud.context(host)
        path, image_format = planner.image_file(cloud, host)
        context["image"] = {"path": path, "format": image_format}
        context["db_url"] = context["db_url"]("nova", "x")
        for name in {name for names in PASSED_AS.values() for name in names}:
            first, _, last = name.partition(".")
            value = context[first]
            if last and value is not None:
                value = value[last] if isinstance(value, dict) else getattr(value, last)
            found[f"{host.name} {name}"] = value
    return found


@pytest.mark.parametrize("key", sorted(PASSED_AS))
def test_a_value_that_is_passed_on_changes_with_the_answer(key: str) -> None:
    other, needed = OTHER[key]
    before, after = seen(needed), seen({**needed, key: other})
    for name in PASSED_AS[key]:
        assert any(before.get(one) != value for one, value in after.items() if one.endswith(f" {name}")), name


def test_every_value_that_is_passed_on_is_used_by_a_template() -> None:
    for key in PASSED_AS:
        assert settings(key), key


def _told(option: Option) -> bool:
    """Whether a message says that this version ignores or refuses the option or one that it depends on."""
    missing = {service.switch for service in SERVICES if service.missing}

    def no(key: str, wanted: str) -> bool:
        values = set(options()[key].not_yet)
        refused = key in missing or "*" in values or (wanted != "*" and set(wanted.split("|")) <= values)
        return refused or bool(options()[key].not_done) or above(key)

    def above(key: str) -> bool:
        return any(all(no(key, wanted) for key in keys.split("|")) for keys, wanted in options()[key].when)

    return above(option.key) or no(option.key, "y")


def _mattering(option: Option) -> dict[str, str]:
    """Answers with which the option matters."""
    texts: dict[str, str] = OVS if option.key == "CONFIG_NEUTRON_L3_HOSTS" else {}
    for keys, wanted in option.when:
        key = keys.partition("|")[0]
        texts |= {**_mattering(options()[key]), key: "y" if wanted == "*" else wanted.partition("|")[0]}
    return texts


@cache
def _answers(texts: tuple[tuple[str, str], ...]) -> Answers:
    return given(dict(texts))


@pytest.mark.parametrize("option", options().values(), ids=lambda option: option.key)
def test_no_answer_is_ignored_without_a_message(option: Option) -> None:
    answers = _answers(tuple(_mattering(option).items()))
    ends_up = destinations(answers, option.key)
    somewhere = bool(ends_up.settings or ends_up.switches or ends_up.places or ends_up.besides)
    assert somewhere or _told(option)
    assert not (somewhere and option.not_done), "implemented by now: remove not_done"
    assert matters(option, answers)


def test_effects_are_declared_only_for_options_that_no_template_uses() -> None:
    assert EFFECTS
    for key in EFFECTS:
        assert not settings(key), key


def test_switches_and_hosts_are_told_apart() -> None:
    answers = given({})
    swift = destinations(answers, "CONFIG_SWIFT_INSTALL")
    assert swift.switches == ("cinder-backup", "swift-identity", "swift-rings", "swift-proxy", "swift-storage")
    assert not swift.places
    glance = destinations(given({"CONFIG_GLANCE_HOST": "198.18.0.31"}), "CONFIG_GLANCE_HOST")
    assert glance.places == ("glance-api",)
    assert glance.hosts == ("198.18.0.31",)
    agent = destinations(answers, "CONFIG_NEUTRON_OVN_BRIDGE_MAPPINGS")
    assert "ovn-controller: ovn::controller::ovn_bridge_mappings" in agent.settings
    assert not any(setting.startswith("openvswitch-agent") for setting in agent.settings), "OVN is the agent here"
