"""The meaning of older answer files: rules that look at several keys, and values that OpenStack has dropped since.

Havana and Grizzly named a host for every service and a plug-in for networks; Juno merged the hosts into three roles,
and Icehouse the plug-ins into ML2. The rules keep the meaning of such files. They work on texts, before parsing, and
record every change; `answers migrate` lists them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from stackwright.model import Origin, Problem, Severity


@dataclass(frozen=True)
class Raw:
    """A text from one of the layers, with its origin."""

    text: str
    origin: Origin


@dataclass(frozen=True)
class Change:
    """A line that was read with a different meaning than its text."""

    key: str
    """The key in the file."""
    became: str
    """The replacement: KEY=value, or empty if the line was dropped. Never the value of a secret."""
    why: str
    origin: Origin


@dataclass
class Rewriting:
    """The texts while the rules change them. `old` has keys that only the rules know."""

    texts: dict[str, Raw]
    old: dict[str, Raw]
    rank: Callable[[Raw], int]
    """The number of the layer that a text came from: a later one wins."""
    changes: list[Change] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def later(self, key: str, raw: Raw) -> bool:
        """Whether `key` was given in a later layer than `raw`: a flag takes precedence over an old file."""
        return key in self.texts and self.rank(self.texts[key]) > self.rank(raw)

    def set(self, source: str, raw: Raw, key: str, text: str, why: str) -> None:
        """Sets `key` to `text` because of the key `source` in `raw`, unless a later layer sets it."""
        if self.later(key, raw):
            return
        self.texts[key] = Raw(text, raw.origin)
        self.changes.append(Change(source, f"{key}={text}", why, raw.origin))

    def warn(self, name: str, key: str, raw: Raw, wanted: str, hint: str = "") -> None:
        seen = f"{key} = {raw.text!r}"
        self.problems.append(Problem(name, seen, wanted, hint, severity=Severity.WARNING, where=str(raw.origin)))


ROLE_KEYS = (
    "CONFIG_NOVA_API_HOST",
    "CONFIG_KEYSTONE_HOST",
    "CONFIG_GLANCE_HOST",
    "CONFIG_NEUTRON_SERVER_HOST",
    "CONFIG_CINDER_HOST",
    "CONFIG_NOVA_CONDUCTOR_HOST",
    "CONFIG_NOVA_SCHED_HOST",
    "CONFIG_NOVA_VNCPROXY_HOST",
    "CONFIG_HORIZON_HOST",
    "CONFIG_SWIFT_PROXY_HOSTS",
    "CONFIG_HEAT_HOST",
    "CONFIG_HEAT_CFN_HOST",
    "CONFIG_CEILOMETER_HOST",
    "CONFIG_OSCLIENT_HOST",
    "CONFIG_IRONIC_HOST",
)
"""Keys of services that are on the controller by default. Havana's files name a host for each."""

_BESIDE = {
    "CONFIG_NOVA_CONDUCTOR_HOST": "CONFIG_NOVA_API_HOST",
    "CONFIG_NOVA_SCHED_HOST": "CONFIG_NOVA_API_HOST",
    "CONFIG_NOVA_VNCPROXY_HOST": "CONFIG_NOVA_API_HOST",
    "CONFIG_HEAT_CFN_HOST": "CONFIG_HEAT_HOST",
}
"""Keys that default to the host of another service instead of the controller."""

NETWORK_KEYS = ("CONFIG_NEUTRON_L3_HOSTS", "CONFIG_NEUTRON_DHCP_HOSTS", "CONFIG_NEUTRON_METADATA_HOSTS")

_VALUES: dict[tuple[str, str], tuple[str, str]] = {
    ("CONFIG_KEYSTONE_TOKEN_FORMAT", "uuid"): ("FERNET", "Keystone dropped UUID tokens with Rocky"),
    ("CONFIG_KEYSTONE_TOKEN_FORMAT", "pki"): ("FERNET", "Keystone dropped PKI tokens with Ocata"),
    ("CONFIG_KEYSTONE_TOKEN_FORMAT", "pkiz"): ("FERNET", "Keystone dropped PKI tokens with Ocata"),
    ("CONFIG_KEYSTONE_API_VERSION", "v2.0"): ("v3", "Keystone dropped version 2.0 with Queens"),
    ("CONFIG_AMQP_BACKEND", "qpid"): ("rabbitmq", "OpenStack dropped Qpid with Mitaka"),
}

FAMILIES = {
    "ovn": "CONFIG_NEUTRON_OVN_",
    "openvswitch": "CONFIG_NEUTRON_OVS_",
    "linuxbridge": "CONFIG_NEUTRON_LB_INTERFACE_MAPPINGS",
}
"""The prefix of each agent's keys."""

