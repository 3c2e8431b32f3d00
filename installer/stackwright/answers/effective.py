"""Values that are derived from other answers, such as the hosts of roles without hosts, and drivers that belong
together. An answer's `text` stays as it was written; its `value` is the effective one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from stackwright.model import Answer, Origin

SAME_SECRET = {"CONFIG_PLACEMENT_DB_PW": "CONFIG_NOVA_DB_PW", "CONFIG_PLACEMENT_KS_PW": "CONFIG_NOVA_KS_PW"}
"""Secrets that default to another one if a file does not have them: Packstack's Placement used Nova's."""

ON_CONTROLLER = ("CONFIG_AMQP_HOST", "CONFIG_MARIADB_HOST", "CONFIG_REDIS_HOST")
"""Packstack's keys of single hosts that default to the controller."""

_TYPES = "CONFIG_NEUTRON_ML2_TYPE_DRIVERS"
_TENANTS = "CONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES"

FORCED = (
    "CONFIG_NEUTRON_OVS_BRIDGES_COMPUTE",
    "CONFIG_NEUTRON_OVN_EXTERNAL_PHYSNET",
    "CONFIG_NEUTRON_OVS_EXTERNAL_PHYSNET",
    "CONFIG_NEUTRON_ML2_MECHANISM_DRIVERS",
    _TYPES,
    _TENANTS,
    "CONFIG_NEUTRON_METERING_AGENT_INSTALL",
    "CONFIG_NEUTRON_VPNAAS",
)
"""Answers that CONFIG_NEUTRON_L2_AGENT and the bridges may override."""


def fill(entries: dict[str, Answer], local_host: str | Callable[[], str]) -> None:
    """Changes `entries` so that every role has hosts and Neutron's settings agree with the chosen agent."""

    def value(key: str) -> Any:
        return entries[key].value

    def put(key: str, new: Any) -> None:
        if entries[key].value != new:
            entries[key] = replace(entries[key], value=new, origin=entries[key].origin)

    if not value("CONFIG_CONTROLLER_HOST"):
        here = local_host if isinstance(local_host, str) else local_host()
        entries["CONFIG_CONTROLLER_HOST"] = Answer(here, "", Origin("default", "this machine"))
    controller = value("CONFIG_CONTROLLER_HOST")
    for key in ("CONFIG_COMPUTE_HOSTS", "CONFIG_NETWORK_HOSTS", "CONFIG_STORAGE_HOST"):
        put(key, value(key) or (controller,))
    for key in ON_CONTROLLER:
        put(key, value(key) or controller)
    put("CONFIG_SSL_CERT_SUBJECT_CN", value("CONFIG_SSL_CERT_SUBJECT_CN") or controller)
    mail = value("CONFIG_SSL_CERT_SUBJECT_MAIL") or f"admin@{value('CONFIG_SSL_CERT_SUBJECT_CN')}"
    put("CONFIG_SSL_CERT_SUBJECT_MAIL", mail)
    if not value("CONFIG_UNSUPPORTED"):
        put("CONFIG_STORAGE_HOST", (controller,))  # as in Packstack
    if value("CONFIG_NEUTRON_L3_EXT_BRIDGE") == "provider":
        put("CONFIG_NEUTRON_L3_EXT_BRIDGE", "")
    _neutron(value, put, lambda key: entries[key].origin.kind == "default")


def _neutron(value: Callable[[str], Any], put: Callable[[str, Any], None], untouched: Callable[[str], bool]) -> None:
    """Makes the corrections that Packstack makes before it writes manifests, and chooses defaults that agree with the
    given answers."""
    agent = value("CONFIG_NEUTRON_L2_AGENT")
    drivers = value("CONFIG_NEUTRON_ML2_MECHANISM_DRIVERS")
    if agent not in drivers:
        others = tuple(d for d in drivers if d not in ("ovn", "openvswitch", "linuxbridge"))
        put("CONFIG_NEUTRON_ML2_MECHANISM_DRIVERS", (agent, *others))
    if agent == "ovn":
        types = value(_TYPES)
        put(_TYPES, types if "geneve" in types else (*types, "geneve"))
        put(_TENANTS, ("geneve",))
        put("CONFIG_NEUTRON_METERING_AGENT_INSTALL", False)
        put("CONFIG_NEUTRON_VPNAAS", False)
    else:
        _kinds(value, put, untouched)
    _external(value, put)
    bridges = "CONFIG_NEUTRON_OVS_BRIDGES_COMPUTE"
    if untouched(bridges) and "vlan" in value(_TENANTS):
        # until Kilo every host had every bridge, and VLANs of projects reach no instance without
        vlans = {entry[0] for entry in value("CONFIG_NEUTRON_ML2_VLAN_RANGES")}
        put(bridges, tuple(b for name, b in value("CONFIG_NEUTRON_OVS_BRIDGE_MAPPINGS") if name in vlans))


def _kinds(value: Callable[[str], Any], put: Callable[[str, Any], None], untouched: Callable[[str], bool]) -> None:
    """Network types with an agent other than OVN, if at most one of the two lists was given."""
    if untouched(_TENANTS):
        # linuxbridge cannot carry geneve, which is the default
        usual = ("vxlan",) if value("CONFIG_NEUTRON_L2_AGENT") == "linuxbridge" else value(_TENANTS)
        given = () if untouched(_TYPES) else value(_TYPES)
        ranges = any(len(entry) == 3 for entry in value("CONFIG_NEUTRON_ML2_VLAN_RANGES"))
        own = tuple(kind for kind in given if kind != "flat" and (kind != "vlan" or ranges))
        put(_TENANTS, own if own and not set(usual) <= set(own) else usual)
    if untouched(_TYPES) and not set(value(_TENANTS)) <= set(value(_TYPES)):
        put(_TYPES, (*value(_TENANTS), "flat"))


def _external(value: Callable[[str], Any], put: Callable[[str, Any], None]) -> None:
    """Adds the mapping of the external network's physical network to its bridge. Files up to Newton do not have it:
    they give the bridge only."""
    bridge, demo = value("CONFIG_NEUTRON_L3_EXT_BRIDGE"), value("CONFIG_PROVISION_DEMO")
    for family in ("OVN", "OVS"):
        mappings, key = f"CONFIG_NEUTRON_{family}_BRIDGE_MAPPINGS", f"CONFIG_NEUTRON_{family}_EXTERNAL_PHYSNET"
        physnet, mapped = value(key) or "extnet", dict(value(mappings))
        if bridge and bridge not in mapped.values() and physnet not in mapped:
            put(mappings, (*value(mappings), (physnet, bridge)))
        elif demo and (physnet not in mapped or not value(key)):
            ways = [name for name, to in mapped.items() if to == bridge or not bridge]
            if len(ways) == 1:
                put(key, ways[0])
    types, flat = value(_TYPES), value("CONFIG_NEUTRON_ML2_FLAT_NETWORKS")
    if (bridge or demo) and types and "flat" not in types:
        put(_TYPES, (*types, "flat"))
    physnet = value(external_physnet(value("CONFIG_NEUTRON_L2_AGENT")))
    if demo and flat and not {"*", physnet} & set(flat):
        put("CONFIG_NEUTRON_ML2_FLAT_NETWORKS", (*flat, physnet))


def external_physnet(agent: str) -> str:
    """The key that names the external network's physical network, for this layer-2 agent."""
    return f"CONFIG_NEUTRON_{'OVN' if agent == 'ovn' else 'OVS'}_EXTERNAL_PHYSNET"
