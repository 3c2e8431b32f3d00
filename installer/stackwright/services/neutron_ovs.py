"""Neutron's switches: OVN, Open vSwitch, Linux bridges."""

from __future__ import annotations

from stackwright.model import Component, Option, Service
from stackwright.values import (
    bridge_interfaces,
    bridge_list,
    bridge_mappings,
    interface_mappings,
    networks,
    port,
    tunnel_interface,
    word,
)

_OVN = (("CONFIG_NEUTRON_INSTALL", "y"), ("CONFIG_NEUTRON_L2_AGENT", "ovn"))
_OVS = (("CONFIG_NEUTRON_INSTALL", "y"), ("CONFIG_NEUTRON_L2_AGENT", "openvswitch"))
_OVS_VXLAN = (
    ("CONFIG_NEUTRON_INSTALL", "y"),
    ("CONFIG_NEUTRON_L2_AGENT", "openvswitch"),
    ("CONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES", "vxlan"),
)
_LB = (("CONFIG_NEUTRON_INSTALL", "y"), ("CONFIG_NEUTRON_L2_AGENT", "linuxbridge"))

OPTIONS: tuple[Option, ...] = (
    Option(
        "CONFIG_NEUTRON_OVN_BRIDGE_MAPPINGS",
        "Physical networks and the bridges they are reached through, as extnet:br-ex.",
        default="extnet:br-ex",
        parse=bridge_mappings,
        when=_OVN,
        flag="os-neutron-ovn-bridge-mappings",
    ),
    Option(
        "CONFIG_NEUTRON_OVN_BRIDGE_IFACES",
        (
            "Interfaces to be put into these bridges, as br-ex:eth1. Addresses of such an interface move to its "
            "bridge. Empty: the bridge has no way out of its host."
        ),
        default="",
        parse=bridge_interfaces,
        when=_OVN,
        flag="os-neutron-ovn-bridge-interfaces",
    ),
    Option(
        "CONFIG_NEUTRON_OVN_BRIDGES_COMPUTE",
        "Bridges to make on compute hosts as well, with commas. Without it they exist on the network hosts only.",
        default="",
        parse=bridge_list,
        when=_OVN,
        flag="os-neutron-ovn-bridges-compute",
    ),
    Option(
        "CONFIG_NEUTRON_OVN_EXTERNAL_PHYSNET",
        "Physical network of the external network that CONFIG_PROVISION_DEMO makes.",
        default="extnet",
        parse=word,
        when=_OVN,
        flag="os-neutron-ovn-external-physnet",
    ),
    Option(
        "CONFIG_NEUTRON_OVN_TUNNEL_IF",
        (
            "Interface for the tunnels between hosts. Empty: the one with the host's address in this file. A "
            "second interface keeps instances' traffic apart."
        ),
        default="",
        parse=tunnel_interface,
        when=_OVN,
        flag="os-neutron-ovn-tunnel-if",
    ),
    Option(
        "CONFIG_NEUTRON_OVN_TUNNEL_SUBNETS",
        "Networks that tunnels may come from: the firewall lets them in. Empty: the hosts' own addresses.",
        default="",
        parse=networks,
        when=_OVN,
        flag="os-neutron-ovn-tunnel-subnets",
    ),
    Option(
        "CONFIG_NEUTRON_OVS_BRIDGE_MAPPINGS",
        "Physical networks and the bridges they are reached through, as extnet:br-ex.",
        default="extnet:br-ex",
        parse=bridge_mappings,
        was=("CONFIG_QUANTUM_OVS_BRIDGE_MAPPINGS",),
        when=_OVS,
        flag="os-neutron-ovs-bridge-mappings",
    ),
    Option(
        "CONFIG_NEUTRON_OVS_BRIDGE_IFACES",
        "Interfaces to be put into these bridges, as br-ex:eth1. Addresses of such an interface move to its bridge.",
        default="",
        parse=bridge_interfaces,
        was=("CONFIG_QUANTUM_OVS_BRIDGE_IFACES",),
        when=_OVS,
        flag="os-neutron-ovs-bridge-interfaces",
    ),
    Option(
        "CONFIG_NEUTRON_OVS_BRIDGES_COMPUTE",
        "Bridges to make on compute hosts as well, with commas.",
        default="",
        parse=bridge_list,
        when=_OVS,
        flag="os-neutron-ovs-bridges-compute",
    ),
    Option(
        "CONFIG_NEUTRON_OVS_EXTERNAL_PHYSNET",
        "Physical network of the external network that CONFIG_PROVISION_DEMO makes.",
        default="extnet",
        parse=word,
        when=_OVS,
        flag="os-neutron-ovs-external-physnet",
    ),
    Option(
        "CONFIG_NEUTRON_OVS_TUNNEL_IF",
        "Interface for the tunnels between hosts. Empty: the one with the host's address in this file.",
        default="",
        parse=tunnel_interface,
        was=("CONFIG_QUANTUM_OVS_TUNNEL_IF",),
        when=_OVS,
        flag="os-neutron-ovs-tunnel-if",
    ),
    Option(
        "CONFIG_NEUTRON_OVS_TUNNEL_SUBNETS",
        "Networks that tunnels may come from: the firewall lets them in. Empty: the hosts' own addresses.",
        default="",
        parse=networks,
        when=_OVS,
        flag="os-neutron-ovs-tunnel-subnets",
    ),
    Option(
        "CONFIG_NEUTRON_OVS_VXLAN_UDP_PORT",
        "UDP port of VXLAN. 4789 is the standard; some old switches use 8472.",
        default="4789",
        parse=port,
        when=_OVS_VXLAN,
        flag="os-neutron-ovs-vxlan-udp-port",
    ),
    Option(
        "CONFIG_NEUTRON_LB_INTERFACE_MAPPINGS",
        (
            "Physical networks and their interfaces, as extnet:eth1, for the linuxbridge agent. Packstack "
            "dropped it after Zed; here it lives as long as the agent does."
        ),
        default="",
        parse=interface_mappings,
        was=("CONFIG_QUANTUM_LB_INTERFACE_MAPPINGS",),
        when=_LB,
        flag="os-neutron-lb-interface-mappings",
    ),
)

COMPONENTS: tuple[Component, ...] = ()

SERVICE = Service(
    "neutron_ovs",
    "Neutron's switches: OVN, Open vSwitch, Linux bridges",
    OPTIONS,
    COMPONENTS,
)
