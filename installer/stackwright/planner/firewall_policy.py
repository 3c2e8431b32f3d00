"""Which ports of a host are open to whom, derived from the placement of components and their capabilities. Pure.

SSH is always open, at the ports where sshd was seen: without it a mistake could not be repaired.
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
"""The capability of the ports for tunnels of instances' traffic: hosts may use separate addresses for these."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class Opening:
    """A port or range of ports that is open on a host."""

    protocol: Literal["tcp", "udp", "gre"]
    first: int
    last: int
    what: str
    hosts: tuple[str, ...] = ()
    """Names of the cloud's hosts that it is open to. Empty: everyone, or the networks in `sources`."""
    sources: tuple[str, ...] = ()
    """Addresses and networks that it is open to. Empty: everyone."""

    @property
    def ports(self) -> str:
        """5000, or 5900-6923; empty for a protocol without ports."""
        if not self.first:
            return ""
        return str(self.first) if self.last == self.first else f"{self.first}-{self.last}"

    def told(self, host: str) -> str:
        """In words, for the list of `host`'s ports: protocol, port, purpose, and who may connect."""
        others = len(self.hosts) - (host in self.hosts)
        names = ", ".join(h for h in self.hosts if h != host) if others <= 4 else f"{others} hosts"
        whom = names or ", ".join(self.sources) or "everyone"
        return f"{self.protocol} {self.ports}".strip() + f" {self.what}: {whom}"


@dataclass(frozen=True)
class Guard:
    """Traffic from instances that a host must not forward to other hosts of the cloud. On its way out of an external
    bridge it gets the host's address, which the firewalls of the other hosts trust. Public ports stay reachable."""

    bridges: tuple[str, ...]
    networks: tuple[str, ...]
    """The bridges' external networks."""
    hosts: tuple[str, ...]
    """Addresses."""
    public: tuple[Opening, ...]


def guard(whole: Cloud, host: Host, opened: Mapping[str, tuple[Opening, ...]]) -> Guard | None:
    """The guard of a host; None if it does not masquerade instances' traffic, or is the only host. Hosts in
    EXCLUDE_SERVERS trust its address too."""
    outside = [b for b in host.bridges if b.network]
    others = {a for h in whole.hosts.values() if h.name != host.name for a in package_cache.addresses(h)}
    others |= {text for _, found in whole.beside.values() for text in found if _parsed(text)}
    hosts = sorted(others - {host.address})
    if not outside or not hosts:
        return None
    everyone = {o for found in opened.values() for o in found if not o.sources and not o.hosts and o.what != "SSH"}
    for component, _ in whole.beside.values():
        for port in listening(component, whole.answers):
            if port.public:
                everyone.add(Opening(port.protocol, port.number, port.end or port.number, port.what))
    public = sorted(everyone, key=lambda o: (o.protocol, o.first, o.last, o.what))
    return Guard(
        tuple(b.name for b in outside),
        tuple(b.network for b in outside),
        tuple(hosts),
        tuple({(o.protocol, o.first, o.last): o for o in public if o.first}.values()),
    )


def openings(whole: Cloud) -> dict[str, tuple[Opening, ...]]:
    """The openings of each host: SSH, then public ports, then ports for hosts of the cloud. The latter can include the
    host itself, so that all hosts of one class have the same rules. Empty with CONFIG_FIREWALL=n. Raises
    StackwrightError if the address of a host in EXCLUDE_SERVERS is unknown: the firewalls would lock it out."""
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
    """Which hosts use a capability, and from which addresses. Results are cached, because most hosts of a large cloud
    are alike."""

    def __init__(self, whole: Cloud) -> None:
        self._whole = whole
        self._using: dict[str, dict[str, None]] = {}
        # Hosts in EXCLUDE_SERVERS are not changed by this run, but they are part of the cloud.
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
        """The possible source addresses of packets from these users to `here`: the addresses in the answer file, and
        those that the users have in the networks of `here`."""
        near = self._networks(here.address)
        if (wanted, near) not in self._sources:
            found = (a for n in self.users(wanted) for a in (self._address(n), *self._within(n, near)))
            self._sources[wanted, near] = tuple(dict.fromkeys(found))
        return self._sources[wanted, near]

    def tunnel_ends(self, here: Host, wanted: tuple[str, ...]) -> tuple[str, ...]:
        """The addresses where these users' tunnels to `here` start. For a host in EXCLUDE_SERVERS the address on a
        separate network for tunnels is unknown, so that whole network is admitted."""
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
        """The networks on hosts' interfaces that contain an address."""
        lengths = sorted({n.prefixlen for n in self._inside})
        at = _parsed(address)
        if at is None:
            return ()
        tried = (ipaddress.ip_network((at, n), strict=False) for n in lengths if n <= at.max_prefixlen)
        return tuple(n for n in tried if n in self._inside)

    def _address(self, name: str) -> str:
        """The address of a host, also of one in EXCLUDE_SERVERS, which has no facts."""
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
