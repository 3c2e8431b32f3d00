"""Which ports of a host are open to whom: from where components are and what they talk to. Pure.

SSH is always open, at the ports where sshd was seen: a host that nobody can log in to cannot be mended.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from stackwright.model import ExitCode, StackwrightError
from stackwright.planner import placement
from stackwright.planner.steps import package_cache
from stackwright.planner.topology import Cloud, Host
from stackwright.services import listening

TUNNEL = "tunnel"
"""The capability of the ports that instances' traffic goes through: hosts may have addresses of their own for it."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class Opening:
    """A port, or a range of them, that a host accepts packets at."""

    protocol: Literal["tcp", "udp", "gre"]
    first: int
    last: int
    what: str
    hosts: tuple[str, ...] = ()
    """Who may: names of hosts of the cloud. Empty: everyone, or the networks in `sources`."""
    sources: tuple[str, ...] = ()
    """The same as addresses and networks. Empty: everyone."""

    @property
    def ports(self) -> str:
        """5000, or 5900-6923; empty for a protocol without ports."""
        if not self.first:
            return ""
        return str(self.first) if self.last == self.first else f"{self.first}-{self.last}"

    def told(self, host: str) -> str:
        """In words, as one of that host's."""
        others = len(self.hosts) - (host in self.hosts)
        names = ", ".join(h for h in self.hosts if h != host) if others <= 4 else f"{others} hosts"
        whom = names or ", ".join(self.sources) or "everyone"
        return f"{self.protocol} {self.ports}".strip() + f" {self.what}: {whom}"


@dataclass(frozen=True)
class Guard:
    """What instances must not reach through a host whose address they get on their way out of its external bridges: the
    other hosts of the cloud, whose firewalls trust that address, except for ports that everyone may reach."""

    bridges: tuple[str, ...]
    networks: tuple[str, ...]
    """The bridges' external networks."""
    hosts: tuple[str, ...]
    """Addresses."""
    public: tuple[Opening, ...]


def guard(whole: Cloud, host: Host, opened: Mapping[str, tuple[Opening, ...]]) -> Guard | None:
    """The guard of a host; None where it masquerades nothing, or there are no other hosts."""
    outside = [b for b in host.bridges if b.network]
    others = [found for name, found in sorted(whole.hosts.items()) if name != host.name]
    if not outside or not others:
        return None
    hosts = sorted({address for other in others for address in package_cache.addresses(other)})
    everyone = {o for found in opened.values() for o in found if not o.sources and not o.hosts and o.what != "SSH"}
    public = sorted(everyone, key=lambda o: (o.protocol, o.first, o.last, o.what))
    return Guard(
        tuple(b.name for b in outside),
        tuple(b.network for b in outside),
        tuple(hosts),
        tuple({(o.protocol, o.first, o.last): o for o in public if o.first}.values()),
    )


def openings(whole: Cloud) -> dict[str, tuple[Opening, ...]]:
    """By host, what it accepts from outside: SSH, then what everyone may, then what hosts of the cloud may, among them
    perhaps itself: so all hosts of one kind have the same. Nothing where CONFIG_FIREWALL is n. Raises StackwrightError
    where a host that is left alone in this run has no address that is known: it would be locked out."""
    if not whole.answers["CONFIG_FIREWALL"]:
        return {}
    neighbours = _Neighbours(whole)
    return {name: _of_host(whole, host, neighbours) for name, host in whole.hosts.items()}


def _of_host(whole: Cloud, host: Host, neighbours: _Neighbours) -> tuple[Opening, ...]:
    seen = host.facts.extra.get("ssh-port", "").split() or ["22"]
    everyone = [Opening("tcp", int(port), int(port), "SSH") for port in seen if port.isdigit()]
    some = []
    for component in whole.placement[host.name]:
        for port in listening(component, whole.answers):
            last = port.end or port.number
            if port.public:
                everyone.append(Opening(port.protocol, port.number, last, port.what))
                continue
            wanted = (port.capability,) if port.capability else component.provides
            who = neighbours.users(wanted)
            if set(who) <= {host.name}:
                continue
            if port.capability == TUNNEL:
                subnets = _tunnel_subnets(whole)
                sources = subnets or neighbours.tunnel_ends(host, wanted)
                who = () if subnets else who
            else:
                sources = neighbours.sources(host, wanted)
            some.append(Opening(port.protocol, port.number, last, port.what, who, sources))
    if package_cache.host_of(whole.answers) == host.name and len(whole.hosts) > 1:
        at, who = package_cache.PORT, tuple(whole.hosts)
        sources = tuple(dict.fromkeys(a for h in whole.hosts.values() for a in package_cache.addresses(h)))
        some.append(Opening("tcp", at, at, "package cache", who, sources))
    for protocol, first, last in whole.answers["CONFIG_FIREWALL_PORTS"]:
        everyone.append(Opening(protocol, first, last, "CONFIG_FIREWALL_PORTS"))
    return (*dict.fromkeys(everyone), *some)


