"""The command `lock`: writes exact versions of everything that is installed to a file; compares two such files."""

from __future__ import annotations

import argparse

from stackwright.cli import streams
from stackwright.cli.flags import refuse_foreign
from stackwright.model import ExitCode


def run(arguments: argparse.Namespace) -> int:
    """Asks the hosts, and writes the lock; with `diff`, compares two."""
    if arguments.lock_command == "diff":
        return _diff(arguments)
    from stackwright import answers as answer_files
    from stackwright import lock
    from stackwright.cli.options import access_options, console, required_answers
    from stackwright.operations import access, inspection
    from stackwright.operations import lock as lock_operations
    from stackwright.operations.answers import read_answers, state_of

    given = required_answers(arguments, "lock", "`stackwright lock diff A B` needs none")
    if arguments.out:
        refuse_foreign(arguments.out, b"# Exactly what was installed.")
    answers = read_answers(given, resolve=False).answers
    state = state_of(answers, given.state)
    with access.connect(access_options(arguments), state, note=console(arguments).note) as hosts:
        taken = lock_operations.take(inspection.begin(answers, hosts, state).cloud, hosts)
    path = lock_operations.keep(taken, state, None, "")
    if arguments.out:
        path = arguments.out
        answer_files.save(path, lock.write(taken.lock), replace=True)
    number = sum(len(host.packages) for host in taken.lock.hosts.values())
    streams.result({"file": str(path), "packages": number, "unrepeatable": dict(taken.unrepeatable)})
    print(f"wrote {path}: {number} packages on {len(taken.lock.hosts)} hosts")
    for name, packages in taken.unrepeatable.items():
        print(
            f"{name}: no repository has these packages any more; include them with `stackwright bundle create "
            f"--offline`: {', '.join(packages)}"
        )
    return ExitCode.OK


def _diff(arguments: argparse.Namespace) -> int:
    from stackwright import lock

    a, b = lock.load(arguments.a), lock.load(arguments.b)
    found = lock.differences(a, b)
    both = lock.pairs(a.hosts, b.hosts, (a.answers, b.answers))
    called = [f"{one} of the first is {other} of the second" for one, other in both if one != other]
    streams.result({"same": not found})
    print(lock.text(found) if found else "no differences", *called, sep="\n")
    return ExitCode.OK
