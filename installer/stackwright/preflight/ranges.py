"""Checks of address ranges: the cloud's networks, those of the hosts, and the gateway between them."""

from __future__ import annotations

import ipaddress
import re

from stackwright.model import Facts, Problem, Severity
from stackwright.planner import demo, tunnels
from stackwright.preflight import network
from stackwright.preflight.network import Address, Network
from stackwright.preflight.situation import Problems, Situation


def _pools(situation: Situation, key: str) -> list[tuple[Address, Address]]:
    """Pools, written as start=A,end=B or A-B."""
    found = []
    for text in situation.answers[key]:
        for first, last in re.findall(r"(?:start=)?([0-9A-Fa-f.:]+)\s*(?:,\s*end=|-)\s*([0-9A-Fa-f.:]+)", text):
            found.append((ipaddress.ip_address(first), ipaddress.ip_address(last)))
    return found


def _ours(situation: Situation) -> set[str]:
    """Interfaces that exist because of the cloud."""
    family = network.family(situation)
    mapped = {bridge for _, bridge in situation.answers[f"CONFIG_NEUTRON_{family}_BRIDGE_MAPPINGS"]}
    return {"lo", "br-ex", "br-int", "br-tun", tunnels.BRIDGE, *mapped}


def ranges(situation: Situation) -> Problems:
    """Address ranges of the cloud do not run into the hosts' own networks, nor into each other."""
    if not situation.answers["CONFIG_PROVISION_DEMO"]:
        return
    outside_key, inside_key = "CONFIG_PROVISION_DEMO_FLOATRANGE", "CONFIG_PROVISION_DEMO_PRIVATE_SUBNET"
    outside, inside = network.subnet(situation.answers[outside_key]), network.subnet(situation.answers[inside_key])
    if outside and inside and outside.overlaps(inside):
        yield Problem(
            "ranges",
            f"the external network {outside} and the private one {inside} overlap",
            "they must be apart",
            f"change {outside_key} or {inside_key}",
            where=outside_key,
        )
    pools = _pools(situation, "CONFIG_PROVISION_DEMO_ALLOCATION_POOLS")
    for pool_first, pool_last in pools:
        if outside and not (pool_first in outside and pool_last in outside):
            yield Problem(
                "ranges",
                f"the pool {pool_first}-{pool_last} is not within {outside}",
                "its addresses must be of that network",
                "change CONFIG_PROVISION_DEMO_ALLOCATION_POOLS",
                where="CONFIG_PROVISION_DEMO_ALLOCATION_POOLS",
            )
    ours = _ours(situation)
    if outside:
        bridge = _own_bridge(situation)
        routers = () if bridge else [facts.gateway for _, facts in _edge_first(situation)]
        gateway = ipaddress.ip_address(demo.external(situation.answers, routers).gateway)
        yield from _gateway_conflicts(situation, gateway, ours, pools)
        if not bridge and not situation.answers["CONFIG_PROVISION_DEMO_GATEWAY"]:
            yield from _router_outside(situation, outside)
        if bridge:
            yield from _routers_address(situation, bridge, outside, gateway, ours, pools)
    for host, facts in situation.facts.items():
        for interface in facts.interfaces:
            if interface.name in ours or interface.name.startswith(("tap", "qvo", "qbr", "ovs-", "genev_")):
                continue
            for text in interface.addresses:
                own = ipaddress.ip_interface(text)
                if own.is_link_local:
                    continue
                yield from _range_conflicts(host, interface.name, own, outside, inside, pools)


def _edge_first(situation: Situation) -> list[tuple[str, Facts]]:
    """The hosts, those of the external network first."""
    edge = situation.answers["CONFIG_NETWORK_HOSTS"]
    return sorted(situation.facts.items(), key=lambda item: item[0] not in edge)


def _own_bridge(situation: Situation) -> str:
    """The external bridge, where it gets no interface and is itself the gateway of the external network; else empty."""
    family = network.family(situation)
    physnet = situation.answers[f"CONFIG_NEUTRON_{family}_EXTERNAL_PHYSNET"]
    bridge = str(dict(situation.answers[f"CONFIG_NEUTRON_{family}_BRIDGE_MAPPINGS"]).get(physnet, "br-ex"))
    given = bridge in dict(situation.answers[f"CONFIG_NEUTRON_{family}_BRIDGE_IFACES"])
    return "" if given or not situation.answers["CONFIG_PROVISION_OVS_BRIDGE"] else bridge


def _gateway_conflicts(
    situation: Situation, gateway: Address, ours: set[str], pools: list[tuple[Address, Address]]
) -> Problems:
    """The gateway of the external network is no instance's address, and a given one is no host's."""
    key = "CONFIG_PROVISION_DEMO_GATEWAY"
    for first, last in pools:
        if first.version == gateway.version and int(first) <= int(gateway) <= int(last):
            yield Problem(
                "ranges",
                f"the pool {first}-{last} has {gateway}, the gateway of the external network",
                "pools must have unused addresses only",
                f"leave it out of CONFIG_PROVISION_DEMO_ALLOCATION_POOLS, or name another gateway in {key}",
                where="CONFIG_PROVISION_DEMO_ALLOCATION_POOLS",
            )
    for host, facts in situation.facts.items() if situation.answers[key] else ():
        for interface in facts.interfaces:
            if interface.name not in ours and any(ipaddress.ip_interface(a).ip == gateway for a in interface.addresses):
                yield Problem(
                    "ranges",
                    f"{key} is {gateway}, the address of {interface.name}",
                    "it must be a router that is no host of the cloud",
                    f"name the router of the external network, or leave {key} empty",
                    host,
                    where=key,
                )


