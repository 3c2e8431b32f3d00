"""Removes public addresses, keys and text that looks like a credential from the data of a run.

The executor already masks all known secrets. This removes unknown ones, and private data that is not secret.
"""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

MASK = "********"
_SHORT = 200
"""Characters of texts that are likely to repeat."""

_IPV4 = re.compile(r"(?<![A-Za-z0-9.])\d{1,3}(?:\.\d{1,3}){3}(?![A-Za-z0-9+~]|\.\d)")
_IPV6 = re.compile(r"(?<![\w.])[23][0-9A-Fa-f]{3}(?::[0-9A-Fa-f]{0,4}){2,7}(?!\w)")
_DASHED = re.compile(r"(?<![\w-])(?P<before>(?:[a-z][a-z0-9]*-)?)(?P<address>\d{1,3}(?:-\d{1,3}){3})(?=\.[a-z])")
"""Addresses in host names of providers: ec2-203-0-113-7.example.com."""

_KEYS = re.compile(
    r"-----BEGIN [A-Z0-9 ]+-----(?:.|\n)*?(?:-----END [A-Z0-9 ]+-----|\Z)"
    r"|\b(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-nistp\d+|sk-[a-z0-9@.-]+)\s+AAAA[A-Za-z0-9+/=]+"
    r"|\bAAAA[A-Z][0-9A-Za-z+/]{40,}={0,2}"
    r"|\bSHA256:[A-Za-z0-9+/]{43}=?"
    r"|\b(?:MD5:)?(?:[0-9a-f]{2}:){15}[0-9a-f]{2}\b"
)
_INSIDE_KEY = re.compile(r".*\s[A-Za-z0-9+/=]{16,}\s*|[A-Za-z0-9+/=]*\s*")
_KEY_LINE = re.compile(r"(?=.*[g-zG-Z+/])[A-Za-z0-9+/]{60,}={0,2}")
"""A line of a key without its first line; a checksum does not match."""

# These read what hosts print, so each takes time in proportion to the text: no star where one may begin anywhere.
_CREDENTIALS = (
    re.compile(r"(?P<keep>://[^:/@\s]+:)[^@\s/]+(?=@)"),
    re.compile(
        r"(?i)(?P<keep>(?:password|passwd|passphrase|secret|token)['\"]?\s*[:=]\s*['\"]?)(?!\*{8})[^\s'\",;}]{4,}"
    ),
    re.compile(r"(?P<keep>)\bgAAAAA[A-Za-z0-9_-]{20,}={0,2}"),
    re.compile(r"(?i)(?P<keep>\b(?:Bearer|Authorization: Basic) )[\w.~+/-]{8,}=*"),
    re.compile(r"(?i)(?P<keep>-[\w-]{0,60}(?:password|passwd|secret|token) )(?!\*{8}|-)[^\s'\"]{4,}"),
    re.compile(r"(?i)(?P<keep>\bIDENTIFIED (?:BY|VIA \w+ USING|WITH \w+ (?:BY|AS)) ')(?!\*{8}')[^']+"),
)


_NEUTRAL = re.compile(r"(?<![A-Za-z0-9])public-\d+(?![A-Za-z0-9])")


def is_neutral(text: str) -> bool:
    """Whether an address in this text was replaced."""
    return bool(_NEUTRAL.search(text))


def neutralizer() -> Callable[[Any], Any]:
    """A function that removes private data from a value (text, or mappings and sequences of text). Public addresses
    are replaced by names, the same everywhere: public-1, public-2..."""
    names: dict[str, str] = {}

    def name_of(address: str) -> str:
        return names.setdefault(str(ipaddress.ip_address(address)), f"public-{len(names) + 1}")

    def address(found: re.Match[str]) -> str:
        plain = found[0]
        if plain.endswith(":") and not plain.endswith("::"):
            plain = plain[:-1]  # an IPv6 address before a colon
        return name_of(plain) + found[0][len(plain) :] if _is_public(plain) else found[0]

    def dashed(found: re.Match[str]) -> str:
        plain = found["address"].replace("-", ".")
        return found["before"] + name_of(plain) if _is_public(plain) else found[0]

    def text(value: str) -> str:
        return short(value) if len(value) <= _SHORT else whole(value)

    @functools.lru_cache(1_000)  # names of hosts, keys and steps repeat; long texts do not
    def short(value: str) -> str:
        return whole(value)

    def whole(value: str) -> str:
        value = _KEYS.sub("[key]", value)
        for pattern in _CREDENTIALS:
            value = pattern.sub(lambda found: found["keep"] + MASK, value)
        return _DASHED.sub(dashed, _IPV6.sub(address, _IPV4.sub(address, value)))

    def neutral(value: Any) -> Any:
        if isinstance(value, str):
            return text(value)
        if isinstance(value, Mapping):
            return {neutral(k): neutral(v) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(neutral(v) for v in _without_key_lines(value))
        return value

    return neutral


def _without_key_lines(values: Iterable[Any]) -> Iterator[Any]:
    """The lines without those of multi-line keys."""
    inside = False
    for value in values:
        if not isinstance(value, str):
            inside = False
        elif inside and "-----END" in value:
            inside = False
            continue
        elif inside and _INSIDE_KEY.fullmatch(value):
            continue
        else:
            inside = "-----BEGIN" in value and "-----END" not in value
        yield "[key]" if isinstance(value, str) and _KEY_LINE.fullmatch(value.strip()) else value


def _is_public(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return address.is_global and not address.is_multicast
