"""Replaces names and addresses of hosts in texts, so that a setup fits other hosts."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from stackwright.answers import without_credentials
from stackwright.model import Facts, StackwrightError

Rename = Callable[[Any], Any]
"""Takes a value (text, or mappings and sequences of text) and returns it with names replaced."""


def renamer(names: Mapping[str, str]) -> Rename:
    """A function that replaces whole names only: n1 does not match in n10, nor 198.18.0.1 in 198.18.0.10."""
    known = {old: new for old, new in names.items() if old}
    if not known:
        return lambda value: value
    longest_first = "|".join(re.escape(old) for old in sorted(known, key=lambda n: (-len(n), n)))
    pattern = re.compile(rf"(?<![\w.-])(?:{longest_first})(?![\w-]|\.\w)")

    def rename(value: Any) -> Any:
        if isinstance(value, str):
            return pattern.sub(lambda found: known[found[0]], value)
        if isinstance(value, Mapping):
            return {rename(k): rename(v) for k, v in value.items()}
        if isinstance(value, list | tuple | frozenset | set):
            return type(value)(rename(v) for v in value)
        return value

    return rename


def called(host: str, facts: Facts) -> dict[str, str]:
    """The names of a host, by kind: name (in the answers), fqdn, hostname, address."""
    return {
        "name": host,
        "fqdn": facts.fqdn,
        "hostname": facts.hostname.partition(".")[0],
        "address": facts.address,
    }


def between(ours: Mapping[str, Facts], theirs: Mapping[str, Facts], pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Maps names of our hosts to names of theirs, for the pairs (ours, theirs)."""
    out: dict[str, str] = {}
    for mine, other in pairs:
        one, two = called(mine, ours[mine]), called(other, theirs[other])
        # A host that the answers name by its address here may have a name there: then the address is not a name.
        for kind in ("name", "hostname", "fqdn", "address"):
            if one[kind] and two[kind]:
                out[one[kind]] = two[kind]
    return out


_NEUTRAL = ipaddress.ip_network("198.51.100.0/24")
"""Reserved for documentation (RFC 5737)."""
_NEUTRAL_V6 = ipaddress.ip_network("2001:db8::/64")
"""The same for IPv6 (RFC 3849)."""
_LINK_V6 = ipaddress.ip_network("fe80::/64")
"""Link-local addresses, which are replaced by link-local ones (RFC 4291)."""


def _stand_in(address: str, number: int) -> str:
    """A replacement of the same kind, which is valid with the same prefix length."""
    real = ipaddress.ip_address(address)
    if real.version == 4:
        return str(_NEUTRAL[number])
    return str((_LINK_V6 if real.is_link_local else _NEUTRAL_V6)[number])


def neutral(facts: Mapping[str, Facts]) -> dict[str, str]:
    """Maps names and addresses of hosts to neutral ones: host1.example.org, 198.51.100.1. A host that the answers name
    by an address gets an address."""
    out: dict[str, str] = {}
    other = 0
    if len(facts) > 100:
        raise StackwrightError(
            f"too many hosts for neutral addresses: {len(facts)}, at most 100", "create the bundle without --neutral"
        )
    for number, (name, fact) in enumerate(facts.items(), start=1):
        own = called(name, fact)
        address = _stand_in(own["address"], number) if own["address"] else str(_NEUTRAL[number])
        out |= {own["hostname"]: f"host{number}", own["fqdn"]: f"host{number}.example.org", own["address"]: address}
        out[name] = address if name == own["address"] else f"host{number}.example.org"
        for text in (fact.gateway, *_addresses(fact)):
            plain = text.partition("/")[0]
            if plain and plain not in out and not ipaddress.ip_address(plain).is_loopback:
                other += 1
                out[plain] = _stand_in(plain, 100 + other % 150)
    return {old: new for old, new in out.items() if old}


def _addresses(fact: Facts) -> Iterable[str]:
    """Every address that a host has, or to which it resolves a name."""
    for interface in fact.interfaces:
        yield from interface.addresses
    for found in fact.resolves.values():
        yield from found


def impersonal(facts: Mapping[str, Facts]) -> dict[str, Facts]:
    """The facts without data of a single machine (keys, ids, MAC addresses, times), which no plan for another machine
    can contain, and without passwords in URLs of package sources."""
    return {
        name: replace(
            fact,
            seen_at=0.0,
            clock_offset=0.0,
            machine_id="",
            host_keys=tuple(f"ssh-ed25519 KEY-OF-{name}" for _ in fact.host_keys[:1]),
            interfaces=tuple(replace(i, mac="") for i in fact.interfaces),
            repositories=tuple(map(without_credentials, fact.repositories)),
            cloud={},
            listening=(),
        )
        for name, fact in facts.items()
    }
