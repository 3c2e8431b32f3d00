"""Cross-checks of networks: ranges, bridges, VLANs, tunnels."""

from __future__ import annotations

import bisect
import ipaddress
import re
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from stackwright.answers.effective import external_physnet
from stackwright.answers.packstack.rewrite import FAMILIES
from stackwright.answers.typed import problem
from stackwright.model import Answers, Problem
from stackwright.services import options
from stackwright.values import is_address, words
from stackwright.values.addressing import USUAL_RANGES

if TYPE_CHECKING:
    from netaddr import IPAddress, IPNetwork

_TUNNELS = ("gre", "vxlan", "geneve")
_CARRIES = {
    "ovn": ("geneve", "vlan", "flat", "vxlan", "gre", "local"),
    "openvswitch": ("vxlan", "gre", "geneve", "vlan", "flat", "local"),
    "linuxbridge": ("vxlan", "vlan", "flat", "local"),
}


def check(answers: Answers) -> Iterator[Problem]:
    """All problems with the networks of these answers."""
    if not answers["CONFIG_NEUTRON_INSTALL"]:
        return
    yield from _types(answers)
    agent = answers["CONFIG_NEUTRON_L2_AGENT"]
    if agent in ("ovn", "openvswitch"):
        family = "OVN" if agent == "ovn" else "OVS"
        yield from _bridges(answers, family)
        yield from _tunnels(answers, family)
    yield from _physical(answers)
    yield from _other_agents(answers)
    if answers["CONFIG_PROVISION_DEMO"]:
        yield from _demo(answers)


def _given(answers: Answers, key: str) -> bool:
    """Whether the answer was given, and is not a default."""
    return answers.entries[key].origin.kind != "default"


def _types(answers: Answers) -> Iterator[Problem]:
    agent = answers["CONFIG_NEUTRON_L2_AGENT"]
    types, tenant = answers["CONFIG_NEUTRON_ML2_TYPE_DRIVERS"], answers["CONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES"]
    tenant_key = "CONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES"
    for kind in tenant:
        if kind not in types:
            yield problem(
                answers, tenant_key, "network-types", f"{kind} is not among CONFIG_NEUTRON_ML2_TYPE_DRIVERS",
                f"CONFIG_NEUTRON_ML2_TYPE_DRIVERS={','.join((*types, kind))}",
            )  # fmt: skip
        if kind not in _CARRIES[agent]:
            yield problem(
                answers, tenant_key, "network-types", f"{agent} cannot carry {kind}",
                f"choose among {', '.join(_CARRIES[agent])}, or another CONFIG_NEUTRON_L2_AGENT",
            )  # fmt: skip
    if not tenant and not types:
        yield problem(
            answers, "CONFIG_NEUTRON_ML2_TYPE_DRIVERS", "network-types", "must have at least one network type"
        )
    written = answers.entries[tenant_key].text
    if agent == "ovn" and _given(answers, tenant_key) and "geneve" not in written:
        yield problem(
            answers, tenant_key, "forced", "OVN supports only geneve for project networks; geneve is used",
            "set CONFIG_NEUTRON_L2_AGENT=openvswitch for the other types", warning=True,
        )  # fmt: skip
    vpn = "CONFIG_NEUTRON_VPNAAS"
    if agent == "ovn" and options()[vpn].parse(answers.entries[vpn].text):
        yield problem(
            answers, vpn, "forced", "OVN does not support VPN as a service; it is not installed, as in Packstack",
            f"set {vpn}=n to accept that", warning=True,
        )  # fmt: skip
    drivers = "CONFIG_NEUTRON_ML2_MECHANISM_DRIVERS"
    if _given(answers, drivers) and agent not in answers.entries[drivers].text:
        yield problem(
            answers, drivers, "forced", f"CONFIG_NEUTRON_L2_AGENT={agent} needs the driver {agent}, which is added",
            "make both keys agree", warning=True,
        )  # fmt: skip
    ranges = {"gre": "CONFIG_NEUTRON_ML2_TUNNEL_ID_RANGES", "vxlan": "CONFIG_NEUTRON_ML2_VNI_RANGES"}
    for kind, key in (*ranges.items(), ("geneve", "CONFIG_NEUTRON_ML2_VNI_RANGES")):
        if kind in tenant and not answers[key]:
            ((first, last),) = USUAL_RANGES[key]
            yield problem(
                answers, key, "no-range", f"there are no IDs for {kind} networks",
                f"set {key}=10:1000; {first}:{last} is used until then", warning=True,
            )  # fmt: skip
    if "vlan" in tenant and not any(len(entry) == 3 for entry in answers["CONFIG_NEUTRON_ML2_VLAN_RANGES"]):
        yield problem(
            answers, "CONFIG_NEUTRON_ML2_VLAN_RANGES", "no-range", "it has no VLAN IDs, but project networks are vlan",
            "CONFIG_NEUTRON_ML2_VLAN_RANGES=physnet1:1000:1999",
        )  # fmt: skip
    seen: Counter[str] = Counter()  # by network: its VLANs so far, as the bits of a number
    for entry in answers["CONFIG_NEUTRON_ML2_VLAN_RANGES"]:
        if len(entry) == 3:
            name, first, last = entry
            vlans = (1 << (last + 1)) - (1 << first)
            if seen[name] & vlans:
                yield problem(
                    answers, "CONFIG_NEUTRON_ML2_VLAN_RANGES", "overlap",
                    f"{name}:{first}:{last} overlaps another range", "merge the ranges",
                )  # fmt: skip
            seen[name] |= vlans


