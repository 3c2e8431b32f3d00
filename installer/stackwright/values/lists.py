"""Parsers of lists, pairs and choices."""

from __future__ import annotations

import ast
import ipaddress
import json
import re
from typing import Any

from stackwright.values.single import Parser, key_url, url

Pairs = tuple[tuple[str, str], ...]


def in_brackets(value: str) -> bool:
    """Whether a text begins with an IPv6 address in brackets, as in URLs, and is no list of Python's."""
    match = re.match(r"\[([0-9A-Fa-f:.]{2,45})\]", value)
    try:
        return match is not None and ipaddress.ip_address(match[1]).version == 6
    except ValueError:
        return False


def words(value: str) -> tuple[str, ...]:
    """a comma-separated list.

    Spaces around members, empty members and a trailing comma are dropped. A Python list (['a', 'b']) and the word None
    are accepted, because Packstack wrote them.
    """
    value = value.strip()
    if value.startswith("[") and value.endswith("]") and not in_brackets(value):
        inner = value[1:-1].strip()
        if not inner:
            return ()
        try:
            parsed = ast.literal_eval(value)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            parsed = None
        if isinstance(parsed, list) and all(isinstance(item, str | int | float) for item in parsed):
            return tuple(str(item).strip() for item in parsed if str(item).strip())
        value = inner
    if value in ("None", "none"):
        return ()
    items = (item.strip().strip("'\"") for item in value.split(","))
    return tuple(item for item in items if item)


def urls(value: str) -> tuple[str, ...]:
    """a comma-separated list of URLs (http, https, file) or paths of files."""
    return tuple(url(item) for item in words(value))


def host_headers(value: str) -> tuple[str, ...]:
    """a comma-separated list of names and addresses; .example.org is every name in that domain, * is any."""
    names = tuple(f"[{name}]" if in_brackets(f"[{name}]") else name for name in words(value))
    for name in names:
        if not re.fullmatch(r"\*|\.?[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]", name):
            raise ValueError(f"{name!r} is no name, no address and no domain such as .example.org")
    return names


def key_urls(value: str) -> tuple[str, ...]:
    """a comma-separated list of URLs (https, file) or paths of files."""
    return tuple(key_url(item) for item in words(value))


def _pairs(value: str, what: str, example: str) -> Pairs:
    found: dict[str, str] = {}
    for item in words(value):
        left, colon, right = item.partition(":")
        left, right = left.strip(), right.strip()
        if not colon or not left or not right or " " in left or " " in right:
            raise ValueError(f"{item!r} is not {what}; use a list such as {example}")
        if found.get(left, right) != right:
            raise ValueError(f"{left!r} is given twice, with {found[left]!r} and {right!r}")
        found[left] = right
    return tuple(found.items())


_BRIDGE = re.compile(r"[A-Za-z0-9_.-]{1,15}")
_INTERFACE = re.compile(r"[A-Za-z0-9_.@+-]{1,15}")
"""Names of interfaces. The kernel allows 15 characters, any except blanks, / and :, but shells and configuration files
allow fewer."""
_MAC = re.compile(r"([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}")


def bridge_mappings(value: str) -> Pairs:
    """a list of network:bridge, such as extnet:br-ex.

    Returns ((physical network, bridge), ...).
    """
    found = _pairs(value, "a physical network and its bridge", "extnet:br-ex,physnet1:br-data")
    for _, name in found:
        _named(_BRIDGE, name, "not a bridge name; use at most 15 letters, digits, ., _ and -")
    return found


def _named(pattern: re.Pattern[str], name: str, complaint: str) -> None:
    if not pattern.fullmatch(name):
        raise ValueError(f"{name!r} is {complaint}")


def bridge_interfaces(value: str) -> Pairs:
    """a list of bridge:interface, such as br-ex:eth1.

    Returns ((bridge, interface), ...). An interface given by its MAC address keeps its colons.
    """
    found = _pairs(value, "a bridge and its interface", "br-ex:eth1,br-data:eth2")
    for name, interface in found:
        _named(_BRIDGE, name, "not a bridge name; use at most 15 letters, digits, ., _ and -")
        if re.fullmatch(r"[0-9A-Fa-f:.]+/[0-9]{1,3}", interface) is None and not _MAC.fullmatch(interface):
            _named(_INTERFACE, interface, "not an interface name; use at most 15 letters, digits and _ . @ + -")
    return found


