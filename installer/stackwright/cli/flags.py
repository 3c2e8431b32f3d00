"""Shared parts of commands: the parser class, and groups of flags."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from stackwright.model import ExitCode, StackwrightError

_CHOICE = re.compile(r"invalid choice: (.*?) \(choose from (.*)\)")

_ALIKE = 0.7
"""How similar a misspelt word must be to the one that is suggested: `aply` to apply, but not `version` to verify."""


class Parser(argparse.ArgumentParser):
    """A parser without abbreviations of flags: `--allinon` must not start an installation."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"allow_abbrev": False, "formatter_class": _wide, **kwargs})
        if self.add_help:
            everywhere(self)
            self.add_argument("--help-all", action=HelpAll, nargs=0, help="show all flags, also one for each answer")

    def error(self, message: str) -> NoReturn:
        hint = f"`{self.prog} --help` lists the options"
        if choice := _CHOICE.search(message):
            given, names = choice[1].strip("'"), re.findall(r"[\w-]+", choice[2])
            near = difflib.get_close_matches(given, names, n=1, cutoff=_ALIKE)
            hint = f"did you mean {near[0]}?" if near else f"choose one of {', '.join(names)}"
            if "argument COMMAND" in message:
                message = f'unknown command "{given}"'
                if "apply" in names and Path(given).is_file():
                    hint = f"to install what that file describes: stackwright --answer-file {choice[1]}"
        raise StackwrightError(message, hint, ExitCode.USAGE)

    def flags(self) -> tuple[str, ...]:
        """All flags of this parser, sorted."""
        return tuple(sorted(self._option_string_actions))

    def commands(self) -> dict[str, Parser]:
        """The parsers of its commands, by name."""
        found = [action for action in self._actions if isinstance(action, argparse._SubParsersAction)]
        return dict(found[0].choices) if found else {}

    def format_all(self) -> str:
        """Its flags, those of its commands, and one for each answer, by service."""
        from stackwright.answers.flags import help_all

        parts = [self.format_help(), *(sub.format_help() for sub in self.commands().values())]
        if self.prog.split()[1:2] != ["lab"]:  # its commands take no answers
            parts.append(f"Answers; each overrides the one in the answer file:\n{help_all()}")
        return "\n".join(parts)


