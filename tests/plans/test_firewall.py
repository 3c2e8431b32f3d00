"""The firewalls allow what the components of the plan need, and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

import golden
from golden import CASES, Case
from stackwright import answers, planner
from stackwright.model import ExitCode, Facts, StackwrightError, Upload
from stackwright.planner import firewall_policy
from stackwright.planner.firewall_policy import Opening
from stackwright.planner.steps import firewall_rules, package_cache
from stackwright.services import SERVICES, listening, options

SPOKEN = {
    5672: "rabbit://[^@]*@",
    5671: "rabbit://[^@]*@",
    3306: "mysql[^:]*://[^@]*@",
    11211: "",
    6641: "tcp:",
    6642: "tcp:",
}
"""Ports in a host's hieradata, and the text before the address."""

TUNNELS = {"Geneve", "VXLAN", "GRE"}
UNSPOKEN = {"VNC of instances", "libvirt", "migration", *TUNNELS, "iSCSI", "Swift storage", "rsync"}
"""Connections that are not in hieradata: hosts learn of them from the API, from OVN or from rings."""


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


def opened(case: Case) -> dict[str, tuple[Opening, ...]]:
    return firewall_policy.openings(planner.cloud(case.answers(), case.facts()))


def _addresses(case: Case) -> dict[str, str]:
    return {h.address: n for n, h in planner.cloud(case.answers(), case.facts()).hosts.items()}


def _spoken(case: Case) -> Iterator[tuple[str, str, int]]:
    """(source, destination, port) of every connection to another host that a host's settings contain."""
    addresses = _addresses(case)
    for who, run in golden.last_runs(case.plan()).items():
        text = run.manifest + run.hieradata
        for address, whom in addresses.items():
            at = rf"(?<![\d.]){re.escape(address)}(?![\d.])"
            for port, before in SPOKEN.items():
                tail = "" if port == 3306 else f":{port}"
                if whom != who and re.search(before + at + tail, text):
                    yield who, whom, port
            if whom != who and re.search(rf"metadata_host: '?\"?{at}", text):
                yield who, whom, 8775
            if whom != who and re.search(rf"cache_server_ip: [^\n]*{at}", text):
                yield who, whom, 11211
            if whom != who and re.search(rf"swift_rings::server: '?\"?{at}", text):
                yield who, whom, 873
            for found in re.finditer(rf"http://{at}:(\d+)", text):
                if whom != who:
                    yield who, whom, int(found[1])


def _lets_in(openings: tuple[Opening, ...], source: str, port: int) -> bool:
    return any(o.first <= port <= o.last and (not o.sources or source in o.sources) for o in openings)


def test_each_configured_connection_is_allowed(case: Case) -> None:
    rules, address = opened(case), {n: a for a, n in _addresses(case).items()}
    for who, whom, port in _spoken(case):
        assert _lets_in(rules[whom], address[who], port), f"{who} uses {whom} port {port}: blocked"


def test_the_search_finds_known_connections() -> None:
    """The test above would pass if the search found nothing."""
    found = {(w.partition(".")[0], v.partition(".")[0], p) for w, v, p in _spoken(CASES["roles-apart"])}
    assert {("control", "data", 3306), ("control", "data", 5672), ("compute1", "data", 5672)} <= found
    assert {("store", "data", 3306), ("compute1", "control", 6642), ("compute1", "control", 8775)} <= found
    assert ("compute1", "control", 5000) in found
    assert ("compute1", "data", 3306) not in found


def test_no_port_is_open_to_a_host_that_does_not_use_it(case: Case) -> None:
    hosts = planner.cloud(case.answers(), case.facts()).hosts
    spoken = {(who, whom, port) for who, whom, port in _spoken(case)}
    for whom, rules in opened(case).items():
        for opening in rules:
            tunnel = opening.what in TUNNELS
            assert opening.hosts != (whom,), "open to itself only"
            for who in set(opening.hosts) - {whom}:
                if opening.what not in UNSPOKEN:
                    assert (who, whom, opening.first) in spoken, f"{who} has no use for {opening} on {whom}"
            ends = {hosts[n].tunnel_address if tunnel else hosts[n].address for n in opening.hosts}
            assert set(opening.sources) == ends


