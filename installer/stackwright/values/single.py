"""Parsers of single values."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

Parser = Callable[[str], Any]

YES_NO = ("y", "n")
"""The `choices` of every option that `boolean` parses."""

_PUPPET_FACT = re.compile(r"^[%$]\{(::)?\w+\}$|^\$(::)?\w+$")
_UNITS = {"": 1024**3, "B": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4, "P": 1024**5}
_YES = frozenset({"y", "yes", "true", "on", "1"})
_NO = frozenset({"n", "no", "false", "off", "0", "none"})


def allowed(parse: Parser, choices: tuple[str, ...] = ()) -> str:
    """What a parser accepts, in a few words: the choices, else the first line of its docstring."""
    if choices:
        return ", ".join(choices)
    return (parse.__doc__ or "text").strip().splitlines()[0].rstrip(".")


def text(value: str) -> str:
    """text."""
    return value


def boolean(value: str) -> bool:
    """y or n."""
    word = value.strip().casefold()
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise ValueError("must be y or n (yes, no, true and false work too)")


def integer(value: str) -> int:
    """a whole number."""
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", value):
        raise ValueError("must be a whole number")
    return int(value)


def natural(value: str) -> int:
    """a whole number, 1 or more."""
    if not re.fullmatch(r"\+?[0-9]{1,18}", value) or int(value) < 1:
        raise ValueError("must be a whole number, 1 or more")
    return int(value)


def count(value: str) -> int:
    """a whole number, 0 or more."""
    if not re.fullmatch(r"\+?[0-9]{1,18}", value):
        raise ValueError("must be a whole number, 0 or more")
    return int(value)


def ratio(value: str) -> float:
    """a number above 0, such as 1.5."""
    if not re.fullmatch(r"\+?[0-9]{1,9}(\.[0-9]{0,9})?", value) or float(value) <= 0:
        raise ValueError("must be a number above 0, such as 1.5")
    return float(value)


def percentage(value: str) -> int:
    """a whole number from 0 to 100."""
    if not re.fullmatch(r"[0-9]{1,3}%?", value) or int(value.rstrip("%")) > 100:
        raise ValueError("must be a whole number from 0 to 100")
    return int(value.rstrip("%"))


def port(value: str) -> int:
    """a port number from 1 to 65535."""
    if not re.fullmatch(r"[0-9]{1,5}", value) or not 1 <= int(value) <= 65535:
        raise ValueError("must be a port number from 1 to 65535")
    return int(value)


def workers(value: str) -> int:
    """a whole number, or empty to decide by each host's processors and memory.

    Packstack's `%{::processorcount}` means the same as empty. Returns 0 for "decide".
    """
    if not value or _PUPPET_FACT.match(value) or value.casefold() in ("auto", "none"):
        return 0
    return natural(value)


def hypervisor(value: str) -> str:
    """qemu, kvm, or empty to use KVM where the host has it.

    Packstack's `%{::default_hypervisor}` means the same as empty, and is returned as "".
    """
    if not value or _PUPPET_FACT.match(value) or value.casefold() == "auto":
        return ""
    if value.casefold() in ("qemu", "kvm"):
        return value.casefold()
    raise ValueError("must be qemu, kvm or empty (each host decides)")


def size(value: str) -> int:
    """a size such as 20G (K, M, G or T; G when there is no unit).

    Returns bytes; units are powers of 1,024, which is what LVM and truncate mean by the same letters.
    """
    match = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)\s*([BKMGTP]?)(?:i?B)?", value.strip(), re.IGNORECASE)
    if not match or float(match[1]) <= 0:
        raise ValueError("must be a size with a unit, such as 20G, 500M or 1T")
    return int(float(match[1]) * _UNITS[match[2].upper()])


def path(value: str) -> str:
    """the path of a file or folder (~ is the home folder)."""
    if "\0" in value:
        raise ValueError("must be a path, such as /etc/pki/tls/certs/cloud.crt")
    return value


_WEB = r"[A-Za-z0-9._~:/?#\[\]@!*+,=%&-]|\$(?:basearch|releasever|arch|stream|contentdir)\b"
"""The characters of URLs (RFC 3986), except those that shells, quotes or configuration files read as syntax; and dnf's
variables."""
_URL = re.compile(rf"(?:https?|ftp)://(?:{_WEB})+|file://(?:{_WEB})+|/(?:{_WEB})*")
_WEB_URL = re.compile(r"https?://(?:[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~/%+-]*)?")


def url(value: str) -> str:
    """a URL (http, https, file) or the path of a file."""
    if value and not _URL.fullmatch(value):
        raise ValueError("must be a URL (http://, https://, file://) or the absolute path of a file")
    return value


def key_url(value: str) -> str:
    """a URL (https, file) or the path of a file."""
    # Who changes a key on its way signs packages himself.
    if not value.startswith("http://"):
        return url(value)
    raise ValueError("expected an https:// or file:// URL, or the absolute path of a file")


def web_url(value: str) -> str:
    """an http:// or https:// URL without a password."""
    if value and not _WEB_URL.fullmatch(value):
        raise ValueError("must be an http:// or https:// URL without a password")
    return value.rstrip("/")


def ldap_url(value: str) -> str:
    """an ldap:// or ldaps:// URL."""
    # Parentheses are part of LDAP filters (RFC 4516). Without `$` and backquotes they are harmless in a shell.
    if value and not re.fullmatch(r"ldap(?:s|i)?://[A-Za-z0-9._~:/?#@!&*()+,=%\[\]-]*", value):
        raise ValueError("must be an ldap:// or ldaps:// URL")
    return value


def dn(value: str) -> str:
    """a distinguished name such as ou=people,dc=example,dc=org."""
    parts = re.split(r"(?<!\\)[,+;]", value) if value else []
    if any(not re.match(r"\s*[A-Za-z0-9.-]+\s*=", part) for part in parts):
        raise ValueError("must be a distinguished name, such as ou=people,dc=example,dc=org")
    return value


def checksum(value: str) -> str:
    """a SHA-256 checksum in hexadecimal, or empty for none.

    A prefix sha256: is accepted. Returns lower-case digits.
    """
    digits = re.sub(r"^sha256[:=]", "", value.strip().lower())
    if digits and not re.fullmatch(r"[0-9a-f]{64}", digits):
        raise ValueError("must be a SHA-256 checksum: 64 hexadecimal digits")
    return digits


def optional(value: str) -> str:
    """text, or empty for none.

    n, no and None mean none, because people write them.
    """
    return "" if value.strip().casefold() in ("n", "no", "none") else value.strip()


def word(value: str) -> str:
    """one word: letters, digits and - _ . : @ + /."""
    if odd := re.search(r"[^\w.:@+/*-]", value, re.ASCII):
        raise ValueError(f"must be one word: letters, digits and - _ . : @ + /; {odd[0]!r} is none of them")
    return value
