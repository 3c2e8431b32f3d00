"""What one gets from a plan, and what it costs: services, networks, URLs, download, disk, memory and time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stackwright import planner, preflight, services
from stackwright.model import PuppetApply
from stackwright.state import journal

if TYPE_CHECKING:
    from stackwright.model import Plan, Step
    from stackwright.operations.context import RunContext

_PER_PACKAGE, _PER_COMPONENT, _VERIFICATION = 2.2, 9.0, 75.0
"""Seconds on a node with two processors: of a named package with what it needs, of a component that Puppet configures,
and of the verification. tests/data/recorded-run is the run that they come from."""

_INNER = frozenset({"general", "ssl", "packages", "options"})
"""Services of ours that are no service of OpenStack."""


@dataclass(frozen=True)
class Need:
    """What a host needs, in bytes; the same estimates as in the checks."""

    memory: int
    download: int
    packages: int
    data: int


@dataclass(frozen=True)
class Expectation:
    """What a plan leads to. `seconds` is for the steps that are not done yet, with the verification; `measured` says
    that all of them ran here before."""

    services: tuple[str, ...]
    networks: tuple[str, ...]
    dashboard: str
    endpoints: Mapping[str, str]
    hosts: Mapping[str, Need]
    seconds: float
    measured: bool


def expectation(run: RunContext, sizes: Mapping[str, tuple[int, int, int]] | None = None) -> Expectation:
    """What the plan of a run leads to. `sizes` are what package managers say of their hosts (see
    `preflight.parse_package_sizes`); the others are estimated. Raises StackwrightError where there is no plan."""
    plan, placed = run.plan, run.cloud.placement
    names = {c.name for components in placed.values() for c in components}
    seconds, measured = _time(plan, run)
    workers = int(run.answers["CONFIG_SERVICE_WORKERS"]) or 2
    return Expectation(
        tuple(
            s.name for s in services.all_services() if s.name not in _INNER and names & {c.name for c in s.components}
        ),
        _networks(run),
        str(plan.summary.get("dashboard", "")),
        dict(plan.summary.get("endpoints", {})),
        {
            host: _need({c.name for c in components}, workers, (sizes or {}).get(host))
            for host, components in placed.items()
        },
        seconds,
        measured,
    )


def _need(components: set[str], workers: int, size: tuple[int, int, int] | None) -> Need:
    packages, data = preflight.estimate_disk(components)
    memory, download = preflight.estimate_memory(components, workers), preflight.estimate_download(components)
    return Need(memory, download, packages, data) if size is None else Need(memory, size[1], size[2], data)


def _networks(run: RunContext) -> tuple[str, ...]:
    answers = run.answers
    if not answers["CONFIG_PROVISION_DEMO"] or not run.cloud.has("neutron-server"):
        return ()
    return (
        f"private {answers['CONFIG_PROVISION_DEMO_PRIVATE_SUBNET']}",
        f"public {answers['CONFIG_PROVISION_DEMO_FLOATRANGE']} (floating addresses)",
    )


def _time(plan: Plan, run: RunContext) -> tuple[float, bool]:
    """Seconds for what is not done yet, and whether all of it ran before. Hosts work at the same time; the steps of a
    host are added up, which is too much for those that run beside each other."""
    digests, by_host, measured = plan.digests(), dict.fromkeys(plan.hosts, 0.0), True
    with journal.open_journal(run.state.folder, exclusive=False) as kept:
        for step in plan.steps:
            if kept.done(step.id, digests[step.id]):
                continue
            before = kept.estimate(step.id)
            measured = measured and before is not None
            by_host[step.host] = by_host.get(step.host, 0.0) + (_guess(step, run) if before is None else before)
    longest = max(by_host.values(), default=0.0)
    return (longest + _VERIFICATION if longest else 0.0), measured


def _guess(step: Step, run: RunContext) -> float:
    if step.id == f"{step.host}:packages":
        return _PER_PACKAGE * len(planner.packages(run.cloud, run.cloud.hosts[step.host]))
    components = sum(len(action.components) for action in step.actions if isinstance(action, PuppetApply))
    return _PER_COMPONENT * components or 1.0
