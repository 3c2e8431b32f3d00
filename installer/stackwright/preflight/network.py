"""Checks of ports, interfaces and address ranges."""

from __future__ import annotations

import ipaddress
import re
from collections import defaultdict

from stackwright.model import Facts, Interface, Problem, Severity
from stackwright.planner import placement, tunnels
from stackwright.planner.choices import choose
from stackwright.preflight.situation import Problems, Situation, listing
from stackwright.services import listening

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_CHASSIS = ("ovn-controller", "openvswitch-agent", "linuxbridge-agent", "external-bridge")


def ports(situation: Situation) -> Problems:
    """Ports of the chosen components are free. On a host that carries this cloud they are expected to be taken."""
    for host, facts in situation.facts.items():
        if situation.ours(facts):
            continue
        taken = {(protocol, number): process for protocol, number, process in facts.listening}
        for component in situation.placement.get(host, ()):
            for port in listening(component, situation.answers):
                last = port.end or port.number
                for (protocol, number), process in sorted(taken.items()):
                    if protocol != port.protocol or not port.number <= number <= last:
                        continue
                    # In a range (VNC screens, Ceph's daemons) another port is taken; a single port has no second.
                    yield Problem(
                        "port-in-use",
                        f"{number}/{protocol} is taken by {process or 'a process that only root may see'}",
                        f"free for {component.name}" + (f" ({port.what})" if port.what else ""),
                        f"stop it, or take another host; ss -lntup 'sport = :{number}' shows it",
                        host,
                        Severity.WARNING if port.end else Severity.ERROR,
                    )


def servers(situation: Situation) -> Problems:
    """A database or message broker that is there already answers the hosts that need it."""
    placed = [c for components in situation.placement.values() for c in components]
    for server in placement.existing(situation.answers):
        # A service that requires its own database talks to the server that has it.
        within = {p for c in placed if c.name.endswith("-database") for p in c.provides}
        meant = {server.capability} | (within if server.capability == "database" else set())
        for host, facts in situation.facts.items():
            needs = [c.name for c in situation.placement.get(host, ()) if meant & {*c.requires, *c.provides}]
            if needs and facts.extra.get(f"server {server.host},{server.port}") == "closed":
                yield Problem(
                    "server",
                    f"the {server.what} at {server.host} does not answer at port {server.port}",
                    f"a connection from here, for {listing(needs)}",
                    "see that it runs, listens on more than localhost, and that no firewall is between",
                    host,
                    where=server.key,
                )


def _family(situation: Situation) -> str:
    return "OVN" if situation.agent() == "ovn" else "OVS"


def _find(facts: Facts, name: str) -> Interface | None:
    """By name, or by MAC address."""
    return facts.interface(name) or next((i for i in facts.interfaces if i.mac and i.mac == name.lower()), None)


def _known(facts: Facts) -> str:
    return "there are " + listing(i.name for i in facts.interfaces if i.name != "lo")


def _within(facts: Facts, network: Network) -> Interface | None:
    for interface in facts.interfaces:
        for address in interface.addresses:
            if ipaddress.ip_interface(address).ip in network:
                return interface
    return None


def _subnet(text: str) -> Network | None:
    """The network that is meant, where an answer gives one instead of an interface's name."""
    try:
        return ipaddress.ip_network(text, strict=False) if "/" in text else None
    except ValueError:
        return None


