"""The gate for text that other machines wrote: what hosts print, and what files from other people contain.

Such text may come from somebody who controls a host and wants to control the controlling machine or another host. Here
are the limits and the grammars that it has to fit before anything is made of it. The caller names the host and the
field in its error, and goes on with the other hosts.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import re
from collections.abc import Iterator
from typing import Any

from stackwright.model import ExitCode, StackwrightError

MOST_OUTPUT = 64 * 1024**2
"""Bytes that a command on a host may print."""
MOST_LOG = 64 * 1024**2
"""Bytes of the log of a detached run."""
MOST_LINE = 16 * 1024
"""Bytes of one line of a log; the rest of a longer one is left out."""
MOST_DEPTH = 100
"""Levels of JSON."""

_ODD = re.compile(r"[^\x20-\x7e\t\n]+")


class Refused(StackwrightError):
    """Something that a host said, and that does not fit."""

    def __init__(self, host: str, field: str, seen: object, expected: str) -> None:
        super().__init__(
            f"{host}: unacceptable {field}: {shown(seen)}; it must be {expected}",
            "inspect this host: it may be damaged or under somebody else's control",
            ExitCode.PREFLIGHT,
        )


@contextlib.contextmanager
def judged(host: str, field: str) -> Iterator[None]:
    """Makes what goes wrong while something of a host is read the fault of that host: raises Refused instead."""
    try:
        yield
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        raise Refused(host, field, error, "what a sound host says") from None


def printable(text: str) -> str:
    """The text with everything that a terminal would obey written as an escape; lines and tabs stay."""
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    return _ODD.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    return "".join(
        letter if letter.isprintable() else f"\\x{ord(letter):02x}" if ord(letter) < 256 else f"\\u{ord(letter):04x}"
        for letter in found[0]
    )


def printables(value: Any) -> Any:
    """A value (text, or mappings and sequences of it) with `printable` texts."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {printables(key): printables(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(printables(inner) for inner in value)
    return value


def shown(value: object, most: int = 100) -> str:
    """A value as it may stand in a message: on one line, and not longer than `most`."""
    text = repr(str(value)[: most + 1])
    return printable(text if len(text) <= most + 2 else f"{text[:most]}...")


def number(text: str, most: int = 2**64) -> int:
    """A whole number in decimal. Raises ValueError where it is none, or above `most`."""
    if not (text.isascii() and text.isdecimal()) or len(text) > 20 or int(text) > most:
        raise ValueError(f"{shown(text)} is not a number up to {most}")
    return int(text)


def from_json(text: str, most: int = MOST_OUTPUT) -> Any:
    """What JSON text stands for, with printable strings. Raises ValueError where it is none, too long, or nested too
    deeply."""
    if len(text) > most:
        raise ValueError(f"{len(text)} characters, more than {most}")
    try:
        found = json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if _depth(found) > MOST_DEPTH:
        raise ValueError("nested too deeply")
    return printables(found)


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is not a number")


def _depth(value: Any) -> int:
    """Levels of lists and mappings, counted without recursion."""
    depth, level = 0, [value]
    while level and depth <= MOST_DEPTH:
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        depth += 1
    return depth


# ------------------------------------------------------------------------------------------------------------ grammars

HOST_NAME = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
                       r"(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*\.?")  # fmt: skip
"""RFC 1123, and the underscore that some sites use."""
INTERFACE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,14}")
"""As the kernel takes it (15 characters), without what configuration files or shells would read as syntax."""
WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+:~^@=,-]{0,254}")
"""Versions, architectures, names of packages and units: nothing that a shell or a configuration file obeys."""
_FILE_PART = re.compile(r"[A-Za-z0-9_+~][A-Za-z0-9_.+~:%@=,^-]{0,254}")

_KEY_KINDS = ("ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
              "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com")  # fmt: skip

_KEY = re.compile(r"[A-Za-z0-9+/]{4,4096}={0,2}")


def is_host_name(text: str) -> bool:
    return bool(HOST_NAME.fullmatch(text))


def is_address(text: str) -> bool:
    """Whether the text is an IPv4 or IPv6 address, the latter perhaps with the name of an interface (%eth0)."""
    plain, percent, zone = text.partition("%")
    try:
        ipaddress.ip_address(plain)
    except ValueError:
        return False
    return not percent or (":" in plain and bool(INTERFACE.fullmatch(zone)))


def is_file_name(text: str) -> bool:
    """Whether the text is a relative path that stays in its folder, everywhere: no dots alone, no blanks, no links to
    elsewhere by its name."""
    return len(text) < 512 and all(_FILE_PART.fullmatch(part) for part in text.split("/"))


def is_host_key(text: str) -> bool:
    """Whether the text is a public key as known_hosts has it: a kind of key that OpenSSH has, and base64."""
    kind, _, key = text.partition(" ")
    return kind in _KEY_KINDS and bool(_KEY.fullmatch(key))
