"""The cloud as all templates see it: hosts, addresses, URLs, networks. `Cloud.context` is the context of a template."""

from __future__ import annotations

import ipaddress
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property, partial
from types import MappingProxyType
from typing import Any

from stackwright import services
from stackwright.model import Answers, Certificates, Component, ExitCode, Facts, StackwrightError
from stackwright.planner import demo, naming, placement, render, swift, tls, tunnels
from stackwright.planner.choices import Choices, choose
from stackwright.planner.tunnels import Bridge
from stackwright.platforms import Platform, Release
from stackwright.services import redis
from stackwright.services.neutron_agents import service_plugins
from stackwright.values import consumers
from stackwright.values.addressing import USUAL_RANGES, is_address

NO_CERTIFICATES = Certificates()

_EDGE = {"network", "l3", "dhcp"}
"""Roles of hosts that are connected to the external network."""


@dataclass(frozen=True)
class Host:
    """One host as the templates see it."""

    name: str
    address: str
    fqdn: str
    roles: tuple[str, ...]
    components: tuple[str, ...]
    facts: Facts
    platform: Platform
    choices: Choices
    bind: str
    """The address that a service listens on to accept connections on all interfaces: 0.0.0.0 or ::."""
    tunnel_address: str = ""
    bridges: tuple[Bridge, ...] = ()
    bridge_mappings: tuple[str, ...] = ()
    swift_devices: tuple[swift.SwiftDevice, ...] = ()

    @property
    def kind(self) -> Hashable:
        """All fields that templates can see except those in `OWN`: equal for the hosts of one class."""
        return tuple(self.platform.id if n == "platform" else getattr(self, n) for n in _FIELDS if n not in OWN)

    def of_its_kind(self) -> Host:
        """The same host with placeholders for the fields in `OWN`."""
        places: dict[str, Any] = {name: render.Placeholder(name) for name in OWN}
        return replace(self, **places)

    @property
    def bind_url(self) -> str:
        return f"[{self.bind}]" if ":" in self.bind else self.bind


OWN = ("name", "address", "fqdn", "tunnel_address", "facts")
"""The fields in which hosts of one class differ."""

_FIELDS = tuple(f.name for f in fields(Host))


@dataclass(frozen=True)
class Network:
    """Neutron's settings, shared by its server and its agents."""

    agent: str
    """ovn, openvswitch or linuxbridge."""
    service_plugins: tuple[str, ...]
    type_drivers: tuple[str, ...]
    tenant_types: tuple[str, ...]
    tunnel_types: tuple[str, ...]
    mechanism_drivers: tuple[str, ...]
    flat_networks: tuple[str, ...]
    vlan_ranges: tuple[str, ...]
    tunnel_ranges: tuple[str, ...]
    vni_ranges: tuple[str, ...]
    vxlan_group: str
    interface_driver: str
    interface_mappings: tuple[str, ...]
    external_physnet: str


def with_colons(entries: Iterable[tuple[object, ...]]) -> tuple[str, ...]:
    """Pairs and ranges in the form of Neutron's settings: extnet:br-ex, 10:100."""
    return tuple(":".join(map(str, entry)) for entry in entries)


def bracketed(address: str) -> str:
    """An address in the form for URLs: IPv6 addresses in brackets."""
    return f"[{address}]" if ":" in address else address


def network(answers: Answers) -> Network:
    """Neutron's settings from the answers."""
    agent = str(answers["CONFIG_NEUTRON_L2_AGENT"])
    types = answers["CONFIG_NEUTRON_ML2_TYPE_DRIVERS"]
    tenant = answers["CONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES"]
    vlans = with_colons(answers["CONFIG_NEUTRON_ML2_VLAN_RANGES"])
    ids, vnis = (with_colons(answers[key] or usual) for key, usual in USUAL_RANGES.items())
    physnet = str(
        answers["CONFIG_NEUTRON_OVN_EXTERNAL_PHYSNET" if agent == "ovn" else "CONFIG_NEUTRON_OVS_EXTERNAL_PHYSNET"]
        or "extnet"
    )
    return Network(
        agent=agent,
        service_plugins=service_plugins(answers),
        type_drivers=types,
        tenant_types=tenant,
        tunnel_types=tuple(t for t in tenant if t in {"gre", "vxlan", "geneve"}),
        mechanism_drivers=answers["CONFIG_NEUTRON_ML2_MECHANISM_DRIVERS"] or (agent,),
        flat_networks=answers["CONFIG_NEUTRON_ML2_FLAT_NETWORKS"] or ("*",),
        vlan_ranges=vlans,
        tunnel_ranges=ids,
        vni_ranges=vnis,
        vxlan_group=str(answers["CONFIG_NEUTRON_ML2_VXLAN_GROUP"]),
        interface_driver="linuxbridge" if agent == "linuxbridge" else "openvswitch",
        interface_mappings=with_colons(answers["CONFIG_NEUTRON_LB_INTERFACE_MAPPINGS"]),
        external_physnet=physnet,
    )


