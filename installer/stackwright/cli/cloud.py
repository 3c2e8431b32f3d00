"""The commands that work on a cloud which an answer file describes: check, plan, apply, verify, status, logs."""

from __future__ import annotations

import argparse
import atexit
import json
import os
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackwright.cli import state, streams
from stackwright.cli.flags import settings
from stackwright.model import Answers, ExitCode, Problem, StackwrightError

if TYPE_CHECKING:
    from stackwright.answers import Reading
    from stackwright.lock import Lock
    from stackwright.model import Facts, Plan
    from stackwright.operations.lock import Taken
    from stackwright.report import Clock
    from stackwright.ssh.pool import Hosts
    from stackwright.state.directory import StateDir


def place_of(controller: str, arguments: argparse.Namespace) -> StateDir:
    """Where the state of the cloud with this controller is kept."""
    from stackwright.state import directory

    return directory.state_dir(controller, arguments.state)


def reach(arguments: argparse.Namespace, place: StateDir, extra: Mapping[str, Any] | None = None) -> Hosts:
    """Connections as the flags say, else as an earlier run of the same cloud did."""
    from stackwright.ssh.pool import Hosts
    from stackwright.state import directory

    given = directory.Access(
        user=arguments.user,
        port=arguments.port,
        keys=tuple(str(k.resolve()) for k in arguments.ssh_key),
        known_hosts=tuple(str(k.resolve()) for k in arguments.known_hosts),
        jump=arguments.jump,
    )
    access = given.over(directory.Access(**(extra or {}))).over(directory.Access.from_json(place.read("access.json")))
    return Hosts(
        access,
        place,
        accept_new=arguments.accept_new_host_keys,
        confirm=_Confirm() if sys.stdin.isatty() else None,
        password=streams.secret("password to log in with: ") if arguments.ask_password else "",
        sudo_password=streams.secret("password of sudo: ") if arguments.ask_sudo_password else "",
        over_ssh=arguments.over_ssh,
        passphrase=_passphrase if sys.stdin.isatty() else None,
    )


class _Confirm:
    """Asks a person whether a host key is right. `all` takes this one and those of all further hosts, which are shown:
    nobody answers two hundred questions."""

    def __init__(self) -> None:
        self.all = False

    def __call__(self, host: str, kind: str, fingerprint: str) -> bool:
        told = f"{host} is not known yet. Its {kind} key is {fingerprint}.\n"
        if self.all:
            print(told, end="", flush=True, file=sys.stderr)
            return True
        # The output may be for a machine.
        print(f"{told}Is that its key? (yes/no/all) ", end="", flush=True, file=sys.stderr)
        # Not by input(): this is not the main thread, and who is left in there would hold up the end of the program.
        said = os.read(sys.stdin.fileno(), 1000).decode(errors="replace").strip().lower()
        self.all = said in {"a", "all"}
        return self.all or said in {"y", "yes"}


def _passphrase(key: Path) -> str:
    import getpass
    import termios

    # Ctrl-C reaches the main thread, and not this one, which has turned the terminal's echo off.
    atexit.register(termios.tcsetattr, sys.stdin, termios.TCSADRAIN, termios.tcgetattr(sys.stdin))
    return getpass.getpass(f"passphrase of {key}: ")


def run(arguments: argparse.Namespace) -> int:
    """Carries out `arguments.command`; returns the exit status."""
    if not arguments.answer_file:
        raise StackwrightError(
            f"{arguments.command} needs an answer file", "give it with --answer-file FILE", ExitCode.USAGE
        )
    reading = read(arguments)
    answers = reading.answers
    place = place_of(str(answers["CONFIG_CONTROLLER_HOST"]), arguments)
    with reach(arguments, place) as hosts:
        hosts.public_key = _public_key(arguments, answers)
        match arguments.command:
            case "check":
                return _check(arguments, reading, hosts, place)
            case "plan":
                return _plan(arguments, reading, hosts, place)
            case "verify":
                return _verify(answers, hosts, place, as_json=arguments.json)
            case "status":
                return state.status(arguments, answers, hosts, place)
            case "logs":
                return state.logs(arguments, answers, hosts, place)
        return apply(arguments, hosts, place, reading)


def _public_key(arguments: argparse.Namespace, answers: Answers) -> Path | None:
    """The key that the person wants to be let in with, where one is to be put on the hosts."""
    if not answers["CONFIG_SSH_KEY"] or not arguments.ask_password:
        return None
    given = Path(str(answers["CONFIG_SSH_KEY"])).expanduser().with_suffix(".pub")
    if not given.is_file():
        print(f"CONFIG_SSH_KEY: there is no {given} on this machine; it is left out", file=sys.stderr)
        return None
    return given