def _mappings_key(answers: Answers) -> str:
    return {
        "ovn": "CONFIG_NEUTRON_OVN_BRIDGE_MAPPINGS",
        "openvswitch": "CONFIG_NEUTRON_OVS_BRIDGE_MAPPINGS",
        "linuxbridge": "CONFIG_NEUTRON_LB_INTERFACE_MAPPINGS",
    }[answers["CONFIG_NEUTRON_L2_AGENT"]]


def _physical(answers: Answers) -> Iterator[Problem]:
    """Reports physical networks that are used but not mapped to a bridge."""
    key = _mappings_key(answers)
    mapped = {name for name, _ in answers[key]}
    vlans, to = "CONFIG_NEUTRON_ML2_VLAN_RANGES", "INTERFACE" if "LB" in key else "BRIDGE"
    if "vlan" in answers["CONFIG_NEUTRON_ML2_TYPE_DRIVERS"]:
        for name in dict.fromkeys(entry[0] for entry in answers[vlans] if entry[0] not in mapped):
            yield problem(
                answers, vlans, "not-mapped", f"{name} is not mapped in {key}", f"add {name}:{to} to {key}",
                # if projects' networks have other types, only networks that an administrator creates there would fail
                warning="vlan" not in answers["CONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES"],
            )  # fmt: skip
    elif answers[vlans] and "vlan" not in answers["CONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES"]:
        yield problem(
            answers, vlans, "no-effect", "it has no effect, because vlan is not in CONFIG_NEUTRON_ML2_TYPE_DRIVERS",
            f"CONFIG_NEUTRON_ML2_TYPE_DRIVERS={','.join((*answers['CONFIG_NEUTRON_ML2_TYPE_DRIVERS'], 'vlan'))}",
            warning=True,
        )  # fmt: skip
    flats = "CONFIG_NEUTRON_ML2_FLAT_NETWORKS"
    physnet = answers[external_physnet(answers["CONFIG_NEUTRON_L2_AGENT"])]
    if answers[flats] != words(answers.entries[flats].text):
        yield problem(
            answers, flats, "forced", f"the demo's external network is on {physnet}, which is added",
            f"{flats}={','.join(answers[flats])}", warning=True,
        )  # fmt: skip
    for name in answers[flats]:
        if name != "*" and name not in mapped:
            yield problem(
                answers, flats, "not-mapped", f"{name} is not mapped in {key}",
                "no flat network can be created on it", warning=True,
            )  # fmt: skip


