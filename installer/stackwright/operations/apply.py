"""The way of a run: hosts -> facts -> problems -> plan -> applied -> proved. The command line calls this and prints."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stackwright import __version__, executor, facts, planner, platforms, preflight, report, ssh
from stackwright import answers as answer_files
from stackwright.model import (
    Answers,
    Certificates,
    Event,
    ExitCode,
    Facts,
    Plan,
    Problem,
    Severity,
    StackwrightError,
    Step,
)
from stackwright.operations import health, trunk
from stackwright.output import live
from stackwright.planner.steps import certificates as certificate_steps
from stackwright.planner.steps import credentials, registration, repositories
from stackwright.services import SERVICES, options
from stackwright.ssh import parallel as side_by_side
from stackwright.ssh.pool import Hosts
from stackwright.state import directory, journal, snapshots


def refuse_duplicate_hosts(hosts: Hosts, answers: Answers, parallel: int = 32) -> None:
    """Raises AnswersError where two names of the answers lead to one host, which would be configured twice.

    Names are looked up here, as ssh would; what only the hosts themselves know is seen by preflight.
    """
    names = answer_files.named_hosts(answers)
    found = side_by_side.map(names, hosts.leads_to, parallel)
    twins = [p for p in answer_files.check(answers, resolves=found) if p.name == "same-host"]
    if any(problem.severity is Severity.ERROR for problem in twins):
        raise answer_files.AnswersError(tuple(twins))


def look(hosts: Hosts, names: Iterable[str], answers: Mapping[str, object], parallel: int = 32) -> dict[str, Facts]:
    """The facts of all hosts, side by side. Raises StackwrightError with every host that could not be reached."""
    wanted = tuple(names)
    image_url = str(answers.get("CONFIG_PROVISION_IMAGE_URL") or "")
    servers = [(server.host, server.port) for server in planner.existing(answers)]
    demo_on = str(answers.get("CONFIG_KEYSTONE_HOST") or answers.get("CONFIG_CONTROLLER_HOST") or "")
    # The firewalls go on letting in the hosts that are left alone, by their addresses; one host is enough to ask.
    beside = planner.left_alone(answers) if answers.get("CONFIG_FIREWALL") else ()

    def one(name: str) -> Facts | StackwrightError:
        try:
            wants_image = name == demo_on and bool(answers.get("CONFIG_PROVISION_DEMO"))
            others = beside if name == wanted[0] else ()
            return _probe(hosts.connect(name), name, image_url if wants_image else "", others, servers)
        except StackwrightError as error:
            return error

    results = side_by_side.map(wanted, one, parallel)
    lost = {name: found for name, found in results.items() if isinstance(found, StackwrightError)}
    if lost:
        # A hint that is the same for two hundred hosts, but for their names, is given once.
        hints = {error.hint.replace(name, ""): error.hint for name, error in reversed(lost.items()) if error.hint}
        told = "\n".join([*hints.values()][::-1][:4])
        raise StackwrightError("\n".join(error.message for error in lost.values()), told, ExitCode.UNREACHABLE)
    return trunk.pinned(hosts, answers, {name: found for name, found in results.items() if isinstance(found, Facts)})


def _probe(
    connection: ssh.Connection,
    name: str,
    image_url: str = "",
    others: tuple[str, ...] = (),
    servers: Iterable[tuple[str, int]] = (),
) -> Facts:
    # Only its own name: all names on all hosts would be a million questions to the name server for a thousand hosts.
    result = connection.run(facts.probe((name, *others), image_url, servers), timeout=60)
    # The host tells its clock last, so the time of arrival is the one to compare it with.
    return facts.parse(result.out, name, time.time())


def problems(answers: Answers, seen: Mapping[str, Facts], skip: frozenset[str] = frozenset()) -> list[Problem]:
    """What is in the way on the hosts, all at once; `skip` are names of checks that are waived."""
    placed = planner.place(answers, SERVICES)
    return preflight.check(answers, seen, placed, cloud_id=planner.cloud_id(answers), skip=skip)


def package_problems(
    hosts: Hosts,
    answers: Answers,
    seen: Mapping[str, Facts],
    skip: frozenset[str] = frozenset(),
    parallel: int = 32,
    only: Iterable[str] | None = None,
) -> list[Problem]:
    """Whether every host (or `only` these) can get all of its packages, in one transaction; nothing is changed."""
    whole = planner.cloud(answers, seen)
    names = tuple(whole.hosts if only is None else only)

    def one(name: str) -> list[Problem]:
        host = whole.hosts[name]
        if registration.action(answers, host.platform):
            return []  # before it is registered, a host has nothing to look into
        script = preflight.package_check_script(
            host.platform, planner.packages(whole, host), repositories.of(whole, host)
        )
        result = hosts.connect(name).run(script, timeout=300)
        return [p for p in preflight.parse_package_check(result.out + result.err, name) if p.name not in skip]

    return [p for found in side_by_side.map(names, one, parallel).values() for p in found]


def certify(answers: Answers, seen: Mapping[str, Facts], place: directory.StateDir) -> Certificates:
    """What the cloud's servers are to show: made where nobody brought it, and kept with the cloud, so that the next run
    has the same."""
    wanted = certificate_steps.wanted(planner.cloud(answers, seen))
    if not wanted:
        return Certificates()
    # It takes a tenth of a second to load, and most clouds do without.
    from stackwright import certificates

    return certificates.gather(answers, wanted, place)


def refuse(found: Iterable[Problem]) -> list[Problem]:
    """Splits problems: raises StackwrightError(PREFLIGHT) with every error, returns the rest."""
    found = list(found)
    errors = [p for p in found if p.severity is Severity.ERROR]
    if errors:
        names = sorted({p.name for p in errors})
        raise StackwrightError(
            preflight.format_problems(errors),
            f"nothing was changed; after mending, run the same again. `--skip-check {names[0]}` goes on all the same",
            ExitCode.PREFLIGHT,
        )
    return found


def about(
    answers: Answers,
    seen: Mapping[str, Facts],
    plan: Plan,
    warnings: Iterable[Problem] = (),
    clock: report.Clock | None = None,
) -> dict[str, Any]:
    """What a run's record begins with: what is known before the first step, without secrets."""
    whole = planner.cloud(answers, seen)
    service = {c.name: s.name for s in SERVICES for c in s.components}
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
            "answers": answer_files.public(answers),
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
    place: directory.StateDir,
    emit: Callable[[Event], None],
    *,
    about: Mapping[str, Any],
    again: bool = False,
    parallel: int = 500,
    timeout: float | None = None,
    lost: Collection[str] = (),
) -> Applied:
    """Carries out a plan with its journal; everything that the hosts say goes into the run's log. What happens is
    recorded beside it, after `about`; the report is made of that, however the run ends.

    What the journal calls done is looked after first: on hosts that are `lost` nothing counts as done, and steps whose
    components do not do their work are done again."""
    logs = place.make() / "logs"
    logs.mkdir(mode=0o700, exist_ok=True)
    stamp, number = time.strftime("%Y%m%d-%H%M%S"), 1
    path = logs / f"{stamp}.log"
    while path.exists():  # two runs within one second
        number += 1
        path = logs / f"{stamp}-{number}.log"
    with _log(path) as log, journal.open_journal(place.folder) as kept:
        kept.lose(lost)
        snapshots.keep(place, plan, kept, _painter(plan, place))
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
                report.refresh(place)
            raise
    return Applied(outcome, plan, path, report.refresh(place))


