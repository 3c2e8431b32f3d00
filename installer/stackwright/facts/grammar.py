"""What a host may say of itself: limits on the probe's output, and a grammar for each field of `Facts`.

What a host says becomes configuration of other hosts (names in ssh_config and known_hosts, addresses in firewalls), and
is shown to people. So facts that do not fit are refused, whether a host printed them or a file has them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from stackwright.model import Facts
from stackwright.untrusted import (
    INTERFACE,
    WORD,
    Refused,
    is_address,
    is_host_key,
    is_host_name,
)

MOST = 4 * 1024**2
"""Characters of the probe's output. A thousand-fold of what hosts print, most of it names of processes and packages."""
_MOST_LINE = 16 * 1024
_MOST_VALUES = 20_000

_PATH = re.compile(r"/[A-Za-z0-9_./+:@-]{0,254}")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@\\+-]{0,127}\$?")
_PORTS = re.compile(r"\d{1,5}(?: \d{1,5}){0,31}")
_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.,:%\[\]+~^@ -]{0,299}")

_PLACEHOLDER = re.compile(r"ssh-ed25519 KEY-OF-[A-Za-z0-9.:-]{1,253}")
"""What a bundle has in the place of a host's key."""

Check = tuple[Callable[[Any], bool], str]


def lines(output: str, host: str) -> dict[str, list[str]]:
    """The values of the probe's output by key, in its order. Lines without a tab are not the probe's. Raises Refused
    when there is more than a probe can print."""
    if len(output) > MOST:
        raise Refused(host, "output of the probe", f"{len(output)} characters", f"at most {MOST}")
    seen: dict[str, list[str]] = defaultdict(list)
    number = 0
    for line in output.split("\n"):
        key, tab, value = line.partition("\t")
        if not tab or len(key) > 64:
            continue
        if len(line) > _MOST_LINE:
            raise Refused(host, key, f"a line of {len(line)} characters", f"at most {_MOST_LINE}")
        seen[key].append(value.strip())
        number += 1
        if number > _MOST_VALUES:
            raise Refused(host, key, f"more than {_MOST_VALUES} lines", "fewer")
    return seen


def _fits(pattern: re.Pattern[str], *, empty: bool = True) -> Callable[[Any], bool]:
    return lambda value: bool(pattern.fullmatch(value)) or (empty and value == "")


def _text(value: Any) -> bool:
    """A line for people."""
    return isinstance(value, str) and value.isprintable() and len(value) <= 4096


def _lines(value: Any) -> bool:
    """Lines for people; or, of trunk's dependencies, a file for dnf that is judged where it is looked up."""
    return isinstance(value, str) and len(value) <= 2**16 and value.replace("\n", "").isprintable()


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 2**62


def _seconds(value: Any) -> bool:
    return isinstance(value, int | float) and abs(value) < 1e11


def _anything(_: Any) -> bool:
    return True