def _bridges(answers: Answers, family: str) -> Iterator[Problem]:
    mappings_key, interfaces_key = f"CONFIG_NEUTRON_{family}_BRIDGE_MAPPINGS", f"CONFIG_NEUTRON_{family}_BRIDGE_IFACES"
    compute_key, physnet_key = f"CONFIG_NEUTRON_{family}_BRIDGES_COMPUTE", f"CONFIG_NEUTRON_{family}_EXTERNAL_PHYSNET"
    mappings, interfaces = answers[mappings_key], dict(answers[interfaces_key])
    external = answers["CONFIG_NEUTRON_L3_EXT_BRIDGE"]
    bridges: dict[str, str] = {}
    for physnet, bridge in mappings:
        if bridge in ("br-int", "br-tun"):
            yield problem(
                answers, mappings_key, "reserved-bridge", f"{bridge} is reserved for Neutron",
                f"give {physnet} a bridge of its own, such as {physnet}:br-{physnet}"[:120],
            )  # fmt: skip
        if bridges.setdefault(bridge, physnet) != physnet:
            yield problem(
                answers, mappings_key, "overlap", f"{bridge} is mapped to {bridges[bridge]} too",
                "give each a bridge of its own",
            )  # fmt: skip
        if bridge not in interfaces and bridge != external and bridge not in ("br-int", "br-tun"):
            yield problem(
                answers, mappings_key, "no-way-out", f"{bridge} has no interface in {interfaces_key}",
                f"{interfaces_key}={bridge}:INTERFACE; without it {physnet} does not leave the host", warning=True,
            )  # fmt: skip
    holders: dict[str, list[str]] = {}  # by interface: the bridges that it is in
    for bridge, interface in interfaces.items():
        holders.setdefault(interface, []).append(bridge)
    for bridge, interface in interfaces.items():
        if bridge not in bridges and bridge != external:
            yield problem(
                answers, interfaces_key, "not-mapped",
                f"{bridge} has no physical network in {mappings_key}, so it is not created",
                f"write the bridge first: {interface}:INTERFACE" if interface == external or interface in bridges
                else f"add PHYSNET:{bridge} to {mappings_key}", warning=True,
            )  # fmt: skip
        if interface == bridge:
            yield problem(
                answers, interfaces_key, "bridge-interface", f"an interface for {bridge}, which is itself the bridge",
                f"{interfaces_key}={bridge}:INTERFACE",
            )  # fmt: skip
        if len(holders[interface]) > 1 and bridge == holders[interface][0]:
            yield problem(
                answers, interfaces_key, "overlap",
                f"an interface can be in one bridge only, but {interface} is in {bridge} and "
                f"{holders[interface][1]}", "choose one",
            )  # fmt: skip
        if "/" in interface and not answers["CONFIG_USE_SUBNETS"]:
            yield problem(
                answers, interfaces_key, "subnet", f"must be the name of an interface for {bridge}",
                "CONFIG_USE_SUBNETS=y reads it as a network",
            )  # fmt: skip
    if ":" in answers.entries[compute_key].text and _given(answers, compute_key):
        yield problem(
            answers, compute_key, "bridge-interface", "must have names of bridges; interfaces belong into "
            f"{interfaces_key}", f"{compute_key}={','.join(answers[compute_key])}", warning=True,
        )  # fmt: skip
    vlans = {entry[0] for entry in answers["CONFIG_NEUTRON_ML2_VLAN_RANGES"]}
    wanted = dict.fromkeys(bridge for physnet, bridge in mappings if physnet in vlans)
    edge = set(answers["CONFIG_NETWORK_HOSTS"])
    apart = next((host for host in answers["CONFIG_COMPUTE_HOSTS"] if host not in edge), "")
    missing = dict.fromkeys(wanted)
    for bridge in answers[compute_key]:
        missing.pop(bridge, None)
    if "vlan" in answers["CONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES"] and apart and missing:
        yield problem(
            answers, compute_key, "no-way-out",
            f"must have {', '.join(missing)} as well: without it VLANs of projects do not reach {apart}",
            f"{compute_key}={','.join((*answers[compute_key], *missing))}", warning=True,
        )  # fmt: skip
    for bridge in answers[compute_key]:
        if bridge not in bridges and bridge not in interfaces:
            yield problem(
                answers, compute_key, "not-mapped", f"{bridge} has no physical network in {mappings_key}",
                f"add PHYSNET:{bridge} to {mappings_key}",
            )  # fmt: skip
    if not answers["CONFIG_PROVISION_DEMO"]:
        return
    physnet, asked = answers[physnet_key], answers.entries[physnet_key].text
    if physnet not in {name for name, _ in mappings}:
        names = ", ".join(name for name, _ in mappings) or "nothing"
        yield problem(
            answers, physnet_key, "not-mapped", f"must be a physical network of {mappings_key}, which has {names}",
            f"{physnet_key}={mappings[0][0]}" if mappings else f"{mappings_key}=extnet:br-ex",
        )  # fmt: skip
    elif physnet != asked and _given(answers, physnet_key):
        yield problem(
            answers, physnet_key, "forced", f"{asked or 'nothing'} is not mapped to a bridge in {mappings_key}, so"
            f" {physnet} is used", f"{physnet_key}={physnet}", warning=True,
        )  # fmt: skip


