"""Neutron: OVN, Open vSwitch, Linux bridges."""

from __future__ import annotations

from stackwright.model import Component, Option, Service
from stackwright.records import applied, changes_of, extendable, fixed
from stackwright.services.options import value_of
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

_BRIDGES = ("external-bridge", "ovn-controller", "openvswitch-agent", "linuxbridge-agent")

OPTIONS: tuple[Option, ...] = (
    value_of(
        "CONFIG_NEUTRON_OVN_BRIDGE_MAPPINGS",
        "Physical networks and their bridges, such as extnet:br-ex.",
        bridge_mappings,
        default="extnet:br-ex",
        when=_OVN,
        flag="os-neutron-ovn-bridge-mappings",
        passed_as=("host.bridges", "host.bridge_mappings"),
    ),
    value_of(
        "CONFIG_NEUTRON_OVN_BRIDGE_IFACES",
        (
            "Interfaces to add to these bridges, such as br-ex:eth1. The interface's addresses move to the bridge. "
            "Empty: the bridge has no uplink."
        ),
        bridge_interfaces,
        when=_OVN,
        flag="os-neutron-ovn-bridge-interfaces",
        passed_as=("host.bridges",),
    ),
    value_of(
        "CONFIG_NEUTRON_OVN_BRIDGES_COMPUTE",
        "Bridges to create on compute hosts too, comma-separated. Without it, only the network hosts have them.",
        bridge_list,
        when=_OVN,
        flag="os-neutron-ovn-bridges-compute",
        passed_as=("host.bridges", "host.bridge_mappings"),
    ),
    value_of(
        "CONFIG_NEUTRON_OVN_EXTERNAL_PHYSNET",
        "Physical network of the external network that CONFIG_PROVISION_DEMO creates.",
        word,
        default="extnet",
        when=_OVN,
        flag="os-neutron-ovn-external-physnet",
        passed_as=("network.external_physnet",),
    ),
    value_of(
        "CONFIG_NEUTRON_OVN_TUNNEL_IF",
        (
            "Interface for tunnels between hosts. Empty: the interface with the host's address in this file. A second "
            "interface separates the instances' traffic."
        ),
        tunnel_interface,
        when=_OVN,
        flag="os-neutron-ovn-tunnel-if",
        passed_as=("host.tunnel_address",),
    ),
    value_of(
        "CONFIG_NEUTRON_OVN_TUNNEL_SUBNETS",
        "Subnets that the firewall admits tunnels from, comma-separated. Empty: the hosts' own addresses.",
        networks,
        when=_OVN,
        flag="os-neutron-ovn-tunnel-subnets",
        passed_as=("host.tunnel_address",),
    ),
    value_of(
        "CONFIG_NEUTRON_OVS_BRIDGE_MAPPINGS",
        "Physical networks and their bridges, such as extnet:br-ex.",
        bridge_mappings,
        default="extnet:br-ex",
        when=_OVS,
        flag="os-neutron-ovs-bridge-mappings",
        was=("CONFIG_QUANTUM_OVS_BRIDGE_MAPPINGS",),
        passed_as=("host.bridges", "host.bridge_mappings"),
    ),
    value_of(
        "CONFIG_NEUTRON_OVS_BRIDGE_IFACES",
        "Interfaces to add to these bridges, such as br-ex:eth1. The interface's addresses move to the bridge.",
        bridge_interfaces,
        when=_OVS,
        flag="os-neutron-ovs-bridge-interfaces",
        was=("CONFIG_QUANTUM_OVS_BRIDGE_IFACES",),
        passed_as=("host.bridges",),
    ),
    value_of(
        "CONFIG_NEUTRON_OVS_BRIDGES_COMPUTE",
        "Bridges to create on compute hosts too, comma-separated.",
        bridge_list,
        when=_OVS,
        flag="os-neutron-ovs-bridges-compute",
        passed_as=("host.bridges", "host.bridge_mappings"),
    ),
    value_of(
        "CONFIG_NEUTRON_OVS_EXTERNAL_PHYSNET",
        "Physical network of the external network that CONFIG_PROVISION_DEMO creates.",
        word,
        default="extnet",
        when=_OVS,
        flag="os-neutron-ovs-external-physnet",
        passed_as=("network.external_physnet",),
    ),
    value_of(
        "CONFIG_NEUTRON_OVS_TUNNEL_IF",
        "Interface for tunnels between hosts. Empty: the interface with the host's address in this file.",
        tunnel_interface,
        when=_OVS,
        flag="os-neutron-ovs-tunnel-if",
        was=("CONFIG_QUANTUM_OVS_TUNNEL_IF",),
        passed_as=("host.tunnel_address",),
    ),
    value_of(
        "CONFIG_NEUTRON_OVS_TUNNEL_SUBNETS",
        "Subnets that the firewall admits tunnels from, comma-separated. Empty: the hosts' own addresses.",
        networks,
        when=_OVS,
        flag="os-neutron-ovs-tunnel-subnets",
        passed_as=("host.tunnel_address",),
    ),
    value_of(
        "CONFIG_NEUTRON_OVS_VXLAN_UDP_PORT",
        "UDP port for VXLAN. 4789 is the standard port; some old switches use 8472.",
        port,
        default="4789",
        when=_OVS_VXLAN,
        flag="os-neutron-ovs-vxlan-udp-port",
    ),
    value_of(
        "CONFIG_NEUTRON_LB_INTERFACE_MAPPINGS",
        (
            "Physical networks and their interfaces, such as extnet:eth1, for the linuxbridge agent. Packstack "
            "dropped this key after Zed; it works here with releases that have the agent."
        ),
        interface_mappings,
        when=_LB,
        flag="os-neutron-lb-interface-mappings",
        was=("CONFIG_QUANTUM_LB_INTERFACE_MAPPINGS",),
        passed_as=("network.interface_mappings",),
    ),
)

