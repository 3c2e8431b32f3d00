"""The syntax of answer files: lines of KEY=value. This module knows no keys.

Packstack read files with Python's RawConfigParser. Everything that it accepted is accepted (`:` for `=`, keys in any
case, values that continue on indented lines), and some things that it rejected: no [general] header, a byte-order mark,
CRLF, duplicate keys, tabs before keys, zero bytes in comments. `#` and `;` start a comment only at the beginning of a
line, because passwords contain them.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from stackwright.model import ExitCode, Problem, Severity, StackwrightError

MOST_BYTES = 4 * 1024 * 1024
"""A longer file is not an answer file: the longest one that Packstack wrote has 55 kB."""

MOST_LINES = 100_000
"""A file with more lines than this is no answer file either: Packstack's have 1,500."""

MOST_CHARACTERS = 64 * 1024
"""Maximum length of a value: a list of a thousand hosts has 16 kB."""

_MOST_PROBLEMS = 1000
"""Of a file of noise, no more errors, and no more warnings, of one name are worth a word."""

_MOST_DAMAGED = 20
"""A file with more lines with zero bytes than this is not a text file."""

_KEY = re.compile(r"^(?:export\s+)?([A-Za-z][A-Za-z0-9_.-]*)\s*[=:](.*)$", re.DOTALL)
_CONFLICT = re.compile(r"^(<{7}|={7}|>{7}|\|{7})( |$)")
_RULER = re.compile(r"^[-_=*~+.]{3,}$")
_SECTION = re.compile(r"^\[([^\[\]=]*)\]\s*([#;].*)?$")
_UNSEEN = "\ufeff\u200b\u200c\u200d\u2060"
"""Characters without a width: text from web pages and joined files has them at the ends of lines."""


@dataclass(frozen=True)
class Line:
    """One KEY=value with its position. `text` is the value without leading and trailing blanks."""

    key: str
    """In capitals."""
    text: str
    number: int
    comment: tuple[str, ...] = ()
    """The comment lines directly above it."""
    apart: bool = False
    """Whether it is in a section other than [general]."""


@dataclass(frozen=True)
class Document:
    """The content of an answer file, before its keys are interpreted."""

    name: str
    lines: tuple[Line, ...]
    problems: tuple[Problem, ...] = ()
    tail: tuple[str, ...] = ()
    """Comment lines after the last key."""


def _problem(document: str, number: int, name: str, seen: str, wanted: str, hint: str, *, error: bool) -> Problem:
    severity = Severity.ERROR if error else Severity.WARNING
    return Problem(name, seen, wanted, hint, severity=severity, where=f"{document}:{number}")


def read_file(path: Path) -> Document:
    """The document in the file `path`, which is not changed.

    Raises StackwrightError if the file does not exist, cannot be read, or is not text.
    """
    try:
        if path.is_dir():
            raise StackwrightError(f"{path} is a folder, not an answer file", "name the file in it", ExitCode.ANSWERS)
        with path.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise StackwrightError(
            f"there is no answer file {path}",
            f"write one with `stackwright answers generate {path}`",
            ExitCode.ANSWERS,
        ) from None
    except OSError as error:
        raise StackwrightError(
            f"the answer file {path} cannot be read: {error.strerror}",
            "check its owner and mode; answer files are 0600, because they contain passwords",
            ExitCode.ANSWERS,
        ) from None
    return parse(content, str(path))


