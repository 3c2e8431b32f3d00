"""The syntax of answer files: lines of KEY=value, read as forgivingly as real files need. Nothing here knows a key.

Packstack's own reader was Python's RawConfigParser; what it accepted is accepted (`:` for `=`, keys in any case,
values that go on in indented lines), and what it stumbled over is survived: no [general] header, a byte-order mark,
CRLF, duplicate keys, tabs before keys. `#` and `;` start a comment only at the beginning of a line: passwords contain
them.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from pathlib import Path

from stackwright.model import ExitCode, Problem, Severity, StackwrightError

MOST_BYTES = 4 * 1024 * 1024
"""A file that is longer than this is no answer file: the longest one that Packstack wrote has 55 kB."""

_KEY = re.compile(r"^(?:export\s+)?([A-Za-z][A-Za-z0-9_.-]*)\s*[=:](.*)$", re.DOTALL)
_CONFLICT = re.compile(r"^(<{7}|={7}|>{7}|\|{7})( |$)")
_RULER = re.compile(r"^[-_=*~+.]{3,}$")
_SECTION = re.compile(r"^\[([^\[\]=]*)\]\s*$")


@dataclass(frozen=True)
class Line:
    """One KEY=value, with its place. `text` is the value without the blanks at its ends."""

    key: str
    """In capitals."""
    text: str
    number: int
    comment: tuple[str, ...] = ()
    """The comment lines right above it."""


@dataclass(frozen=True)
class Document:
    """An answer file as it stands, before anybody looks at what its keys mean."""

    name: str
    lines: tuple[Line, ...]
    problems: tuple[Problem, ...] = ()
    tail: tuple[str, ...] = ()
    """Comment lines after the last key."""


def _problem(document: str, number: int, name: str, seen: str, wanted: str, hint: str, *, error: bool) -> Problem:
    severity = Severity.ERROR if error else Severity.WARNING
    return Problem(name, seen, wanted, hint, severity=severity, where=f"{document}:{number}")


def read_file(path: Path) -> Document:
    """The document in the file `path`, which is only read.

    Raises StackwrightError when there is no such file, when it cannot be read or when it is no text.
    """
    try:
        if path.is_dir():
            raise StackwrightError(
                f"{path} is a folder; an answer file was expected.", "name the file in it", ExitCode.ANSWERS
            )
        with path.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise StackwrightError(
            f"There is no answer file {path}.",
            f"`stackwright answers generate {path}` writes one",
            ExitCode.ANSWERS,
        ) from None
    except OSError as error:
        raise StackwrightError(
            f"The answer file {path} cannot be read: {error.strerror}.",
            "look at its owner and mode; answer files are 0600, because they hold passwords",
            ExitCode.ANSWERS,
        ) from None
    return parse(content, str(path))


def decode(content: bytes) -> str:
    """The text of a file in UTF-8 or in UTF-16 with a byte-order mark, or in Latin-1 where it is neither."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.removeprefix(codecs.BOM_UTF8).decode("latin-1")


def parse(content: bytes | str, name: str) -> Document:
    """The document in `content`; `name` is what its places are called by. Raises StackwrightError if it is no text."""
    if len(content) > MOST_BYTES:
        raise StackwrightError(f"{name} is longer than 4 MiB; that is no answer file.", "", ExitCode.ANSWERS)
    text = decode(content) if isinstance(content, bytes) else content.removeprefix("\ufeff")
    if "\0" in text:
        raise StackwrightError(f"{name} is no text file: it holds zero bytes.", "", ExitCode.ANSWERS)

    lines: list[Line] = []
    problems: list[Problem] = []
    comment: list[str] = []
    previous: Line | None = None  # a key that an indented line may still belong to
    in_conflict = False
    # splitlines() would also split at form feeds and Unicode separators, which stand in comments
    for number, raw in enumerate(re.split(r"\r\n|\n|\r", text), start=1):
        line = raw.strip()
        if not line:
            previous = None
            if comment and comment[-1]:
                comment.append("")
            continue
        if line.startswith(("#", ";")):
            comment.append(line)
            continue
        if _CONFLICT.match(line) and (in_conflict or not line.startswith("=")):
            if not in_conflict or line.startswith("<"):
                seen = f"a conflict marker of git, {line[:20]!r}"
                hint = "decide for one side and delete the markers; `git checkout --ours` or `--theirs` does it"
                problems.append(_problem(name, number, "conflict-marker", seen, "", hint, error=True))
            in_conflict = not line.startswith(">")
            previous = None
            continue
        if _RULER.match(line):
            seen, hint = "a line of dashes or the like", "put a # before it; it is passed over"
            problems.append(_problem(name, number, "no-key", seen, "KEY=value or a comment", hint, error=False))
            previous = None
            continue
        section = _SECTION.match(line)
        if section:
            if section[1].strip().casefold() != "general":
                problems.append(
                    _problem(
                        name, number, "section", f"the section [{section[1]}]", "[general] is the only one",
                        "its keys are read as if they stood in [general]", error=False,
                    )
                )  # fmt: skip
            previous = None
            comment = []
            continue
        match = _KEY.match(line)
        if match and not (raw[0].isspace() and previous is not None and not _looks_like_key(match[1])):
            previous = Line(match[1].upper(), match[2].strip(), number, tuple(_trim(comment)))
            lines.append(previous)
            comment = []
            continue
        if raw[0].isspace() and previous is not None:
            previous = Line(previous.key, _join(previous.text, line), previous.number, previous.comment)
            lines[-1] = previous
            continue
        seen = f"a line that is neither KEY=value nor a comment ({_shape(line)})"
        hint = "put a # before it if it is a remark"
        if re.fullmatch(r"(CONFIG|EXCLUDE)_[A-Z0-9_]+", line):
            seen, hint = f"{line} without =", f"{line}= says that it is empty"
        problems.append(_problem(name, number, "no-key", seen, "KEY=value", hint, error=True))
        previous = None
    return Document(name, tuple(lines), tuple(problems), tuple(_trim(comment)))


def _looks_like_key(word: str) -> bool:
    return word.upper().startswith(("CONFIG_", "EXCLUDE_"))


def _join(first: str, more: str) -> str:
    """A value that goes on in an indented line: lists are written like that."""
    return f"{first}{more}" if not first or first.endswith((",", "[", "{")) else f"{first},{more}"


def _trim(comment: list[str]) -> list[str]:
    while comment and not comment[-1]:
        comment = comment[:-1]
    while comment and not comment[0]:
        comment = comment[1:]
    return comment


def _shape(line: str) -> str:
    """A line as it may be shown: it can be a password that somebody broke over two lines, so only its ends are told."""
    word = line.split()[0]
    return f"it begins with {word[:12]!r}" if re.match(r"[A-Z_]+$", word) else f"{len(line)} characters"