class HelpAll(argparse.Action):
    """--help-all, beside any command."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        assert isinstance(parser, Parser)
        sys.stdout.write(parser.format_all())
        parser.exit()


def _wide(prog: str) -> argparse.HelpFormatter:
    return argparse.HelpFormatter(prog, max_help_position=32)


def everywhere(parser: argparse._ActionsContainer) -> None:
    """What each command takes, before and after its name: so the defaults are those of the whole (`parser`)."""
    missing = argparse.SUPPRESS
    parser.add_argument(
        "-v", "--verbose", action="store_const", const=1, default=missing, dest="verbosity",
        help="show also what the hosts' scripts print",
    )  # fmt: skip
    parser.add_argument(
        "-q", "--quiet", action="store_const", const=-1, default=missing, dest="verbosity",
        help="show only errors and results",
    )  # fmt: skip
    parser.add_argument(
        "--color", choices=("auto", "always", "never"), default=missing,
        help="colors: auto (the default) uses them on terminals unless NO_COLOR is set",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", default=missing, help="print JSON for programs (docs/json.md)")


def number(least: int, most: int | None = None) -> Callable[[str], int]:
    """A parser of whole numbers within bounds."""
    bounds = f"a whole number from {least} to {most}" if most else f"a whole number, {least} or more"

    def parse(text: str) -> int:
        # isdecimal also accepts digits of other alphabets, and int reads them
        if not text.isdecimal() or not least <= int(text) <= (most or int(text)):
            raise argparse.ArgumentTypeError(f"{text!r} is not {bounds}")
        return int(text)

    return parse


def hosts(text: str) -> str:
    """The hosts of --install-hosts, with commas. Raises StackwrightError for one that names a user, too."""
    for word in text.split(","):
        user, at, host = word.strip().rpartition("@")
        if at:
            raise StackwrightError(
                f"--install-hosts: {word.strip()} names a user",
                f"write {host or 'the host'} alone, and use `--user {user or 'NAME'}`",
                ExitCode.USAGE,
            )
    if not text.strip(", \t"):
        raise argparse.ArgumentTypeError("must name at least one host")
    return text


def access_flags(parser: argparse.ArgumentParser) -> None:
    """How the hosts are reached."""
    group = parser.add_argument_group("access to the hosts")
    group.add_argument(
        "--user", default="", metavar="NAME", help="log in as this user (default: from ~/.ssh/config, else root)"
    )
    group.add_argument(
        "--port", type=number(1, 65535), default=0, metavar="N", help="SSH port (default: from ~/.ssh/config, else 22)"
    )
    group.add_argument("--ssh-key", action="append", default=[], type=Path, metavar="FILE", help="private key for SSH")
    group.add_argument("--jump", default="", metavar="HOST", help="jump host, as with ssh -J; none: connect directly")
    group.add_argument(
        "--known-hosts", action="append", default=[], type=Path, metavar="FILE", help="trust the host keys in this file"
    )
    group.add_argument("--accept-new-host-keys", action="store_true", help="accept and pin unknown host keys")
    group.add_argument("--ask-password", action="store_true", help="ask for the SSH password")
    group.add_argument("--ask-sudo-password", action="store_true", help="ask for the sudo password")
    group.add_argument("--over-ssh", action="store_true", help="use SSH for this machine too")


def answer_flags(parser: argparse.ArgumentParser) -> None:
    """Answer files, single answers, and where state is kept."""
    group = parser.add_argument_group("answers and state")
    group.add_argument(
        "-a", "--answer-file", action="append", default=[], type=Path, metavar="FILE", dest="answer_file",
        help="answer file; with several, later ones win",
    )  # fmt: skip
    group.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="settings",
        help="set one answer; overrides answer files",
    )
    group.add_argument("--release", default="", metavar="NAME", help="OpenStack release, such as zed or 2025.1")
    group.add_argument(
        "--trunk", nargs="?", const="current", default="", metavar="TAG",
        help="RDO's builds of every commit: current (the default), consistent, puppet-passed-ci, or a hash",
    )  # fmt: skip
    group.add_argument(
        "--state",
        type=Path,
        default=None,
        metavar="DIR",
        help="state directory (default: ~/.local/state/stackwright)",
    )


def skip_check(group: argparse._ActionsContainer) -> None:
    group.add_argument(
        "--skip-check", action="append", default=[], type=_check, metavar="NAME", help="ignore failures of this check"
    )


def _check(name: str) -> str:
    """The name of a check. Raises StackwrightError for another one."""
    from stackwright.preflight import require_known

    require_known((name,))
    return name


def locked(group: argparse._ActionsContainer) -> None:
    group.add_argument(
        "--locked",
        type=Path,
        default=None,
        metavar="FILE",
        help="install exactly the packages of this lock",
    )


def run_flags(parser: argparse.ArgumentParser, *, command: bool = True) -> None:
    """How a plan is carried out, by a `command` or by Packstack's flags."""
    group = parser.add_argument_group("execution")
    # -y is Packstack's. In a command it would read as "yes".
    dry_run = ("--dry-run",) if command else ("-y", "--dry-run")
    group.add_argument(*dry_run, action="store_true", help="check, plan and show what would be done; change nothing")
    group.add_argument("--again", action="store_true", help="run all steps, including finished ones")
    group.add_argument(
        "-t", "--timeout", type=number(1), default=None, metavar="SECONDS", help="time limit for one action on a host"
    )
    group.add_argument(
        "--parallel", type=number(1), default=500, metavar="N", help="hosts to work on at once (default: 500)"
    )
    skip_check(group)
    locked(group)
    group.add_argument("--no-verify", action="store_true", help="do not verify the cloud afterwards")


def common(parser: argparse._ActionsContainer) -> None:
    parser.add_argument(
        "-d", "--debug", action="store_true", help="show tracebacks (for the services: --os-debug-mode=y)"
    )


def refuse_foreign(path: Path, beginning: bytes) -> None:
    """Raises StackwrightError if the file exists and does not begin with `beginning`: then another program or a person
    wrote it."""
    try:
        with path.open("rb") as there:
            if there.read(len(beginning)) in (beginning, b""):
                return
    except OSError:
        return  # there is none; or whoever writes it says why it cannot be written
    raise StackwrightError(
        f"{path} exists and is another kind of file; it was not changed",
        "choose another file name, or move that file away",
        ExitCode.USAGE,
    )
