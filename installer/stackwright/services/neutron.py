"""Neutron, the network service."""

from __future__ import annotations

from stackwright.model import Component, Option, Port, Service
from stackwright.records import (
    APPLIED,
    Api,
    Migration,
    Names,
    PackageSet,
    PuppetModule,
    Role,
    applied,
    changes_of,
    extendable,
    fixed,
)
from stackwright.services.named_hosts import CONTROLLER
from stackwright.services.neutron_agents import AGENTS, LOGS, ROLES, wanted
from stackwright.services.options import choice_of, choices_of, host_of, hosts_of, password, switch, value_of
from stackwright.services.probes import http
from stackwright.services.shared_packages import CONFIGURES, DATABASE, PYMEMCACHE, measured
from stackwright.values import (
    bridge,
    interface_mappings,
    multicast_group,
    tunnel_id_ranges,
    vlan_ranges,
    vni_ranges,
    words,
)

_OVSDB = (("CONFIG_NEUTRON_INSTALL", "y"), ("CONFIG_NEUTRON_L2_AGENT", "ovn|openvswitch"))
_ON = (("CONFIG_NEUTRON_INSTALL", "y"),)
_AGENTS = (*_ON, ("CONFIG_NEUTRON_L2_AGENT", "openvswitch|linuxbridge"))

_BRIDGES = ("external-bridge", "ovn-controller", "openvswitch-agent", "linuxbridge-agent")

