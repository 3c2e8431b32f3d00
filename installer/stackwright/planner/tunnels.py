"""The tunnels that carry instances' networks between hosts: their addresses, and the bridge that they may need."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from stackwright.model import Answers, Component, ExitCode, Facts, StackwrightError

BRIDGE = "br-tunnel"
"""The bridge for the interface of tunnels if Open vSwitch works in user space: tunnels then leave only through
interfaces that are its ports (Open vSwitch's documentation, "Userspace tunneling")."""


@dataclass(frozen=True)
class Bridge:
    """A bridge to a physical or an external network on one host."""

    name: str
    interfaces: tuple[str, ...] = ()
    address: str = ""
    """The host's own address on it, with prefix length; empty for none."""
    network: str = ""
    """The network whose outgoing traffic is masqueraded with the host's address; empty for none."""


def key(agent: str) -> str:
    """The answer that names the tunnels' interface."""
    return f"CONFIG_NEUTRON_{'OVN' if agent == 'ovn' else 'OVS'}_TUNNEL_IF"


def between(agent: str, kinds: Sequence[str], placed: Mapping[str, Sequence[Component]]) -> bool:
    """Whether Open vSwitch needs tunnels between hosts."""
    hosts = [name for name, components in placed.items() if any(c.role == "chassis" for c in components)]
    return agent in ("ovn", "openvswitch") and bool(kinds) and len(hosts) > 1


def _found(facts: Facts, wanted: str, bridges: Mapping[str, str] = MappingProxyType({})) -> str:
    """The address, with prefix length, of an interface that is given by its name or by its network; empty if not found.

    `bridges` maps an interface to the bridge that it will be a port of. A bridge takes over the address of its
    interface: before the first run the interface has the address, afterwards the bridge. So both are looked at.
    """
    if "/" in wanted:
        inside = ipaddress.ip_network(wanted, strict=False)
        addresses = (a for i in facts.interfaces for a in i.addresses)
        return next((a for a in addresses if ipaddress.ip_interface(a).ip in inside), "")
    ports = [port for port, bridge in bridges.items() if bridge == wanted]
    there = facts.interface(wanted)
    if not there and not any(map(facts.interface, ports)):
        return ""
    own = [there, facts.interface(bridges.get(wanted, "")), *map(facts.interface, ports)]
    # A port keeps the link-local address that the kernel gives to every interface.
    usable = (
        a
        for i in (*own, facts.interface(BRIDGE))
        if i
        for a in i.addresses
        if not ipaddress.ip_interface(a).ip.is_link_local
    )
    return next(usable, "")


def _bridges(answers: Answers, agent: str) -> dict[str, str]:
    """The bridge of each interface that the answers make a port."""
    pairs = answers[f"CONFIG_NEUTRON_{'OVN' if agent == 'ovn' else 'OVS'}_BRIDGE_IFACES"]
    return {interface: bridge for bridge, interface in pairs}


def start(answers: Answers, agent: str, facts: Facts) -> str:
    """The address, with prefix length, of the interface for tunnels in the answers; empty if the host has none."""
    return _found(facts, str(answers[key(agent)]), _bridges(answers, agent))


def address(answers: Answers, agent: str, facts: Facts, own: str) -> str:
    """The address where a host's tunnels start: on the interface in the answers, else in the subnets in the answers,
    else its `own`.

    Raises StackwrightError(PREFLIGHT) if the interface does not exist or has no address.
    """
    if name := str(answers[key(agent)]):
        if found := start(answers, agent, facts):
            return found.partition("/")[0]
        raise StackwrightError(
            f"{facts.host}: {key(agent)} is {name}, and the host has no such interface with an address",
            "use an interface of this host: " + ", ".join(i.name for i in facts.interfaces),
            ExitCode.PREFLIGHT,
        )
    for subnet in answers[key(agent).replace("_IF", "_SUBNETS")]:
        if found := _found(facts, str(subnet)):
            return found.partition("/")[0]
    return own


def bridge(answers: Answers, agent: str, facts: Facts) -> Bridge | None:
    """The bridge that a host needs for tunnels in user space; None if the answers name no interface for tunnels, or if
    that interface is a port of another bridge, through which the tunnels then leave."""
    name, taken = str(answers[key(agent)]), _bridges(answers, agent)
    if name in taken or name in taken.values():
        return None
    found = "" if "/" in name else _found(facts, name)
    return Bridge(BRIDGE, (name,), found) if found else None
