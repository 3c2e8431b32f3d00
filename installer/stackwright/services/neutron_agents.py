"""Neutron's agents and OVN: they connect instances to networks, and provide DHCP and routers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from stackwright.model import Component, Port
from stackwright.records import Names, Role
from stackwright.services.named_hosts import first, unique
from stackwright.services.probes import units
from stackwright.services.shared_packages import OPENVSWITCH, estimated, measured

LOGS = ("/var/log/neutron/*.log",)
OVN_LOGS = ("/var/log/ovn/*.log",)
SWITCH_LOGS = ("/var/log/openvswitch/ovs-vswitchd.log",)


def wanted(answers: Mapping[str, Any]) -> bool:
    """Whether Neutron is installed."""
    return bool(answers["CONFIG_NEUTRON_INSTALL"])


def _agent(*names: str) -> Callable[[Mapping[str, Any]], bool]:
    """A condition: Neutron is installed with one of these layer-2 agents."""
    return lambda answers: wanted(answers) and answers["CONFIG_NEUTRON_L2_AGENT"] in names


def metered(answers: Mapping[str, Any]) -> bool:
    """Whether the traffic of routers is measured. OVN cannot do that."""
    agents = _agent("openvswitch", "linuxbridge")
    return agents(answers) and bool(answers["CONFIG_NEUTRON_METERING_AGENT_INSTALL"])


def service_plugins(answers: Mapping[str, Any]) -> tuple[str, ...]:
    """The service plug-ins of Neutron's API (`service_plugins` in neutron.conf)."""
    router = "ovn-router" if answers["CONFIG_NEUTRON_L2_AGENT"] == "ovn" else "router"
    return (router, "metering") if metered(answers) else (router,)


def _tunnels(kind: str) -> Callable[[Mapping[str, Any]], bool]:
    """A condition: projects' networks are tunnels of this kind."""
    return lambda answers: kind in (answers.get("CONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES") or ())


def _l3(answers: Mapping[str, Any]) -> tuple[str, ...]:
    return first(answers, "CONFIG_NEUTRON_L3_HOSTS", "CONFIG_NETWORK_HOSTS")


def _dhcp(answers: Mapping[str, Any]) -> tuple[str, ...]:
    """The hosts of DHCP agents; with OVN, which answers DHCP on each host and has no agents, the network hosts."""
    agents = answers.get("CONFIG_NEUTRON_L2_AGENT", "ovn") != "ovn"
    return first(answers, *(("CONFIG_NEUTRON_DHCP_HOSTS",) if agents else ()), "CONFIG_NETWORK_HOSTS")


def _metadata(answers: Mapping[str, Any]) -> tuple[str, ...]:
    """The hosts of metadata agents. Routers and DHCP servers reach only the agent of their own host, over a socket."""
    return unique(*first(answers, "CONFIG_NEUTRON_METADATA_HOSTS"), *_l3(answers), *_dhcp(answers))


def _chassis(answers: Mapping[str, Any]) -> tuple[str, ...]:
    """The hosts that connect instances, routers or DHCP servers to networks."""
    network = (*first(answers, "CONFIG_NETWORK_HOSTS"), *_l3(answers), *_dhcp(answers))
    return unique(*network, *first(answers, "CONFIG_COMPUTE_HOSTS"))


ROLES: tuple[Role, ...] = (
    Role("network", ("CONFIG_NETWORK_HOSTS",), rank=80),
    Role("dhcp", hosts=_dhcp, rank=80),
    Role("l3", hosts=_l3, rank=80),
    Role("metadata", hosts=_metadata, rank=80),
    Role("chassis", hosts=_chassis, rank=80),
)