def decode(content: bytes) -> str:
    """Decodes a file: UTF-8 or UTF-16, with or without a byte-order mark; otherwise Latin-1."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    for start, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        # UTF-16 without a mark is recognized by its zero bytes: the letters of an answer file are mostly ASCII
        if len(content) >= 8 and content[start::2].count(0) > len(content) // 4 and 0 not in content[1 - start :: 2]:
            return content.decode(name, errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.removeprefix(codecs.BOM_UTF8).decode("latin-1")


def parse(content: bytes | str, name: str) -> Document:
    """The document in `content`. `name` is the file's name in messages. Raises StackwrightError if it is not text."""
    if len(content) > MOST_BYTES:
        raise StackwrightError(f"{name} is longer than 4 MiB; expected an answer file", "", ExitCode.ANSWERS)
    text = decode(content) if isinstance(content, bytes) else content.removeprefix("\ufeff")
    breaks = text.count("\n") + text.count("\r") - text.count("\r\n")
    if breaks > MOST_LINES:
        raise StackwrightError(
            f"{name} has {breaks} lines; expected at most {MOST_LINES}.", "name an answer file", ExitCode.ANSWERS
        )
    damaged = [
        number
        for number, raw in (_numbered(text) if "\0" in text else ())
        if "\0" in raw and not raw.lstrip().startswith(("#", ";"))
    ]
    if len(damaged) > _MOST_DAMAGED or (damaged and not re.search(r"^[ \t]*(CONFIG_|EXCLUDE_)", text, re.M | re.I)):
        raise StackwrightError(
            f"{name} is not a text file: it contains zero bytes",
            "name a text file of lines KEY=value",
            ExitCode.ANSWERS,
        )
    problems = [
        _problem(
            name, number, "zero-bytes", "the line has zero bytes", "",
            "something damaged the file here; write the line anew", error=True,
        )
        for number in damaged
    ]  # fmt: skip
    count: Counter[tuple[str, bool]] = Counter()

    def complain(number: int, kind: str, seen: str, wanted: str, hint: str, *, error: bool) -> None:
        count[kind, error] += 1
        if count[kind, error] <= _MOST_PROBLEMS:
            problems.append(_problem(name, number, kind, seen, wanted, hint, error=error))

    lines: list[Line] = []
    comment: list[str] = []
    more: dict[int, list[str]] = {}  # by index in `lines`: a value and the indented lines that continue it
    previous: Line | None = None  # a key that an indented line may still belong to
    in_conflict = apart = False
    for number, raw in _numbered(text):
        line = raw.strip().strip(_UNSEEN).strip()
        if number in damaged:
            previous = None
            continue
        if not line:
            previous = None
            if comment and comment[-1]:
                comment.append("")
            continue
        if line.startswith(("#", ";")):
            # Packstack on CentOS 9 wrote zero bytes: docutils replaces each backslash by one
            comment.append(line.replace("\0", ""))
            continue
        if line[0] in "<=>|" and _CONFLICT.match(line) and (in_conflict or line[0] != "="):
            if not in_conflict or line.startswith("<"):
                seen = f"a conflict marker of git, {line[:20]!r}"
                hint = "decide for one side and delete the markers; `git checkout --ours` or `--theirs` does it"
                complain(number, "conflict-marker", seen, "", hint, error=True)
            in_conflict = not line.startswith(">")
            previous = None
            continue
        if line[0] in "-_=*~+." and _RULER.match(line):
            seen, hint = "a line of dashes is neither KEY=value nor a comment", "put a # before it; it is ignored"
            complain(number, "no-key", seen, "", hint, error=False)
            previous = None
            continue
        section = _SECTION.match(line) if line[0] == "[" else None
        if section:
            apart = section[1].strip().casefold() != "general"
            if apart:
                hint = "its keys are read where [general] does not have them; Packstack did not read it"
                seen = f"unknown section [{section[1][:40]}]"
                complain(number, "section", seen, "[general] is the only one", hint, error=False)
            previous = None
            if comment and comment[-1]:
                comment.append("")
            continue
        match = _KEY.match(line)
        if match and not (raw[0].isspace() and previous is not None and not _looks_like_key(match[1])):
            value = match[2].strip().strip(_UNSEEN).strip()
            previous = Line(match[1].upper(), value, number, tuple(_trim(comment)), apart)
            lines.append(previous)
            comment = []
            continue
        if raw[0].isspace() and previous is not None:
            more.setdefault(len(lines) - 1, [previous.text]).append(line)
            continue
        seen = f"the line is neither KEY=value nor a comment ({_shape(line)})"
        hint = "put a # before it if it is a remark"
        if re.fullmatch(r"(CONFIG|EXCLUDE)_[A-Z0-9_]+", line):
            seen, hint = f"there is no = after {line[:80]}", f"write {line[:80]}= to leave it empty"
        complain(number, "no-key", seen, "", hint, error=True)
        previous = None
    for at, pieces in more.items():
        lines[at] = replace(lines[at], text=_joined(pieces))
    for line_ in (line_ for line_ in lines if len(line_.text) > MOST_CHARACTERS):
        seen = f"the value of {line_.key[:80]} has {len(line_.text)} characters"
        wanted, hint = (
            f"it may have {MOST_CHARACTERS} at most",
            "shorten it; a list of hosts can be written as node[1-9]",
        )
        problems.append(_problem(name, line_.number, "too-long", seen, wanted, hint, error=True))
    kept = tuple(line_ for line_ in lines if len(line_.text) <= MOST_CHARACTERS)
    return Document(name, kept, tuple(problems), tuple(_trim(comment)))


def _numbered(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their numbers. splitlines() would also split at form feeds and Unicode separators, which comments
    contain."""
    return enumerate(re.split(r"\r\n|\n|\r", text), start=1)


def _looks_like_key(word: str) -> bool:
    return word.upper().startswith(("CONFIG_", "EXCLUDE_"))


def _joined(pieces: list[str]) -> str:
    """Joins a value that continues on indented lines, as lists do."""
    found: list[str] = []
    for piece in pieces:
        if found and found[-1] and not found[-1].endswith((",", "[", "{")):
            found.append(",")
        found.append(piece)
    return "".join(found)


def _trim(comment: list[str]) -> list[str]:
    while comment and not comment[-1]:
        comment = comment[:-1]
    while comment and not comment[0]:
        comment = comment[1:]
    return comment


def _shape(line: str) -> str:
    """A description of a line for messages. It can be a part of a password, so only its beginning is shown."""
    word = line.split(None, 1)[0]
    return f"it begins with {word[:12]!r}" if re.match(r"(CONFIG|EXCLUDE)[A-Z_]*$", word) else f"{len(line)} characters"