def packages_due(plan: Plan, place: directory.StateDir, lost: Collection[str]) -> tuple[str, ...]:
    """The hosts that are still to get packages; those that are `lost` are among them."""
    with journal.open_journal(place.folder, exclusive=False) as kept:
        return health.packages_due(plan, kept, lost)


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


def reinstalled(place: directory.StateDir, seen: Mapping[str, Facts]) -> tuple[str, ...]:
    """Hosts that were installed anew since something was done on them: their first step leaves the cloud's name there,
    and it is gone. What the journal knows of them is of no use any more."""
    with journal.open_journal(place.folder, exclusive=False) as kept:
        working = kept.working()
    return tuple(n for n, f in seen.items() if n in working and not f.cloud and (f.sudo or f.uid == 0))


def difference(plan: Plan, place: directory.StateDir, lost: Collection[str] = ()) -> snapshots.Difference:
    """What carrying out the plan would do, against what was applied last; on hosts that are `lost` nothing was. It asks
    no host and changes nothing."""
    with journal.open_journal(place.folder, exclusive=False) as kept:
        kept.lose(lost)
        return snapshots.difference(plan, kept, snapshots.load(place), _painter(plan, place))


def _painter(plan: Plan, place: directory.StateDir) -> Callable[[Step], snapshots.StepSnapshot]:
    """Makes pictures of the plan's steps, which hold none of its secrets."""
    first = {c.name: (c.provides or (c.name,))[0] for s in SERVICES for c in s.components}
    seal = snapshots.secret_masker(place, executor.replacer(plan.secrets))

    def component_of(capability: str, components: Iterable[str]) -> str:
        return next((name for name in components if first.get(name) == capability), capability)

    return lambda step: snapshots.snapshot(step, seal, component_of)


