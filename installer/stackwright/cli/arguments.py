"""The command line as a whole: its commands, each with its flags."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from stackwright import __version__
from stackwright.cli.flags import (
    Parser,
    access_flags,
    answer_flags,
    common,
    hosts,
    locked,
    number,
    run_flags,
    skip_check,
)

_FIRST = """\
Installs OpenStack on one or more hosts, and proves that it works.

  stackwright --allinone                everything on this machine, with --lab on a throw-away node
  stackwright                           asks what matters, and writes an answer file
  stackwright --gen-answer-file FILE    writes an answer file to be edited, with new passwords
  stackwright --validate-answer-file F  says everything that is wrong with answer files
  stackwright --answer-file FILE        installs what it describes; run again, it goes on
  stackwright --install-hosts A,B,...   A is the controller, the others run instances
"""
"""What a newcomer sees of `--help`, before the commands."""

COMMANDS = {
    "check": "looks at answers and hosts, names everything that is in the way, changes nothing",
    "plan": "shows what would be done",
    "apply": "does it; what is done already is kept",
    "verify": "proves that the cloud works",
    "status": "what is installed where and does its work, as the hosts say",
    "logs": "what a host's runs have said",
    "test": "OpenStack's own tests, by scenario",
    "lock": "what is installed, exactly, as a file; what differs between two of them",
    "bundle": "a setup as one file, for others to repeat",
    "report": "the last run: what took how long, what failed, what was proved",
    "answers": "writes, checks, explains, compares and migrates answer files",
    "lab": "throw-away nodes on this machine",
}

_MORE = """\
`stackwright COMMAND --help` has its flags, `stackwright --help-all` all, and one for each answer.
"""


class _Whole(Parser):
    """The parser of the command itself: `--help` fits on a screen, `--help-all` has the rest."""

    def format_help(self) -> str:
        summaries = "".join(f"  {name:<9} {summary}\n" for name, summary in COMMANDS.items())
        return f"{_FIRST}\n{summaries}\n{_MORE}"

    def format_all(self) -> str:
        """All flags: its own by group, then one for each answer, by service."""
        from stackwright.answers.flags import help_all

        return f"{super().format_help()}\nAnswers; each wins over the one of the answer file:\n{help_all()}"


class _HelpAll(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        assert isinstance(parser, _Whole)
        sys.stdout.write(parser.format_all())
        parser.exit()


class _Command(argparse._SubParsersAction):  # type: ignore[type-arg]
    """Flags before the command count as those after it do; argparse's own action forgets them."""

    def __call__(
        self, _parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, _option: str | None = None
    ) -> None:
        name, *words = values
        setattr(namespace, self.dest, name)
        _, namespace.unknown = self.choices[name].parse_known_args(words, namespace)


def parser(words: Sequence[str]) -> Parser:
    """The parser of all commands; those of `lab` and `answers` in full only where `words` begin with them."""
    whole = _Whole(prog="stackwright", usage="stackwright [FLAG ...] [COMMAND ...]", add_help=False)
    group = whole.add_argument_group("what to do")
    group.add_argument("--allinone", action="store_true", help="everything on one machine")
    group.add_argument(
        "--lab", nargs="?", const="allinone", default=None, metavar="NAME", help="with --allinone: on a throw-away node"
    )
    group.add_argument(
        "--install-hosts", type=hosts, metavar="A,B,...", help="A is the controller, the others run instances"
    )
    group.add_argument(
        "--gen-answer-file", type=Path, default=None, metavar="FILE", help="write an answer file (mode 0600) and stop"
    )
    group.add_argument(
        "--minimal", action="store_true", help="with --gen-answer-file: only what differs from the defaults"
    )
    group.add_argument(
        "--validate-answer-file", type=Path, nargs="+", default=[], metavar="FILE", help="check answer files and stop"
    )
    group.add_argument("-h", "--help", action="help", help="what to begin with, and the commands")
    group.add_argument("--help-all", action=_HelpAll, nargs=0, help="this text")
    group.add_argument("--version", action="version", version=f"stackwright {__version__}")
    answer_flags(whole)
    run_flags(whole)
    access_flags(whole)
    common(group)
    commands = whole.add_subparsers(
        title="commands", dest="command", metavar="COMMAND", prog="stackwright", action=_Command, parser_class=Parser
    )
    made: dict[str, Parser] = {}
    for name, summary in COMMANDS.items():
        made[name] = commands.add_parser(name, help=summary, description=summary)
        common(made[name])
    for name in ("check", "plan", "apply", "verify", "status", "logs", "lock", "report"):
        answer_flags(made[name])
    for name in ("check", "plan", "apply", "verify", "status", "logs", "lock"):
        access_flags(made[name])
    for name in ("check", "plan"):
        skip_check(made[name])
        locked(made[name])
    made["plan"].add_argument(
        "--out", type=Path, default=None, metavar="DIR", help="write exactly what would be uploaded"
    )
    made["plan"].add_argument("--all", action="store_true", help="every step, also what is as it was applied last")
    made["plan"].add_argument("--json", action="store_true", help="every step, and what would change, as JSON")
    made["status"].add_argument("--offline", action="store_true", help="ask no host: only what is recorded here")
    made["status"].add_argument("--json", action="store_true", help="all of it as JSON")
    made["logs"].add_argument("host", metavar="HOST", help="as the answer file calls it, or the first part of that")
    made["logs"].add_argument(
        "step", metavar="STEP", nargs="?", default="", help="such as puppet-0 (default: the last)"
    )
    made["logs"].add_argument("--lines", type=number(1), default=0, metavar="N", help="only the last N lines")
    made["lock"].add_argument("-o", "--out", type=Path, default=None, metavar="FILE", help="write it there")
    differ = (
        made["lock"]
        .add_subparsers(dest="lock_command", metavar="COMMAND")
        .add_parser(
            "diff", help="say in words what differs between two locks", description="What differs between two locks."
        )
    )
    differ.add_argument("a", type=Path, metavar="A")
    differ.add_argument("b", type=Path, metavar="B")
    made["verify"].add_argument("--json", action="store_true", help="the result as JSON")
    made["report"].add_argument(
        "--slowest", nargs="?", type=int, const=25, metavar="N", help="the N things that took longest (default: 25)"
    )
    made["report"].add_argument("--html", type=Path, metavar="FILE", help="write it as a page that needs no network")
    made["report"].add_argument("--json", action="store_true", help="the same for machines")
    run_flags(made["apply"])
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
    """By command ("" is the beginning of the line), its flags and the further commands: for completion."""
    whole = parser(("answers", "bundle", "lab", "test"))
    found = {"": (*whole.flags(), *COMMANDS)}
    for name, sub in whole.commands().items():
        nested = {flag for further in sub.commands().values() for flag in further.flags()}
        found[name] = (*sorted({*sub.flags(), *nested}), *sub.commands())
    return found