def _interface(facts: Facts, name: str, bridges: frozenset[str]) -> str:
    """The name of the interface that the answers give as a name, a network or a MAC address. A network selects the
    interface with an address in it. A MAC address selects the interface that has it, except `bridges`, which take over
    the MAC address of their port. Raises StackwrightError if no interface is in the network."""
    if ":" in name and "/" not in name:
        same = (i.name for i in facts.interfaces if i.mac and i.mac.lower() == name.lower() and i.name not in bridges)
        return next(same, name)
    if "/" not in name:
        return name
    inside = ipaddress.ip_network(name, strict=False)
    for interface in facts.interfaces:
        if any(ipaddress.ip_interface(address).ip in inside for address in interface.addresses):
            return interface.name
    raise StackwrightError(
        f"{facts.host} has no interface with an address in {name}, which is to become a port of a bridge",
        "use an interface of this host: " + ", ".join(i.name for i in facts.interfaces),
        ExitCode.PREFLIGHT,
    )


def _bridges(answers: Answers, net: Network, roles: tuple[str, ...]) -> tuple[tuple[Bridge, ...], tuple[str, ...]]:
    """Bridges to make on a host with these roles, and the mappings from physical networks to them."""
    family = "OVN" if net.agent == "ovn" else "OVS"
    mappings = with_colons(answers[f"CONFIG_NEUTRON_{family}_BRIDGE_MAPPINGS"])
    interfaces: dict[str, list[str]] = {}
    for bridge, interface in answers[f"CONFIG_NEUTRON_{family}_BRIDGE_IFACES"]:
        interfaces.setdefault(bridge, []).append(interface)
    if net.agent == "linuxbridge" and not mappings:
        mappings = (f"{net.external_physnet}:{answers['CONFIG_NEUTRON_L3_EXT_BRIDGE'] or 'br-ex'}",)
    on_compute = answers[f"CONFIG_NEUTRON_{family}_BRIDGES_COMPUTE"]
    edge = bool(_EDGE & set(roles))
    if not edge:
        mappings = tuple(m for m in mappings if m.partition(":")[2] in on_compute)
    bridges = []
    for mapping in mappings:
        physnet, _, name = mapping.partition(":")
        gateway = (
            edge
            and physnet == net.external_physnet
            and bool(answers["CONFIG_PROVISION_DEMO"])
            and bool(answers["CONFIG_PROVISION_OVS_BRIDGE"])
            and not interfaces.get(name)
        )
        outside = demo.external(answers) if gateway else None
        bridges.append(
            Bridge(
                name=name,
                interfaces=tuple(interfaces.get(name, ())),
                address=f"{outside.gateway}/{outside.cidr.partition('/')[2]}" if outside else "",
                network=outside.cidr if outside else "",
            )
        )
    return tuple(bridges), mappings


