"""The command `report`: the last run of a cloud as a page, as JSON, as text for a bug report, or its slowest parts."""

from __future__ import annotations

import argparse
import contextlib
import json
import time
from typing import TYPE_CHECKING

from stackwright.cli import streams
from stackwright.cli.flags import refuse_foreign
from stackwright.model import Event, ExitCode, StackwrightError

if TYPE_CHECKING:
    from stackwright.operations.options import Console
    from stackwright.report import Follower


def run(arguments: argparse.Namespace) -> int:
    """Shows the last run, without contacting hosts; by default as text for a bug report."""
    from stackwright import executor, report
    from stackwright.cli.options import console, required_answers
    from stackwright.operations.answers import read_answers, state_of

    given = required_answers(arguments, "report")
    if arguments.slowest is not None and arguments.slowest < 1:
        raise StackwrightError(
            f"--slowest {arguments.slowest} must be a number above 0", "use --slowest alone for 25", ExitCode.USAGE
        )
    if arguments.serve is not None and (arguments.html or arguments.slowest is not None):
        other = "--html" if arguments.html else "--slowest"
        raise StackwrightError(f"--serve and {other} exclude each other", "use only one of them", ExitCode.USAGE)
    answers = read_answers(given, resolve=False).answers
    place, redact = state_of(answers, given.state), executor.redactor(answers.secret_texts())
    if arguments.serve is not None:
        return _serve(report.Follower(place, redact), arguments.serve, console(arguments))
    found = report.load(place, redact)
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


def _serve(follower: Follower, port: int, console: Console) -> int:
    """Shows the run in the browser until Ctrl-C."""
    from stackwright.report import server

    with server.serving(follower, port) as site:
        if console.event:
            console.event(Event("note", time.time(), message=site.url))
        else:
            console.show(site.url)
        console.note(
            "Open this address in a browser; do not pass it on. Ctrl-C ends.\n"
            f"From another machine: `ssh -L {site.port}:{server.ADDRESS}:{site.port} THIS_MACHINE` first."
        )
        with contextlib.suppress(KeyboardInterrupt):
            site.serve_forever()
    return ExitCode.OK
