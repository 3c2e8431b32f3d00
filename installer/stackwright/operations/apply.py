"""Installs or updates a cloud: carries out the plan with its journal, verifies, and records what was installed."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import shlex
import shutil
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
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
from stackwright.planner import demo
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
    """The beginning of the record of a run: everything that is known before the first step, without secrets."""
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
    hint = f" ({problem.hint})" if problem.hint else ""
    return f"{problem.host or problem.where}: {problem.message}{hint}"


@dataclass
class Applied:
    """The result of carrying out a plan."""

    outcome: executor.Outcome
    plan: Plan
    log: Path
    report: Path | None
    """The page of the report; None if it could not be written."""


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
    detail: Callable[[str], None] | None = None,
) -> Applied:
    """Carries out a plan with its journal. The output of the hosts goes into the log of the run. Events are recorded
    beside it, after `about`; the report is created from them, even after failures. `answers` are stored, so that the
    next run knows what changed.

    Finished steps are checked first: on `new_hosts` nothing counts as done, and steps whose components are unhealthy
    are repeated. `detail` gets each line that the hosts print, without secrets."""
    logs = state.make() / "logs"
    logs.mkdir(mode=0o700, exist_ok=True)
    stamp, number = time.strftime("%Y%m%d-%H%M%S"), 1
    path = logs / f"{stamp}.log"
    while path.exists():  # two runs within one second
        number += 1
        path = logs / f"{stamp}-{number}.log"
    with contextlib.ExitStack() as stack:
        log = stack.enter_context(_log(path, detail))
        kept = stack.enter_context(journal.open_journal(state.folder))
        kept.lose(new_hosts)
        if answers is not None:
            changes.begin(answers, state, kept)
        snapshots.keep(state, plan, kept, _snapshot_maker(plan, state))
        take = report.begin(path, about)
        stack.enter_context(report.at_work(path.with_suffix(".jsonl")))
        tell = live.both(emit, take)
        if not again:
            _forget_unhealthy(plan, hosts, kept, tell)
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
    """The hosts that still need packages, including all of `new_hosts`."""
    with journal.open_journal(state.folder, exclusive=False) as kept:
        return health.packages_due(plan, kept, new_hosts)


def _forget_unhealthy(plan: Plan, hosts: Hosts, kept: journal.Journal, tell: Callable[[Event], None]) -> None:
    """Marks steps whose components are unhealthy as not done."""
    for name, why in health.unhealthy(plan, kept, hosts.connect).items():
        (step,) = (s for s in plan.steps if s.id == name)
        message = f"{step.title}: repeated, because components are unhealthy: {'; '.join(why)}"
        tell(Event("note", time.time(), host=step.host, message=executor.redactor(plan.secrets)(message)))
        kept.forget(name)


@contextlib.contextmanager
def _log(path: Path, detail: Callable[[str], None] | None = None) -> Iterator[Callable[[str, str], None]]:
    """The log of a run (0600). A full disk ends only the log, because the work on the hosts does not depend on it."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(step: str, line: str) -> None:
        if detail:
            detail(f"  {step}: {line}")
        with contextlib.suppress(OSError):
            os.write(handle, f"{time.strftime('%H:%M:%S')} {step}: {line}\n".encode())

    try:
        yield write
    finally:
        os.close(handle)


def difference(plan: Plan, state: directory.StateDir, new_hosts: Collection[str] = ()) -> snapshots.Difference:
    """The changes that the plan would make, compared with what was applied last; on `new_hosts` nothing was applied.
    Contacts no host and changes nothing."""
    with journal.open_journal(state.folder, exclusive=False) as kept:
        kept.lose(new_hosts)
        return snapshots.difference(plan, kept, snapshots.load(state), _snapshot_maker(plan, state))


def _snapshot_maker(plan: Plan, state: directory.StateDir) -> Callable[[Step], snapshots.StepSnapshot]:
    """A function that creates snapshots of the plan's steps, without secrets."""
    first = {c.name: (c.provides or (c.name,))[0] for c in all_components()}
    seal = snapshots.secret_masker(state, executor.replacer(plan.secrets))

    def component_of(capability: str, components: Iterable[str]) -> str:
        return next((name for name in components if first.get(name) == capability), capability)

    return lambda step: snapshots.snapshot(step, seal, component_of)


def write_credentials(whole: Cloud, state: directory.StateDir) -> list[Path]:
    """Writes keystonerc files and clouds.yaml to the state directory on this machine."""
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
    """Creates the plan and compares it with what was applied last; changes nothing. Raises StackwrightError."""
    found = inspection.inspect(reading, hosts, state, options, report.Clock(), console)
    run = found.run
    return Preview(run, difference(run.plan, state, _reinstalled(run, console)), found.changed)


@dataclass(frozen=True)
class Installed:
    """The result of installing or updating a cloud."""

    run: RunContext
    code: ExitCode
    applied: Applied
    files: tuple[Path, ...] = ()
    """Files written on this machine: credentials and the lock."""
    verified: bool = False
    verdict: str = ""
    """What the verification found, where it failed."""
    answer_files: tuple[Path, ...] = ()
    changed: tuple[ChangedAnswer, ...] = ()
    """The answers that changed since the last run that finished."""