def _other_agents(answers: Answers) -> Iterator[Problem]:
    """Warns about keys of another agent that were given instead of those of the chosen agent."""
    chosen = answers["CONFIG_NEUTRON_L2_AGENT"]
    for agent, mark in FAMILIES.items():
        for key, option in options().items():
            text = answers.entries[key].text
            if agent == chosen or not key.startswith(mark) or text in ("", option.default):
                continue
            twin = key.replace(mark, FAMILIES[chosen])
            if twin not in options() or answers.entries[twin].text != text:
                yield problem(
                    answers, key, "no-effect", f"it is for the agent {agent}, and CONFIG_NEUTRON_L2_AGENT is {chosen}",
                    f"{twin}={text}"[:120] if twin in options() else f"CONFIG_NEUTRON_L2_AGENT={agent}", warning=True,
                )  # fmt: skip


def _tunnels(answers: Answers, family: str) -> Iterator[Problem]:
    key = f"CONFIG_NEUTRON_{family}_TUNNEL_IF"
    kinds = [kind for kind in answers["CONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES"] if kind in _TUNNELS]
    interface = answers[key]
    if interface and not kinds:
        yield problem(
            answers, key, "no-effect", "it has no effect, because project networks are not tunnels",
            "add vxlan, gre or geneve to CONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES if they should be", warning=True,
        )  # fmt: skip
    if interface and answers["CONFIG_USE_SUBNETS"] and "/" not in interface:
        yield problem(
            answers, key, "subnet", "must be a network, because CONFIG_USE_SUBNETS=y",
            f"{key}=198.18.4.0/24, or CONFIG_USE_SUBNETS=n",
        )  # fmt: skip
    if interface and not answers["CONFIG_USE_SUBNETS"] and "/" in interface:
        yield problem(
            answers, key, "subnet", "must be the name of an interface", "CONFIG_USE_SUBNETS=y reads it as a network"
        )


