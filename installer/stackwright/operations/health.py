"""The health of a cloud's hosts: lease, running steps, and whether each component answers its probe. Read-only."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from stackwright import executor, shell
from stackwright.model import Plan, Probe, StackwrightError
from stackwright.shell import Raw
from stackwright.ssh import Connection
from stackwright.ssh import parallel as side_by_side
from stackwright.state.journal import Journal, Record
from stackwright.state.snapshots import StepSnapshot

_EACH = 20
"""Seconds that one probe may take; probes run in parallel."""

_PATIENCE = (0, 2, 4)
"""Seconds before each attempt of a probe whose failure would repeat steps: a service may just be restarting."""


@dataclass(frozen=True)
class Component:
    """A component and the result of its probe. `works` is None if it has no probe and was only installed."""

    name: str
    works: bool | None
    said: str = ""


@dataclass(frozen=True)
class StepStatus:
    """A step of the last plan: done, failed, or not started yet. Times are in seconds since the epoch."""

    step: str
    title: str
    state: str
    at: float = 0.0
    cause: str = ""


@dataclass(frozen=True)
class HostStatus:
    """The status of one host. Its own data is empty if it was not asked, or if it does not answer (`problem`)."""

    host: str
    steps: tuple[StepStatus, ...]
    components: tuple[Component, ...] = ()
    held_by: str = ""
    running: tuple[executor.RemoteRun, ...] = ()
    problem: str = ""
    asked: bool = False

    @property
    def healthy(self) -> bool:
        """Whether all its steps are done, and no probe failed."""
        return (
            not self.problem
            and all(step.state == "done" for step in self.steps)
            and all(component.works is not False for component in self.components)
        )


def recorded(journal: Journal, snapshots: Iterable[StepSnapshot], digests: Mapping[str, str]) -> dict[str, HostStatus]:
    """The recorded status, by host. `snapshots` are those of the last plan, `digests` those of its steps. Components
    are those of successful Puppet runs."""
    steps: dict[str, list[StepStatus]] = {}
    components: dict[str, dict[str, None]] = {}
    for one in snapshots:
        last = journal.last(one.step)
        steps.setdefault(one.host, []).append(_step(one, last, digests.get(one.step, "")))
        if journal.last_ok(one.step):
            components.setdefault(one.host, {}).update(dict.fromkeys(one.components))
    return {
        host: HostStatus(host, tuple(found), tuple(Component(c, None) for c in components.get(host, ())))
        for host, found in steps.items()
    }


def _step(one: StepSnapshot, last: Record | None, digest: str) -> StepStatus:
    if last is None or (last.ok and last.digest != digest):
        return StepStatus(one.step, one.title, "waiting")
    if last.ok:
        return StepStatus(one.step, one.title, "done", last.at)
    return StepStatus(one.step, one.title, "failed", last.at, str(last.data.get("cause", "")))


def ask(
    known: Mapping[str, HostStatus],
    snapshots: Iterable[StepSnapshot],
    connect: Callable[[str], Connection],
    parallel: int = 32,
) -> list[HostStatus]:
    """Adds the data that the hosts report, all in parallel; for a host that does not answer, the reason."""
    probes: dict[str, dict[str, str]] = {}
    for one in snapshots:
        probes.setdefault(one.host, {}).update(dict(one.probes))

    def one_host(status: HostStatus) -> HostStatus:
        wanted = {c.name: probes.get(status.host, {}).get(c.name, "") for c in status.components}
        try:
            return _ask(status, wanted, connect(status.host))
        except StackwrightError as error:
            return HostStatus(status.host, status.steps, status.components, problem=error.message, asked=True)

    return list(side_by_side.map(known, lambda host: one_host(known[host]), parallel).values())


def _ask(known: HostStatus, probes: Mapping[str, str], connection: Connection) -> HostStatus:
    state = executor.host_state(connection)
    said = _answers({name: script for name, script in probes.items() if script}, connection)
    components = []
    for one in known.components:
        works, reason = said.get(one.name, (None, ""))
        if works is None and probes.get(one.name):
            works, reason = False, "its probe reported nothing"
        components.append(Component(one.name, works, reason))
    running = tuple(run for run in state.runs if run.state == "running")
    return HostStatus(known.host, known.steps, tuple(components), state.held_by, running, asked=True)


def _answers(
    probes: Mapping[str, str], connection: Connection, pauses: Iterable[int] = (0,)
) -> dict[str, tuple[bool, str]]:
    """By name: whether the probe passed, or the reason. A probe is tried after each of the pauses until it passes."""
    if not probes:
        return {}
    names = list(probes)
    calls = [f"ask {n} {shlex.quote(probes[name])} &" for n, name in enumerate(names)]
    script = shell.fill(
        "operations/health.sh", EACH=_EACH, PAUSES=[str(p) for p in pauses], PROBES=Raw("\n".join(calls))
    )
    said: dict[str, tuple[bool, str]] = {}
    numbers = {str(n) for n in range(len(names))}
    for line in connection.run(script, timeout=_EACH * 3 + 60).out.splitlines():
        words = line.split(maxsplit=3)
        if words[:1] == ["probe"] and len(words) > 2 and words[1] in numbers:
            reason = words[3][:1000] if len(words) > 3 else f"exit status {words[2]}"
            reason = f"no answer within {_EACH} s" if words[2] == "124" else reason
            said[names[int(words[1])]] = (words[2] == "0", "" if words[2] == "0" else reason)
    return said


# --------------------------------------------------------------------------------------------- steps to repeat


def packages_due(plan: Plan, journal: Journal, new_hosts: Collection[str]) -> tuple[str, ...]:
    """The hosts that still need packages; the packages are checked only for them. Hosts in `new_hosts` need all."""
    digests = plan.digests()
    steps = (s for s in plan.steps if s.id == f"{s.host}:packages")
    return tuple(s.host for s in steps if s.host in new_hosts or not journal.done(s.id, digests[s.id]))


def unhealthy(
    plan: Plan, journal: Journal, connect: Callable[[str], Connection], parallel: int = 32
) -> dict[str, tuple[str, ...]]:
    """Finished steps whose components are unhealthy now: reasons by step. Each host is asked once, all in parallel."""
    digests = plan.digests()
    asked: dict[str, dict[tuple[str, str], str]] = {}
    for step in plan.steps:
        if journal.done(step.id, digests[step.id]):
            for probe in step.actions:
                # A probe is an argument on its host.
                if isinstance(probe, Probe) and not any(secret in probe.script for secret in plan.secrets):
                    asked.setdefault(step.host, {})[step.id, probe.capability] = probe.script

    def one_host(host: str) -> dict[str, list[str]]:
        names = {f"{step} {capability}": (step, capability) for step, capability in asked[host]}
        found: dict[str, list[str]] = {}
        try:
            said = _answers({n: asked[host][key] for n, key in names.items()}, connect(host), _PATIENCE)
        except StackwrightError as error:
            return {step: [error.message] for step, _ in asked[host]}
        for name, (works, reason) in said.items():
            if not works:
                step, capability = names[name]
                found.setdefault(step, []).append(f"{capability}: {reason}")
        return found

    told = side_by_side.map(asked, one_host, parallel)
    return {step: tuple(why) for found in told.values() for step, why in found.items()}