def test_only_apis_consoles_dashboard_and_ssh_are_public(case: Case) -> None:
    public = {p.number for s in SERVICES for c in s.components for p in c.ports if p.public}
    assert not public & {3306, 5671, 5672, 11211, 6641, 6642, 8775, 5900, 16509, 3260, 6200, 873}
    placed = planner.place(case.answers(), SERVICES)
    for host, rules in opened(case).items():
        own = {p.number for c in placed[host] for p in listening(c, case.answers()) if p.public}
        assert {o.first for o in rules if not o.sources} == own | {22}


def test_hosts_of_one_class_have_the_same_rules() -> None:
    """Large clouds are planned by host class."""
    rules = opened(CASES["roles-apart"])
    one, other = (rules[f"{n}.lab.stackwright.test"] for n in ("compute1", "gpu-compute1"))
    assert one == other
    told = {o.told("compute1.lab.stackwright.test") for o in one}
    assert "tcp 49152-49215 migration: gpu-compute1.lab.stackwright.test" in told
    assert not [rule for rule in told if "libvirt" in rule], "libvirt is reached over SSH"


def test_a_single_host_opens_public_ports_only() -> None:
    (rules,) = opened(CASES["allinone"]).values()
    assert {o.sources for o in rules} == {()}


def test_every_private_port_is_used_by_a_component() -> None:
    """With a misspelt capability, the port would never be opened."""
    components = [c for s in SERVICES for c in s.components]
    used = {n for c in components for n in (*c.requires, *c.reaches)}
    there = {n for c in components for n in (*c.provides, *(p.capability for p in c.ports))}
    for component in components:
        for port in component.ports:
            if not port.public:
                assert ({port.capability} if port.capability else set(component.provides)) & used, component.name
        assert set(component.reaches) <= there, component.name


def _cloud(case: str, given: dict[str, str], facts: dict[str, Facts] | None = None) -> planner.Cloud:
    flags = {o.key: t for o in options().values() if (t := given.get(o.key)) is not None}
    files = [golden.FOLDER / "base.txt", CASES[case].folder / "answers.txt"]
    read = answers.read(files, flags, environ={}, local_host="198.18.0.10", remembered=golden.secrets())
    return planner.cloud(read, facts or CASES[case].facts())


def _of(openings: dict[str, tuple[Opening, ...]], host: str, what: str) -> list[Opening]:
    return [o for name, rules in openings.items() if name.startswith(host) for o in rules if o.what == what]


def test_an_excluded_host_keeps_its_access() -> None:
    """Packstack adds a host by excluding the others; these must keep working."""
    given = {"EXCLUDE_SERVERS": "compute1.lab.stackwright.test"}
    facts = {
        n: replace(f, resolves={**f.resolves, "compute1.lab.stackwright.test": ("127.0.1.1", "198.18.0.11")})
        for n, f in CASES["roles-apart"].facts().items()
    }
    (rule,) = _of(firewall_policy.openings(_cloud("roles-apart", given, facts)), "data", "AMQP")
    assert "compute1.lab.stackwright.test" in rule.hosts
    assert "198.18.0.11" in rule.sources
    with pytest.raises(StackwrightError, match="cannot resolve its name") as caught:
        firewall_policy.openings(_cloud("roles-apart", given))
    assert caught.value.code == ExitCode.PREFLIGHT


def test_tunnels_use_the_tunnel_addresses_of_each_host() -> None:
    facts = {}
    for number, (name, fact) in enumerate(sorted(CASES["three-hosts"].facts().items())):
        eth1 = replace(fact.interfaces[1], addresses=(f"198.18.9.{number + 1}/24",))
        facts[name] = replace(fact, interfaces=(fact.interfaces[0], eth1))
    given = {"CONFIG_NEUTRON_OVN_TUNNEL_IF": "eth1"}
    (rule,) = _of(firewall_policy.openings(_cloud("three-hosts", given, facts)), "compute", "Geneve")
    assert set(rule.sources) == {"198.18.9.1", "198.18.9.3"}, "compute and network, sorted by name"
    subnets = {"CONFIG_NEUTRON_OVN_TUNNEL_SUBNETS": "198.18.9.0/24,198.18.8.0/24"}
    (rule,) = _of(firewall_policy.openings(_cloud("three-hosts", subnets, facts)), "compute", "Geneve")
    assert set(rule.sources) == {"198.18.9.0/24", "198.18.8.0/24"}


