"""Installs or updates a cloud: carries a plan out with its journal, verifies, and records what was installed."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackwright import __version__, executor, lock, report
from stackwright import answers as answer_files
from stackwright import verify as verify_result
from stackwright.model import Answers, Event, ExitCode, Plan, Problem, StackwrightError, Step
from stackwright.operations import bundle, changes, clouds, health, inspection, verify
from stackwright.operations import lock as lock_operations
from stackwright.operations.context import RunContext
from stackwright.operations.options import ApplyOptions, CheckOptions, Console
from stackwright.output import live, text
from stackwright.planner.steps import credentials
from stackwright.services import all_components, all_services
from stackwright.ssh import parallel as side_by_side
from stackwright.ssh.pool import Hosts
from stackwright.state import directory, journal, snapshots

if TYPE_CHECKING:
    from stackwright.answers.changes import ChangedAnswer
    from stackwright.planner.topology import Cloud


def about(
    whole: Cloud, plan: Plan, warnings: Iterable[Problem] = (), clock: report.Clock | None = None
) -> dict[str, Any]:
    """What a run's record begins with: what is known before the first step, without secrets."""
    service = {c.name: s.name for s in all_services() for c in s.components}
    clock = clock or report.Clock()
    hosts = {}
    for name, host in whole.hosts.items():
        services: dict[str, list[str]] = {}
        for component in whole.placement[name]:
            services.setdefault(service[component.name], []).append(component.name)
        fact = host.facts
        bridges = [
            f"{b.name}: " + (b.network or f"interface {', '.join(b.interfaces)}")
            for b in host.bridges
            if b.network or b.interfaces
        ]
        hosts[name] = {
            "fqdn": host.fqdn,
            "address": host.address,
            "services": services,
            "bridges": bridges,
            "about": [
                fact.os_name,
                *([f"instances: {host.choices.virt_type}"] if "nova-compute" in services.get("nova", ()) else []),
            ],
            "os": fact.os_name,
            "arch": fact.arch,
            "kernel": fact.kernel,
            "cpus": fact.cpus,
            "memory": fact.memory,
            "virtualization": fact.virtualization,
            "selinux": fact.selinux,
            "more": [
                f"Python {fact.python}" if fact.python else "no Python",
                *([f"package sources: {', '.join(fact.repositories)}"] if fact.repositories else []),
            ],
        }
    steps = [{"id": s.id, "host": s.host, "title": s.title, "needs": [*s.needs, *s.after]} for s in plan.steps]
    digest = hashlib.sha256("".join(plan.digests().values()).encode()).hexdigest()
    made: dict[str, Any] = executor.redactor(plan.secrets)(
        {
            "version": __version__,
            "control": f"Python {platform.python_version()}, {platform.system()} {platform.release()}",
            "began": clock.began,
            "before": clock.spans,
            "digest": digest[:16],
            "steps": steps,
            "hosts": hosts,
            "summary": dict(plan.summary),
            "warnings": [_brief(p) for p in warnings],
            "answers": answer_files.public(whole.answers),
        }
    )
    return made


def _brief(problem: Problem) -> str:
    """A problem in one line, for the report: of a host, or of an answer."""
    about_answer = f"; {problem.wanted}" if problem.where else ""
    return f"{problem.host or problem.where}: {problem.seen}{about_answer}" + (
        f" ({problem.hint})" if problem.hint else ""
    )


@dataclass
class Applied:
    """What came of carrying out a plan."""

    outcome: executor.Outcome
    plan: Plan
    log: Path
    report: Path | None
    """The page about it; None where it could not be written."""