COMPONENTS: tuple[Component, ...] = ()

SERVICE = Service(
    "neutron_ovs",
    "Neutron: OVN, Open vSwitch, Linux bridges",
    OPTIONS,
    COMPONENTS,
    changes={
        **changes_of(
            (
                "CONFIG_NEUTRON_OVN_BRIDGE_MAPPINGS",
                "CONFIG_NEUTRON_OVS_BRIDGE_MAPPINGS",
                "CONFIG_NEUTRON_LB_INTERFACE_MAPPINGS",
            ),
            extendable("networks that exist are on the physical network", "neutron-server"),
        ),
        **changes_of(
            ("CONFIG_NEUTRON_OVN_BRIDGE_IFACES", "CONFIG_NEUTRON_OVS_BRIDGE_IFACES"),
            extendable("an interface is not taken out of its bridge again", *_BRIDGES),
        ),
        **changes_of(
            ("CONFIG_NEUTRON_OVN_BRIDGES_COMPUTE", "CONFIG_NEUTRON_OVS_BRIDGES_COMPUTE"),
            extendable("instances may use the bridge", *_BRIDGES),
        ),
        **changes_of(
            ("CONFIG_NEUTRON_OVN_EXTERNAL_PHYSNET", "CONFIG_NEUTRON_OVS_EXTERNAL_PHYSNET"),
            fixed("the external network is on the physical network", "demo"),
        ),
        **changes_of(
            (
                "CONFIG_NEUTRON_OVN_TUNNEL_IF",
                "CONFIG_NEUTRON_OVN_TUNNEL_SUBNETS",
                "CONFIG_NEUTRON_OVS_TUNNEL_IF",
                "CONFIG_NEUTRON_OVS_TUNNEL_SUBNETS",
                "CONFIG_NEUTRON_OVS_VXLAN_UDP_PORT",
            ),
            applied("traffic between hosts stops until every host is done"),
        ),
    },
)