_DRIVERS_GONE = {
    "hyperv": "Windows hosts left OpenStack with 2024.1",
    "ncs": "its driver is no longer maintained",
    "cisco_nexus": "its driver is no longer maintained",
    "cisco_n1kv": "its driver is no longer maintained",
    "bigswitch": "its driver is no longer maintained",
}


def rewrite(
    texts: dict[str, Raw],
    old: dict[str, Raw],
    *,
    renamed: frozenset[str] = frozenset(),
    rank: Callable[[Raw], int] = lambda _: 0,
) -> Rewriting:
    """Applies every rule. `renamed` are the keys of `texts` that had an older name in the file; `rank` gives the number
    of a text's layer."""
    state = Rewriting(dict(texts), dict(old), rank)
    _roles(state)
    _network_hosts(state, renamed)
    _storage(state)
    _plugin(state)
    _agent(state)
    _values(state)
    return state


def _given(state: Rewriting, key: str) -> str:
    raw = state.texts.get(key)
    return raw.text if raw else ""


def _first_host(text: str) -> str:
    return text.split(",")[0].strip()


def _roles(state: Rewriting) -> None:
    """Determines the controller of a file that names a host for each service."""
    given = [(key, _first_host(_given(state, key))) for key in ROLE_KEYS if _given(state, key)]
    named = state.texts.get("CONFIG_CONTROLLER_HOST")
    if not given or (
        named and named.text and not any(state.later("CONFIG_CONTROLLER_HOST", state.texts[k]) for k, _ in given)
    ):
        return
    # most services; with as many on two hosts, the one with the key that comes first in ROLE_KEYS
    counted = Counter(host for _, host in given)
    most = max(counted.values())
    controller = next(host for _, host in given if counted[host] == most)
    source = next(key for key, host in given if host == controller)
    why = "most services are there; a service elsewhere keeps its own key"
    state.set(source, state.texts[source], "CONFIG_CONTROLLER_HOST", controller, why)
    apart = {key for key, other in _BESIDE.items() if _first_host(_given(state, other)) not in ("", controller)}
    for key, host in given:
        if host == controller and "," not in _given(state, key) and key not in apart:
            raw = state.texts.pop(key)
            state.changes.append(Change(key, "", "it is the controller, where this service is anyway", raw.origin))


def _network_hosts(state: Rewriting, renamed: frozenset[str]) -> None:
    """Merges the hosts of routers, DHCP and metadata into network hosts if they are the same."""
    given = [key for key in NETWORK_KEYS if _given(state, key)]
    for key in given:
        if state.later("CONFIG_NETWORK_HOSTS", state.texts[key]) and _given(state, "CONFIG_NETWORK_HOSTS"):
            raw = state.texts.pop(key)
            state.changes.append(Change(key, "", "the network hosts were given anew, in a later layer", raw.origin))
    given = [key for key in given if key in state.texts]
    if not given:
        return
    if not _given(state, "CONFIG_NETWORK_HOSTS") or "CONFIG_NETWORK_HOSTS" in renamed:
        source = given[0]
        why = "the hosts of routers, DHCP and metadata are one role now"
        state.set(source, state.texts[source], "CONFIG_NETWORK_HOSTS", _given(state, source), why)
    for key in given:
        if _given(state, key) == _given(state, "CONFIG_NETWORK_HOSTS"):
            raw = state.texts.pop(key)
            state.changes.append(Change(key, "", "they are the network hosts, where this is anyway", raw.origin))


def _storage(state: Rewriting) -> None:
    """Until Havana, volumes were on Cinder's host."""
    cinder = state.texts.get("CONFIG_CINDER_HOST")
    if cinder and cinder.text and not _given(state, "CONFIG_STORAGE_HOST") and "CONFIG_UNSUPPORTED" not in state.texts:
        why = "Cinder's host kept the volumes as well"
        state.set("CONFIG_CINDER_HOST", cinder, "CONFIG_STORAGE_HOST", cinder.text, why)
        state.set("CONFIG_CINDER_HOST", cinder, "CONFIG_UNSUPPORTED", "y", "a storage host of its own needs it")