def first_instance(run: RunContext) -> tuple[str, str, tuple[str, ...]] | None:
    """Image and user of an instance that the demo project can boot, and the networks from which it can be logged in to;
    None if it cannot."""
    answers, cloud = run.answers, run.cloud
    if not (answers["CONFIG_PROVISION_DEMO"] and cloud.has("nova-compute") and cloud.has("clients")):
        return None
    sources = demo.sources(answers, run.facts.values())
    return str(answers["CONFIG_PROVISION_IMAGE_NAME"]), verify.image_user(cloud), sources


def install(
    reading: answer_files.Reading, hosts: Hosts, state: directory.StateDir, options: ApplyOptions, console: Console
) -> Installed | Preview:
    """Installs or updates a cloud, and verifies it; with `dry_run`, only plans. Raises StackwrightError for problems
    that are found before anything was changed; a failed step does not raise."""
    clock = report.Clock()
    inspected = inspection.inspect(reading, hosts, state, options.check, clock, console)
    run, warnings = replace(inspected.run, writes=not options.dry_run), inspected.warnings
    with clock.part("plan"):
        plan = run.plan
    new_hosts = _reinstalled(run, console)
    # Resolving packages takes a host seconds, even if it needs none.
    if due := plan.hosts if options.again else packages_due(plan, state, new_hosts):
        warnings += inspection.check_packages(run, clock, console, due)
    if options.dry_run:
        return Preview(run, difference(plan, state, new_hosts), inspected.changed)
    if inspected.changed:
        console.note(text.changed(inspected.changed))
    bundle.keep_facts(state, run.facts)
    clouds.remember(state, (document.name for document in reading.documents), str(plan.summary.get("dashboard", "")))
    screen = live.Screen(kind=console.screen, take=console.event)
    line = _in_the_browser((document.name for document in reading.documents), state)
    if screen.watched and len(line) < shutil.get_terminal_size().columns:
        console.tell(line)
    with screen:
        applied = apply(
            plan,
            hosts,
            state,
            screen,
            about={**about(run.cloud, plan, warnings, clock), "answer_files": [d.name for d in reading.documents]},
            again=options.again,
            parallel=options.parallel,
            timeout=options.timeout,
            new_hosts=new_hosts,
            answers=run.answers,
            detail=console.note if console.verbosity > 0 else None,
        )
    if not applied.outcome.ok:
        return Installed(run, applied.outcome.code, applied, changed=inspected.changed)
    hosts.remember()
    files = write_credentials(run.cloud, state)
    code, verdict = ExitCode.OK, ""
    # In parallel to the verification, which mostly waits.
    taken = side_by_side.start(lambda: lock_operations.take(run.cloud, hosts, since=clock.began))
    if options.verify and (applied.outcome.done or not verify.still_holds(plan, state, console)):
        result = verify.run(run, console)
        if not result.ok:
            code, verdict = ExitCode.FAILED, verify_result.verdict(result)
    with console.busy("recording what was installed"):
        files += _write_lock(run, taken, console)
    verified = options.verify and code is ExitCode.OK
    sources = tuple(Path(document.name) for document in reading.documents)
    return Installed(run, code, applied, tuple(files), verified, verdict, sources)


def _in_the_browser(files: Iterable[str], state: directory.StateDir) -> str:
    """How to watch the run in a browser, with what it takes to name this cloud."""
    root = state.folder.parent
    words = ["stackwright", "report", "--serve"]
    words += [] if clouds.only(state) else [f"-a {_short(name)}" for name in files]
    words += [] if root == directory.state_root() else [f"--state {_short(root)}"]
    return f"live in a browser: {' '.join(words)}"


def _short(path: str | Path) -> str:
    """A file as a word of a command; one in the home folder begins with ~."""
    home, quoted = f"{Path.home()}/", shlex.quote(str(path))
    return f"~/{quoted.removeprefix(home)}" if quoted.startswith(home) else quoted


def _reinstalled(run: RunContext, console: Console) -> tuple[str, ...]:
    """Hosts that were reinstalled since they were changed; reports them."""
    found = inspection.reinstalled(run.state, run.facts)
    for name in found:
        console.note(f"{name}: this host was reinstalled; all of its steps are repeated")
    return found


def _write_lock(run: RunContext, take: Callable[[], lock_operations.Taken], console: Console) -> list[Path]:
    """Records what was installed, and reports differences from the requested lock."""
    try:
        taken = take()
    except StackwrightError as error:
        # The cloud is installed, so a failure to write its lock is not a failure of the installation.
        console.note(f"no lock was written: {error.message}")
        return []
    path = lock_operations.keep(taken, run.state, run.lock, str(run.check.locked or ""))
    if run.lock:
        given = (run.lock.answers, taken.lock.answers)
        for one, other in lock.pairs(run.lock.hosts, taken.lock.hosts, given):
            for line in lock.packages(run.lock.hosts[one], taken.lock.hosts[other]):
                console.note(f"{other}: differs from the lock: {line}")
    return [path]