def _demo(answers: Answers) -> Iterator[Problem]:
    from netaddr import IPAddress, IPNetwork

    key, inside_key = "CONFIG_PROVISION_DEMO_FLOATRANGE", "CONFIG_PROVISION_DEMO_PRIVATE_SUBNET"
    if not answers[key]:
        yield problem(
            answers, key, "missing", "it must be a network: floating addresses come from it", f"{key}=198.18.8.0/24"
        )
        return
    if not answers[inside_key]:
        yield problem(
            answers, inside_key, "missing", "it must be a network: the demo's instances are in it",
            f"{inside_key}=10.0.0.0/24",
        )  # fmt: skip
    outside, inside = IPNetwork(answers[key]), _or_none(answers[inside_key])
    for name, network, purpose in (
        (key, outside, "gateway, router, floating addresses"),
        (inside_key, inside, "gateway, DHCP, instances"),
    ):
        if network is None:
            continue
        if special := _special(network):
            yield problem(
                answers, name, "special", f"must be a network that machines can be in: {special}",
                f"{name}=192.168.251.0/24, or another network that is not used",
            )  # fmt: skip
        if network.size < 8:
            yield problem(
                answers, name, "small", f"must have at least 8 addresses: {purpose}",
                f"take a prefix length of {29 if network.version == 4 else 125} or less",
            )  # fmt: skip
    if outside.version == 6 and inside is not None and inside.version == 4:
        yield problem(
            answers, key, "no-effect", "an IPv6 network has no floating addresses: Neutron has them for IPv4 only",
            f"{key}=172.24.4.0/24", warning=True,
        )  # fmt: skip
    if inside is not None and outside.version == inside.version and (outside in inside or inside in outside):
        yield problem(answers, key, "overlap", f"must not overlap {inside_key}={inside}", "change one of the two")
    if inside is not None:
        for host in (*answers["CONFIG_COMPUTE_HOSTS"], answers["CONFIG_CONTROLLER_HOST"]):
            if is_address(host) and IPAddress(host) in inside:
                yield problem(
                    answers, inside_key, "overlap",
                    f"must be a network without hosts of the cloud, but {host} is in {inside}",
                    f"{inside_key}=192.168.251.0/24; instances cannot reach hosts of the same network", warning=True,
                )  # fmt: skip
                break
    for host, host_key in _addresses(answers).items() if not answers["CONFIG_PROVISION_DEMO_ALLOCATION_POOLS"] else ():
        if IPAddress(host) in outside:
            yield problem(
                answers, key, "hosts-inside", f"{host} of {host_key} is in this subnet",
                "set CONFIG_PROVISION_DEMO_ALLOCATION_POOLS=FIRST-LAST to unused addresses", warning=True,
            )  # fmt: skip
            break
    sources = "CONFIG_PROVISION_DEMO_SSH_FROM"
    versions = {IPNetwork(network).version for network in answers[sources]}
    if inside is not None and versions and inside.version not in versions:
        yield problem(
            answers, sources, "no-effect",
            f"it has no network of IPv{inside.version}, as {inside_key} is, so no rule accepts SSH",
            f"leave {sources} empty, or add an IPv{inside.version} network", warning=True,
        )  # fmt: skip
    yield from _gateway(answers, outside)
    yield from _pools(answers, outside)


_SPECIAL = {
    "0.0.0.0/8": "0.0.0.0 is no machine's address",
    "127.0.0.0/8": "127.0.0.0/8 is each host's loopback",
    "169.254.0.0/16": "169.254.0.0/16 is for addresses of a link, and instances have their metadata there",
    "224.0.0.0/3": "224.0.0.0 and above are addresses of groups, or reserved",
    "::/8": "::/8 has the loopback address, and is reserved",
    "fe80::/10": "fe80::/10 is for addresses of a link",
    "ff00::/8": "ff00::/8 has addresses of groups",
}
"""Networks that no machine can have an address in (RFC 6890), and the reason."""


def _special(network: IPNetwork) -> str:
    """Why no machine can be in the network; empty if that is not so."""
    own = ipaddress.ip_network(str(network))
    for text, why in _SPECIAL.items():
        other = ipaddress.ip_network(text)
        if own.version == other.version and own.overlaps(other):
            return why
    return ""


