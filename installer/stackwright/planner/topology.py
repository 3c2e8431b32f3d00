"""What the components of a cloud know of each other: addresses, URLs, networks. The context of every template."""

from __future__ import annotations

import ipaddress
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property, partial
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from stackwright import services
from stackwright.model import Answers, Certificates, Component, ExitCode, Facts, StackwrightError
from stackwright.planner import demo, naming, placement, render, swift, tls, tunnels
from stackwright.planner.choices import Choices, choose
from stackwright.planner.tunnels import Bridge
from stackwright.platforms import Platform, Release
from stackwright.services import redis
from stackwright.services.neutron_agents import service_plugins
from stackwright.values.addressing import USUAL_RANGES, is_address

NO_CERTIFICATES = Certificates()

_EDGE = {"network", "l3", "dhcp"}
"""Roles of hosts that the external network leads to."""


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
    """What a service listens on to be reached from everywhere."""
    tunnel_address: str = ""
    bridges: tuple[Bridge, ...] = ()
    bridge_mappings: tuple[str, ...] = ()
    swift_devices: tuple[swift.SwiftDevice, ...] = ()

    @property
    def kind(self) -> Hashable:
        """All that templates can see of it except what is its own: equal for hosts that differ in `OWN` alone."""
        return tuple(self.platform.id if n == "platform" else getattr(self, n) for n in _FIELDS if n not in OWN)

    def of_its_kind(self) -> Host:
        """The same host with places for its own values."""
        places: dict[str, Any] = {name: render.Placeholder(name) for name in OWN}
        return replace(self, **places)

    @property
    def bind_url(self) -> str:
        return f"[{self.bind}]" if ":" in self.bind else self.bind


OWN = ("name", "address", "fqdn", "tunnel_address", "facts")
"""Fields in which hosts of one kind differ."""

_FIELDS = tuple(f.name for f in fields(Host))


@dataclass(frozen=True)
class Network:
    """Neutron's settings, as all its parts need them."""

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
    """Pairs and ranges as Neutron's settings have them: extnet:br-ex, 10:100."""
    return tuple(":".join(map(str, entry)) for entry in entries)