def _tunnel_subnets(whole: Cloud) -> tuple[str, ...]:
    family = "OVN" if whole.network.agent == "ovn" else "OVS"
    subnets = whole.answers[f"CONFIG_NEUTRON_{family}_TUNNEL_SUBNETS"]
    return tuple(str(ipaddress.ip_network(s, strict=False)) for s in subnets)


class _Neighbours:
    """Who uses which capability, and from which addresses. What is asked for again is remembered: most hosts of a large
    cloud are of one kind."""

    def __init__(self, whole: Cloud) -> None:
        self._whole = whole
        self._using: dict[str, dict[str, None]] = {}
        # Hosts that this run leaves alone are part of the cloud all the same.
        answers = whole.answers.with_value("EXCLUDE_SERVERS", ())
        for name, components in placement.place(answers).items():
            for capability in {n for c in components for n in (*c.requires, *c.requires_here, *c.reaches)}:
                self._using.setdefault(capability, {})[name] = None
        self._inside: dict[Network, dict[str, list[str]]] = {}
        for name, host in whole.hosts.items():
            for text in (a for i in host.facts.interfaces for a in i.addresses):
                at = ipaddress.ip_interface(text)
                if not at.ip.is_loopback and not at.ip.is_link_local:
                    self._inside.setdefault(at.network, {}).setdefault(name, []).append(str(at.ip))
        self._users: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._sources: dict[tuple[tuple[str, ...], tuple[Network, ...]], tuple[str, ...]] = {}

    def users(self, wanted: tuple[str, ...]) -> tuple[str, ...]:
        """The hosts with a component that requires or reaches one of these capabilities."""
        if wanted not in self._users:
            self._users[wanted] = tuple(dict.fromkeys(n for c in wanted for n in self._using.get(c, ())))
        return self._users[wanted]

    def sources(self, here: Host, wanted: tuple[str, ...]) -> tuple[str, ...]:
        """The addresses that packets of these users to `here` may bear: those that they are known by, and those that
        they have in the network of `here`."""
        near = self._networks(here.address)
        if (wanted, near) not in self._sources:
            found = (a for n in self.users(wanted) for a in (self._address(n), *self._within(n, near)))
            self._sources[wanted, near] = tuple(dict.fromkeys(found))
        return self._sources[wanted, near]

    def tunnel_ends(self, here: Host, wanted: tuple[str, ...]) -> tuple[str, ...]:
        """Where these users' tunnels to `here` come from. Of a host that was not looked at the address on a network for
        tunnels is not known, so that network as a whole is let in."""
        near = self._networks(here.tunnel_address) if here.tunnel_address != here.address else ()
        key = ((TUNNEL, *wanted), near)
        if key not in self._sources:
            found: list[str] = []
            for name in self.users(wanted):
                if name in self._whole.hosts:
                    found.append(self._whole.hosts[name].tunnel_address)
                else:
                    found += map(str, near) if near else [self._address(name)]
            self._sources[key] = tuple(dict.fromkeys(found))
        return self._sources[key]

    def _within(self, name: str, networks: tuple[Network, ...]) -> list[str]:
        return [a for network in networks for a in self._inside[network].get(name, ())]

    def _networks(self, address: str) -> tuple[Network, ...]:
        """The networks of the hosts that an address is in."""
        lengths = sorted({n.prefixlen for n in self._inside})
        at = _parsed(address)
        if at is None:
            return ()
        tried = (ipaddress.ip_network((at, n), strict=False) for n in lengths if n <= at.max_prefixlen)
        return tuple(n for n in tried if n in self._inside)

    def _address(self, name: str) -> str:
        """The address of a host, also of one that was not looked at."""
        if name in self._whole.hosts:
            return self._whole.hosts[name].address
        resolved = (a for h in self._whole.hosts.values() for a in h.facts.resolves.get(name, ()))
        for candidate in (_parsed(text) for text in (name, *resolved)):
            if candidate and not candidate.is_loopback and not candidate.is_link_local:
                return str(candidate)
        raise StackwrightError(
            f"{name} is left alone (EXCLUDE_SERVERS), and the other hosts cannot resolve its name: their firewalls "
            "would lock it out",
            "use its address in the answer file, or add its name to the DNS or to /etc/hosts of the hosts",
            ExitCode.PREFLIGHT,
        )


def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
