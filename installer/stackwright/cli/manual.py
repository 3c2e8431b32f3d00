"""The manual page stackwright(1), from the parsers of the commands."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Iterator, Set

from stackwright import __version__
from stackwright.cli.arguments import COMMANDS, parser
from stackwright.cli.flags import Parser
from stackwright.model import ExitCode

_FILES = (
    ("~/.local/state/stackwright/", "the state of the clouds; --state or STACKWRIGHT_STATE name another folder"),
    ("./cloud.answers", "the answer file of commands without --answer-file"),
    ("/var/lib/stackwright/", "on the hosts: running steps, and what was changed"),
)
_VARIABLES = (
    ("STACKWRIGHT_ANSWERS", "the answer file of commands without --answer-file"),
    ("STACKWRIGHT_STATE", "the state directory"),
    ("STACKWRIGHT_CONFIG_...", "an answer; overrides answer files"),
    ("STACKWRIGHT_LAB_DIR, STACKWRIGHT_LAB_NUMBER", "the folder and the number of the lab"),
    ("NO_COLOR", "no colors, unless --color=always"),
)


def page() -> str:
    """The page in troff's man format."""
    whole = parser(("answers", "bundle", "clouds", "lab", "launch", "openrc", "test"))
    out = [
        f'.TH STACKWRIGHT 1 "" "stackwright {_escaped(__version__)}" "User Commands"',
        ".SH NAME",
        "stackwright \\- install OpenStack on one or more hosts, and verify it",
        ".SH SYNOPSIS",
        ".B stackwright",
        "[\\fIFLAG\\fR ...] [\\fICOMMAND\\fR ...]",
        ".SH OPTIONS",
        *_flags(whole),
        ".SH COMMANDS",
    ]
    for name in COMMANDS:
        out += _command(f"stackwright {name}", whole.commands()[name], set(whole.flags()))
    out += [".SH ANSWERS", "Each answer is also a flag: see", ".B stackwright \\-\\-help\\-all", "and"]
    out += ['.BR "stackwright answers explain" .']
    out += [".SH EXIT STATUS", *_rows((str(int(code)), code.meaning) for code in ExitCode)]
    out += [".SH FILES", *_rows(_FILES), ".SH ENVIRONMENT", *_rows(_VARIABLES)]
    return "\n".join(out) + "\n"


def _command(title: str, one: Parser, known: Set[str]) -> Iterator[str]:
    """A command with the flags that the whole does not have, then its subcommands."""
    usage = " ".join(
        word.metavar if isinstance(word.metavar, str) else word.dest.upper()
        for word in one._actions
        if not word.option_strings and not isinstance(word, argparse._SubParsersAction)
    )
    yield f".SS {_escaped(f'{title} {usage}'.strip())}"
    yield _escaped(one.description or "")
    yield from _flags(one, known)
    for name, sub in one.commands().items():
        yield from _command(f"{title} {name}", sub, known | set(one.flags()))


def _flags(one: Parser, known: Set[str] = frozenset()) -> Iterator[str]:
    for action in one._actions:
        if action.option_strings and not known & set(action.option_strings):
            value = action.metavar if isinstance(action.metavar, str) else ""
            if action.choices:
                value = "|".join(map(str, action.choices))
            value = value if action.nargs != 0 else ""
            yield ".TP"
            yield ", ".join(f"\\fB{_escaped(flag)}\\fR" for flag in action.option_strings) + (
                f" \\fI{_escaped(value)}\\fR" if value else ""
            )
            yield _escaped(action.help or "")


def _rows(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    for name, text in rows:
        yield from (".TP", f"\\fB{_escaped(name)}\\fR", _escaped(text))


def _escaped(text: str) -> str:
    """The text as troff reads it: without its own characters, and never as a request."""
    text = re.sub(r"\s+", " ", text.replace("\\", "\\e").replace("-", "\\-"))
    return f"\\&{text}" if text.startswith((".", "'")) else text