def read(arguments: argparse.Namespace) -> Reading:
    from stackwright.operations import apply as apply_ops

    reading = apply_ops.read_answers(arguments.answer_file, settings(arguments), arguments.state)
    if not getattr(arguments, "locked", None):
        return reading
    from stackwright import lock
    from stackwright.operations import trunk

    return replace(reading, answers=trunk.held(reading.answers, lock.load(arguments.locked).trunk))


@dataclass(frozen=True)
class _Looked:
    """What was seen of the hosts, and what there is to say about them."""

    seen: dict[str, Facts]
    warnings: list[Problem]
    lock: Lock | None = None
    """The lock that is to be installed."""
    exact: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Its versions of packages, by host."""


def _look(arguments: argparse.Namespace, reading: Reading, hosts: Hosts, clock: Clock) -> _Looked:
    """Facts and preflight: prints and returns warnings, also those about the answers; raises for errors."""
    from stackwright import answers as answer_files
    from stackwright import lock, planner
    from stackwright.operations import apply as apply_ops
    from stackwright.operations import lock as lock_ops
    from stackwright.services import SERVICES

    answers = reading.answers
    locked = lock.load(arguments.locked) if arguments.locked else None
    for problem in reading.problems:
        print(answer_files.describe(problem), file=sys.stderr)
    apply_ops.refuse_duplicate_hosts(hosts, answers)
    names = planner.all_hosts(answers, SERVICES)
    with clock.part("look at the hosts"):
        seen = apply_ops.look(hosts, names, answers)
    waived = frozenset(arguments.skip_check)
    with clock.part("check"):
        found = apply_ops.refuse(apply_ops.problems(answers, seen, waived))
    exact = lock_ops.exact(locked, answers, seen, waived) if locked else {}
    _tell(found)
    return _Looked(seen, [*reading.problems, *found], locked, exact)


def _resolve(
    arguments: argparse.Namespace,
    answers: Answers,
    hosts: Hosts,
    looked: _Looked,
    clock: Clock,
    only: Collection[str] | None = None,
) -> None:
    """Whether the hosts (or `only` these) can get their packages: adds to the warnings, raises for errors."""
    from stackwright.operations import apply as apply_ops
    from stackwright.operations import lock as lock_ops

    waived = frozenset(arguments.skip_check)
    with clock.part("resolve the packages"):
        if looked.exact:
            exact = {host: found for host, found in looked.exact.items() if only is None or host in only}
            told = lock_ops.problems(hosts, answers, looked.seen, exact, waived, offline=_offline(arguments))
        else:
            told = apply_ops.package_problems(hosts, answers, looked.seen, waived, only=only)
        found = apply_ops.refuse(told)
    _tell(found)
    looked.warnings.extend(found)


def _tell(found: Sequence[Problem]) -> None:
    from stackwright import preflight

    if found:
        print(preflight.format_problems(found), file=sys.stderr)


def _offline(arguments: argparse.Namespace) -> bool:
    """Whether packages come from a bundle that was brought to the hosts."""
    return bool(getattr(arguments, "from_bundle", False))


def _check(arguments: argparse.Namespace, reading: Reading, hosts: Hosts, place: StateDir) -> int:
    from stackwright import planner, report
    from stackwright.operations import apply as apply_ops

    clock = report.Clock()
    looked = _look(arguments, reading, hosts, clock)
    _resolve(arguments, reading.answers, hosts, looked, clock)
    seen = looked.seen
    plan = planner.plan(reading.answers, seen, apply_ops.certify(reading.answers, seen, place), looked.exact)
    print(f"ready: {len(plan.steps)} steps on {_count(len(plan.hosts), 'host')}; nothing was changed")
    return ExitCode.OK


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _plan(arguments: argparse.Namespace, reading: Reading, hosts: Hosts, place: StateDir) -> int:
    from stackwright import planner, report
    from stackwright.operations import apply as apply_ops
    from stackwright.output import text

    looked = _look(arguments, reading, hosts, report.Clock())
    seen = looked.seen
    plan = planner.plan(reading.answers, seen, apply_ops.certify(reading.answers, seen, place), looked.exact)
    if arguments.out:
        text.write(plan, arguments.out)
        print(f"wrote the plan to {arguments.out} (with passwords: only you can read it)")
    else:
        _show(plan, place, _lost(place, seen), whole=arguments.all, as_json=arguments.json)
    return ExitCode.OK


def _lost(place: StateDir, seen: Mapping[str, Facts]) -> tuple[str, ...]:
    """Hosts that are not those any more on which something was done; says so."""
    from stackwright.operations import apply as apply_ops

    found = apply_ops.reinstalled(place, seen)
    for name in found:
        print(
            f"{name}: nothing of this cloud is there any more; what was done there before is done again",
            file=sys.stderr,
        )
    return found


def _show(plan: Plan, place: StateDir, lost: tuple[str, ...], *, whole: bool = False, as_json: bool = False) -> None:
    """The plan as what it would change, or step by step where nothing was applied yet."""
    from stackwright.operations import apply as apply_ops
    from stackwright.output import text

    found = apply_ops.difference(plan, place, lost)
    if as_json:
        print(json.dumps(text.data(plan, found), indent=1))
    elif whole or not found.at:
        print(text.text(plan))
    else:
        print(text.difference(found) + "\n\n`stackwright plan --all` shows every step and every open port")


def apply(arguments: argparse.Namespace, hosts: Hosts, place: StateDir, reading: Reading | None = None) -> int:
    """Looks, plans, applies and proves; with --dry-run it only shows. Returns the exit status."""
    from stackwright import planner, report
    from stackwright.operations import apply as apply_ops
    from stackwright.operations import bundle, verify
    from stackwright.operations import lock as lock_ops
    from stackwright.output import live, text
    from stackwright.ssh import parallel

    clock = report.Clock()
    reading = reading or read(arguments)
    answers = reading.answers
    looked = _look(arguments, reading, hosts, clock)
    seen = looked.seen
    with clock.part("plan"):
        certificates = apply_ops.certify(answers, seen, place)
        plan = planner.plan(answers, seen, certificates, looked.exact, offline=_offline(arguments))
    lost = _lost(place, seen)
    # It takes a host seconds, also where there is nothing to get.
    if due := plan.hosts if arguments.again else apply_ops.packages_due(plan, place, lost):
        _resolve(arguments, answers, hosts, looked, clock, due)
    if arguments.dry_run:
        _show(plan, place, lost, as_json=arguments.json)
        if not arguments.json:
            print("\nnothing was changed (--dry-run)")
        return ExitCode.OK
    bundle.keep_facts(place, seen)
    with live.Screen(kind="json" if arguments.json else None) as screen:
        applied = apply_ops.apply(
            plan,
            hosts,
            place,
            screen,
            about=apply_ops.about(answers, seen, plan, looked.warnings, clock),
            again=arguments.again,
            parallel=arguments.parallel,
            timeout=arguments.timeout,
            lost=lost,
        )
    if not applied.outcome.ok:
        shown = f"\nreport: {applied.report}" if applied.report else ""
        print(
            f"\nlog: {applied.log}{shown}\nAfter mending, run the same command again: it goes on where it stopped.",
            file=sys.stderr,
        )
        return applied.outcome.code
    files = apply_ops.write_credentials(answers, seen, place)
    verdict = ExitCode.OK
    # Beside the proof, which waits most of its time.
    taken = parallel.start(lambda: lock_ops.take(answers, seen, hosts, since=clock.began))
    if not arguments.no_verify and (applied.outcome.done or not verify.told_again(plan, place, arguments.json)):
        verdict = ExitCode(verify.run(answers, hosts, place, as_json=arguments.json, seen=seen))
    files += _lock(arguments, taken, place, looked)
    if not arguments.json:
        proved = verdict == ExitCode.OK and not arguments.no_verify
        authority = Path(certificates.file) if certificates.file else None
        print(text.summary(plan, files, applied.log, applied.report, proved=proved, authority=authority))
    return verdict


def _lock(arguments: argparse.Namespace, take: Callable[[], Taken], place: StateDir, looked: _Looked) -> list[Path]:
    """Writes down what was installed, and says where it is not what was wanted."""
    from stackwright import lock
    from stackwright.operations import lock as lock_ops

    try:
        taken = take()
    except StackwrightError as error:
        # The cloud is there; that it could not be written down is no reason to call it failed.
        print(f"no lock was written: {error.message}", file=sys.stderr)
        return []
    path = lock_ops.keep(taken, place, looked.lock, str(arguments.locked or ""))
    if looked.lock:
        given = (looked.lock.answers, taken.lock.answers)
        for one, other in lock.pairs(looked.lock.hosts, taken.lock.hosts, given):
            for line in lock.packages(looked.lock.hosts[one], taken.lock.hosts[other]):
                print(f"{other}: not as locked: {line}", file=sys.stderr)
    return [path]


def _verify(answers: Answers, hosts: Hosts, place: StateDir, *, as_json: bool) -> int:
    from stackwright.operations import verify

    return verify.run(answers, hosts, place, as_json=as_json)
