"""The arguments of the command line, and what of them every command reads in the same way."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from stackwright import __version__
from stackwright.model import ExitCode, StackwrightError

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

_CHOICE = re.compile(r"invalid choice: (.*?) \(choose from (.*)\)")


class Parser(argparse.ArgumentParser):
    """Abbreviations are off: `--allinon` must not start an installation."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"allow_abbrev": False, "formatter_class": _wide, **kwargs})

    def error(self, message: str) -> NoReturn:
        hint = f"`{self.prog} --help` shows what there is"
        if choice := _CHOICE.search(message):
            near = difflib.get_close_matches(choice[1].strip("'"), re.findall(r"[\w-]+", choice[2]), n=1)
            hint = f"did you mean {near[0]}?" if near else hint
            if "apply" in choice[2] and Path(choice[1].strip("'")).is_file():
                hint = f"to install what that file describes: stackwright --answer-file {choice[1]}"
        raise StackwrightError(message, hint, ExitCode.USAGE)

    def flags(self) -> tuple[str, ...]:
        """Every flag that it takes itself, sorted."""
        return tuple(sorted(self._option_string_actions))

    def commands(self) -> dict[str, Parser]:
        """The parsers of its commands, by name."""
        found = [action for action in self._actions if isinstance(action, argparse._SubParsersAction)]
        return dict(found[0].choices) if found else {}


def _wide(prog: str) -> argparse.HelpFormatter:
    return argparse.HelpFormatter(prog, max_help_position=32)


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


def number(least: int, most: int | None = None) -> Callable[[str], int]:
    """A parser of whole numbers within bounds."""
    bounds = f"a whole number from {least} to {most}" if most else f"a whole number, {least} or more"

    def parse(text: str) -> int:
        # isdecimal takes other alphabets' digits too, and int reads them
        if not text.isdecimal() or not least <= int(text) <= (most or int(text)):
            raise argparse.ArgumentTypeError(f"{text!r} is not {bounds}")
        return int(text)

    return parse


def _hosts(text: str) -> str:
    if not text.strip(", \t"):
        raise argparse.ArgumentTypeError("no host is named")
    return text


def access_flags(parser: argparse.ArgumentParser) -> None:
    """How the hosts are reached."""
    group = parser.add_argument_group("how the hosts are reached")
    group.add_argument(
        "--user", default="", metavar="NAME", help="log in as this user (default: ~/.ssh/config's, else root)"
    )
    group.add_argument(
        "--port", type=number(1, 65535), default=0, metavar="N", help="SSH port (default: ~/.ssh/config's, else 22)"
    )
    group.add_argument(
        "--ssh-key", action="append", default=[], type=Path, metavar="FILE", help="private key to log in with"
    )
    group.add_argument(
        "--jump", default="", metavar="HOST", help="go through this host, as ssh -J does; none: through no host"
    )
    group.add_argument(
        "--known-hosts", action="append", default=[], type=Path, metavar="FILE", help="believe these host keys too"
    )
    group.add_argument("--accept-new-host-keys", action="store_true", help="pin unknown host keys without asking")
    group.add_argument("--ask-password", action="store_true", help="ask for the log-in password")
    group.add_argument("--ask-sudo-password", action="store_true", help="ask for the password of sudo")
    group.add_argument("--over-ssh", action="store_true", help="use SSH for this machine too")


def answer_flags(parser: argparse.ArgumentParser) -> None:
    """Answer files, single answers, and where state is kept."""
    group = parser.add_argument_group("answers and state")
    group.add_argument(
        "-a", "--answer-file", action="append", default=[], type=Path, metavar="FILE", dest="answer_file",
        help="answer file; several are laid over each other, later ones win",
    )  # fmt: skip
    group.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="settings", help="one answer, over the file's"
    )
    group.add_argument("--release", default="", metavar="NAME", help="OpenStack release, as zed or 2025.1")
    group.add_argument(
        "--trunk", nargs="?", const="current", default="", metavar="TAG",
        help="RDO's builds of every commit: current (the default), consistent, puppet-passed-ci, or a hash",
    )  # fmt: skip
    group.add_argument(
        "--state",
        type=Path,
        default=None,
        metavar="DIR",
        help="where clouds' state is kept (default: ~/.local/state/stackwright)",
    )


def _skip_check(group: argparse._ActionsContainer) -> None:
    group.add_argument(
        "--skip-check", action="append", default=[], metavar="NAME", help="go on although this check fails"
    )


def _locked(group: argparse._ActionsContainer) -> None:
    group.add_argument(
        "--locked",
        type=Path,
        default=None,
        metavar="FILE",
        help="install exactly the packages of this lock",
    )


