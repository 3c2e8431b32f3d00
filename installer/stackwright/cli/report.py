"""The command `report`: the last run of a cloud as a page, as JSON, as text for a bug report, or its slowest parts."""

from __future__ import annotations

import argparse
import json

from stackwright.cli import streams
from stackwright.cli.flags import refuse_foreign
from stackwright.model import ExitCode, StackwrightError


def run(arguments: argparse.Namespace) -> int:
    """Shows the last run, without contacting hosts; by default as text for a bug report."""
    from stackwright import executor, report
    from stackwright.cli.options import required_answers
    from stackwright.operations.answers import read_answers, state_of

    given = required_answers(arguments, "report")
    if arguments.slowest is not None and arguments.slowest < 1:
        raise StackwrightError(
            f"--slowest {arguments.slowest} must be a number above 0", "use --slowest alone for 25", ExitCode.USAGE
        )
    answers = read_answers(given, resolve=False).answers
    found = report.load(state_of(answers, given.state), executor.redactor(answers.secret_texts()))
    if arguments.html:
        refuse_foreign(arguments.html, b"<!doctype html>")
        try:
            arguments.html.write_text(report.as_html(found), encoding="utf-8")
        except OSError as error:
            raise StackwrightError(
                f"cannot write {arguments.html}: {error.strerror}", "choose another file", ExitCode.ENVIRONMENT
            ) from None
    if arguments.json:
        streams.result(json.loads(report.as_json(found)))
    elif arguments.slowest is not None:
        print(report.slowest_table(found, arguments.slowest))
    elif arguments.html:
        print(f"wrote {arguments.html}")
    else:
        print(report.digest(found), end="")
    return ExitCode.OK
