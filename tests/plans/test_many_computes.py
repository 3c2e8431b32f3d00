"""Many compute hosts: what is rendered once for all of them, and what a host waits for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest

import golden
from golden import CASES, FOLDER
from stackwright import answers, planner
from stackwright.model import Action, Answers, Facts, Plan, Probe
from stackwright.planner import render, topology
from stackwright.planner.host_classes import HostClasses
from stackwright.planner.render import Placeholder
from stackwright.planner.topology import Host
from stackwright.platforms import by_id

DEBIAN = by_id("debian-12")
AGENTS = {"ovn": "three-hosts", "openvswitch": "openvswitch-three-hosts", "linuxbridge": "linuxbridge"}


def cloud(agent: str, computes: int) -> tuple[Answers, dict[str, Facts]]:
    """A golden case with this number of compute hosts: every third without KVM, one with an IPv6 address."""
    case = CASES[AGENTS[agent]]
    names = [f"c{number}.example.org" for number in range(computes)]
    files = [FOLDER / "base.txt", case.folder / "answers.txt"]
    flags = {"CONFIG_COMPUTE_HOSTS": ",".join(names)}
    given = answers.read(files, flags, environ={}, local_host="198.18.0.10", remembered=golden.secrets())
    facts = case.facts()
    first = next(iter(facts.values()))
    for number, name in enumerate(names):
        address = "2001:db8::9" if number == 8 else f"198.18.1.{number}"
        facts[name] = replace(
            first, host=name, hostname=f"c{number}", fqdn=name, address=address, kvm=number % 3 != 0, container=False
        )
    return given, facts


@cache
def plan(agent: str, computes: int) -> Plan:
    return planner.plan(planner.cloud(*cloud(agent, computes)))


@pytest.mark.parametrize("agent", AGENTS)
def test_each_host_gets_what_it_would_get_alone(agent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    together = plan(agent, 10)

    def alone(_: HostClasses, host: Host, __: object, make: Callable[[Host], tuple[Action, ...]]) -> tuple[Action, ...]:
        return make(host)

    monkeypatch.setattr(HostClasses, "actions", alone)
    whole = planner.cloud(*cloud(agent, 10))
    assert planner.plan(whole) == together
    runs = golden.last_runs(together)
    assert not any("\0" in run.manifest + run.hieradata or "\\u0000" in run.hieradata for run in runs.values())
    for number in range(10):
        name = f"c{number}.example.org"
        assert [host for host, run in runs.items() if f'"{name}"' in run.hieradata] == [name]
        listens = whole.hosts[name].address
        assert f'nova::compute::libvirt::vncserver_listen: "{listens}"' in runs[name].hieradata


@pytest.mark.parametrize("agent", AGENTS)
def test_a_host_class_is_rendered_once_for_any_number_of_hosts(agent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[str, ...]] = []
    original = render.catalog

    def counted(components: list[str], context: dict[str, object]) -> render.Rendered:
        made.append(tuple(components))
        return original(components, context)

    monkeypatch.setattr(render, "catalog", counted)
    counts = []
    for computes in (12, 24):
        made.clear()
        planner.plan(planner.cloud(*cloud(agent, computes)))
        counts.append(len(made))
    assert counts[0] == counts[1] < 12


def compute_hosts() -> list[Host]:
    given, facts = cloud("ovn", 4)
    whole = topology.build(given, facts, dict.fromkeys(facts, ()), dict.fromkeys(facts, DEBIAN), DEBIAN.default_release)
    hosts = [whole.hosts[f"c{number}.example.org"] for number in (1, 2)]
    assert len({host.kind for host in hosts}) == 1
    return hosts


def test_a_template_that_inspects_a_hosts_own_value_is_rendered_for_each_host() -> None:
    def make(host: Host) -> tuple[Action, ...]:
        return (Probe("there", render.text("{{ host.name | upper }}", {"host": host})),)

    classes = HostClasses()
    made = [classes.actions(host, "probe", make) for host in compute_hosts()]
    assert made == [(Probe("there", "C1.EXAMPLE.ORG"),), (Probe("there", "C2.EXAMPLE.ORG"),)]


@pytest.mark.parametrize("error", [TypeError("a fault"), KeyError("CONFIG_NOSUCH"), render.RenderError("a fault")])
def test_an_error_in_a_shared_template_is_not_swallowed(error: Exception) -> None:
    def make(host: Host) -> tuple[Action, ...]:
        if isinstance(host.name, Placeholder):
            raise error
        return ()

    first, second = compute_hosts()
    classes = HostClasses()
    assert classes.actions(first, "probe", make) == ()
    with pytest.raises(type(error)):
        classes.actions(second, "probe", make)


@pytest.mark.parametrize("agent", AGENTS)
def test_a_compute_host_has_one_puppet_run_and_waits_for_no_other_compute_host(agent: str) -> None:
    by_id = {s.id: s for s in plan(agent, 6).steps}

    def needed(step_id: str) -> set[str]:
        return {step_id}.union(*(needed(n) for n in by_id[step_id].needs))

    for number in range(6):
        name = f"c{number}.example.org"
        assert [i for i in by_id if i.startswith(f"{name}:puppet")] == [f"{name}:puppet-0"]
        waited_for = {by_id[i].host for i in needed(f"{name}:puppet-0")}
        assert not {h for h in waited_for - {name} if h.startswith("c") and h.endswith(".example.org")}


@pytest.mark.parametrize("agent", AGENTS)
def test_the_number_of_edges_grows_linearly_with_hosts(agent: str) -> None:
    edges = [sum(len(s.needs) for s in plan(agent, computes).steps) for computes in (6, 12, 24)]
    assert edges[2] - edges[1] == 2 * (edges[1] - edges[0])


def test_hosts_that_others_wait_for_come_first() -> None:
    """The executor starts steps in the plan's order."""
    hosts = list(dict.fromkeys(s.host for s in plan("ovn", 6).steps))
    assert hosts[:2] == ["control.lab.stackwright.test", "network.lab.stackwright.test"]
    assert hosts[2:] == [f"c{number}.example.org" for number in range(6)]


def test_an_upload_for_every_host_is_one_object() -> None:
    uploads = [s.actions[0] for s in plan("ovn", 6).steps if s.id.endswith(":module")]
    assert len(uploads) == 8
    assert len({id(upload) for upload in uploads}) == 1


def test_swift_devices_are_on_their_hosts_and_zones_rotate() -> None:
    given, facts = cloud("ovn", 3)
    storages = (("c0.example.org", "/dev/sdb"), ("c2.example.org", "/dev/sdb"), ("c0.example.org", "/dev/sdc"))
    changed = {**given, "CONFIG_SWIFT_STORAGES": storages, "CONFIG_SWIFT_STORAGE_ZONES": 2}
    whole = topology.build(
        changed, facts, dict.fromkeys(facts, ()), dict.fromkeys(facts, DEBIAN), DEBIAN.default_release
    )
    found = {h: [(d.at, d.device, d.zone) for d in host.swift_devices] for h, host in whole.hosts.items()}
    assert {h: devices for h, devices in found.items() if devices} == {
        "c0.example.org": [("198.18.1.0", "/dev/sdb", 1), ("198.18.1.0", "/dev/sdc", 1)],
        "c2.example.org": [("198.18.1.2", "/dev/sdb", 2)],
    }