OPTIONS: tuple[Option, ...] = (
    switch(
        "CONFIG_NEUTRON_INSTALL",
        "Install Neutron, the network service. Nova needs it: its own network service ended with OpenStack Newton.",
        default="y",
        flag="os-neutron-install",
        was=("CONFIG_QUANTUM_INSTALL",),
    ),
    host_of(
        "CONFIG_NEUTRON_SERVER_HOST",
        "Host of Neutron's API and of OVN's databases. Empty: the controller.",
        when=_ON,
        was=("CONFIG_QUANTUM_SERVER_HOST",),
        ours=True,
    ),
    hosts_of(
        "CONFIG_NEUTRON_L3_HOSTS",
        "Hosts of the routers (with OVN: of its gateways), comma-separated. Empty: the network hosts.",
        when=_ON,
        was=("CONFIG_QUANTUM_L3_HOSTS",),
        ours=True,
    ),
    hosts_of(
        "CONFIG_NEUTRON_DHCP_HOSTS",
        "Hosts of the DHCP agents, comma-separated; not used with OVN. Empty: the network hosts.",
        when=_AGENTS,
        was=("CONFIG_QUANTUM_DHCP_HOSTS",),
        ours=True,
    ),
    hosts_of(
        "CONFIG_NEUTRON_METADATA_HOSTS",
        (
            "More hosts of metadata agents, besides those with routers or DHCP agents, comma-separated; not used with "
            "OVN."
        ),
        when=_AGENTS,
        was=("CONFIG_QUANTUM_METADATA_HOSTS",),
        ours=True,
    ),
    password(
        "CONFIG_NEUTRON_KS_PW",
        "Password of Neutron's Keystone user.",
        when=_ON,
        flag="os-neutron-ks-password",
        was=("CONFIG_QUANTUM_KS_PW",),
    ),
    password(
        "CONFIG_NEUTRON_DB_PW",
        "Password of Neutron's database user.",
        when=_ON,
        flag="os-neutron-db-password",
        was=("CONFIG_QUANTUM_DB_PW",),
    ),
    value_of(
        "CONFIG_NEUTRON_L3_EXT_BRIDGE",
        (
            "Bridge to the external network. Empty or `provider`: the external network is a normal provider network, "
            "on the bridge that its physical network is mapped to."
        ),
        bridge,
        default="br-ex",
        when=_ON,
        flag="os-neutron-l3-ext-bridge",
        was=("CONFIG_QUANTUM_L3_EXT_BRIDGE",),
        passed_as=("host.bridges", "host.bridge_mappings"),
    ),
    password(
        "CONFIG_NEUTRON_METADATA_PW",
        "Shared secret of Nova and the metadata agents.",
        when=_ON,
        flag="os-neutron-metadata-pw",
        was=("CONFIG_QUANTUM_METADATA_PW",),
    ),
    switch(
        "CONFIG_NEUTRON_METERING_AGENT_INSTALL",
        (
            "Install the metering agent, which measures the traffic that metering labels select in routers. OVN does "
            "not support it."
        ),
        when=_ON,
        flag="os-neutron-metering-agent-install",
        passed_as=("network.service_plugins",),
    ),
    switch(
        "CONFIG_NEUTRON_VPNAAS",
        "Install VPN as a service. OVN does not support it.",
        when=_ON,
        flag="os-neutron-vpnaas-install",
        not_yet=("y",),
        not_yet_why="Debian 12's Puppet class for it does not compile",
    ),
    choice_of(
        "CONFIG_NEUTRON_L2_AGENT",
        (
            "Network backend: ovn (distributed, without agents), openvswitch, or linuxbridge, which newer OpenStack "
            "releases no longer have."
        ),
        ("openvswitch", "ovn", "linuxbridge"),
        default="ovn",
        when=_ON,
        flag="os-neutron-l2-agent",
        passed_as=("network.agent", "network.service_plugins"),
    ),
    choice_of(
        "CONFIG_NEUTRON_DATAPATH",
        (
            "Open vSwitch datapath: in the kernel (system) or in user space (netdev, for hosts without the kernel "
            "module openvswitch). auto decides for each host."
        ),
        ("auto", "system", "netdev"),
        default="auto",
        when=_OVSDB,
        ours=True,
        passed_as=("choices.datapath_type",),
    ),
    choices_of(
        "CONFIG_NEUTRON_ML2_TYPE_DRIVERS",
        (
            "Network types that can be created. vlan and flat need physical networks; vxlan, gre and geneve are "
            "tunnels between the hosts."
        ),
        ("local", "flat", "vlan", "gre", "vxlan", "geneve"),
        default="geneve,flat",
        when=_ON,
        flag="os-neutron-ml2-type-drivers",
        passed_as=("network.type_drivers",),
    ),
    choices_of(
        "CONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES",
        (
            "Network types for projects; the first one with free segments is used. Each must be one of the type "
            "drivers. OVN always uses geneve."
        ),
        ("local", "vlan", "gre", "vxlan", "geneve"),
        default="geneve",
        when=_ON,
        flag="os-neutron-ml2-tenant-network-types",
        passed_as=("network.tenant_types", "network.tunnel_types"),
    ),
    choices_of(
        "CONFIG_NEUTRON_ML2_MECHANISM_DRIVERS",
        (
            "ML2 mechanism drivers. The driver of CONFIG_NEUTRON_L2_AGENT is added if it is missing; l2population "
            "fills forwarding tables in advance."
        ),
        ("logger", "test", "openvswitch", "arista", "mlnx", "l2population", "sriovnicswitch", "ovn", "linuxbridge"),
        default="ovn",
        when=_ON,
        flag="os-neutron-ml2-mechanism-drivers",
        not_yet=("sriovnicswitch", "arista", "mlnx"),
        not_yet_why="no such network hardware was available for tests",
        passed_as=("network.mechanism_drivers",),
    ),
    value_of(
        "CONFIG_NEUTRON_ML2_FLAT_NETWORKS",
        "Physical networks for flat (untagged) networks, comma-separated; * allows all.",
        words,
        default="*",
        when=_ON,
        flag="os-neutron-ml2-flat-networks",
        passed_as=("network.flat_networks",),
    ),
    value_of(
        "CONFIG_NEUTRON_ML2_VLAN_RANGES",
        (
            "VLAN IDs that projects may use on each physical network, such as physnet1:1000:1999. With a name only, "
            "just administrators can create VLAN networks there."
        ),
        vlan_ranges,
        when=_ON,
        flag="os-neutron-ml2-vlan-ranges",
        passed_as=("network.vlan_ranges",),
    ),
    value_of(
        "CONFIG_NEUTRON_ML2_TUNNEL_ID_RANGES",
        "GRE tunnel IDs, as first:last.",
        tunnel_id_ranges,
        when=_ON,
        flag="os-neutron-ml2-tunnel-id-ranges",
        passed_as=("network.tunnel_ranges",),
    ),
    value_of(
        "CONFIG_NEUTRON_ML2_VXLAN_GROUP",
        "Multicast group for broadcasts in VXLAN networks. Empty: broadcasts are sent to each host separately.",
        multicast_group,
        when=_ON,
        flag="os-neutron-ml2-vxlan-group",
        passed_as=("network.vxlan_group",),
    ),
    value_of(
        "CONFIG_NEUTRON_ML2_VNI_RANGES",
        "VXLAN and Geneve network IDs, as first:last. The range limits how many of these networks can exist.",
        vni_ranges,
        default="10:100",
        when=_ON,
        flag="os-neutron-ml2-vni-ranges",
        passed_as=("network.vni_ranges",),
    ),
    value_of(
        "CONFIG_NEUTRON_ML2_SRIOV_INTERFACE_MAPPINGS",
        "Physical networks and their SR-IOV interfaces, such as physnet1:eth2.",
        interface_mappings,
        when=_ON,
        flag="os-neutron-ml2-sriov-interface-mappings",
        not_done="no SR-IOV agent is installed",
    ),
)