def write_credentials(answers: Answers, seen: Mapping[str, Facts], place: directory.StateDir) -> list[Path]:
    """keystonerc files and clouds.yaml on this machine too, in the cloud's private folder."""
    whole = planner.cloud(answers, seen)
    if not whole.has("keystone"):
        return []
    return [place.write(name, text) for name, text in credentials.files(answers, whole.url("keystone")).items()]


def presets(hosts: Hosts, name: str) -> tuple[Facts, dict[str, str]]:
    """What a new all-in-one answer file for this host gets, because of what the host is."""
    found = _probe(hosts.connect(name), name, options()["CONFIG_PROVISION_IMAGE_URL"].default)
    platforms.find(found.os_id, found.os_version, found.arch)
    return found, planner.presets(found)


def _remembered(where: directory.StateDir) -> dict[str, str]:
    """The secrets that were made for a cloud. Others in their place would lock its services out of each other, so a
    file that cannot be read is an error."""
    try:
        found = json.loads(where.read("secrets.json") or "{}")
        if all(isinstance(value, str) for value in found.values()):
            return dict(found)
    except (ValueError, AttributeError):
        pass
    raise StackwrightError(
        f"{where.folder / 'secrets.json'} is damaged: it has the passwords that were made for this cloud",
        "Bring it back from a copy. For a cloud that is not needed any more, remove its folder.",
        ExitCode.ENVIRONMENT,
    )


def read_answers(paths: Iterable[Path], flags: Mapping[str, str], state: Path | None = None) -> answer_files.Reading:
    """The answers of files, environment and flags, with what there is to say about them. Secrets that nobody gave are
    kept with the cloud, so that the next run has the same. Raises AnswersError."""
    # Where the cloud's secrets are is known when its controller is. Files are read once, because a pipe says all only
    # once; so are commands that give secrets run.
    first = answer_files.load(paths, flags, os.environ, run=False, files=False)
    where = directory.state_dir(str(first.answers["CONFIG_CONTROLLER_HOST"]), state)
    remembered = _remembered(where)
    reading = answer_files.load(first.documents, flags, os.environ, remembered=remembered)
    if reading.errors:
        raise answer_files.AnswersError(reading.problems)
    made = answer_files.made(reading.answers)
    if made != remembered and made:
        where.write("secrets.json", json.dumps({**remembered, **made}, indent=1, sort_keys=True) + "\n")
    return reading
