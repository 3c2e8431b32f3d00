"""The parser of the whole command line: all commands with their flags."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stackwright import __version__
from stackwright.cli.flags import (
    HelpAll,
    Parser,
    access_flags,
    answer_flags,
    common,
    everywhere,
    hosts,
    locked,
    number,
    run_flags,
    skip_check,
)

_FIRST = """\
stackwright installs and verifies OpenStack. Alone, it asks questions; else:

  --allinone              install everything here; with --lab on a node
  --install-hosts A,B,... install A as controller, the others as compute hosts
  --gen-answer-file FILE  write one to edit; --validate-answer-file checks it
  --answer-file FILE      install what it describes; run it again to continue
  COMMAND --help          show the flags of a command; --help-all: all flags
"""
"""The beginning of `--help`, before the commands."""

_LOG_IN = "Show URL, passwords, shell variables"

GROUPS = {
    "start": {
        "answers": "Write, check, explain, compare, migrate answer files",
        "check": "Validate answers and hosts; change nothing",
        "plan": "Show what apply would change",
        "apply": "Install or update the cloud; finished steps are skipped",
    },
    "use": {
        "launch": "Boot an instance, and show how to log in to it",
        "dashboard": _LOG_IN,
        "credentials": _LOG_IN,
        "openrc": _LOG_IN,
    },
    "inspect": {
        "clouds": "List the clouds that were installed from here",
        "status": "Show components and their health",
        "verify": "Verify that the cloud works",
        "test": "Run OpenStack's own tests, by scenario",
        "logs": "Show a host's logs",
        "report": "Show the last run: times, failures, verification",
    },
    "share": {
        "lock": "Record the installed packages, or compare two records",
        "bundle": "Pack a setup into one file; reproduce it on other hosts",
        "lab": "Manage disposable nodes on this machine",
    },
}
"""The commands and what they do, as `--help` groups them: on a screen of 80 columns and 24 lines."""

_DESCRIPTIONS = {
    "dashboard": "Show the URL of the dashboard and its users, without passwords",
    "credentials": "Show the URL of the dashboard, its users and their passwords",
    "openrc": "Print shell variables with which the openstack command logs in",
}
"""What `COMMAND --help` says of the commands that share a line of `--help`."""

COMMANDS = {name: summary for commands in GROUPS.values() for name, summary in commands.items()}


class _Whole(Parser):
    """The top-level parser: `--help` fits on a screen, `--help-all` shows everything."""

    def format_help(self) -> str:
        rows = []
        for group, commands in GROUPS.items():
            names: dict[str, list[str]] = {}  # commands with one summary share a line
            for name, summary in commands.items():
                names.setdefault(summary, []).append(name)
            heading = group
            for summary, same in names.items():
                rows.append(f"{heading:<9}{', '.join(same):<12} {summary}\n")
                heading = ""
        return f"{_FIRST}\n{''.join(rows)}"

    def format_all(self) -> str:
        """All flags: our own by group, then one for each answer, by service."""
        from stackwright.answers.flags import help_all

        return f"{super().format_help()}\nAnswers; each overrides the one in the answer file:\n{help_all()}"


class _Command(argparse._SubParsersAction):  # type: ignore[type-arg]
    """Accepts flags before the command as well as after it; the action of argparse drops them."""

    def __call__(
        self, _parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, _option: str | None = None
    ) -> None:
        name, *words = values
        setattr(namespace, self.dest, name)
        _, namespace.unknown = self.choices[name].parse_known_args(words, namespace)


def parser(words: Sequence[str]) -> Parser:
    """The parser of all commands; `lab` and `answers` are complete only if `words` begin with them."""
    whole = _Whole(prog="stackwright", usage="stackwright [FLAG ...] [COMMAND ...]", add_help=False)
    group = whole.add_argument_group("what to do")
    group.add_argument("--allinone", action="store_true", help="install everything on one machine")
    group.add_argument(
        "--lab", nargs="?", const="allinone", default=None, metavar="NAME", help="with --allinone: on a lab node"
    )
    group.add_argument(
        "--install-hosts", type=hosts, metavar="A,B,...", help="A is the controller, the others are compute hosts"
    )
    group.add_argument(
        "--gen-answer-file", type=Path, default=None, metavar="FILE", help="write an answer file (mode 0600) and stop"
    )
    group.add_argument(
        "--minimal", action="store_true", help="with --gen-answer-file: only what was asked for or is not a default"
    )
    group.add_argument(
        "--validate-answer-file", type=Path, nargs="+", default=[], metavar="FILE", help="check answer files and stop"
    )
    group.add_argument("-h", "--help", action="help", help="show how to begin, and the commands")
    group.add_argument("--help-all", action=HelpAll, nargs=0, help="show all flags")
    group.add_argument("--version", action="version", version=f"stackwright {__version__}")
    answer_flags(whole)
    run_flags(whole, command=False)
    access_flags(whole)
    common(group)
    everywhere(group)
    whole.set_defaults(verbosity=0, color="auto", json=False)
    commands = whole.add_subparsers(
        title="commands", dest="command", metavar="COMMAND", prog="stackwright", action=_Command, parser_class=Parser
    )
    made: dict[str, Parser] = {}
    for name, summary in COMMANDS.items():
        made[name] = commands.add_parser(name, help=summary, description=_DESCRIPTIONS.get(name, summary))
        common(made[name])
    answered = ("check", "plan", "apply", "verify", "status", "logs", "lock", "report", "launch", "dashboard")
    for name in (*answered, "credentials", "openrc"):
        answer_flags(made[name])
    for name in ("check", "plan", "apply", "verify", "status", "logs", "lock", "launch"):
        access_flags(made[name])
    for name in ("check", "plan"):
        skip_check(made[name])
        locked(made[name])
    made["plan"].add_argument(
        "--out", type=Path, default=None, metavar="DIR", help="write exactly what would be uploaded"
    )
    made["plan"].add_argument("--all", action="store_true", help="show every step, unchanged ones too")
    made["status"].add_argument("--offline", action="store_true", help="contact no host; show what is recorded here")
    made["logs"].add_argument("host", metavar="HOST", help="a host of the answer file, or the first part of its name")
    made["logs"].add_argument(
        "step", metavar="STEP", nargs="?", default="", help="a step, such as puppet-0 (default: the last one)"
    )
    made["logs"].add_argument("--lines", type=number(1), default=0, metavar="N", help="show only the last N lines")
    made["lock"].add_argument(
        "-o", "--out", type=Path, default=None, metavar="FILE", help="write the lock to this file"
    )
    differ = (
        made["lock"]
        .add_subparsers(dest="lock_command", metavar="COMMAND")
        .add_parser("diff", help="compare two locks", description="Compare two locks")
    )
    differ.add_argument("a", type=Path, metavar="A")
    differ.add_argument("b", type=Path, metavar="B")
    made["verify"].add_argument("--junit", type=Path, metavar="FILE", help="write the result as JUnit XML, for CI")
    made["verify"].add_argument(
        "--security",
        action="store_true",
        help="compare the hosts with the checklists of the OpenStack Security Guide instead; changes nothing",
    )
    made["report"].add_argument(
        "--slowest", nargs="?", type=int, const=25, metavar="N", help="show the N slowest items (default: 25)"
    )
    made["report"].add_argument(
        "--serve", nargs="?", type=number(1, 65535), const=0, metavar="PORT",
        help="show the run in the browser while it goes on, on this machine only (default: a free port)",
    )  # fmt: skip
    made["report"].add_argument("--html", type=Path, metavar="FILE", help="write a self-contained HTML page")
    run_flags(made["apply"])
    if not {"clouds", "launch", "openrc"}.isdisjoint(words):
        from stackwright.cli import clouds

        clouds.add_arguments(made)
    if "lab" in words:
        from stackwright.cli import lab

        lab.add_arguments(made["lab"])
    if "test" in words:
        from stackwright.cli import test

        test.add_arguments(made["test"])
    if "bundle" in words:
        from stackwright.cli import bundle

        bundle.add_arguments(made["bundle"])
    if "answers" in words:
        from stackwright.cli import answers as answer_commands

        answer_commands.add_arguments(made["answers"])
    return whole


def vocabulary() -> dict[str, tuple[str, ...]]:
    """Flags and subcommands by command ("" is the top level), for completion."""
    whole = parser(("answers", "bundle", "lab", "launch", "test"))
    found = {"": (*whole.flags(), *COMMANDS)}
    for name, sub in whole.commands().items():
        nested = {flag for further in sub.commands().values() for flag in further.flags()}
        found[name] = (*sorted({*sub.flags(), *nested}), *sub.commands())
    return found