@dataclass(frozen=True)
class Cloud:
    """A cloud: its hosts, the placement of components, and everything that templates derive from these."""

    answers: Answers = field(repr=False)
    hosts: Mapping[str, Host]
    placement: Mapping[str, tuple[Component, ...]]
    network: Network
    release: Release
    certificates: Certificates = field(default=NO_CERTIFICATES, repr=False)
    """The servers' certificates. Planning fails without them; questions about placement do not need them."""
    beside: Mapping[str, tuple[Component, tuple[str, ...]]] = field(default_factory=dict)
    """By name, components on hosts in EXCLUDE_SERVERS with the addresses of those hosts: other components use them."""
    id: str = ""
    """The ID in cloud.json on its hosts, which distinguishes them from those of other clouds. Empty: `cloud_key`."""

    @cached_property
    def _having(self) -> Mapping[str, tuple[Host, ...]]:
        found: dict[str, list[Host]] = {}
        for name, components in self.placement.items():
            for component in components:
                found.setdefault(component.name, []).append(self.hosts[name])
        return {name: tuple(hosts) for name, hosts in found.items()}

    @cached_property
    def _components(self) -> Mapping[str, Component]:
        return {c.name: c for components in self.placement.values() for c in components}

    def having(self, component: str) -> tuple[Host, ...]:
        """The hosts that have this component, in order."""
        return self._having.get(component, ())

    def has(self, component: str) -> bool:
        """Whether the cloud has this component, on a host of this plan or in EXCLUDE_SERVERS."""
        return component in self._having or component in self.beside

    def component(self, name: str) -> Component:
        return self._components[name] if name in self._components else self.beside[name][0]

    def first(self, component: str) -> Host:
        """The first host with this component, in the order of the answers. Raises KeyError if no host has it."""
        if component not in self._having:
            raise KeyError(component)
        return self.hosts[placement.hosts(self.answers, self.component(component).role)[0]]

    def address(self, component: str) -> str:
        """The address of the first host with this component. Raises KeyError if no host has it."""
        if component not in self._having and component in self.beside:
            return self.beside[component][1][0]
        return self.first(component).address

    def addresses(self, *components: str) -> tuple[str, ...]:
        """The addresses of all hosts with any of these components; hosts in EXCLUDE_SERVERS come last."""
        here = (h.address for c in components for h in self.having(c))
        return tuple(dict.fromkeys((*here, *(a for c in components if c in self.beside for a in self.beside[c][1]))))

    def url(self, component: str) -> str:
        """The root URL of an API, on its first host and first port."""
        return f"http://{bracketed(self.address(component))}:{self.component(component).ports[0].number}"

    def endpoint(self, component: str) -> str:
        """The URL of an API in Keystone's catalog. Raises KeyError for a component without an API."""
        api = self.component(component).api
        if api is None:
            raise KeyError(component)
        return self.url(component) + api.path

    def db_url(self, service: str, password: str, database: str = "", user: str = "") -> str:
        """The database URL for SQLAlchemy, as oslo.config reads it. `database` and `user` default to `service`."""
        at = self.address("mariadb") if self.has("mariadb") else str(self.answers["CONFIG_MARIADB_HOST"])
        secret = consumers.migrated_userinfo(password) if service == "keystone" else consumers.userinfo(password)
        url = f"mysql+pymysql://{user or service}:{secret}@{bracketed(at)}/{database or service}?charset=utf8"
        return consumers.oslo(url)

    @cached_property
    def transport_url(self) -> str:
        """The message broker's URL for oslo.messaging."""
        at = self.address("rabbitmq") if self.has("rabbitmq") else str(self.answers["CONFIG_AMQP_HOST"])
        user = consumers.userinfo(str(self.answers["CONFIG_AMQP_AUTH_USER"]))
        password = consumers.userinfo(str(self.answers["CONFIG_AMQP_AUTH_PASSWORD"]))
        port = 5671 if self.encrypts("rabbitmq") else 5672
        return f"rabbit://{user}:{password}@{bracketed(at)}:{port}/"

    def encrypts(self, component: str) -> bool:
        """Whether clients connect to this component over TLS."""
        return tls.encrypts(self.answers, component)

    def public_name(self, component: str, host: Host | None = None) -> str:
        """The address or name in URLs for browsers of a host with this component (default: the first): its address, or
        a name in its certificate. Raises KeyError if no host has the component."""
        if host is None and component not in self._having:
            return self.address(component)
        host = host or self.first(component)
        own = self.certificates.of.get((component, host.name))
        return tls.public_name(own, host.address, host.fqdn, host.name) if own else host.address

    def trust(self, host: Host, component: str) -> str:
        """The options of curl on `host` for a TLS connection to the component (its own instance if it has one), with a
        final blank; empty without TLS. A certificate of the administrator is not verified: it can be for a name that
        the hosts cannot resolve, and from an authority that they do not trust."""
        if not self.encrypts(component):
            return ""
        if tls.given(self.answers, component):
            at = host.address if component in host.components else self.address(component)
            return f"-k --connect-to '::{bracketed(at)}:' "
        return f"--cacert {tls.authority_file(host.platform)} "

    @cached_property
    def memcached(self) -> tuple[str, ...]:
        return tuple(f"{bracketed(a)}:11211" for a in self.addresses("memcached"))

    @cached_property
    def coordination_url(self) -> str:
        """The URL through which telemetry's processes coordinate; empty if the cloud has no Redis."""
        return redis.url(self.answers, bracketed(self.address("redis"))) if self.has("redis") else ""

    def ovn_db(self, port: int) -> tuple[str, ...]:
        """OVN's northbound (6641) or southbound (6642) database."""
        return tuple(f"tcp:{bracketed(address)}:{port}" for address in self.addresses("ovn-northd"))

    def dashboard(self, host: Host) -> str:
        """The dashboard's URL on this host, without a final slash."""
        scheme = "https" if self.encrypts("horizon") else "http"
        return f"{scheme}://{bracketed(self.public_name('horizon', host))}{host.platform.paths['dashboard']}"

    @property
    def dashboard_url(self) -> str:
        """The URL of the first dashboard, without a final slash. Raises KeyError if there is none."""
        if "horizon" not in self._having:
            # The dashboard's host is in EXCLUDE_SERVERS: assume the operating system of the other hosts.
            scheme = "https" if self.encrypts("horizon") else "http"
            path = next(iter(self.hosts.values())).platform.paths["dashboard"]
            return f"{scheme}://{bracketed(self.address('horizon'))}{path}"
        return self.dashboard(self.first("horizon"))

    def _external(self) -> demo.External | None:
        """The demo's external network. If one of our bridges has the gateway's address, the hosts' default gateways are
        not considered."""
        if not self.answers["CONFIG_PROVISION_DEMO"]:
            return None
        if any(bridge.network for host in self.hosts.values() for bridge in host.bridges):
            return demo.external(self.answers)
        edge_first = sorted(self.hosts.values(), key=lambda host: not _EDGE & set(host.roles))
        return demo.external(self.answers, (host.facts.gateway for host in edge_first))

    @property
    def console_url(self) -> str:
        """The URL of the proxy for instances' consoles. Raises KeyError if there is none."""
        scheme = "https" if self.encrypts("nova-vncproxy") else "http"
        return f"{scheme}://{bracketed(self.public_name('nova-vncproxy'))}:6080/"

    @cached_property
    def path_mtu(self) -> int:
        """The smallest MTU in bytes of the hosts' interfaces for tunnels, if it is less than Ethernet's 1500; else 0.

        Neutron assumes 1500 by default. With a smaller MTU, instances' packets would be too long for the tunnels, and
        linuxbridge's agent would not create tunnels at all.
        """
        known = [
            interface.mtu
            for host in self.hosts.values()
            if "chassis" in host.roles
            for interface in host.facts.interfaces
            if interface.mtu and any(a.partition("/")[0] == host.tunnel_address for a in interface.addresses)
        ]
        least = min(known, default=1500)
        return least if least < 1500 else 0

    @cached_property
    def swift_devices(self) -> tuple[swift.SwiftDevice, ...]:
        return tuple(d for h in self.hosts.values() for d in h.swift_devices)

    def _neutron_api(self, host: Host) -> str:
        """How Neutron's API runs: eventlet or uwsgi on Debian, whose packages have a uwsgi service; else empty."""
        if host.platform.family != "debian":
            return ""
        # Zed's API is written for eventlet's green threads. Debian's uwsgi service runs it in 32 native threads, where
        # it occasionally deadlocks, and where ML2/OVN's hash ring stays empty.
        return "eventlet" if self.release.name == "zed" else "uwsgi"

    @cached_property
    def _everywhere(self) -> Mapping[str, Any]:
        """The part of the templates' context that is the same for all hosts."""
        return {
            # Jinja is fastest with a dict, and templates read answers for each of a thousand hosts.
            "answers": dict(self.answers),
            "cloud": self,
            "network": self.network,
            "release": self.release,
            "url": self.url,
            "endpoint": self.endpoint,
            "migrations": services.migrations,
            "modules_started_async": services.modules_started_async(),
            "db_url": self.db_url,
            "has": self.has,
            "external": self._external(),
            "demo_sources": demo.sources(self.answers, (host.facts for host in self.hosts.values())),
            "address": self.address,
            "addresses": self.addresses,
            "ovn_db": self.ovn_db,
            "transport_url": self.transport_url,
            "coordination_url": self.coordination_url,
            "encrypts": self.encrypts,
            "public_name": self.public_name,
            "certificate_file": tls.file,
            "memcached": self.memcached,
            "swift_devices": self.swift_devices,
            "path_mtu": self.path_mtu,
        }

    def context(self, host: Host) -> dict[str, Any]:
        """The context of the templates of one host's components."""
        return {
            **self._everywhere,
            "host": host,
            "platform": host.platform,
            "choices": host.choices,
            "here": host.components.__contains__,
            "authority_file": tls.authority_file(host.platform),
            "trust": partial(self.trust, host),
            "neutron_api": self._neutron_api(host),
            "units": partial(services.units, platform=host.platform, release=self.release),
        }


