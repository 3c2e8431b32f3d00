"""The command `test`: scenarios, and OpenStack's own tests against a cloud."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stackwright.cli import cloud
from stackwright.cli.flags import Parser, access_flags, answer_flags, number, run_flags, settings
from stackwright.model import ExitCode, StackwrightError

if TYPE_CHECKING:
    from stackwright.scenarios import Known, Scenario
    from stackwright.state.directory import StateDir


def add_arguments(parser: Parser) -> None:
    """Adds what the command takes."""
    answer_flags(parser)
    access_flags(parser)
    run_flags(parser)
    parser.add_argument(
        "scenarios", nargs="*", metavar="SCENARIO", help="which (default: smoke), or a FILE.toml; --list shows all"
    )
    parser.add_argument("--list", action="store_true", help="the scenarios there are")
    parser.add_argument("--show", action="store_true", help="what the named scenarios consist of; nothing is run")
    parser.add_argument("--install", action="store_true", help="first install what a scenario switches on")
    parser.add_argument(
        "--lab", nargs="?", const="", default=None, metavar="NAME",
        help="on a throw-away node of its own (default: called as the scenario); it is installed first",
    )  # fmt: skip
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
    if arguments.lab is not None:
        _refuse_with_lab(arguments, chosen)
    elif not arguments.answer_file:
        raise StackwrightError(
            "test needs an answer file",
            "give it with --answer-file FILE; or --lab makes a throw-away node",
            ExitCode.USAGE,
        )
    known = scenarios.known_failures(arguments.known)
    files = list(arguments.answer_file)
    verdicts = []
    for one in chosen:
        arguments.answer_file = list(files)
        if arguments.lab is not None and (code := _on_node(arguments, one)) != ExitCode.OK:
            return code
        if arguments.dry_run and arguments.lab is not None:
            continue
        verdicts.append(_try(arguments, one, known))
    return max(verdicts, default=ExitCode.OK)


def _refuse_with_lab(arguments: argparse.Namespace, chosen: Sequence[Scenario]) -> None:
    wrong = ""
    if arguments.answer_file or arguments.install:
        wrong = "makes its own answer file, and installs what that says"
    elif arguments.lab and len(chosen) > 1:
        wrong = f"{arguments.lab} is one node, and each of {len(chosen)} scenarios needs its own"
    if wrong:
        raise StackwrightError(f"--lab {wrong}", "leave one of them away", ExitCode.USAGE)


def _on_node(arguments: argparse.Namespace, scenario: Scenario) -> int:
    """Installs the scenario on a node of its own; its answer file is that of `arguments` from then on."""
    from stackwright.cli import first

    single = argparse.Namespace(**{**vars(arguments), "install_hosts": "", "lab": arguments.lab or scenario.name})
    single.presets = {**arguments.presets, **scenario.answers}
    code = first.allinone(single)
    arguments.answer_file = list(single.answer_file)
    return code


def _line(scenario: Scenario) -> str:
    after = f" ({scenario.after})" if scenario.after else ""
    return f"{scenario.name:<14} {scenario.title}{after}"


def _try(arguments: argparse.Namespace, scenario: Scenario, known: tuple[Known, ...]) -> int:
    from stackwright import answers as answer_files
    from stackwright.operations import apply, tempest

    given = apply.read_answers(arguments.answer_file, settings(arguments), arguments.state).answers
    place = cloud.place_of(str(given["CONFIG_CONTROLLER_HOST"]), arguments)
    laid = {**settings(arguments), **scenario.answers}
    if unknown := [key for key in scenario.answers if key not in given]:
        raise StackwrightError(
            f"{scenario.name} switches on what there is not: {', '.join(unknown)}",
            "`stackwright --help-all` lists all answers",
            ExitCode.USAGE,
        )
    reading = answer_files.load(arguments.answer_file, laid, os.environ, run=False)
    if reading.errors:
        raise answer_files.AnswersError(reading.problems)
    wanted = reading.answers
    other = [key for key in scenario.answers if given[key] != wanted[key]]
    if other and not arguments.install:
        raise StackwrightError(
            f"the answers are not those of {scenario.name}: "
            + ", ".join(f"{key}={scenario.answers[key]}" for key in other),
            f"`stackwright test {scenario.name} --install -a FILE` installs them first",
            ExitCode.ANSWERS,
        )
    if arguments.install:
        _refuse_other_switch(place, str(wanted["CONFIG_NEUTRON_L2_AGENT"]), scenario)
    with cloud.reach(arguments, place) as hosts:
        if arguments.install:
            layer = _layer(place, scenario)
            arguments.answer_file = [*arguments.answer_file, layer]
            code = cloud.apply(arguments, hosts, place)
            print(f"later commands of this cloud: {' '.join(f'-a {path}' for path in arguments.answer_file)}")
            if code != ExitCode.OK or arguments.dry_run:
                return code
            given = apply.read_answers(arguments.answer_file, settings(arguments), arguments.state).answers
        one = tempest.TestRequest(scenario.name, scenario.tempest, arguments.time_limit, known)
        tried = tempest.run(given, hosts, place, one, as_json=arguments.json)
    if arguments.json:
        print(json.dumps(tried.results.to_json() if tried.results else {"ok": False}))
    else:
        print("\n".join(tempest.lines(tried)))
        if scenario.by_hand:
            print("by hand:\n" + "\n".join(f"  {line}" for line in scenario.by_hand))
    return ExitCode.OK if tried.ok else ExitCode.FAILED


def _refuse_other_switch(place: StateDir, wanted: str, scenario: Scenario) -> None:
    """Raises StackwrightError where the cloud was installed with another kind of switch: what the old one made on the
    hosts would be in the way of the new one."""
    from stackwright import lock
    from stackwright.services import options

    text = place.read(lock.NAME)
    if not text:
        return
    there = lock.read(text).answers.get("CONFIG_NEUTRON_L2_AGENT") or options()["CONFIG_NEUTRON_L2_AGENT"].default
    if there != wanted:
        raise StackwrightError(
            f"{scenario.name} is with {wanted}, and this cloud was installed with {there}: it cannot become that",
            f"install it on hosts of its own: `stackwright test {scenario.name} --lab` makes a node",
            ExitCode.PREFLIGHT,
        )


def _layer(place: StateDir, scenario: Scenario) -> Path:
    """The scenario's answers as a file, to be laid over the person's."""
    text = "".join(f"{key}={value}\n" for key, value in scenario.answers.items())
    return place.write(f"scenario-{scenario.name}.answers", f"# {scenario.title}\n[general]\n{text}")
