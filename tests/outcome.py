"""What comes of answers, in short: facts of hosts that fit them, who does what in the plan, what Neutron is told."""

from __future__ import annotations

from collections.abc import Mapping

from stackwright import planner
from stackwright.model import Answers, Certificate, Certificates, Facts, Interface, Plan, Problem
from stackwright.planner.steps import certificates as certificate_steps
from stackwright.planner.topology import Cloud
from stackwright.values import is_address


def interfaces(given: Answers) -> set[str]:
    """The interfaces that the answers name."""
    found = {"eth0"}
    for family in ("OVN", "OVS"):
        found |= {interface for _, interface in given[f"CONFIG_NEUTRON_{family}_BRIDGE_IFACES"]}
        found |= {given[f"CONFIG_NEUTRON_{family}_TUNNEL_IF"]} - {""}
    return found | {interface for _, interface in given["CONFIG_NEUTRON_LB_INTERFACE_MAPPINGS"]}


def facts(given: Answers, os_id: str = "debian", os_version: str = "12") -> dict[str, Facts]:
    """Facts of hosts that are fit for these answers, as many as are named."""
    found = {}
    # Names of hosts that the run leaves alone are looked up too: firewalls go on letting them in.
    beside = {name: (f"198.18.7.{number}",) for number, name in enumerate(planner.left_alone(given), start=10)}
    for number, host in enumerate(planner.all_hosts(given), start=10):
        own = host if is_address(host) else f"198.18.0.{number}"
        named = sorted(name for name in interfaces(given) if "/" not in name)
        named += [f"eth{index}" for index in range(1, 4) if given["CONFIG_USE_SUBNETS"]]
        addresses = {name: (f"198.18.{index}.{number}/24",) for index, name in enumerate(named)}
        addresses["eth0"] = (f"{own}/64" if ":" in own else f"{own}/24",)
        found[host] = Facts(
            host=host,
            hostname=f"node{number}",
            fqdn=f"node{number}.example.org",
            address=own,
            resolves=beside,
            os_id=os_id,
            os_version=os_version,
            arch="x86_64",
            cpus=4,
            memory=16 * 1024**3,
            interfaces=tuple(Interface(name, up=True, addresses=there) for name, there in addresses.items()),
            default_interface="eth0",
            kernel_modules=frozenset({"openvswitch", "geneve", "vxlan", "dm_mod"}),
        )
    return found


def certificates(given: Answers, seen: Mapping[str, Facts]) -> Certificates:
    """Texts in the place of all certificates and keys that these answers need: they say whose they are."""
    whole = planner.cloud(given, seen)
    of = {
        (w.component, w.host): Certificate(f"{w.component}-{w.host}.crt\n", f"{w.component}-{w.host}.key\n", w.names)
        for w in certificate_steps.wanted(whole)
    }
    return Certificates(of, "authority.crt\n" if certificate_steps.signed(whole) else "")


def plan(given: Answers, seen: Mapping[str, Facts]) -> Plan:
    """The plan, with such certificates."""
    return planner.plan(planner.cloud(given, seen, certificates(given, seen)))


def told(problem: Problem) -> str:
    """LINE NAME KEY, with - where there is none."""
    key = problem.seen.split(" ", 1)[0] if problem.seen.startswith(("CONFIG_", "EXCLUDE_")) else "-"
    line = problem.where.rpartition(":")[2]
    return f"{line if line.isdecimal() else '-'} {problem.name} {key}"


ELSEWHERE = {
    "gnocchi-api": "telemetry",
    "redis": "coordination",
    "mariadb": "database",
    "rabbitmq": "messages",
    "neutron-server": "network-api",
    "glance-api": "images",
    "cinder-api": "volume-api",
    "cinder-volume": "volumes",
    "swift-proxy": "object-api",
    "swift-storage": "objects",
    "horizon": "dashboard",
    "nova-vncproxy": "console",
}
"""Components that are named where they are not on the controller."""


def roles(cloud: Cloud) -> str:
    """controller=198.18.0.10 network=... compute=..."""
    controller = cloud.having("keystone")[0].name
    found: dict[str, list[str]] = {"controller": [controller], "network": [], "compute": []}
    for host in cloud.hosts.values():
        names = {component.name for component in cloud.placement[host.name]}
        if "network" in host.roles and names & {"l3-agent", "ovn-controller"}:
            found["network"].append(host.name)
        if "nova-compute" in names:
            found["compute"].append(host.name)
        for word in sorted(word for name, word in ELSEWHERE.items() if name in names and host.name != controller):
            found.setdefault(word, []).append(host.name)
    assert {host for hosts in found.values() for host in hosts} == set(cloud.hosts)
    return " ".join(f"{role}={','.join(hosts)}" for role, hosts in found.items() if hosts)


def network(cloud: Cloud, given: Answers) -> str:
    """openvswitch vxlan extnet:br-ex:eth1 demo=172.24.4.0/24"""
    net = cloud.network
    gateway = next(host for host in cloud.hosts.values() if "network" in host.roles)
    bridges = {bridge.name: bridge for bridge in gateway.bridges}
    words = [net.agent, ",".join(net.tenant_types)]
    for mapping in gateway.bridge_mappings:
        words.append(":".join((mapping, *bridges[mapping.partition(":")[2]].interfaces)))
    if "vlan" in net.type_drivers:
        words += [f"vlan={entry}" for entry in net.vlan_ranges]
    if "gre" in net.tenant_types:
        words += [f"gre={entry}" for entry in net.tunnel_ranges]
    family = "OVN" if net.agent == "ovn" else "OVS"
    words += [f"tunnel={name}" for name in [given[f"CONFIG_NEUTRON_{family}_TUNNEL_IF"]] if name]
    compute = [host for host in cloud.hosts.values() if "network" not in host.roles]
    words += dict.fromkeys(f"compute:{mapping}" for host in compute for mapping in host.bridge_mappings)
    if given["CONFIG_PROVISION_DEMO"]:
        words.append(f"demo={given['CONFIG_PROVISION_DEMO_FLOATRANGE']}")
        assert net.external_physnet in {m.partition(":")[0] for m in gateway.bridge_mappings}
        assert "flat" in net.type_drivers
        assert {"*", net.external_physnet} & set(net.flat_networks)
    return " ".join(words)
