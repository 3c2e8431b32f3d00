"""The command `test`: scenarios, and OpenStack's own tests against a cloud."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackwright.cli import streams
from stackwright.cli.flags import Parser, access_flags, answer_flags, number, run_flags
from stackwright.model import ExitCode

if TYPE_CHECKING:
    from stackwright.operations.tempest import TestResult
    from stackwright.scenarios import Scenario


def add_arguments(parser: Parser) -> None:
    """Adds what the command takes."""
    answer_flags(parser)
    access_flags(parser)
    run_flags(parser)
    parser.add_argument(
        "scenarios", nargs="*", metavar="SCENARIO", help="scenario (default: smoke) or FILE.toml; see --list"
    )
    parser.add_argument("--list", action="store_true", help="list the scenarios")
    parser.add_argument("--show", action="store_true", help="show the named scenarios; run nothing")
    parser.add_argument("--install", action="store_true", help="first install what the scenario needs")
    parser.add_argument(
        "--lab", nargs="?", const="", default=None, metavar="NAME",
        help="first create and install a lab node (default name: that of the scenario)",
    )  # fmt: skip
    parser.add_argument(
        "--time-limit", type=number(1), default=3600, metavar="SECONDS", help="time limit of Tempest for one scenario"
    )
    parser.add_argument(
        "--known", action="append", default=[], type=Path, metavar="FILE", help="additional list of known failures"
    )


def run(arguments: argparse.Namespace) -> int:
    """Tests the cloud with each scenario; the exit status shows whether all of them passed."""
    from stackwright import scenarios

    chosen = [scenarios.find(name) for name in arguments.scenarios or (scenarios.USUAL,)]
    if arguments.list:
        if arguments.json:
            names = scenarios.names()
            streams.result({"scenarios": [{"scenario": n, "title": scenarios.find(n).title} for n in names]})
        else:
            print(streams.fitted("\n".join(_line(scenarios.find(name)) for name in scenarios.names()), hang=15))
        return ExitCode.OK
    if arguments.show:
        print(streams.fitted("\n\n".join(scenarios.describe(one) for one in chosen)))
        return ExitCode.OK
    from stackwright.cli import cloud
    from stackwright.cli.options import access_options, answer_options, apply_options, console
    from stackwright.operations import quickstart, scenario
    from stackwright.operations.options import ScenarioOptions

    debian, release = "", None
    if arguments.lab is not None:
        debian, release = quickstart.debian_and_release(arguments.release, on_node=True)
    options = ScenarioOptions(arguments.install, arguments.lab, debian, arguments.time_limit)
    given, out = answer_options(arguments, release), console(arguments)
    scenario.refuse_contradictions(options, given, chosen)
    known, how, reach = scenarios.known_failures(arguments.known), apply_options(arguments), access_options(arguments)
    verdicts: list[ExitCode] = []
    results: list[dict[str, Any]] = []
    for one in chosen:
        result = scenario.run(one, known, options, given, reach, how, out, lambda found: cloud.show(found, out))
        code = result if isinstance(result, ExitCode) else _show(result, one, as_json=out.as_json)
        if arguments.lab is not None and isinstance(result, ExitCode) and code != ExitCode.OK:
            return code  # the installation failed, and would fail for the next scenario too
        if not isinstance(result, ExitCode):
            found: dict[str, Any] = dict(result.results.to_json()) if result.results else {"ok": False}
            found["unexpected_passes"] = found.pop("mended", [])
            results.append({"scenario": one.name, **found})
            streams.result({"scenarios": results})
        verdicts.append(code)
    return max(verdicts, default=ExitCode.OK)


def _line(scenario: Scenario) -> str:
    after = f" ({scenario.after})" if scenario.after else ""
    return f"{scenario.name:<14} {scenario.title}{after}"


def _show(result: TestResult, scenario: Scenario, *, as_json: bool) -> ExitCode:
    from stackwright.operations import tempest

    if as_json:
        return ExitCode.OK if result.ok else ExitCode.FAILED
    print("\n".join(tempest.lines(result)))
    if scenario.by_hand:
        print("by hand:\n" + "\n".join(f"  {line}" for line in scenario.by_hand))
    return ExitCode.OK if result.ok else ExitCode.FAILED
