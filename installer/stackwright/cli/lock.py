"""The command `lock`: what is installed, exactly, as a file; and what differs between two such files, in words."""

from __future__ import annotations

import argparse

from stackwright.cli.cloud import place_of, reach
from stackwright.cli.flags import refuse_foreign, settings
from stackwright.model import ExitCode, StackwrightError


def run(arguments: argparse.Namespace) -> int:
    """Asks the hosts, and writes the lock; with `diff`, compares two."""
    if arguments.lock_command == "diff":
        return _diff(arguments)
    from stackwright import answers as answer_files
    from stackwright import lock, planner
    from stackwright.operations import apply
    from stackwright.operations import lock as lock_ops
    from stackwright.services import SERVICES

    if not arguments.answer_file:
        raise StackwrightError(
            "lock needs an answer file",
            "give it with --answer-file FILE; `stackwright lock diff A B` needs none",
            ExitCode.USAGE,
        )
    if arguments.out:
        refuse_foreign(arguments.out, b"# Exactly what was installed.")
    answers = apply.read_answers(arguments.answer_file, settings(arguments), arguments.state).answers
    place = place_of(str(answers["CONFIG_CONTROLLER_HOST"]), arguments)
    with reach(arguments, place) as hosts:
        seen = apply.look(hosts, planner.all_hosts(answers, SERVICES), answers)
        taken = lock_ops.take(answers, seen, hosts)
    path = lock_ops.keep(taken, place, None, "")
    if arguments.out:
        path = arguments.out
        answer_files.save(path, lock.write(taken.lock), replace=True)
    number = sum(len(host.packages) for host in taken.lock.hosts.values())
    print(f"wrote {path}: {number} packages on {len(taken.lock.hosts)} hosts")
    for name, packages in taken.unrepeatable.items():
        print(
            f"{name}: no repository has these any more; only `stackwright bundle create --offline` makes what can be "
            f"repeated: {', '.join(packages)}"
        )
    return ExitCode.OK


def _diff(arguments: argparse.Namespace) -> int:
    from stackwright import lock

    a, b = lock.load(arguments.a), lock.load(arguments.b)
    found = lock.differences(a, b)
    both = lock.pairs(a.hosts, b.hosts, (a.answers, b.answers))
    called = [f"{one} of the first is {other} of the second" for one, other in both if one != other]
    print(lock.text(found) if found else "the two setups are the same", *called, sep="\n")
    return ExitCode.OK