def run_flags(parser: argparse.ArgumentParser) -> None:
    """How a plan is carried out."""
    group = parser.add_argument_group("how it is done")
    group.add_argument(
        "-y", "--dry-run", action="store_true", help="check and plan, show what would be done, change nothing"
    )
    group.add_argument("--again", action="store_true", help="do every step, also those that are done")
    group.add_argument(
        "-t", "--timeout", type=number(1), default=None, metavar="SECONDS", help="longest time for one action on a host"
    )
    group.add_argument(
        "--parallel", type=number(1), default=500, metavar="N", help="hosts to work on at once (default: 500)"
    )
    _skip_check(group)
    _locked(group)
    group.add_argument("--no-verify", action="store_true", help="do not prove the cloud afterwards")
    group.add_argument("--json", action="store_true", help="one JSON object per event, for machines")


def _common(parser: argparse._ActionsContainer) -> None:
    parser.add_argument(
        "-d", "--debug", action="store_true", help="show tracebacks, and let the services log at debug level"
    )


def parser(words: Sequence[str]) -> Parser:
    """The parser of all commands; those of `lab` and `answers` in full only where `words` begin with them."""
    whole = _Whole(prog="stackwright", usage="stackwright [FLAG ...] [COMMAND ...]", add_help=False)
    group = whole.add_argument_group("what to do")
    group.add_argument("--allinone", action="store_true", help="everything on one machine")
    group.add_argument(
        "--lab", nargs="?", const="allinone", default=None, metavar="NAME", help="with --allinone: on a throw-away node"
    )
    group.add_argument(
        "--install-hosts", type=_hosts, metavar="A,B,...", help="A is the controller, the others run instances"
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
    _common(group)
    commands = whole.add_subparsers(
        title="commands", dest="command", metavar="COMMAND", prog="stackwright", action=_Command, parser_class=Parser
    )
    made: dict[str, Parser] = {}
    for name, summary in COMMANDS.items():
        made[name] = commands.add_parser(name, help=summary, description=summary)
        _common(made[name])
    for name in ("check", "plan", "apply", "verify", "status", "logs", "lock", "report"):
        answer_flags(made[name])
    for name in ("check", "plan", "apply", "verify", "status", "logs", "lock"):
        access_flags(made[name])
    for name in ("check", "plan"):
        _skip_check(made[name])
        _locked(made[name])
    made["plan"].add_argument(
        "--out", type=Path, default=None, metavar="DIR", help="write exactly what would be uploaded"
    )
    made["plan"].add_argument("--all", action="store_true", help="every step, also what is as it was applied last")
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
        from stackwright import lab

        lab.add_arguments(made["lab"])
    if "test" in words:
        from stackwright.cli import test

        test.add_arguments(made["test"])
    if "bundle" in words:
        from stackwright.cli import bundle

        bundle.add_arguments(made["bundle"])
    if "answers" in words:
        from stackwright.answers import commands as answer_commands

        answer_commands.add_arguments(made["answers"])
        made["answers"].set_defaults(vocabulary=vocabulary)
    return whole


def vocabulary() -> dict[str, tuple[str, ...]]:
    """By command ("" is the beginning of the line), its flags and the further commands: for completion."""
    whole = parser(("answers", "bundle", "lab", "test"))
    found = {"": (*whole.flags(), *COMMANDS)}
    for name, sub in whole.commands().items():
        nested = {flag for further in sub.commands().values() for flag in further.flags()}
        found[name] = (*sorted({*sub.flags(), *nested}), *sub.commands())
    return found


def refuse_foreign(path: Path, beginning: bytes) -> None:
    """Raises StackwrightError where there is a file already that does not begin as those do that are to be written
    there: it is a person's own."""
    try:
        with path.open("rb") as there:
            if there.read(len(beginning)) in (beginning, b""):
                return
    except OSError:
        return  # there is none; or whoever writes it says why it cannot be written
    raise StackwrightError(
        f"{path} is there already, and is something else: it is left as it is",
        "name another file, or move that one away",
        ExitCode.USAGE,
    )


def settings(arguments: argparse.Namespace) -> dict[str, str]:
    """Answers given as flags and with --set, by key. Raises StackwrightError for a key that is not known."""
    from stackwright.answers.flags import settings as from_flags

    out = from_flags(arguments.presets, arguments.settings)
    for key, value in (("CONFIG_OPENSTACK_RELEASE", arguments.release), ("CONFIG_RDO_TRUNK", arguments.trunk)):
        if value:
            out.setdefault(key, value)
    if arguments.debug:
        out.setdefault("CONFIG_DEBUG_MODE", "y")
    return out