def _each(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda values: all(isinstance(v, str) and fits(v) for v in values)


def _pairs(key: Callable[[Any], bool], value: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda found: (
        isinstance(found, Mapping)
        and all(isinstance(k, str) and key(k) for k in found)
        and all(map(value, found.values()))
    )


def _interface(value: Any) -> bool:
    addresses = all(
        is_address(a.partition("/")[0]) and re.fullmatch(r"/\d{1,3}|", a[len(a.partition("/")[0]) :])
        for a in value.addresses
    )
    mac = re.fullmatch(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}|", value.mac)
    return bool(INTERFACE.fullmatch(value.name) and mac and _count(value.mtu) and value.mtu < 2**31 and addresses)


def _socket(value: Any) -> bool:
    protocol, port, process = value
    return bool(re.fullmatch(r"[a-z0-9_?-]{1,16}", protocol)) and 0 <= port < 65536 and _text(process)


_NAME: Check = (lambda value: value == "" or is_host_name(value), "a host name")
_WORD: Check = (_fits(WORD), "letters, digits and . + : ~ ^ _ -")
_TEXT: Check = (_text, "one printable line")
_COUNT: Check = (_count, "a number")
_SECONDS: Check = (_seconds, "a number of seconds")
_OWN: Check = (_anything, "")
"""Values of our own making: truth values, and what the answers call the host."""

GRAMMAR: Mapping[str, Check] = {
    "host": _OWN,
    "seen_at": _SECONDS,
    "hostname": _NAME,
    "fqdn": _NAME,
    "address": (lambda value: value == "" or is_address(value), "an address"),
    "resolves": (_pairs(_text, _each(is_address)), "addresses"),
    "os_id": _WORD,
    "os_like": (_each(_fits(WORD)), _WORD[1]),
    "os_version": _WORD,
    "os_name": _TEXT,
    "arch": _WORD,
    "kernel": _WORD,
    "virtualization": _WORD,
    "container": _OWN,
    "cpus": (lambda value: _count(value) and value <= 2**16, "a number of processors"),
    "memory": _COUNT,
    "swap": _COUNT,
    "disk_free": (_pairs(_fits(_PATH), _count), "mount points and bytes"),
    "interfaces": (lambda values: all(map(_interface, values)), "interfaces as the kernel names them, with addresses"),
    "default_interface": (_fits(INTERFACE), "an interface as the kernel names it"),
    "gateway": (lambda value: value == "" or is_address(value), "an address"),
    "kvm": _OWN,
    "kernel_modules": (_each(_fits(WORD)), _WORD[1]),
    "selinux": (_fits(re.compile("enforcing|permissive|disabled")), "enforcing, permissive or disabled"),
    "clock_offset": _SECONDS,
    "uid": _COUNT,
    "sudo": _OWN,
    "python": _WORD,
    "listening": (lambda values: all(map(_socket, values)), "a protocol, a port and the name of a process"),
    "installed": (_pairs(_fits(WORD), _fits(WORD)), "names of packages and their versions"),
    "repositories": (_each(_text), "printable lines"),
    "cloud": (_pairs(_text, _text), "printable lines"),
    "machine_id": (_fits(re.compile(r"[A-Za-z0-9-]{1,64}")), "an id of letters and digits"),
    "host_keys": (
        _each(lambda key: is_host_key(key) or bool(_PLACEHOLDER.fullmatch(key))),
        "a kind of key and its base64",
    ),
    "extra": (_pairs(_text, _lines), "printable lines"),
}
"""For each field: whether a value fits, and what was expected. A new field needs a line here."""

EXTRA: Mapping[str, Check] = {
    "user": (_fits(_USER), "a user's name"),
    "ssh-port": (
        lambda value: bool(_PORTS.fullmatch(value)) and all(0 < int(port) < 65536 for port in value.split()),
        "ports",
    ),
    "ovs-hostname": _NAME,
    "ceph-fsid": _WORD,
}
"""The same for the values of `extra` that are more than something to show."""


def check(found: Facts) -> Facts:
    """The facts, if all fields fit. Raises Refused, which names the first that does not."""
    for key, value in found.extra.items():
        if key != "trunk_deps" and not _text(value):
            raise Refused(found.host, key if _KEY.fullmatch(key) else "extra", value, _TEXT[1])
    for name, (fits, expected) in GRAMMAR.items():
        if not _holds(fits, value := getattr(found, name)):
            raise Refused(found.host, name.replace("_", " "), value, expected)
    if not WORD.fullmatch(found.cloud.get("id") or "none"):
        raise Refused(found.host, "id of its cloud", found.cloud["id"], _WORD[1])
    for name, (fits, expected) in EXTRA.items():
        if name in found.extra and not _holds(fits, found.extra[name]):
            raise Refused(found.host, name, found.extra[name], expected)
    return found


def _holds(fits: Callable[[Any], bool], value: Any) -> bool:
    try:
        return fits(value)
    except (TypeError, ValueError, AttributeError):
        return False
