"""Tests a cloud with scenarios, after installing what they need where that is asked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from stackwright import answers as answer_files
from stackwright import lock, services
from stackwright.model import ExitCode, StackwrightError
from stackwright.operations import access, apply, inspection, quickstart, tempest
from stackwright.operations.answers import read_answers, state_of
from stackwright.operations.options import (
    AccessOptions,
    AnswerOptions,
    ApplyOptions,
    Console,
    QuickStartOptions,
    ScenarioOptions,
)
from stackwright.scenarios import Known, Scenario
from stackwright.state.directory import StateDir

Show = Callable[[apply.Installed | apply.Preview], ExitCode]
"""Shows what came of an installation; returns its exit status."""


def refuse_contradictions(options: ScenarioOptions, given: AnswerOptions, scenarios: Sequence[Scenario]) -> None:
    """Raises StackwrightError for options that do not go together."""
    if options.lab is None:
        if not given.files:
            raise StackwrightError(
                "test needs an answer file",
                "give it with --answer-file FILE; or use a disposable node with --lab",
                ExitCode.USAGE,
            )
        return
    wrong = ""
    if given.files or options.install:
        wrong = "writes and installs its own answer file"
    elif options.lab and len(scenarios) > 1:
        wrong = f"{options.lab} is one node, and each of {len(scenarios)} scenarios needs its own"
    if wrong:
        raise StackwrightError(f"--lab {wrong}", "use only one of them", ExitCode.USAGE)


def run(
    scenario: Scenario, known: tuple[Known, ...], options: ScenarioOptions, given: AnswerOptions, reach: AccessOptions,
    how: ApplyOptions, console: Console, show: Show,
) -> tempest.TestResult | ExitCode:  # fmt: skip
    """Tests one scenario. Returns an exit status instead where what it needs could not be installed, or was only
    planned. Raises StackwrightError where the answers are not the scenario's."""
    if options.lab is not None:
        node = QuickStartOptions(lab=options.lab or scenario.name, debian=options.debian)
        own = replace(given, settings={**given.settings, **scenario.answers})
        started = quickstart.install(node, own, reach, how, console)
        if (code := show(started.result)) != ExitCode.OK or how.dry_run:
            return code
        given = replace(given, files=(started.file,))
    reading = read_answers(given, resolve=False)
    _refuse_other_answers(scenario, options, given, reading)
    state = state_of(reading.answers, given.state)
    with access.connect(reach, state, note=console.note) as hosts:
        if options.install:
            given = replace(given, files=(*given.files, _layer(state, scenario)))
            reading = read_answers(given, how.check.locked, resolve=not how.dry_run)
            code = show(apply.install(reading, hosts, state, how, console))
            console.tell(f"later commands of this cloud: {' '.join(f'-a {path}' for path in given.files)}")
            if code != ExitCode.OK or how.dry_run:
                return code
        reading = read_answers(given)
        tempest.require_testable(reading.answers)
        request = tempest.TestRequest(scenario.name, scenario.tempest, options.limit, known)
        return tempest.run(inspection.begin(reading.answers, hosts, state), request, console=console)


def _refuse_other_answers(
    scenario: Scenario, options: ScenarioOptions, given: AnswerOptions, reading: answer_files.Reading
) -> None:
    """Raises StackwrightError where the cloud's answers are not those of the scenario and cannot become so."""
    if unknown := [key for key in scenario.answers if key not in services.options()]:
        raise StackwrightError(
            f"{scenario.name} sets unknown keys: {', '.join(unknown)}",
            "`stackwright --help-all` lists all answers",
            ExitCode.USAGE,
        )
    laid = answer_files.load(
        reading.documents or given.files, {**given.settings, **scenario.answers}, os.environ, run=False
    )
    if laid.errors:
        raise answer_files.AnswersError(laid.problems)
    other = [key for key in scenario.answers if reading.answers[key] != laid.answers[key]]
    if other and not options.install:
        raise StackwrightError(
            f"the answers do not fit scenario {scenario.name}: "
            + ", ".join(f"{key}={scenario.answers[key]}" for key in other),
            f"`stackwright test {scenario.name} --install -a FILE` installs them first",
            ExitCode.ANSWERS,
        )
    if options.install:
        state = state_of(reading.answers, given.state)
        _refuse_other_switch(state, str(laid.answers["CONFIG_NEUTRON_L2_AGENT"]), scenario)


def _refuse_other_switch(state: StateDir, agent: str, scenario: Scenario) -> None:
    """Raises StackwrightError where the cloud was installed with another kind of switch: what the old one left on the
    hosts would be in the way of the new one."""
    text = state.read(lock.NAME)
    if not text:
        return
    default = services.options()["CONFIG_NEUTRON_L2_AGENT"].default
    there = lock.read(text).answers.get("CONFIG_NEUTRON_L2_AGENT") or default
    if there != agent:
        raise StackwrightError(
            f"{scenario.name} needs the L2 agent {agent}, but this cloud has {there}, which cannot be changed",
            f"use other hosts: `stackwright test {scenario.name} --lab` creates a lab node",
            ExitCode.PREFLIGHT,
        )


def _layer(state: StateDir, scenario: Scenario) -> Path:
    """The scenario's answers as a file, to be laid over the person's."""
    text = "".join(f"{key}={value}\n" for key, value in scenario.answers.items())
    return state.write(f"scenario-{scenario.name}.answers", f"# {scenario.title}\n[general]\n{text}")
