"""The command `test`: scenarios, and OpenStack's own tests against a cloud."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from stackwright.cli import cloud
from stackwright.cli.arguments import Parser, access_flags, answer_flags, number, run_flags, settings
from stackwright.model import ExitCode, StackwrightError

if TYPE_CHECKING:
    from stackwright.places import Place
    from stackwright.scenarios import Known, Scenario


def add_arguments(parser: Parser) -> None:
    """Adds what the command takes."""
    answer_flags(parser)
    access_flags(parser)
    run_flags(parser)
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="which (default: smoke); --list shows all")
    parser.add_argument("--list", action="store_true", help="the scenarios there are")
    parser.add_argument("--show", action="store_true", help="what the named scenarios consist of; nothing is run")
    parser.add_argument("--install", action="store_true", help="first install what a scenario switches on")
    parser.add_argument(
        "--time-limit", type=number(1), default=3600, metavar="SECONDS", help="for Tempest's tests of one scenario"
    )
    parser.add_argument(
        "--known", action="append", default=[], type=Path, metavar="FILE", help="a further list of known failures"
    )


def run(arguments: argparse.Namespace) -> int:
    """Tries the cloud with each scenario; the exit status says whether all of them passed."""
    from stackwright import scenarios

    chosen = [scenarios.find(name) for name in arguments.scenarios or (scenarios.USUAL,)]
    if arguments.list:
        print("\n".join(_line(scenarios.find(name)) for name in scenarios.names()))
        return ExitCode.OK
    if arguments.show:
        print("\n\n".join(scenarios.told(one) for one in chosen))
        return ExitCode.OK
    if not arguments.answer_file:
        raise StackwrightError("test needs an answer file", "give it with --answer-file FILE", ExitCode.USAGE)
    known = scenarios.known_failures(arguments.known)
    files = list(arguments.answer_file)
    verdicts = []
    for one in chosen:
        arguments.answer_file = list(files)
        verdicts.append(_try(arguments, one, known))
    return max(verdicts)


def _line(scenario: Scenario) -> str:
    after = f" ({scenario.after})" if scenario.after else ""
    return f"{scenario.name:<14} {scenario.title}{after}"


def _try(arguments: argparse.Namespace, scenario: Scenario, known: tuple[Known, ...]) -> int:
    from stackwright import answers as answer_files
    from stackwright import trial, workflow

    given = workflow.read_answers(arguments.answer_file, settings(arguments), arguments.state).answers
    place = cloud.place_of(str(given["CONFIG_CONTROLLER_HOST"]), arguments)
    laid = {**settings(arguments), **scenario.answers}
    wanted = answer_files.load(arguments.answer_file, laid, os.environ, run=False).answers
    other = [key for key in scenario.answers if given[key] != wanted[key]]
    if other and not arguments.install:
        raise StackwrightError(
            f"the answers are not those of {scenario.name}: "
            + ", ".join(f"{key}={scenario.answers[key]}" for key in other),
            f"`stackwright test {scenario.name} --install -a FILE` installs them first",
            ExitCode.ANSWERS,
        )
    with cloud.reach(arguments, place) as hosts:
        if arguments.install:
            layer = _layer(place, scenario)
            arguments.answer_file = [*arguments.answer_file, layer]
            code = cloud.apply(arguments, hosts, place)
            print(f"later commands of this cloud: {' '.join(f'-a {path}' for path in arguments.answer_file)}")
            if code != ExitCode.OK or arguments.dry_run:
                return code
            given = workflow.read_answers(arguments.answer_file, settings(arguments), arguments.state).answers
        one = trial.Wanted(scenario.name, scenario.tempest, arguments.time_limit, known)
        tried = trial.run(given, hosts, place, one, as_json=arguments.json)
    if arguments.json:
        print(json.dumps(tried.results.to_json() if tried.results else {"ok": False}))
    else:
        print("\n".join(trial.lines(tried)))
        if scenario.by_hand:
            print("by hand:\n" + "\n".join(f"  {line}" for line in scenario.by_hand))
    return ExitCode.OK if tried.ok else ExitCode.FAILED


def _layer(place: Place, scenario: Scenario) -> Path:
    """The scenario's answers as a file, to be laid over the person's."""
    text = "".join(f"{key}={value}\n" for key, value in scenario.answers.items())
    return place.write(f"scenario-{scenario.name}.answers", f"# {scenario.title}\n[general]\n{text}")