def apply(
    plan: Plan,
    hosts: Hosts,
    state: directory.StateDir,
    emit: Callable[[Event], None],
    *,
    about: Mapping[str, Any],
    again: bool = False,
    parallel: int = 500,
    timeout: float | None = None,
    new_hosts: Collection[str] = (),
    answers: Answers | None = None,
) -> Applied:
    """Carries out a plan with its journal; everything that the hosts say goes into the run's log. What happens is
    recorded beside it, after `about`; the report is made of that, however the run ends. `answers` are kept, so that
    the next run knows what changed.

    What the journal calls done is looked after first: on `new_hosts` nothing counts as done, and steps whose
    components do not do their work are done again."""
    logs = state.make() / "logs"
    logs.mkdir(mode=0o700, exist_ok=True)
    stamp, number = time.strftime("%Y%m%d-%H%M%S"), 1
    path = logs / f"{stamp}.log"
    while path.exists():  # two runs within one second
        number += 1
        path = logs / f"{stamp}-{number}.log"
    with _log(path) as log, journal.open_journal(state.folder) as kept:
        kept.lose(new_hosts)
        if answers is not None:
            changes.begin(answers, state, kept)
        snapshots.keep(state, plan, kept, _snapshot_maker(plan, state))
        take = report.begin(path, about)
        tell = live.both(emit, take)
        if not again:
            _look_after(plan, hosts, kept, tell)
        try:
            outcome = executor.run(
                plan,
                hosts.connect,
                kept,
                tell,
                parallel=parallel,
                per_host=2,
                again=again,
                timeout=timeout,
                log=log,
            )
        except StackwrightError as error:
            if error.code == ExitCode.BUSY:
                report.discard(path)  # nothing was changed
            else:
                take(Event("note", time.time(), message=error.message))
                report.refresh(state)
            raise
        if answers is not None and outcome.ok:
            changes.finish(plan, state)
    return Applied(outcome, plan, path, report.refresh(state))


def packages_due(plan: Plan, state: directory.StateDir, new_hosts: Collection[str]) -> tuple[str, ...]:
    """The hosts that are still to get packages; those in `new_hosts` are among them."""
    with journal.open_journal(state.folder, exclusive=False) as kept:
        return health.packages_due(plan, kept, new_hosts)


def _look_after(plan: Plan, hosts: Hosts, kept: journal.Journal, tell: Callable[[Event], None]) -> None:
    """Makes the journal forget what does not work any more."""
    for name, why in health.unhealthy(plan, kept, hosts.connect).items():
        (step,) = (s for s in plan.steps if s.id == name)
        told = f"{step.title}: done again, because this does not do its work: {'; '.join(why)}"
        tell(Event("note", time.time(), host=step.host, message=executor.redactor(plan.secrets)(told)))
        kept.forget(name)


@contextlib.contextmanager
def _log(path: Path) -> Iterator[Callable[[str, str], None]]:
    """A run's log (0600). A full disk ends the log and nothing else: the hosts' work does not depend on it."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(step: str, line: str) -> None:
        with contextlib.suppress(OSError):
            os.write(handle, f"{time.strftime('%H:%M:%S')} {step}: {line}\n".encode())

    try:
        yield write
    finally:
        os.close(handle)


def difference(plan: Plan, state: directory.StateDir, new_hosts: Collection[str] = ()) -> snapshots.Difference:
    """What carrying out the plan would do, against what was applied last; on `new_hosts` nothing was. It asks
    no host and changes nothing."""
    with journal.open_journal(state.folder, exclusive=False) as kept:
        kept.lose(new_hosts)
        return snapshots.difference(plan, kept, snapshots.load(state), _snapshot_maker(plan, state))


def _snapshot_maker(plan: Plan, state: directory.StateDir) -> Callable[[Step], snapshots.StepSnapshot]:
    """Makes snapshots of the plan's steps, without secrets."""
    first = {c.name: (c.provides or (c.name,))[0] for c in all_components()}
    seal = snapshots.secret_masker(state, executor.replacer(plan.secrets))

    def component_of(capability: str, components: Iterable[str]) -> str:
        return next((name for name in components if first.get(name) == capability), capability)

    return lambda step: snapshots.snapshot(step, seal, component_of)


def write_credentials(whole: Cloud, state: directory.StateDir) -> list[Path]:
    """keystonerc files and clouds.yaml on this machine too, in the cloud's private folder."""
    if not whole.has("keystone"):
        return []
    return [state.write(name, text) for name, text in credentials.files(whole.answers, whole.url("keystone")).items()]


# ---------------------------------------------------------------------------------------------------- a whole command


@dataclass(frozen=True)
class Preview:
    """A plan, and what carrying it out would change."""

    run: RunContext
    difference: snapshots.Difference
    answers: tuple[ChangedAnswer, ...] = ()
    """The answers that changed since the last run."""


def preview(
    reading: answer_files.Reading, hosts: Hosts, state: directory.StateDir, options: CheckOptions, console: Console
) -> Preview:
    """Plans, and compares with what was applied last; changes nothing. Raises StackwrightError."""
    found = inspection.inspect(reading, hosts, state, options, report.Clock(), console)
    run = found.run
    return Preview(run, difference(run.plan, state, _reinstalled(run, console)), found.changed)