def bracketed(address: str) -> str:
    """An address as it stands in a URL."""
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
    """The name of an interface; where a network stands for it, that of the one with an address in it; where a MAC
    address does, that of the one that has it and is none of these bridges, which take it over. Raises StackwrightError
    where the host has none."""
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
        f"{facts.host}: an interface in {name} is to be put into a bridge, and the host has no address there",
        "interfaces there: " + ", ".join(i.name for i in facts.interfaces),
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
    """The whole of it: hosts, who has which component, and what follows for the templates."""

    answers: Answers = field(repr=False)
    hosts: Mapping[str, Host]
    placement: Mapping[str, tuple[Component, ...]]
    network: Network
    release: Release
    certificates: Certificates = field(default=NO_CERTIFICATES, repr=False)
    """What its servers show; it is not needed to see who does what."""
    beside: Mapping[str, tuple[Component, tuple[str, ...]]] = field(default_factory=dict)
    """Components on hosts that EXCLUDE_SERVERS leaves alone, and the addresses of those hosts: they are there, and
    others use them."""
    id: str = ""
    """What its hosts carry to be told from those of other clouds; empty: it follows from the answers."""

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
        """Whether the cloud has it, on a host of this plan or beside it."""
        return component in self._having or component in self.beside

    def component(self, name: str) -> Component:
        return self._components[name] if name in self._components else self.beside[name][0]

    def first(self, component: str) -> Host:
        """The first host with this component, as the answers have them. Raises KeyError where nobody has it."""
        if component not in self._having:
            raise KeyError(component)
        return self.hosts[placement.hosts(self.answers, self.component(component).role)[0]]

    def address(self, component: str) -> str:
        """The address of the first host with this component. Raises KeyError where nobody has it."""
        if component not in self._having and component in self.beside:
            return self.beside[component][1][0]
        return self.first(component).address

    def addresses(self, *components: str) -> tuple[str, ...]:
        """The addresses of all hosts with any of these components, those that this run leaves alone at the end."""
        here = (h.address for c in components for h in self.having(c))
        return tuple(dict.fromkeys((*here, *(a for c in components if c in self.beside for a in self.beside[c][1]))))

    def url(self, component: str) -> str:
        """The root URL of an API: its first host and its first port."""
        return f"http://{bracketed(self.address(component))}:{self.component(component).ports[0].number}"

    def endpoint(self, component: str) -> str:
        """The URL of an API as Keystone's catalog has it. Raises KeyError for a component without one."""
        api = self.component(component).api
        if api is None:
            raise KeyError(component)
        return self.url(component) + api.path

    def db_url(self, service: str, password: str, database: str = "", user: str = "") -> str:
        """What SQLAlchemy connects to."""
        at = self.address("mariadb") if self.has("mariadb") else str(self.answers["CONFIG_MARIADB_HOST"])
        credentials = f"{quote(user or service, safe='')}:{quote(password, safe='')}"
        return f"mysql+pymysql://{credentials}@{bracketed(at)}/{database or service}?charset=utf8"

    @cached_property
    def transport_url(self) -> str:
        """What oslo.messaging connects to."""
        at = self.address("rabbitmq") if self.has("rabbitmq") else str(self.answers["CONFIG_AMQP_HOST"])
        user = quote(str(self.answers["CONFIG_AMQP_AUTH_USER"]), safe="")
        password = quote(str(self.answers["CONFIG_AMQP_AUTH_PASSWORD"]), safe="")
        port = 5671 if self.encrypts("rabbitmq") else 5672
        return f"rabbit://{user}:{password}@{bracketed(at)}:{port}/"

    def encrypts(self, component: str) -> bool:
        """Whether those who connect to this component are shown a certificate."""
        return tls.encrypts(self.answers, component)

    def public_name(self, component: str, host: Host | None = None) -> str:
        """What browsers call a host with this component, by default the first: its address, or a name that its
        certificate is for. Raises KeyError where nobody has it."""
        if host is None and component not in self._having:
            return self.address(component)
        host = host or self.first(component)
        own = self.certificates.of.get((component, host.name))
        return tls.public_name(own, host.address, host.fqdn, host.name) if own else host.address

    def trust(self, host: Host, component: str) -> str:
        """How curl is told on this host to trust the component, its own where it has it, with a blank at the end. The
        certificate that a person brought may be for a name, and from an authority, that the hosts do not know."""
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
        """What the processes of telemetry share their work through; empty where there is no Redis."""
        return redis.url(self.answers, bracketed(self.address("redis"))) if self.has("redis") else ""

    def ovn_db(self, port: int) -> tuple[str, ...]:
        """OVN's northbound (6641) or southbound (6642) database."""
        return tuple(f"tcp:{bracketed(address)}:{port}" for address in self.addresses("ovn-northd"))

    def dashboard(self, host: Host) -> str:
        """The root of the dashboard on this host, without a final slash."""
        scheme = "https" if self.encrypts("horizon") else "http"
        return f"{scheme}://{bracketed(self.public_name('horizon', host))}{host.platform.paths['dashboard']}"

    @property
    def dashboard_url(self) -> str:
        """The root of the first dashboard, without a final slash. Raises KeyError where there is none."""
        if "horizon" not in self._having:
            # Its host has the system of the others.
            scheme = "https" if self.encrypts("horizon") else "http"
            path = next(iter(self.hosts.values())).platform.paths["dashboard"]
            return f"{scheme}://{bracketed(self.address('horizon'))}{path}"
        return self.dashboard(self.first("horizon"))

    def _external(self) -> demo.External | None:
        """The demo's external network. Where a bridge of ours is its gateway, no router of the hosts is."""
        if not self.answers["CONFIG_PROVISION_DEMO"]:
            return None
        if any(bridge.network for host in self.hosts.values() for bridge in host.bridges):
            return demo.external(self.answers)
        edge_first = sorted(self.hosts.values(), key=lambda host: not _EDGE & set(host.roles))
        return demo.external(self.answers, (host.facts.gateway for host in edge_first))

    @property
    def console_url(self) -> str:
        """The root of what browsers see instances' screens through. Raises KeyError where there is none."""
        scheme = "https" if self.encrypts("nova-vncproxy") else "http"
        return f"{scheme}://{bracketed(self.public_name('nova-vncproxy'))}:6080/"

    @cached_property
    def path_mtu(self) -> int:
        """Bytes that every host's interface for tunnels can carry, where that is less than Ethernet's 1500; else 0.

        Neutron takes 1500 for granted. Instances' packets are then too long for the tunnels, and linuxbridge's agent
        makes no tunnel at all.
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
        """How Neutron's API is run: eventlet or uwsgi where the packages bring a uwsgi service, else empty."""
        if host.platform.family != "debian":
            return ""
        # Zed's API is made of eventlet's green threads. Debian's uwsgi service puts it into 32 native threads, whose
        # locks then wait for ever, now and then; and ML2/OVN's hash ring stays empty there.
        return "eventlet" if self.release.name == "zed" else "uwsgi"

    @cached_property
    def _everywhere(self) -> Mapping[str, Any]:
        """What the templates of all hosts can name alike."""
        return {
            # A dict is what Jinja is quickest with, and templates read some answers on each of a thousand hosts.
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
        """What the templates of one host's components can name."""
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
    """The cloud that these answers describe on these hosts; `beside` has the components of hosts that are left alone,
    by host."""
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
    """By component: itself, and the addresses of the hosts in `placed` that have it."""
    found: dict[str, tuple[Component, tuple[str, ...]]] = {}
    for name, components in placed.items():
        known = (seen.resolves[name][0] for seen in facts.values() if seen.resolves.get(name))
        address = name if is_address(name) else next(known, name)
        for component in components:
            _, others = found.get(component.name, (component, ()))
            found[component.name] = (component, (*others, address))
    return found
