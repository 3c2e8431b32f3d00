"""Examines the hosts of a cloud: collects facts, and finds problems before an installation. Changes nothing."""

from __future__ import annotations

import shlex
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from stackwright import answers as answer_files
from stackwright import facts, lock, planner, platforms, preflight, report, ssh, untrusted
from stackwright.answers.changes import CHECK
from stackwright.model import Answers, ExitCode, Facts, Problem, Severity, StackwrightError
from stackwright.operations import changes, expectation, identity, trunk
from stackwright.operations import lock as lock_operations
from stackwright.operations.context import RunContext
from stackwright.operations.options import CheckOptions, Console
from stackwright.output import text
from stackwright.planner.steps import registration, repositories
from stackwright.services import options
from stackwright.ssh import parallel as side_by_side
from stackwright.ssh.pool import Hosts
from stackwright.state import journal

if TYPE_CHECKING:
    from stackwright.answers.changes import ChangedAnswer
    from stackwright.planner.topology import Cloud
    from stackwright.state.directory import StateDir


_MOST = 8 * 1024**2
"""Bytes that a host may print when it is looked at."""


def refuse_duplicate_hosts(hosts: Hosts, answers: Answers, parallel: int = 32) -> None:
    """Raises AnswersError if two names in the answers lead to one host, which would be configured twice.

    Names are resolved here, like ssh does; preflight detects what only the hosts themselves know.
    """
    names = answer_files.named_hosts(answers)
    found = side_by_side.map(names, hosts.leads_to, parallel)
    twins = [p for p in answer_files.check(answers, resolves=found) if p.name == "same-host"]
    if any(problem.severity is Severity.ERROR for problem in twins):
        raise answer_files.AnswersError(tuple(twins))


def look(hosts: Hosts, names: Iterable[str], answers: Answers, parallel: int = 32) -> dict[str, Facts]:
    """Collects the facts of all hosts in parallel. Raises StackwrightError with all unreachable hosts."""
    wanted = tuple(names)
    image_url = str(answers["CONFIG_PROVISION_IMAGE_URL"])
    servers = [(server.host, server.port) for server in planner.existing(answers)]
    demo_on = str(answers["CONFIG_KEYSTONE_HOST"] or answers["CONFIG_CONTROLLER_HOST"])
    # Firewalls must keep allowing excluded hosts by address; asking one host for these addresses is enough.
    beside = planner.left_alone(answers) if answers["CONFIG_FIREWALL"] else ()

    def one(name: str) -> Facts | StackwrightError:
        try:
            wants_image = name == demo_on and bool(answers["CONFIG_PROVISION_DEMO"])
            others = beside if name == wanted[0] else ()
            return _probe(hosts.connect(name), name, image_url if wants_image else "", others, servers)
        except StackwrightError as error:
            return error

    results = side_by_side.map(wanted, one, parallel)
    lost = {name: found for name, found in results.items() if isinstance(found, StackwrightError)}
    if lost:
        # Hints that differ only in the name of the host are shown once.
        hints = {error.hint.replace(name, ""): error.hint for name, error in reversed(lost.items()) if error.hint}
        told = "\n".join([*hints.values()][::-1][:4])
        unfit = all(error.code == ExitCode.PREFLIGHT for error in lost.values())
        raise StackwrightError(
            "\n".join(dict.fromkeys(error.message for error in lost.values())),  # of a jump host only once
            told,
            ExitCode.PREFLIGHT if unfit else ExitCode.UNREACHABLE,
        )
    return trunk.pinned(hosts, answers, {name: found for name, found in results.items() if isinstance(found, Facts)})


def facts_of(hosts: Hosts, name: str, image_url: str = "") -> Facts:
    """The facts of one host. Raises StackwrightError if it cannot be reached."""
    return _probe(hosts.connect(name), name, image_url)