@dataclass(frozen=True)
class Installed:
    """What came of installing or updating a cloud."""

    run: RunContext
    code: ExitCode
    applied: Applied
    files: tuple[Path, ...] = ()
    """What was written on this machine: credentials and the lock."""
    verified: bool = False
    verdict: str = ""
    """What the verification found, where it failed."""
    answer_files: tuple[Path, ...] = ()
    changed: tuple[ChangedAnswer, ...] = ()
    """The answers that changed since the last run that finished."""


def first_instance(run: RunContext) -> tuple[str, str] | None:
    """Image and user of an instance that the demo project can boot; None where it cannot."""
    answers, cloud = run.answers, run.cloud
    if not (answers["CONFIG_PROVISION_DEMO"] and cloud.has("nova-compute") and cloud.has("clients")):
        return None
    return str(answers["CONFIG_PROVISION_IMAGE_NAME"]), verify.image_user(cloud)


def install(
    reading: answer_files.Reading, hosts: Hosts, state: directory.StateDir, options: ApplyOptions, console: Console
) -> Installed | Preview:
    """Installs or updates a cloud, and verifies it; with `dry_run` it only plans. Raises StackwrightError for what is
    in the way before anything was changed; a step that failed is no exception."""
    clock = report.Clock()
    inspected = inspection.inspect(reading, hosts, state, options.check, clock, console)
    run, warnings = inspected.run, inspected.warnings
    with clock.part("plan"):
        plan = run.plan
    new_hosts = _reinstalled(run, console)
    # It takes a host seconds, also where there is nothing to get.
    if due := plan.hosts if options.again else packages_due(plan, state, new_hosts):
        warnings += inspection.check_packages(run, clock, console, due)
    if options.dry_run:
        return Preview(run, difference(plan, state, new_hosts), inspected.changed)
    if inspected.changed:
        console.note(text.changed(inspected.changed))
    bundle.keep_facts(state, run.facts)
    clouds.remember(state, (document.name for document in reading.documents), str(plan.summary.get("dashboard", "")))
    with live.Screen(kind="json" if console.as_json else None) as screen:
        applied = apply(
            plan,
            hosts,
            state,
            screen,
            about=about(run.cloud, plan, warnings, clock),
            again=options.again,
            parallel=options.parallel,
            timeout=options.timeout,
            new_hosts=new_hosts,
            answers=run.answers,
        )
    if not applied.outcome.ok:
        return Installed(run, applied.outcome.code, applied, changed=inspected.changed)
    hosts.remember()
    files = write_credentials(run.cloud, state)
    code, verdict = ExitCode.OK, ""
    # Beside the verification, which waits most of its time.
    taken = side_by_side.start(lambda: lock_operations.take(run.cloud, hosts, since=clock.began))
    if options.verify and (applied.outcome.done or not verify.still_holds(plan, state, console)):
        result = verify.run(run, console)
        if not result.ok:
            code, verdict = ExitCode.FAILED, verify_result.verdict(result)
    files += _write_lock(run, taken, console)
    verified = options.verify and code is ExitCode.OK
    sources = tuple(Path(document.name) for document in reading.documents)
    return Installed(run, code, applied, tuple(files), verified, verdict, sources)


def _reinstalled(run: RunContext, console: Console) -> tuple[str, ...]:
    """Hosts that were reinstalled since something was done on them; reports them."""
    found = inspection.reinstalled(run.state, run.facts)
    for name in found:
        console.note(f"{name}: nothing of this cloud is there any more; what was done there before is done again")
    return found


def _write_lock(run: RunContext, take: Callable[[], lock_operations.Taken], console: Console) -> list[Path]:
    """Records what was installed, and reports where it is not what the lock asked for."""
    try:
        taken = take()
    except StackwrightError as error:
        # The cloud is installed; that its lock could not be written is no reason to call it failed.
        console.note(f"no lock was written: {error.message}")
        return []
    path = lock_operations.keep(taken, run.state, run.lock, str(run.check.locked or ""))
    if run.lock:
        given = (run.lock.answers, taken.lock.answers)
        for one, other in lock.pairs(run.lock.hosts, taken.lock.hosts, given):
            for line in lock.packages(run.lock.hosts[one], taken.lock.hosts[other]):
                console.note(f"{other}: not as locked: {line}")
    return [path]