def _plugin(state: Rewriting) -> None:
    """Replaces the Open vSwitch and Linux bridge plug-ins (until Icehouse) by ML2 with the agent of that name."""
    old = {key.replace("_QUANTUM_", "_NEUTRON_"): (key, raw) for key, raw in state.old.items()}
    named = old.get("CONFIG_NEUTRON_L2_PLUGIN")
    plugin = named[1].text.strip().casefold() if named else ""
    if not old:
        return
    if named and plugin == "ml2":
        source, raw = named
        for key in ("CONFIG_NEUTRON_L2_AGENT", "CONFIG_NEUTRON_ML2_MECHANISM_DRIVERS"):
            if not _given(state, key):
                state.set(source, raw, key, "openvswitch", "that was the default with the ML2 plug-in")
        return
    if plugin not in ("openvswitch", "linuxbridge", ""):
        if named:
            source, raw = named
            wanted = "must be openvswitch, linuxbridge or ml2"
            state.warn("retired-value", source, raw, wanted, "the default of CONFIG_NEUTRON_L2_AGENT is used")
        return
    if not plugin:  # only some of the plug-in's keys: a fragment; nothing says that they were used
        if any(key in state.texts for key in ("CONFIG_NEUTRON_L2_AGENT", "CONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES")):
            return
        plugin = "openvswitch" if any("_OVS_" in key for key in old) else "linuxbridge"
    source, raw = named or next(iter(old.values()))
    short = "OVS" if plugin == "openvswitch" else "LB"
    why = f"the {plugin} plug-in became ML2 with the {plugin} agent"
    state.set(source, raw, "CONFIG_NEUTRON_L2_AGENT", plugin, why)
    state.set(source, raw, "CONFIG_NEUTRON_ML2_MECHANISM_DRIVERS", plugin, why)
    kind_key, kind = old.get(f"CONFIG_NEUTRON_{short}_TENANT_NETWORK_TYPE", (source, Raw("local", raw.origin)))
    kinds = kind.text.strip() or "local"
    drivers = f"{kinds},flat" if "flat" not in kinds else kinds
    state.set(kind_key, kind, "CONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES", kinds, why)
    state.set(kind_key, kind, "CONFIG_NEUTRON_ML2_TYPE_DRIVERS", drivers, "flat is for the external network")
    vlan_key, vlans = old.get(f"CONFIG_NEUTRON_{short}_VLAN_RANGES", ("", Raw("", raw.origin)))
    if vlans.text:
        state.set(vlan_key, vlans, "CONFIG_NEUTRON_ML2_VLAN_RANGES", vlans.text, why)
    tunnel_key, tunnels = old.get(f"CONFIG_NEUTRON_{short}_TUNNEL_RANGES", ("", Raw("", raw.origin)))
    if tunnels.text and "gre" in kinds:
        state.set(tunnel_key, tunnels, "CONFIG_NEUTRON_ML2_TUNNEL_ID_RANGES", tunnels.text, why)
    if tunnels.text and "vxlan" in kinds:
        state.set(tunnel_key, tunnels, "CONFIG_NEUTRON_ML2_VNI_RANGES", tunnels.text, why)


def _agent(state: Rewriting) -> None:
    """Determines the agent of a file that does not name one: the default was Open vSwitch until Stein, OVN since."""
    if _given(state, "CONFIG_NEUTRON_L2_AGENT"):
        return
    key = "CONFIG_NEUTRON_ML2_MECHANISM_DRIVERS"
    drivers = {name.strip().casefold() for name in _given(state, key).split(",")}
    found = {agent: key for agent in FAMILIES if agent in drivers}
    if not found:
        given = [key for key, raw in state.texts.items() if raw.text]
        found = {agent: key for agent, mark in FAMILIES.items() for key in given if key.startswith(mark)}
    if len(found) == 1 and "ovn" not in found:
        ((agent, source),) = found.items()
        why = "it is for that agent, and the file names none"
        state.set(source, state.texts[source], "CONFIG_NEUTRON_L2_AGENT", agent, why)


def _values(state: Rewriting) -> None:
    """Replaces values that OpenStack has dropped and that have one obvious successor."""
    for (key, value), (new, why) in _VALUES.items():
        raw = state.texts.get(key)
        if raw and raw.text.strip().casefold() == value:
            state.set(key, raw, key, new, why)
            if key == "CONFIG_AMQP_BACKEND":
                state.warn("retired-value", key, raw, "must be rabbitmq", f"{why}; RabbitMQ is installed in its place")
    drivers = state.texts.get("CONFIG_NEUTRON_ML2_MECHANISM_DRIVERS")
    if drivers:
        kept = [name.strip() for name in drivers.text.split(",") if name.strip().casefold() not in _DRIVERS_GONE]
        gone = [name.strip() for name in drivers.text.split(",") if name.strip().casefold() in _DRIVERS_GONE]
        if gone:
            why = f"{', '.join(gone)}: {_DRIVERS_GONE[gone[0].casefold()]}"
            key = "CONFIG_NEUTRON_ML2_MECHANISM_DRIVERS"
            state.set(key, drivers, key, ",".join(kept), why)
            state.warn("retired-value", key, drivers, "some of these drivers no longer exist", why)
