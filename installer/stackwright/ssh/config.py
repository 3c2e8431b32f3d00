"""Reads ~/.ssh/config like OpenSSH: Include, comments behind a value, and the conditions of Match.

paramiko does the rest. It regards unknown conditions as true, and comments as a part of the value.
"""

from __future__ import annotations

import functools
import getpass
import glob
import re
import shlex
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import paramiko

from stackwright.model import ExitCode, StackwrightError

from .knownhosts import pattern

_DEEPEST = 16
"""Maximum depth of Include, as in OpenSSH."""

_LINE = re.compile(r"(?P<key>\w+)(?:\s*=\s*|\s+)(?P<value>.+)")


def lookup(path: Path, name: str, *, user: str = "", port: int = 0) -> dict[str, str | list[str]]:
    """The settings of a file for a host, by option in lower case; empty if there is no such file. `user` and `port` are
    those of flags, which conditions and %r, %p use. Raises StackwrightError(ENVIRONMENT) if the file is not readable or
    has errors."""
    reader = _Reader(name, [f"User {user}"] * bool(user) + [f"Port {port}"] * bool(port))
    try:
        if path.is_file():
            reader.read(path, _Block(), 0)
        found = reader.found()
    except StackwrightError:
        raise
    except (OSError, UnicodeDecodeError, paramiko.ssh_exception.ConfigParseError) as error:
        raise StackwrightError(
            f"{path} cannot be read: {error}", "correct that line or use another file", ExitCode.ENVIRONMENT
        ) from None
    except Exception as error:  # paramiko passes on any exception (canonicalisation)
        raise StackwrightError(f"{path} cannot be used for {name}: {error}", "", ExitCode.ENVIRONMENT) from None
    return {key: value for key, value in found.items() if value is not None}


@dataclass(frozen=True)
class _Block:
    """The condition under which the current lines apply."""

    applies: bool = True
    late: str = ""
    """Conditions in the syntax of Match that can be evaluated only after everything else (`final`), by paramiko."""


@dataclass(frozen=True)
class _Reader:
    """Reads files for one host, and collects the lines that apply to it in `lines`, for paramiko."""

    name: str
    lines: list[str]

    def found(self) -> Mapping[str, Any]:
        """The settings that result from the lines so far."""
        return paramiko.SSHConfig.from_text("\n".join(self.lines)).lookup(self.name)

    def read(self, path: Path, outer: _Block, depth: int) -> None:
        """Reads a file that was included in the block `outer`."""
        if depth > _DEEPEST:
            raise StackwrightError(
                f"{path} is included too often; files may include each other",
                "check the Include lines of ~/.ssh/config",
                ExitCode.ENVIRONMENT,
            )
        block = outer
        for line in _parsed(path):
            if line.key == "host":
                block = replace(outer, applies=outer.applies and _meets(line.words, self.name))
            elif line.key == "match":
                block = self._match(list(line.words), outer)
            elif line.key == "include":
                for one in _included(line.words) if block.applies else ():
                    self.read(one, block, depth + 1)
            elif block.applies:
                # One Match per line, because the next line may apply to all hosts again.
                self.lines.extend([f"Match {block.late}", line.text, "Host *"] if block.late else [line.text])

    def _match(self, words: list[str], outer: _Block) -> _Block:
        """The block that begins with Match. Conditions that cannot be evaluated here are false."""
        late: list[str] = []
        applies = outer.applies
        while words:
            word, _, value = words.pop(0).partition("=")
            expected = not word.startswith("!")
            kind = word.removeprefix("!").lower()
            if kind in ("final", "canonical"):
                late.append(word.lower())
            if kind in ("final", "canonical", "all"):
                continue
            if not value:
                if not words:
                    raise paramiko.ssh_exception.ConfigParseError(f"Match {kind} needs a value")
                value = words.pop(0)
            if late and kind != "exec":
                late += [word.lower(), shlex.quote(value)]
            else:
                applies = applies and self._is_true(kind, value) == expected
        return _Block(applies, " ".join(filter(None, (outer.late, *late))))

    def _is_true(self, kind: str, value: str) -> bool | None:
        """Whether a condition of Match is true; None if it cannot be evaluated here."""
        if kind == "originalhost":
            return _meets(value.lower().split(","), self.name.lower())
        if kind == "localuser":
            return _meets(value.split(","), getpass.getuser())
        if kind not in ("host", "user", "exec"):
            return None
        found = self.found()
        host, user = str(found.get("hostname", self.name)), str(found.get("user", getpass.getuser()))
        if kind != "exec":
            return _meets(value.lower().split(","), host.lower()) if kind == "host" else _meets(value.split(","), user)
        tokens = {"%": "%", "h": host, "n": self.name, "p": str(found.get("port", "22")), "r": user}
        tokens |= {"u": getpass.getuser(), "d": str(Path.home())}
        tokens |= {"l": socket.gethostname(), "L": socket.gethostname().partition(".")[0]}
        command = re.sub("%(.)", lambda token: tokens.get(token[1], token[0]), value)
        # Without this, the command could read what is typed on the terminal, as with paramiko.
        quiet = subprocess.DEVNULL
        return subprocess.run(["/bin/sh", "-c", command], stdin=quiet, stdout=quiet, stderr=quiet).returncode == 0


def _meets(patterns: Sequence[str], name: str) -> bool:
    """Whether a name matches one of the patterns, and none that is negated with an exclamation mark."""
    met = {p for p in patterns if pattern(p.removeprefix("!")).fullmatch(name)}
    return bool(met) and not any(p.startswith("!") for p in met)


@dataclass(frozen=True)
class _Line:
    text: str
    key: str = ""
    """`host`, `match` or `include`; empty for all others."""
    words: tuple[str, ...] = ()
    """The arguments of such a key."""


def _parsed(path: Path) -> tuple[_Line, ...]:
    stat = path.stat()
    return _parse(path, (stat.st_ino, stat.st_size, stat.st_mtime_ns))


@functools.lru_cache(100)  # a file with a thousand hosts is parsed once, and not for each of them
def _parse(path: Path, _version: tuple[int, ...]) -> tuple[_Line, ...]:
    lines = []
    for line in path.read_text().splitlines():
        text = _uncommented(line).strip()
        found = _LINE.fullmatch(text)
        key = found["key"].lower() if found else ""
        if found and key in ("host", "match", "include"):
            try:
                lines.append(_Line(text, key, tuple(shlex.split(found["value"]))))
            except ValueError as error:
                raise paramiko.ssh_exception.ConfigParseError(f"{text}: {error}") from None
        elif text:
            lines.append(_Line(text))
    return tuple(lines)


def _included(words: Sequence[str]) -> Iterator[Path]:
    """The files that an Include names, for each pattern sorted by name. Missing files are not an error."""
    for word in words:
        pattern = Path(word).expanduser()
        if not pattern.is_absolute():
            pattern = Path.home() / ".ssh" / pattern
        found = sorted(glob.glob(str(pattern)))  # noqa: PTH207  # Path.glob needs a base folder
        yield from (Path(name) for name in found if Path(name).is_file())


def _uncommented(line: str) -> str:
    """A line without the comment behind its value; # within a word or quotes does not begin a comment."""
    if "#" not in line:
        return line
    quote = ""
    for n, letter in enumerate(line):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter == "#" and (not n or line[n - 1].isspace()):
            return line[:n]
    return line
