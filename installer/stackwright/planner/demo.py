"""The demonstration: its external network, and who reaches its instances. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from stackwright.model import Answers, Facts


@dataclass(frozen=True)
class External:
    """The demonstration's external network, which floating addresses come from."""

    cidr: str
    version: int
    gateway: str
    pools: tuple[str, ...]
    """start=A,end=B, as Neutron's client writes them."""
    nameservers: tuple[str, ...]


def external(answers: Answers, routers: Iterable[str] = ()) -> External:
    """The external network as answered. Its gateway is CONFIG_PROVISION_DEMO_GATEWAY; without it the first of
    `routers`, the default gateways of hosts, that is in the network; else the first address. Without allocation pools
    all other addresses are used."""
    outside = ipaddress.ip_network(str(answers["CONFIG_PROVISION_DEMO_FLOATRANGE"]))
    first = next(outside.hosts())
    # The last host address: one below the broadcast address, which IPv6 does not have.
    last = outside[-2] if outside.version == 4 else outside[-1]
    there = (router for router in routers if router and ipaddress.ip_address(router) in outside)
    gateway = ipaddress.ip_address(str(answers["CONFIG_PROVISION_DEMO_GATEWAY"] or next(there, first)))
    base, own = outside.network_address, int(gateway)
    around = ((int(first), own - 1), (own + 1, int(last))) if gateway in outside else ((int(first), int(last)),)
    free = tuple(f"start={base + (a - int(base))},end={base + (b - int(base))}" for a, b in around if a <= b)
    pools = answers["CONFIG_PROVISION_DEMO_ALLOCATION_POOLS"] or free
    return External(str(outside), outside.version, str(gateway), pools, ())


def sources(answers: Answers, facts: Iterable[Facts]) -> tuple[str, ...]:
    """Networks from which the demo's security group accepts ping and SSH, of the family of the demo's private network:
    CONFIG_PROVISION_DEMO_SSH_FROM, else the cloud's own networks. These are the external network, where a bridge of
    ours is the gateway, and the networks in which the hosts have their addresses. Empty without a demo."""
    if not answers["CONFIG_PROVISION_DEMO"]:
        return ()
    named = answers["CONFIG_PROVISION_DEMO_SSH_FROM"]
    own = (str(answers["CONFIG_PROVISION_DEMO_FLOATRANGE"]), *_networks_of(facts))
    version = ipaddress.ip_network(str(answers["CONFIG_PROVISION_DEMO_PRIVATE_SUBNET"])).version
    found = {ipaddress.ip_network(text) for text in named or own}
    return tuple(str(network) for network in sorted(n for n in found if n.version == version))


def _networks_of(facts: Iterable[Facts]) -> Iterable[str]:
    """The network of each host in which it is reached."""
    for host in facts:
        for text in (a for i in host.interfaces for a in i.addresses):
            if text.partition("/")[0] == host.address:
                yield str(ipaddress.ip_interface(text).network)