def test_a_host_in_two_networks_is_allowed_from_both_addresses() -> None:
    facts = CASES["roles-apart"].facts()
    name = "control.lab.stackwright.test"
    other = replace(facts[name].interfaces[1], addresses=("198.18.0.77/24", "198.18.55.1/24", "fe80::1/64"))
    facts[name] = replace(facts[name], interfaces=(facts[name].interfaces[0], other))
    (rule,) = _of(firewall_policy.openings(_cloud("roles-apart", {}, facts)), "data", "MariaDB")
    assert {"198.18.0.10", "198.18.0.77"} <= set(rule.sources)
    assert "198.18.55.1" not in rule.sources


def test_ssh_is_open_on_its_own_ports_and_extra_ports_as_configured() -> None:
    facts = {n: replace(f, extra={**f.extra, "ssh-port": "2222 22022"}) for n, f in CASES["allinone"].facts().items()}
    (rules,) = firewall_policy.openings(
        _cloud("allinone", {"CONFIG_FIREWALL_PORTS": "9100,161/udp,8000-8010"}, facts)
    ).values()
    assert {(o.protocol, o.ports) for o in rules if o.what == "SSH"} == {("tcp", "2222"), ("tcp", "22022")}
    assert {(o.protocol, o.ports) for o in rules} >= {("tcp", "9100"), ("udp", "161"), ("tcp", "8000-8010")}
    assert not [o for o in rules if o.ports == "22"]


def test_ports_that_the_answers_do_not_need_stay_closed() -> None:
    lvm = _of(firewall_policy.openings(_cloud("roles-apart", {"CONFIG_CINDER_BACKEND": "lvm"})), "store", "iSCSI")
    ceph = firewall_policy.openings(_cloud("roles-apart", {"CONFIG_CINDER_BACKEND": "ceph"}))
    assert len(lvm) == 1
    assert _of(ceph, "store", "iSCSI") == []
    assert _of(ceph, "store", "Ceph monitor")
    gre = {"CONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES": "gre", "CONFIG_NEUTRON_ML2_TYPE_DRIVERS": "gre,flat"}
    rules = firewall_policy.openings(_cloud("openvswitch-three-hosts", gre))
    assert _of(rules, "compute", "VXLAN") == []
    assert [o.protocol for o in _of(rules, "compute", "GRE")] == ["gre"]
    moved = firewall_policy.openings(_cloud("openvswitch-three-hosts", {"CONFIG_NEUTRON_OVS_VXLAN_UDP_PORT": "8472"}))
    assert [o.first for o in _of(moved, "compute", "VXLAN")] == [8472]


def test_without_a_firewall_old_rules_are_removed() -> None:
    whole = _cloud("allinone", {"CONFIG_FIREWALL": "n"})
    assert firewall_policy.openings(whole) == {}
    plan = planner.plan(whole)
    (step,) = [s for s in plan.steps if s.id.endswith(":firewall")]
    assert not [a for a in step.actions if isinstance(a, Upload)]
    assert "disable" in step.actions[0].script  # type: ignore[union-attr]


def test_a_new_host_changes_the_firewalls_but_no_catalog_of_the_others() -> None:
    """Their Puppet runs are skipped: their digests do not contain the new host."""
    joined = {"CONFIG_COMPUTE_HOSTS": "compute1.lab.stackwright.test"}
    few = _cloud("roles-apart", joined)
    before = planner.plan(few).digests()
    after = CASES["roles-apart"].plan().digests()
    changed = {s for s, digest in before.items() if after[s] != digest}
    names = {s.partition(":")[0].partition(".")[0] for s in changed if s.endswith(":firewall")}
    assert names == {"compute1", "control", "data", "store"}
    others = {s for s in changed if not s.endswith(":firewall") and not s.startswith("compute1")}
    assert others == set()