def interfaces(situation: Situation) -> Problems:
    """Interfaces that the answers name exist on the hosts that use them, and are up."""
    network_hosts = set(situation.answers["CONFIG_NETWORK_HOSTS"])
    family = _family(situation)
    wanted: dict[str, list[tuple[str, str, bool]]] = defaultdict(list)
    on_compute = situation.answers[f"CONFIG_NEUTRON_{family}_BRIDGES_COMPUTE"]
    made = {bridge for _, bridge in situation.answers[f"CONFIG_NEUTRON_{family}_BRIDGE_MAPPINGS"]}
    for facts in situation.having(*_CHASSIS):
        if situation.agent() == "linuxbridge":
            key = "CONFIG_NEUTRON_LB_INTERFACE_MAPPINGS"
            wanted[facts.host] += [(key, name, False) for _, name in situation.answers[key]]
            continue
        key = f"CONFIG_NEUTRON_{family}_BRIDGE_IFACES"
        for bridge, name in situation.answers[key]:
            if bridge in made and (facts.host in network_hosts or bridge in on_compute):
                wanted[facts.host].append((key, name, False))
        key = f"CONFIG_NEUTRON_{family}_TUNNEL_IF"
        if situation.answers[key]:
            wanted[facts.host].append((key, situation.answers[key], True))
    for host, entries in wanted.items():
        facts = situation.facts[host]
        for key, name, needs_address in entries:
            network = _subnet(name)
            if needs_address and tunnels.start(situation.answers, situation.agent(), facts):
                continue
            found = _within(facts, network) if network else _find(facts, name)
            if found is None:
                seen = f"no interface with an address in {network}" if network else f"no interface {name}"
                yield Problem("interface", f"{seen}; {_known(facts)}", f"{name}, because of {key}", "", host, where=key)
            elif needs_address:
                hint = "give it an address, or leave the key empty to use the host's own"
                yield Problem("interface", f"{found.name} has no address", "one, for tunnels", hint, host, where=key)
            elif not found.up:
                hint = f"ip link set {found.name} up, and see that it comes up at boot"
                yield Problem("interface", f"{found.name} is down", "it up", hint, host, Severity.WARNING, key)


def userspace_tunnels(situation: Situation) -> Problems:
    """Where Open vSwitch forwards in user space, tunnels to other hosts have an interface of their own."""
    agent = situation.agent()
    kinds = [k for k in situation.answers["CONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES"] if k in ("gre", "vxlan", "geneve")]
    if not tunnels.between(agent, kinds, situation.placement):
        return
    key = tunnels.key(agent)
    name = situation.answers[key]
    for facts in situation.having("ovn-controller", "openvswitch-agent"):
        carrier = _find(facts, name) if name and "/" not in name else None
        used = carrier is not None and any(a.partition("/")[0] == facts.address for a in carrier.addresses)
        if choose(situation.answers, facts).userspace and (carrier is None or used):
            yield Problem(
                "tunnel-interface",
                "no kernel module openvswitch, and no interface set apart for the tunnels between the hosts",
                "one that Open vSwitch can take over: in user space it has no other way out of a host",
                f"name a second interface in {key}; or CONFIG_NEUTRON_L2_AGENT=linuxbridge; or use a kernel with it",
                facts.host,
                where=key,
            )


def bridge_takes_route(situation: Situation) -> Problems:
    """No bridge is to get the interface that the host is reached through."""
    if situation.agent() == "linuxbridge":
        return
    key = f"CONFIG_NEUTRON_{_family(situation)}_BRIDGE_IFACES"
    network_hosts = set(situation.answers["CONFIG_NETWORK_HOSTS"])
    for facts in situation.having(*_CHASSIS):
        for bridge, name in situation.answers[key]:
            interface = _find(facts, name)
            if interface is None or (network_hosts and facts.host not in network_hosts):
                continue
            route = interface.name == facts.default_interface
            login = any(a.partition("/")[0] == facts.address for a in interface.addresses)
            if route or login:
                what = "the default route" if route else "the address that this program uses"
                yield Problem(
                    "bridge-interface",
                    f"{interface.name} carries {what}, and {key} puts it into {bridge}",
                    "an interface of its own for the external network",
                    "use a second interface; else keep a console at hand: the address moves to the bridge",
                    facts.host,
                    Severity.WARNING,
                    key,
                )


def _pools(situation: Situation, key: str) -> list[tuple[Address, Address]]:
    """Pools, written as start=A,end=B or A-B."""
    found = []
    for text in situation.answers[key]:
        for first, last in re.findall(r"(?:start=)?([0-9A-Fa-f.:]+)\s*(?:,\s*end=|-)\s*([0-9A-Fa-f.:]+)", text):
            found.append((ipaddress.ip_address(first), ipaddress.ip_address(last)))
    return found


def _ours(situation: Situation) -> set[str]:
    """Interfaces that exist because of the cloud."""
    family = _family(situation)
    mapped = {bridge for _, bridge in situation.answers[f"CONFIG_NEUTRON_{family}_BRIDGE_MAPPINGS"]}
    return {"lo", "br-ex", "br-int", "br-tun", tunnels.BRIDGE, *mapped}