COMPONENTS: tuple[Component, ...] = (
    Component(
        "neutron-database",
        role="database",
        requires=("database",),
        provides=("neutron-database",),
        when=wanted,
        secrets=("CONFIG_NEUTRON_DB_PW",),
        without=CONFIGURES,
    ),
    Component(
        "neutron-identity",
        role="identity",
        requires=("identity",),
        provides=("neutron-identity",),
        when=wanted,
        secrets=("CONFIG_NEUTRON_KS_PW",),
        without=CONFIGURES,
    ),
    Component(
        "neutron-server",
        role="network-api",
        requires=("cache", "identity", "messaging", "neutron-database", "neutron-identity"),
        provides=("network-api",),
        reaches=("database", "ovn-database", "ovn-northbound"),
        ports=(Port(9696, public=True, what="network API"),),
        api=Api("network", ask="/networks?limit=1", version="/v2.0"),
        migration=Migration("neutron", ("neutron-db-sync",), order=30),
        probe=http("neutron-server"),
        when=wanted,
        packages=(
            DATABASE
            + PYMEMCACHE
            + Names(
                debian=("neutron-api", "neutron-common", "neutron-rpc-server", "python3-neutronclient"),
                redhat=("openstack-neutron", "openstack-neutron-ml2", "python3-neutronclient"),
            )
        )
        .but(
            "debian",
            "neutron-api",
            "neutron-common",
            "neutron-periodic-workers",
            "neutron-rpc-server",
            "python3-neutronclient",
            since="2025.1",
        )
        # The RPC server became a service of its own when Neutron's API moved to WSGI.
        .also("redhat", "openstack-neutron-rpc-server", since="2025.1"),
        units=Names(debian=("neutron-api", "neutron-rpc-server"), redhat=("neutron-server",)),
        memory=measured(170, per_worker=190),
        logs=LOGS,
        secrets=(
            "CONFIG_AMQP_AUTH_PASSWORD",
            "CONFIG_NEUTRON_DB_PW",
            "CONFIG_NEUTRON_KS_PW",
            "CONFIG_NOVA_KS_PW",
            "CONFIG_PLACEMENT_KS_PW",
        ),
    ),
    *AGENTS,
)

PACKAGE_SETS: tuple[PackageSet, ...] = (
    PackageSet(
        "neutron-server-ovn",
        # ML2/OVN's maintenance tasks: an API that runs under uWSGI needs a process of its own for them.
        Names().but("debian", "neutron-ovn-maintenance-worker", since="2025.1"),
        of=("neutron-server",),
        when=lambda answers: (answers.get("CONFIG_NEUTRON_L2_AGENT") or "ovn") == "ovn",
    ),
)

SERVICE = Service(
    "neutron",
    "Neutron: networks",
    OPTIONS,
    COMPONENTS,
    roles=(
        Role(
            "network-api",
            (
                "CONFIG_NEUTRON_SERVER_HOST",
                CONTROLLER,
            ),
        ),
        *ROLES,
    ),
    tempest={
        "network": (
            r"tempest\.scenario\.test_network_basic_ops\b",
            r"tempest\.api\.network\.test_(routers|floating_ips)\b",
        ),
    },
    puppet=PuppetModule("neutron", ("neutron_config",), starts_async=True),
    checks="neutron",
    package_sets=PACKAGE_SETS,
    switch="CONFIG_NEUTRON_INSTALL",
    changes={
        "CONFIG_NEUTRON_SERVER_HOST": fixed("OVN's databases are on the host, and do not move", "ovn-northd"),
        **changes_of(
            ("CONFIG_NEUTRON_L3_HOSTS", "CONFIG_NEUTRON_DHCP_HOSTS", "CONFIG_NEUTRON_METADATA_HOSTS"),
            applied("an agent on a host that is left out keeps running and stays registered"),
        ),
        "CONFIG_NEUTRON_L3_EXT_BRIDGE": fixed("the external network and its routers are on the bridge", *_BRIDGES),
        "CONFIG_NEUTRON_L2_AGENT": fixed("ports of instances and routers are bound to the agent", "neutron-server"),
        "CONFIG_NEUTRON_DATAPATH": fixed("bridges keep the datapath that they were created with", *_BRIDGES),
        "CONFIG_NEUTRON_ML2_TYPE_DRIVERS": extendable("networks of the type would lose their driver", "neutron-server"),
        "CONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES": applied("networks that exist keep their type"),
        "CONFIG_NEUTRON_ML2_MECHANISM_DRIVERS": extendable(
            "ports that exist are bound by their driver", "neutron-server"
        ),
        **changes_of(
            (
                "CONFIG_NEUTRON_ML2_FLAT_NETWORKS",
                "CONFIG_NEUTRON_ML2_VLAN_RANGES",
                "CONFIG_NEUTRON_ML2_TUNNEL_ID_RANGES",
                "CONFIG_NEUTRON_ML2_VNI_RANGES",
            ),
            applied("networks that exist keep their segments"),
        ),
        "CONFIG_NEUTRON_ML2_VXLAN_GROUP": APPLIED,
        "CONFIG_NEUTRON_ML2_SRIOV_INTERFACE_MAPPINGS": APPLIED,
    },
)