def build(
    answers: Answers,
    facts: Mapping[str, Facts],
    placed: Mapping[str, tuple[Component, ...]],
    platforms: Mapping[str, Platform],
    release: Release,
    certificates: Certificates = NO_CERTIFICATES,
    beside: Mapping[str, tuple[Component, ...]] = MappingProxyType({}),
) -> Cloud:
    """The cloud that these answers describe on these hosts; `beside` has components by host in EXCLUDE_SERVERS."""
    net = network(answers)
    addresses = {name: facts[name].address or name for name in placed}
    roles_of = {name: {c.role for c in components} for name, components in placed.items()}
    for role in services.roles():
        for name in placement.hosts(answers, role.name):
            if name in roles_of:
                roles_of[name].add(role.name)
    stores = [name for name in placement.hosts(answers, "object-storage") if name in addresses]
    disks = swift.devices(answers, {name: addresses[name] for name in stores})
    bridges: dict[tuple[str, ...], tuple[tuple[Bridge, ...], tuple[str, ...]]] = {}
    hosts: dict[str, Host] = {}
    tunnelled = tunnels.between(net.agent, net.tunnel_types, {**placed, **beside})
    for name, address in addresses.items():
        fact = naming.corrected(answers, name, facts[name])
        roles = tuple(sorted(roles_of[name]))
        chassis = "chassis" in roles and bool(answers["CONFIG_NEUTRON_INSTALL"])
        if roles not in bridges:
            bridges[roles] = _bridges(answers, net, roles) if chassis else ((), ())
        mapped, mappings = bridges[roles]
        if any(sign in interface for b in mapped for interface in b.interfaces for sign in "/:"):
            own = frozenset(b.name for b in mapped)
            mapped = tuple(replace(b, interfaces=tuple(_interface(fact, i, own) for i in b.interfaces)) for b in mapped)
        chosen = choose(answers, fact)
        across = tunnels.bridge(answers, net.agent, fact) if chassis and tunnelled and chosen.userspace else None
        hosts[name] = Host(
            name=name,
            address=address,
            fqdn=fact.fqdn or fact.hostname or name,
            roles=roles,
            components=tuple(c.name for c in placed[name]),
            facts=fact,
            platform=platforms[name],
            choices=chosen,
            bind="::" if ":" in address else "0.0.0.0",
            tunnel_address=tunnels.address(answers, net.agent, fact, address) if chassis else address,
            bridges=(*mapped, across) if across else mapped,
            bridge_mappings=mappings,
            swift_devices=disks.get(name, ()),
        )
    return Cloud(answers, hosts, placed, net, release, certificates, _beside(facts, beside))


def _beside(
    facts: Mapping[str, Facts], placed: Mapping[str, tuple[Component, ...]]
) -> dict[str, tuple[Component, tuple[str, ...]]]:
    """By name: the component, and the addresses of the hosts in `placed` that have it."""
    found: dict[str, tuple[Component, tuple[str, ...]]] = {}
    for name, components in placed.items():
        known = (seen.resolves[name][0] for seen in facts.values() if seen.resolves.get(name))
        address = name if is_address(name) else next(known, name)
        for component in components:
            _, others = found.get(component.name, (component, ()))
            found[component.name] = (component, (*others, address))
    return found
