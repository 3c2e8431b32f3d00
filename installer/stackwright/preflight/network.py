"""Checks of ports, interfaces and address ranges."""

from __future__ import annotations

import ipaddress
from collections import defaultdict

from stackwright.model import Facts, Interface, Problem, Severity, StackwrightError
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
                        f"port {number}/{protocol} is used by {process or 'a process that only root may see'}",
                        f"{component.name} needs it" + (f" ({port.what})" if port.what else ""),
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
                    f"needed by {listing(needs)}",
                    "see that it runs, listens on more than localhost, and that no firewall is between",
                    host,
                    where=server.key,
                )


def family(situation: Situation) -> str:
    """The agent's name in the keys of answers."""
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


def subnet(text: str) -> Network | None:
    """The network that is meant, where an answer gives one instead of an interface's name."""
    try:
        return ipaddress.ip_network(text, strict=False) if "/" in text else None
    except ValueError:
        return None


def interfaces(situation: Situation) -> Problems:
    """Interfaces that the answers name exist on the hosts that use them, and are up."""
    network_hosts = set(situation.answers["CONFIG_NETWORK_HOSTS"])
    agent = family(situation)
    wanted: dict[str, list[tuple[str, str, bool]]] = defaultdict(list)
    on_compute = situation.answers[f"CONFIG_NEUTRON_{agent}_BRIDGES_COMPUTE"]
    made = {bridge for _, bridge in situation.answers[f"CONFIG_NEUTRON_{agent}_BRIDGE_MAPPINGS"]}
    for facts in situation.having(*_CHASSIS):
        if situation.agent() == "linuxbridge":
            key = "CONFIG_NEUTRON_LB_INTERFACE_MAPPINGS"
            wanted[facts.host] += [(key, name, False) for _, name in situation.answers[key]]
            continue
        key = f"CONFIG_NEUTRON_{agent}_BRIDGE_IFACES"
        for bridge, name in situation.answers[key]:
            if bridge in made and (facts.host in network_hosts or bridge in on_compute):
                wanted[facts.host].append((key, name, False))
        key = f"CONFIG_NEUTRON_{agent}_TUNNEL_IF"
        if situation.answers[key]:
            wanted[facts.host].append((key, situation.answers[key], True))
    for host, entries in wanted.items():
        facts = situation.facts[host]
        for key, name, needs_address in entries:
            network = subnet(name)
            if name == "lo":
                hint = "name an interface that leads to the network" + (", or leave the key empty" * needs_address)
                yield Problem("interface", "lo is the host's loopback", "", hint, host, where=key)
                continue
            if needs_address and tunnels.start(situation.answers, situation.agent(), facts):
                continue
            found = _within(facts, network) if network else _find(facts, name)
            if found and (port := _port_of(situation, facts, found.name)):
                hint = f"name {port} instead, or take {found.name} out of it"
                seen = f"{found.name} is a port of {port}"
                yield Problem("interface", seen, f"{key} needs a free interface", hint, host, where=key)
            elif found is None:
                seen = f"no interface with an address in {network}" if network else f"no interface {name}"
                yield Problem("interface", f"{seen}; {_known(facts)}", "", f"correct {key}", host, where=key)
            elif needs_address:
                hint = "give it an address, or leave the key empty to use the host's own"
                seen = f"{found.name} has " + (
                    f"only addresses of its link: {listing(found.addresses)}" if found.addresses else "no address"
                )
                wanted_of = "tunnels need " + ("another one" if found.addresses else "one")
                yield Problem("interface", seen, wanted_of, hint, host, where=key)
            elif not found.up:
                hint = f"ip link set {found.name} up, and see that it comes up at boot"
                yield Problem("interface", f"{found.name} is down", "", hint, host, Severity.WARNING, key)
            elif found.name in facts.extra.get("no-carrier", "").split():
                hint = f"check the cable and the switch of {found.name}"
                seen = f"{found.name} has no carrier"
                yield Problem("interface", seen, "", hint, host, Severity.WARNING, key)


_KINDS = {"bridge": "the Linux bridge", "bond": "the bond", "ovs": "Open vSwitch", "other": "the device"}


def _port_of(situation: Situation, facts: Facts, name: str) -> str:
    """What the interface is a port of, such as "the bond bond0"; empty where it is a port of nothing, or of a bridge of
    this cloud."""
    master, _, kind = facts.extra.get(f"port {name}", "").partition(" ")
    if not master or situation.ours(facts):
        return ""
    return _KINDS.get(kind, _KINDS["other"]) + (f" {master}" if kind != "ovs" else "")


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
                "kernel module openvswitch is missing, and no interface is set apart for the tunnels between the hosts",
                "without the module, Open vSwitch has to take over an interface for them",
                f"name a second interface in {key}; or CONFIG_NEUTRON_L2_AGENT=linuxbridge; or use a kernel with it",
                facts.host,
                where=key,
            )


def tunnel_addresses(situation: Situation) -> Problems:
    """The tunnels between the hosts start at addresses that lead from one to the other."""
    agent = situation.agent()
    kinds = [k for k in situation.answers["CONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES"] if k in ("gre", "vxlan", "geneve")]
    chassis = list(situation.having(*_CHASSIS))
    key = tunnels.key(agent)
    subnets_key = key.replace("_IF", "_SUBNETS")
    name, subnets = situation.answers[key], [n for text in situation.answers[subnets_key] if (n := subnet(str(text)))]
    if not kinds or len(chassis) < 2 or not (name or subnets):
        return
    given, hint = (key, "name another interface") if name else (subnets_key, "name another network")
    found: dict[str, Address] = {}
    for facts in chassis:
        try:
            start = ipaddress.ip_address(tunnels.address(situation.answers, agent, facts, facts.address))
        except (StackwrightError, ValueError):
            continue  # the check of interfaces says it
        if start.is_loopback:
            seen = f"the host's tunnels would start at {start}, its loopback"
            yield Problem("tunnel-address", seen, "other hosts must reach the address", hint, facts.host, where=given)
            continue
        if not name and not any(start in network for network in subnets):
            yield Problem(
                "tunnel-address",
                f"no address of the host is in {listing(map(str, subnets))}, so its tunnels start at {start}",
                f"{given} names the network of the tunnels",
                "give the host an address in that network, or add its own network to the key",
                facts.host,
                Severity.WARNING,
                given,
            )
        found[facts.host] = start
    by_address: dict[Address, list[str]] = defaultdict(list)
    for host, start in found.items():
        by_address[start].append(host)
    for start, hosts in by_address.items():
        if len(hosts) > 1:
            yield Problem(
                "tunnel-address",
                f"the tunnels of {listing(hosts)} start at the same address: {start}",
                "each host needs its own",
                f"give one of them another address, or another interface in {given}",
                where=given,
            )
    families = {start.version: f"{host} has {start}" for host, start in reversed(found.items())}
    if len(families) > 1:
        yield Problem(
            "tunnel-address",
            f"tunnels would start at addresses of two families: {families[4]}, {families[6]}",
            "they must be all IPv4 or all IPv6",
            f"set {key} to the network that all hosts have for tunnels, and CONFIG_USE_SUBNETS=y",
            where=given,
        )


def bridge_takes_route(situation: Situation) -> Problems:
    """No bridge is to get the interface that the host is reached through."""
    if situation.agent() == "linuxbridge":
        return
    key = f"CONFIG_NEUTRON_{family(situation)}_BRIDGE_IFACES"
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
                    "the host may become unreachable",
                    "use a second interface; else keep a console at hand: the address moves to the bridge",
                    facts.host,
                    Severity.WARNING,
                    key,
                )