def _probe(
    connection: ssh.Connection,
    name: str,
    image_url: str = "",
    others: tuple[str, ...] = (),
    servers: Iterable[tuple[str, int]] = (),
) -> Facts:
    # Only its own name: all names on all hosts would be a million questions to the name server for a thousand hosts.
    result = connection.run(facts.probe((name, *others), image_url, servers), timeout=60, most=_MOST)
    # The host tells its clock last, so the time of arrival is the one to compare it with.
    with untrusted.judged(name, "facts"):
        return facts.parse(result.out, name, time.time())


def problems(
    answers: Answers, seen: Mapping[str, Facts], skip: frozenset[str] = frozenset(), cloud_id: str = ""
) -> list[Problem]:
    """All problems of the hosts; `skip` are names of checks to ignore."""
    placed = planner.place(answers)
    return preflight.check(answers, seen, placed, cloud_id=cloud_id or planner.cloud_key(answers), skip=skip)


def package_problems(
    hosts: Hosts,
    whole: Cloud,
    skip: frozenset[str] = frozenset(),
    parallel: int = 32,
    only: Iterable[str] | None = None,
    sizes: dict[str, tuple[int, int, int]] | None = None,
) -> list[Problem]:
    """Checks whether every host (or `only` these) can get all its packages in one transaction; changes nothing. `sizes`
    gets by host how many packages it has to get, and bytes to download and on disk."""
    names = tuple(whole.hosts if only is None else only)

    def one(name: str) -> list[Problem]:
        host = whole.hosts[name]
        if registration.action(whole.answers, host.platform):
            return []  # a host has no repositories before it is registered
        script = preflight.package_check_script(
            host.platform, planner.packages(whole, host), repositories.of(whole, host)
        )
        result = hosts.connect(name).run(script, timeout=300, most=_MOST)
        with untrusted.judged(name, "package check"):
            if sizes is not None:
                sizes[name] = preflight.parse_package_sizes(result.out)
            return [p for p in preflight.parse_package_check(result.out + result.err, name) if p.name not in skip]

    return [p for found in side_by_side.map(names, one, parallel).values() for p in found]


def refuse(found: Iterable[Problem]) -> list[Problem]:
    """Splits problems: raises StackwrightError(PREFLIGHT) with every error, returns the rest."""
    found = list(found)
    errors = [p for p in found if p.severity is Severity.ERROR]
    if errors:
        names = sorted({p.name for p in errors})
        raise StackwrightError(
            f"the hosts have {len(errors)} error{'s' * (len(errors) != 1)}:\n{preflight.format_problems(errors)}",
            f"nothing was changed. Fix {'these problems' if len(errors) > 1 else 'this'}, or skip the check: "
            + " ".join(f"--skip-check {name}" for name in names),
            ExitCode.PREFLIGHT,
            tuple(found),
        )
    return found


def presets(hosts: Hosts, name: str) -> tuple[Facts, dict[str, str]]:
    """Answers of a new all-in-one answer file that depend on the facts of the host."""
    found = facts_of(hosts, name, options()["CONFIG_PROVISION_IMAGE_URL"].default)
    platforms.find(found.os_id, found.os_version, found.arch)
    return found, planner.presets(found)


# ---------------------------------------------------------------------------------------------------- a whole command


def reinstalled(state: StateDir, seen: Mapping[str, Facts]) -> tuple[str, ...]:
    """Hosts that were reinstalled since something was done on them: their first step leaves the cloud's name there,
    and it is gone. What the journal knows of them is of no use any more."""
    with journal.open_journal(state.folder, exclusive=False) as kept:
        working = kept.working()
    return tuple(n for n, f in seen.items() if n in working and not f.cloud and (f.sudo or f.uid == 0))


@dataclass(frozen=True)
class Inspected:
    """A run whose hosts were examined, with warnings about hosts and answers."""

    run: RunContext
    warnings: tuple[Problem, ...]
    changed: tuple[ChangedAnswer, ...] = ()
    """The answers that changed since the last run."""


def begin(answers: Answers, hosts: Hosts, state: StateDir) -> RunContext:
    """Examines all hosts of the answers. Raises StackwrightError if one cannot be reached."""
    return RunContext(answers, look(hosts, planner.all_hosts(answers), answers), state, hosts)