def ranges(situation: Situation) -> Problems:
    """Address ranges of the cloud do not run into the hosts' own networks, nor into each other."""
    if not situation.answers["CONFIG_PROVISION_DEMO"]:
        return
    outside_key, inside_key = "CONFIG_PROVISION_DEMO_FLOATRANGE", "CONFIG_PROVISION_DEMO_PRIVATE_SUBNET"
    outside, inside = _subnet(situation.answers[outside_key]), _subnet(situation.answers[inside_key])
    if outside and inside and outside.overlaps(inside):
        yield Problem(
            "ranges",
            f"the external network {outside} and the private one {inside} overlap",
            "networks of their own",
            f"change {outside_key} or {inside_key}",
            where=outside_key,
        )
    pools = _pools(situation, "CONFIG_PROVISION_DEMO_ALLOCATION_POOLS")
    for pool_first, pool_last in pools:
        if outside and not (pool_first in outside and pool_last in outside):
            yield Problem(
                "ranges",
                f"the pool {pool_first}-{pool_last} is not within {outside}",
                f"addresses of {outside}",
                "change CONFIG_PROVISION_DEMO_ALLOCATION_POOLS",
                where="CONFIG_PROVISION_DEMO_ALLOCATION_POOLS",
            )
    ours = _ours(situation)
    yield from _routers_address(situation, outside, ours, pools)
    for host, facts in situation.facts.items():
        for interface in facts.interfaces:
            if interface.name in ours or interface.name.startswith(("tap", "qvo", "qbr", "ovs-", "genev_")):
                continue
            for text in interface.addresses:
                own = ipaddress.ip_interface(text)
                if own.is_link_local:
                    continue
                yield from _range_conflicts(host, interface.name, own, outside, inside, pools)


def _routers_address(
    situation: Situation, outside: Network | None, ours: set[str], pools: list[tuple[Address, Address]]
) -> Problems:
    """The bridge without an interface is the gateway of the external network: that is a network of its own."""
    family, agent = _family(situation), situation.agent()
    physnet = situation.answers[f"CONFIG_NEUTRON_{family}_EXTERNAL_PHYSNET"]
    key = f"CONFIG_NEUTRON_{family}_BRIDGE_IFACES"
    mapped = dict(situation.answers[f"CONFIG_NEUTRON_{family}_BRIDGE_MAPPINGS"])
    bridge = mapped.get(physnet, "br-ex")
    given = not situation.answers["CONFIG_PROVISION_OVS_BRIDGE"] or bridge in dict(situation.answers[key])
    if outside is None or given:
        return
    for host in situation.answers["CONFIG_NETWORK_HOSTS"]:
        facts = situation.facts.get(host)
        for interface in facts.interfaces if facts else ():
            there = map(ipaddress.ip_interface, interface.addresses)
            found = [i for i in there if i.version == outside.version and i.network.overlaps(outside)]
            if interface.name in ours or not found or any(_given_out(i, outside, pools) for i in found):
                continue
            inside = found[0].network
            ways = "a range that no host is in, or CONFIG_PROVISION_DEMO=n"
            own = f"{key}={bridge}:{interface.name} to put the interface into the bridge, or "
            yield Problem(
                "ranges",
                f"{bridge} would get {outside[1]}, the gateway of {outside}, and {interface.name} is in {inside}:"
                " there it is the address of a router or another machine",
                "expected a network of its own for floating addresses",
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
            "floating addresses that nobody has",
            "choose a network that no host is in; or put the interface into the bridge, and set"
            " CONFIG_PROVISION_DEMO_ALLOCATION_POOLS to a free part of its network",
            host,
            where="CONFIG_PROVISION_DEMO_FLOATRANGE",
        )
    if inside and own.version == inside.version and own.network.overlaps(inside):
        yield Problem(
            "ranges",
            f"the instances' private network {inside} overlaps {own.network} on {interface}",
            "a network that no host is in; instances could not reach those hosts",
            "change CONFIG_PROVISION_DEMO_PRIVATE_SUBNET",
            host,
            Severity.WARNING,
            "CONFIG_PROVISION_DEMO_PRIVATE_SUBNET",
        )
