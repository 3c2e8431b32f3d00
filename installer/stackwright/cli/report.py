"""The command `report`: the last run of a cloud as a page, as JSON, as text for a bug report, or what was slowest."""

from __future__ import annotations

import argparse

from stackwright.cli.cloud import place_of
from stackwright.cli.flags import refuse_foreign, settings
from stackwright.model import ExitCode, StackwrightError


def run(arguments: argparse.Namespace) -> int:
    """Shows the last run; no host is reached. Without a form that is asked for, it is the text for a bug report."""
    from stackwright import executor, report
    from stackwright.operations import apply

    if not arguments.answer_file:
        raise StackwrightError("report needs an answer file", "give it with --answer-file FILE", ExitCode.USAGE)
    if arguments.slowest is not None and arguments.slowest < 1:
        raise StackwrightError(
            f"--slowest {arguments.slowest}: a number above 0 was wanted", "leave it away for 25", ExitCode.USAGE
        )
    answers = apply.read_answers(arguments.answer_file, settings(arguments), arguments.state).answers
    place = place_of(str(answers["CONFIG_CONTROLLER_HOST"]), arguments)
    found = report.load(place, executor.redactor(answers.secret_texts()))
    if arguments.html:
        refuse_foreign(arguments.html, b"<!doctype html>")
        try:
            arguments.html.write_text(report.as_html(found), encoding="utf-8")
        except OSError as error:
            raise StackwrightError(
                f"{arguments.html} cannot be written: {error.strerror}", "name another file", ExitCode.ENVIRONMENT
            ) from None
    if arguments.json:
        print(report.as_json(found), end="")
    elif arguments.slowest is not None:
        print(report.slowest_table(found, arguments.slowest))
    elif arguments.html:
        print(f"wrote {arguments.html}")
    else:
        print(report.digest(found), end="")
    return ExitCode.OK