def inspect(
    reading: answer_files.Reading, hosts: Hosts, state: StateDir, check: CheckOptions, clock: report.Clock,
    console: Console,
) -> Inspected:  # fmt: skip
    """Examines the hosts and runs all checks; reports warnings. Raises StackwrightError with all errors."""
    answers = reading.answers
    locked = lock.load(check.locked) if check.locked else None
    console.problems(reading.problems)
    for problem in reading.problems:
        console.note(answer_files.describe(problem))
    for name in dict.fromkeys(p.where.rpartition(":")[0] for p in reading.problems if p.name.startswith("retired-")):
        old = shlex.quote(name)
        console.note(
            f"{name} is an old file; to write a current one: `stackwright answers migrate {old} -o NEW.answers`"
        )
    refuse_duplicate_hosts(hosts, answers)
    names = planner.all_hosts(answers)
    with clock.part("examine the hosts"), console.busy(f"checking {_hosts(names)}: facts"):
        seen = look(hosts, names, answers)
    for name, fact in seen.items() if console.verbosity > 0 else ():
        size = f"{fact.cpus} CPUs, {fact.memory / 2**30:.1f} GiB"
        console.note(f"{name}: {fact.os_name or 'unknown system'}, kernel {fact.kernel}, {size}")
    with clock.part("check"):
        own_id = identity.cloud_id(answers, seen, state)
        changed = changes.changed(answers, state, reinstalled(state, seen))
        fixed = () if CHECK in check.skip else changes.problems(changed, answers, seen, own_id)
        found = refuse([*problems(answers, seen, check.skip, own_id), *fixed])
    run = RunContext(answers, seen, state, hosts, check, locked, own_id)
    _ = run.exact  # refuses a lock of other hosts
    _report(found, console)
    return Inspected(run, (*reading.problems, *found), changed)


def _hosts(names: Collection[str]) -> str:
    return f"{len(names)} host{'s' * (len(names) != 1)}"


def check_packages(
    run: RunContext,
    clock: report.Clock,
    console: Console,
    only: Collection[str] | None = None,
    sizes: dict[str, tuple[int, int, int]] | None = None,
) -> tuple[Problem, ...]:
    """Checks whether the hosts (or `only` these) can get their packages; reports and returns warnings. Raises
    StackwrightError with all errors."""
    what = f"checking {_hosts(run.cloud.hosts if only is None else only)}: packages"
    with clock.part("resolve the packages"), console.busy(what):
        if run.exact:
            exact = {host: found for host, found in run.exact.items() if only is None or host in only}
            found = lock_operations.problems(run.hosts, run.cloud, exact, run.check.skip, offline=run.check.offline)
        elif sizes is None:
            found = package_problems(run.hosts, run.cloud, run.check.skip, only=only)
        else:
            found = package_problems(run.hosts, run.cloud, run.check.skip, only=only, sizes=sizes)
        warnings = refuse(found)
    _report(warnings, console)
    return tuple(warnings)


def check(
    reading: answer_files.Reading, hosts: Hosts, state: StateDir, options: CheckOptions, console: Console
) -> None:
    """Validates answers and hosts, and creates the plan; changes nothing. Raises StackwrightError with all errors."""
    clock = report.Clock()
    run = inspect(reading, hosts, state, options, clock, console).run
    sizes: dict[str, tuple[int, int, int]] = {}
    check_packages(run, clock, console, sizes=sizes)
    number = len(run.plan.hosts)
    found = expectation.expectation(run, sizes)
    console.result({"expected": asdict(found)})
    if not console.as_json:
        console.show(text.expected(found, str(run.plan.summary.get("release", ""))))
    console.show(f"ready: {len(run.plan.steps)} steps on {number} host{'s' * (number != 1)}; nothing was changed")
    if not console.as_json:
        console.show(text.following(("plan", "apply"), (document.name for document in reading.documents)))


def _report(found: Collection[Problem], console: Console) -> None:
    console.problems(found)
    if found:
        console.note(preflight.format_problems(found))