def interface_mappings(value: str) -> Pairs:
    """a list of network:interface, such as physnet1:eth2.

    Returns ((physical network, interface), ...).
    """
    found = _pairs(value, "a physical network and its interface", "physnet1:eth2")
    for _, name in found:
        _named(_INTERFACE, name, "not an interface name; use at most 15 letters, digits and _ . @ + -")
    return found


def ports(value: str) -> tuple[tuple[str, int, int], ...]:
    """a list of ports, such as 9100,161/udp,8000-8010.

    Returns ((protocol, first, last), ...); the protocol is tcp by default.
    """
    found = []
    for item in words(value):
        match = re.fullmatch(r"([0-9]{1,5})(?:[-:]([0-9]{1,5}))?(?:/(tcp|udp))?", item.strip().lower())
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not match or not 1 <= first <= last <= 65535:
            raise ValueError(f"{item!r} is not a port; use a list such as 9100,161/udp,8000-8010")
        found.append((match[3] or "tcp", first, last))
    return tuple(dict.fromkeys(found))


def properties(value: str) -> Pairs:
    """a list of name=value.

    Returns ((name, value), ...).
    """
    found: dict[str, str] = {}
    for item in re.split(r"[,;]", value) if value.strip() not in ("", "[]", "{}", "None") else ():
        name, equals, content = item.strip().partition("=")
        if not item.strip():
            continue
        if not equals or not re.fullmatch(r"[\w.:-]+", name.strip()):
            raise ValueError(f"{item.strip()!r} is not name=value; use a list such as hw_disk_bus=scsi")
        found[name.strip()] = content.strip()
    return tuple(found.items())


def records(value: str) -> tuple[Pairs, ...]:
    """a JSON list of objects.

    Returns the pairs of each object, ordered by name. Packstack's Python literals, and a semicolon between two objects,
    are accepted.
    """
    return _records(value, 0)


_NO_RECORDS = 'must be a JSON list of objects, such as [{"vendor_id": "8086", "product_id": "10ca"}]'
_MOST_QUOTING = 8
"""So many backslashes are taken away before a quote, and so many lists within lists opened: a shell, Puppet and JSON
each quote once, and the third of them writes seven."""


def _records(value: str, depth: int) -> tuple[Pairs, ...]:
    value = value.strip()
    if value in ("", "[]", "None", "{}"):
        return ()
    if value.startswith("{"):
        value = "[" + re.sub(r"\}\s*;\s*\{", "}, {", value) + "]"
    parsed: Any = None
    try:
        parsed = json.loads(value)
    except (ValueError, RecursionError):
        try:
            parsed = ast.literal_eval(value)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            parsed = None
    if parsed is None and '\\"' in value and depth < _MOST_QUOTING:  # escaped for a shell or for Puppet
        return _records(value.replace('\\"', '"'), depth + 1)
    if isinstance(parsed, list) and parsed and all(isinstance(item, str) for item in parsed):
        if depth == _MOST_QUOTING:
            raise ValueError(_NO_RECORDS)
        return tuple(record for item in parsed for record in _records(item, depth + 1))
    if not isinstance(parsed, list) or not all(isinstance(item, dict) for item in parsed):
        raise ValueError(_NO_RECORDS)
    return tuple(tuple(sorted((str(k), str(v)) for k, v in item.items())) for item in parsed)


def choice(*names: str) -> Parser:
    """A parser that accepts one of `names`, in any case, and returns it as written there."""
    by_name = {name.casefold(): name for name in names}

    def one_of(value: str) -> str:
        try:
            return by_name[value.strip().casefold()]
        except KeyError:
            raise ValueError(f"must be one of: {', '.join(n or '(empty)' for n in names)}") from None

    one_of.__doc__ = " or ".join(names)
    return one_of


def choices(*names: str) -> Parser:
    """A parser of a list whose members are all in `names`; repeated ones are dropped."""
    one = choice(*names)

    def some_of(value: str) -> tuple[str, ...]:
        found: dict[str, None] = {}
        for item in words(value):
            try:
                found[one(item)] = None
            except ValueError:
                raise ValueError(f"{item!r} is not one of {', '.join(names)}") from None
        return tuple(found)

    some_of.__doc__ = "a comma-separated list of " + ", ".join(names)
    return some_of