def _router_outside(situation: Situation, outside: Network) -> Problems:
    """A range that is a part of a network includes the router of that network: its first address is no router."""
    edge = situation.answers["CONFIG_NETWORK_HOSTS"]
    known = {f.gateway for _, f in _edge_first(situation) if f.gateway}
    if any(ipaddress.ip_address(router.partition("%")[0]) in outside for router in known):
        return
    for host, facts in situation.facts.items():
        router = ipaddress.ip_address(facts.gateway.partition("%")[0]) if facts.gateway and host in edge else None
        for text in (a for i in facts.interfaces for a in i.addresses if router):
            whole = ipaddress.ip_interface(text).network
            if whole.version != outside.version or router not in whole or whole.prefixlen >= outside.prefixlen:
                continue
            if outside.subnet_of(whole):  # type: ignore[arg-type]  # both have one version
                first, last = outside[0], outside[-1]
                yield Problem(
                    "ranges",
                    f"the external network {outside} is a part of {whole}, whose router {router} is not in it:"
                    f" instances would take {demo.external(situation.answers).gateway} for their router",
                    "the external network must have its router in it",
                    f"set CONFIG_PROVISION_DEMO_FLOATRANGE={whole} and"
                    f" CONFIG_PROVISION_DEMO_ALLOCATION_POOLS={first + 1}-{last - 1}; or, if there is another router in"
                    f" {outside}, name it in CONFIG_PROVISION_DEMO_GATEWAY",
                    host,
                    where="CONFIG_PROVISION_DEMO_FLOATRANGE",
                )
                return


def _routers_address(
    situation: Situation,
    bridge: str,
    outside: Network,
    gateway: Address,
    ours: set[str],
    pools: list[tuple[Address, Address]],
) -> Problems:
    """The bridge without an interface is the gateway of the external network: that is a network of its own."""
    agent, family = situation.agent(), network.family(situation)
    edge = situation.answers["CONFIG_NETWORK_HOSTS"]
    ways = "a range that no host is in, or CONFIG_PROVISION_DEMO=n"
    for host, facts in situation.facts.items():
        for interface in facts.interfaces:
            there = map(ipaddress.ip_interface, interface.addresses)
            found = [i for i in there if i.version == outside.version and i.network.overlaps(outside)]
            if interface.name in ours or not found or any(_given_out(i, outside, pools) for i in found):
                continue
            inside = found[0].network
            if host not in edge:
                yield Problem(
                    "ranges",
                    f"{interface.name} is in {inside}, which overlaps the external network {outside} of {bridge}",
                    "this host cannot reach floating addresses",
                    f"set {ways}",
                    host,
                    Severity.WARNING,
                    "CONFIG_PROVISION_DEMO_FLOATRANGE",
                )
                continue
            key = f"CONFIG_NEUTRON_{family}_BRIDGE_IFACES"
            own = f"{key}={bridge}:{interface.name} to put the interface into the bridge, or "
            yield Problem(
                "ranges",
                f"{bridge} would get {gateway}, the gateway of {outside}, and {interface.name} is in {inside}:"
                " there it is the address of a router or another machine",
                "floating addresses need a network of their own",
                f"set {'' if agent == 'linuxbridge' else own}{ways}",
                host,
                where="CONFIG_PROVISION_DEMO_FLOATRANGE",
            )


def _given_out(
    own: ipaddress.IPv4Interface | ipaddress.IPv6Interface, outside: Network, pools: list[tuple[Address, Address]]
) -> bool:
    """Whether a host's address may be given to an instance."""
    if own.version != outside.version or own.ip not in outside:
        return False
    taken = any(first.version == own.version and int(first) <= int(own.ip) <= int(last) for first, last in pools)
    return taken or not pools


def _range_conflicts(
    host: str,
    interface: str,
    own: ipaddress.IPv4Interface | ipaddress.IPv6Interface,
    outside: Network | None,
    inside: Network | None,
    pools: list[tuple[Address, Address]],
) -> Problems:
    if outside and _given_out(own, outside, pools):
        yield Problem(
            "ranges",
            f"{own.ip} on {interface} is in the range of floating addresses ({outside})",
            "floating addresses must be unused",
            "choose a network that no host is in; or put the interface into the bridge, and set"
            " CONFIG_PROVISION_DEMO_ALLOCATION_POOLS to a free part of its network",
            host,
            where="CONFIG_PROVISION_DEMO_FLOATRANGE",
        )
    if inside and own.version == inside.version and own.network.overlaps(inside):
        yield Problem(
            "ranges",
            f"the instances' private network {inside} overlaps {own.network} on {interface}",
            "instances could not reach those hosts",
            "change CONFIG_PROVISION_DEMO_PRIVATE_SUBNET",
            host,
            Severity.WARNING,
            "CONFIG_PROVISION_DEMO_PRIVATE_SUBNET",
        )