def test_ipv4_and_ipv6_addresses() -> None:
    openings = (
        Opening("tcp", 5672, 5672, "AMQP", ("a", "b"), ("198.18.0.11", "fd00:18::11", "198.18.0.10")),
        Opening("udp", 6081, 6081, "Geneve", (), ("198.18.8.0/24", "198.18.0.0/16")),
        Opening("gre", 0, 0, "GRE", ("a",), ("198.18.0.11",)),
        Opening("tcp", 80, 80, "dashboard"),
    )
    rules = firewall_rules.nftables(openings)
    for line in (
        'ip saddr { 198.18.0.10, 198.18.0.11 } tcp dport 5672 accept comment "AMQP"',
        'ip6 saddr { fd00:18::11 } tcp dport 5672 accept comment "AMQP"',
        'ip saddr { 198.18.0.0/16 } udp dport 6081 accept comment "Geneve"',
        'ip saddr { 198.18.0.11 } meta l4proto gre accept comment "GRE"',
        'tcp dport 80 accept comment "dashboard"',
    ):
        assert f"\t\t{line}\n" in rules
    policy = firewall_rules.firewalld(openings)
    assert (
        '<rule family="ipv6"><source address="fd00:18::11"/><port port="5672" protocol="tcp"/><accept/></rule>'
        in policy
    )
    assert '<source address="198.18.0.11"/><protocol value="gre"/><accept/>' in policy
    assert '\n  <port port="80" protocol="tcp"/>\n' in policy


def test_instances_do_not_reach_other_hosts_under_the_address_of_their_gateway() -> None:
    """Where the external bridge has no interface, its host masquerades, and the others trust that host's address."""
    case = CASES["three-hosts"]
    whole = planner.cloud(case.answers(), case.facts())
    opened = firewall_policy.openings(whole)
    guards = {name: firewall_policy.guard(whole, host, opened) for name, host in whole.hosts.items()}
    ((name, guard),) = ((n, g) for n, g in guards.items() if g)
    assert guard.bridges == ("br-ex",)
    others = {address for n, h in whole.hosts.items() if n != name for address in package_cache.addresses(h)}
    assert set(guard.hosts) == others
    public = {(o.protocol, o.first) for o in guard.public}
    assert ("tcp", 5000) in public
    assert not public & {("tcp", port) for port in (22, 3306, 5672, 5900, 6642, 11211)}
    rules = firewall_rules.nftables(opened[name], guard)
    forward = rules[rules.index("chain forward") :]
    assert 'iifname != { "br-ex" } accept\n\t\toifname { "br-ex" } accept\n' in forward
    allowed, dropped = (re.findall(rf"ip daddr {{ ([^}}]+) }} {end}", forward) for end in (r"tcp dport", "drop"))
    assert allowed == dropped
    assert set(dropped[0].split(", ")) == others
    policy = firewall_rules.firewalld_forward(guard.networks, guard)
    for address in others:
        way = f'<source address="{guard.networks[0]}"/><destination address="{address}"/>'
        accept, drop = (
            f'priority="-20">{way}<port port="5000" protocol="tcp"/><accept/>',
            f'priority="-19">{way}<drop/>',
        )
        assert accept in policy
        assert drop in policy
    assert firewall_rules.nftables(opened[name]) != rules, "a table without the guard is replaced"
    both = replace(guard, hosts=("198.18.0.11", "fd00::11"))
    assert "ip6 daddr { fd00::11 } drop" in firewall_rules.nftables((), both)
    single = CASES["allinone"]
    alone = planner.cloud(single.answers(), single.facts())
    assert [firewall_policy.guard(alone, h, firewall_policy.openings(alone)) for h in alone.hosts.values()] == [None]


def test_nor_do_they_reach_hosts_that_this_run_leaves_alone() -> None:
    """Those are part of the cloud, so they trust the gateway's address as well."""
    made = CASES["three-hosts"]
    whole = planner.cloud(made.answers(), made.facts())
    (gateway,) = (h for h in whole.hosts.values() if any(b.network for b in h.bridges))
    complete = firewall_policy.guard(whole, gateway, firewall_policy.openings(whole))
    others = tuple(name for name in whole.hosts if name != gateway.name)
    for excluded in (others, others[:1], others[1:]):
        answers = made.answers().with_value("EXCLUDE_SERVERS", excluded)
        known = {name: (whole.hosts[name].address,) for name in excluded}
        facts = {name: replace(f, resolves=known) for name, f in made.facts().items() if name not in excluded}
        part = planner.cloud(answers, facts)
        assert set(part.hosts) == set(whole.hosts) - {*excluded}
        assert firewall_policy.guard(part, part.hosts[gateway.name], firewall_policy.openings(part)) == complete


def test_the_plan_lists_the_open_ports(case: Case) -> None:
    ports = case.plan().summary["ports"]
    assert set(ports) == set(case.plan().hosts)
    assert all("tcp 22 SSH: everyone" in lines for lines in ports.values())
    assert json.dumps(ports)