AGENTS: tuple[Component, ...] = (
    Component(
        "ovn-northd",
        role="network-api",
        provides=("ovn-database",),
        ports=(
            Port(6641, what="OVN northbound database", capability="ovn-northbound"),
            Port(6642, what="OVN southbound database"),
        ),
        probe=units("ovn-northd"),
        when=_agent("ovn"),
        packages=OPENVSWITCH + Names(debian=("augeas-tools", "ovn-central"), redhat=("openvswitch-ovn-central",)),
        units=Names(debian=("openvswitch-switch", "ovn-central"), redhat=("openvswitch", "ovn-northd")),
        memory=measured(60),
        logs=(*OVN_LOGS, "/var/log/openvswitch/ovsdb-server.log"),
    ),
    Component(
        "external-bridge",
        role="chassis",
        provides=("external-bridge",),
        when=_agent("ovn", "openvswitch"),
        packages=OPENVSWITCH + Names(debian=("ethtool", "nftables"), redhat=("NetworkManager-ovs", "nftables")),
        # The memory of Open vSwitch's daemons is part of the agents' figure.
        memory=measured(0),
        without={
            "units": "Open vSwitch makes the bridges, and its units belong to the agents",
            "logs": "Open vSwitch makes the bridges, and its logs belong to the agents",
            "proof": "other checks reach instances through the bridges",
        },
    ),
    Component(
        "ovn-controller",
        role="chassis",
        requires=("ovn-database",),
        requires_here=("external-bridge",),
        provides=("chassis",),
        reaches=("tunnel",),
        ports=(Port(6081, "udp", what="Geneve", capability="tunnel"),),
        probe=units("ovn-controller"),
        when=_agent("ovn"),
        packages=OPENVSWITCH + Names(debian=("augeas-tools", "ovn-host"), redhat=("openvswitch-ovn-host",)),
        units=Names(debian=("openvswitch-switch", "ovn-host"), redhat=("openvswitch", "ovn-controller")),
        memory=measured(120),
        logs=(*OVN_LOGS, *SWITCH_LOGS),
    ),
    Component(
        "ovn-metadata",
        role="compute",
        requires=("ovn-database",),
        requires_here=("chassis",),
        provides=("metadata",),
        reaches=("instance-metadata",),
        agent="OVN Metadata agent",
        probe=units("ovn-metadata"),
        when=_agent("ovn"),
        packages=Names(
            debian=("haproxy", "neutron-ovn-metadata-agent"),
            redhat=("haproxy", "openstack-neutron", "openstack-neutron-ovn-metadata-agent"),
        ),
        units=Names(debian=("neutron-ovn-metadata-agent",), redhat=("neutron-ovn-metadata-agent",)),
        memory=measured(100, per_worker=150),
        logs=LOGS,
        secrets=(
            "CONFIG_AMQP_AUTH_PASSWORD",
            "CONFIG_NEUTRON_METADATA_PW",
        ),
    ),
    Component(
        "openvswitch-agent",
        role="chassis",
        requires=("messaging",),
        requires_here=("external-bridge",),
        provides=("chassis",),
        reaches=("tunnel",),
        ports=(
            Port(
                4789,
                "udp",
                what="VXLAN",
                capability="tunnel",
                key="CONFIG_NEUTRON_OVS_VXLAN_UDP_PORT",
                when=_tunnels("vxlan"),
            ),
            Port(6081, "udp", what="Geneve", capability="tunnel", when=_tunnels("geneve")),
            Port(0, "gre", what="GRE", capability="tunnel", when=_tunnels("gre")),
        ),
        agent="Open vSwitch agent",
        probe=units("openvswitch-agent"),
        when=_agent("openvswitch"),
        packages=OPENVSWITCH
        + Names(
            debian=("neutron-openvswitch-agent",),
            redhat=("openstack-neutron", "openstack-neutron-openvswitch"),
        ),
        units=Names(
            debian=("neutron-openvswitch-agent", "openvswitch-switch"),
            redhat=("neutron-openvswitch-agent", "openvswitch"),
        ),
        memory=estimated(220),
        logs=(*LOGS, *SWITCH_LOGS),
        secrets=("CONFIG_AMQP_AUTH_PASSWORD",),
    ),
    Component(
        "linuxbridge-agent",
        role="chassis",
        requires=("messaging",),
        provides=("chassis",),
        reaches=("tunnel",),
        ports=(Port(8472, "udp", what="VXLAN", capability="tunnel", when=_tunnels("vxlan")),),
        agent="Linux bridge agent",
        probe=units("linuxbridge-agent"),
        when=_agent("linuxbridge"),
        packages=Names(
            debian=("ebtables", "ipset", "neutron-linuxbridge-agent", "nftables"),
            redhat=("ebtables", "ipset", "nftables", "openstack-neutron", "openstack-neutron-linuxbridge"),
        ),
        units=Names(debian=("neutron-linuxbridge-agent",), redhat=("neutron-linuxbridge-agent",)),
        memory=estimated(180),
        logs=LOGS,
        secrets=("CONFIG_AMQP_AUTH_PASSWORD",),
    ),
    Component(
        "dhcp-agent",
        role="dhcp",
        requires=("messaging",),
        provides=("dhcp",),
        agent="DHCP agent",
        probe=units("dhcp-agent"),
        when=_agent("openvswitch", "linuxbridge"),
        packages=Names(
            debian=("dnsmasq-base", "dnsmasq-utils", "neutron-dhcp-agent"),
            redhat=("dnsmasq", "dnsmasq-utils", "openstack-neutron"),
        ),
        units=Names(debian=("neutron-dhcp-agent",), redhat=("neutron-dhcp-agent",)),
        memory=estimated(200),
        logs=LOGS,
        secrets=("CONFIG_AMQP_AUTH_PASSWORD",),
    ),
    Component(
        "l3-agent",
        role="l3",
        requires=("messaging",),
        provides=("router",),
        agent="L3 agent",
        probe=units("l3-agent"),
        when=_agent("openvswitch", "linuxbridge"),
        packages=Names(
            debian=("conntrack", "iputils-arping", "keepalived", "neutron-l3-agent", "radvd"),
            redhat=("conntrack-tools", "keepalived", "openstack-neutron", "radvd"),
        ),
        units=Names(debian=("neutron-l3-agent",), redhat=("neutron-l3-agent",)),
        memory=estimated(200),
        logs=LOGS,
        secrets=("CONFIG_AMQP_AUTH_PASSWORD",),
    ),
    Component(
        "metadata-agent",
        role="metadata",
        requires=("messaging",),
        provides=("metadata",),
        reaches=("instance-metadata",),
        agent="Metadata agent",
        probe=units("metadata-agent"),
        when=_agent("openvswitch", "linuxbridge"),
        packages=Names(debian=("haproxy", "neutron-metadata-agent"), redhat=("haproxy", "openstack-neutron")),
        units=Names(debian=("neutron-metadata-agent",), redhat=("neutron-metadata-agent",)),
        memory=estimated(120),
        logs=LOGS,
        secrets=(
            "CONFIG_AMQP_AUTH_PASSWORD",
            "CONFIG_NEUTRON_METADATA_PW",
        ),
    ),
    Component(
        "metering-agent",
        role="l3",
        requires=("messaging",),
        requires_here=("router",),
        provides=("metering",),
        agent="Metering agent",
        probe=units("metering-agent"),
        when=metered,
        packages=Names(
            debian=("iptables", "neutron-metering-agent"),
            redhat=("openstack-neutron", "openstack-neutron-metering-agent"),
        ),
        units=Names(debian=("neutron-metering-agent",), redhat=("neutron-metering-agent",)),
        memory=estimated(120),
        logs=LOGS,
        secrets=("CONFIG_AMQP_AUTH_PASSWORD",),
    ),
)