def _gateway(answers: Answers, outside: IPNetwork) -> Iterator[Problem]:
    from netaddr import IPAddress

    key = "CONFIG_PROVISION_DEMO_GATEWAY"
    if not answers[key]:
        return
    gateway = IPAddress(answers[key])
    if gateway not in outside or gateway == outside.network or gateway == outside.broadcast:
        yield problem(
            answers, key, "outside",
            f"must be an address of a machine in {outside}, which is CONFIG_PROVISION_DEMO_FLOATRANGE",
            f"{key}={outside[1]}, or leave it empty",
        )  # fmt: skip
    for host, host_key in _addresses(answers).items():
        if IPAddress(host) == gateway:
            yield problem(
                answers, key, "overlap", f"must be the address of a router, but {host} is the host of {host_key}",
                "name the router of the external network, or leave the key empty",
            )  # fmt: skip


def _or_none(text: str) -> IPNetwork | None:
    from netaddr import IPNetwork

    return IPNetwork(text) if text else None


def _addresses(answers: Answers) -> dict[str, str]:
    """The hosts that are given by address, and a key that names each."""
    keys = ("CONFIG_NETWORK_HOSTS", "CONFIG_COMPUTE_HOSTS", "CONFIG_CONTROLLER_HOST")
    values = {key: answers[key] if isinstance(answers[key], tuple) else (answers[key],) for key in keys}
    return {host: key for key, hosts in values.items() for host in hosts if is_address(host)}


def _overlapping(pools: list[tuple[IPAddress, IPAddress]]) -> set[int]:
    """The numbers of the pools that begin within another one."""
    found: set[int] = set()
    reach: IPAddress | None = None  # the last address of the pools so far
    for number in sorted(range(len(pools)), key=lambda n: pools[n]):
        first, last = pools[number]
        if reach is not None and first <= reach:
            found.add(number)
        reach = last if reach is None else max(reach, last)
    return found


def _pools(answers: Answers, outside: IPNetwork) -> Iterator[Problem]:
    from netaddr import IPAddress

    key = "CONFIG_PROVISION_DEMO_ALLOCATION_POOLS"
    own = "CONFIG_PROVISION_DEMO_GATEWAY"
    given = answers[own]
    gateway = IPAddress(given) if given else outside[1]
    hosts = {IPAddress(host): (host, host_key) for host, host_key in _addresses(answers).items()}
    ascending = sorted(hosts)
    pools = []
    for pool in answers[key]:
        ends = re.findall(r"[0-9A-Fa-f:.]+(?=,|$)", pool.replace("start=", "").replace("end=", ""))
        pools.append((IPAddress(ends[0]), IPAddress(ends[1])))
    if pools and sum(int(last) - int(first) + 1 for first, last in pools) < 2:
        yield problem(
            answers, key, "small", "must have at least 2 addresses: the router takes one, and an instance another",
            "make the pool longer",
        )  # fmt: skip
    overlapping = _overlapping(pools)
    for number, (first, last) in enumerate(pools):
        edges = (
            {IPAddress(outside.first), IPAddress(outside.last)} if outside.version == 4 and outside.size > 2 else set()
        )
        if first not in outside or last not in outside or edges & {first, last}:
            yield problem(
                answers, key, "outside", f"must be in {outside}, which is CONFIG_PROVISION_DEMO_FLOATRANGE",
                f"{first} to {last} is not in it, or begins or ends with the network's own address",
            )  # fmt: skip
        elif first <= gateway <= last:
            hint = "leave it out of the pools" if given else f"begin with {outside[2]}, or set {own} to another router"
            yield problem(
                answers, key, "overlap", f"must leave out {gateway}, the network's gateway", hint
            )  # fmt: skip
        if number in overlapping:
            yield problem(answers, key, "overlap", f"{first} to {last} overlaps another pool", "merge them")
        inside = slice(bisect.bisect_left(ascending, first), bisect.bisect_right(ascending, last))
        found = ascending[inside]
        del ascending[inside]  # each host is reported once
        for address in found:
            host, host_key = hosts[address]
            yield problem(
                answers, key, "overlap", f"it contains {host} of {host_key}",
                "remove it from the pool; otherwise an instance may get the host's address",
            )  # fmt: skip
