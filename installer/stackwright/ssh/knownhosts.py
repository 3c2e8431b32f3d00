"""Reads known_hosts files like OpenSSH: patterns, hashed names, several keys for a host, revoked keys."""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_KINDS = ("ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521")
"""The supported types of host keys. Lines with other types are ignored."""


@dataclass(frozen=True)
class Known:
    """A known key of a host, with the file that contains it."""

    kind: str
    key: str
    """In base64, as in the file."""
    path: Path
    marker: str = ""
    """`@revoked`, `@cert-authority`, or nothing."""


@dataclass(frozen=True)
class _Line:
    names: tuple[str, ...]
    kind: str
    key: str
    marker: str


@dataclass(frozen=True)
class _File:
    """The lines of a file: those with plain names, by name; and those with patterns or hashed names."""

    plain: dict[str, list[_Line]]
    others: list[_Line]


def find(path: Path, name: str) -> list[Known]:
    """The keys in a file for a host of that name (`[name]:port` if the port is not 22); none if it cannot be read."""
    try:
        stat = path.stat()
        file = _parse(path, (stat.st_ino, stat.st_size, stat.st_mtime_ns))
    except OSError:
        return []
    name = name.lower()
    lines = [*file.plain.get(name, ()), *(line for line in file.others if _matches(line.names, name))]
    return [Known(line.kind, line.key, path, line.marker) for line in lines]


@functools.lru_cache(8)  # a file with a thousand hosts is parsed once, and not for each of them
def _parse(path: Path, _version: tuple[int, ...]) -> _File:
    file = _File({}, [])
    for line in _lines(path.read_text(errors="replace") if path.is_file() else ""):
        if any(name.startswith("|") or set(name) & set("*?!") for name in line.names):
            file.others.append(line)
            continue
        for name in dict.fromkeys(line.names):
            file.plain.setdefault(name, []).append(line)
    return file


def _lines(text: str) -> Iterator[_Line]:
    """The valid lines of a file; damaged ones are ignored."""
    for line in text.splitlines():
        words = line.split()
        marker = words.pop(0) if words and words[0].startswith("@") else ""
        if len(words) < 3 or words[0].startswith("#") or marker not in ("", "@revoked", "@cert-authority"):
            continue
        if words[1] not in _KINDS:
            continue
        try:
            base64.b64decode(words[2], validate=True)
        except binascii.Error:
            continue
        names = words[0].split(",")
        yield _Line(tuple(n if n.startswith("|") else n.lower() for n in names), words[1], words[2], marker)


def _matches(names: tuple[str, ...], host: str) -> bool:
    found = False
    for name in names:
        text = name.removeprefix("!")
        if _hash_matches(text, host) if text.startswith("|1|") else pattern(text).fullmatch(host):
            if name.startswith("!"):
                return False
            found = True
    return found


def _hash_matches(name: str, host: str) -> bool:
    try:
        salt, digest = (base64.b64decode(part, validate=True) for part in name.split("|")[2:4])
    except (ValueError, binascii.Error):
        return False
    return hmac.compare_digest(hmac.digest(salt, host.encode(), hashlib.sha1), digest)


@functools.lru_cache(10_000)
def pattern(text: str) -> re.Pattern[str]:
    """A pattern of OpenSSH: `*` matches any text, `?` one character; all others, also brackets, match themselves."""
    return re.compile("".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in text))
