"""Parsers of hosts, addresses, networks, bridges and devices. netaddr is imported where it is needed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from stackwright.values.lists import words

if TYPE_CHECKING:
    from netaddr import IPNetwork

MOST_HOSTS = 10_000
"""In one answer: ranges in brackets make many out of few characters."""

_LONGEST_NAME = 300
"""A name of 253 characters, and the range in it."""

_HOST_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)$")


def _is_address(value: str) -> bool:
    from netaddr import INET_PTON, AddrFormatError, IPAddress

    try:
        IPAddress(value, flags=INET_PTON)  # four numbers: no short forms, no octal
    except (AddrFormatError, ValueError):
        return False
    return True


def is_address(value: str) -> bool:
    """Whether `value` is an IPv4 or IPv6 address, without prefix length."""
    return bool(re.fullmatch(r"[0-9A-Fa-f:.]+", value)) and _is_address(value)


def is_name(value: str) -> bool:
    """Whether `value` can be the name of a host: labels of letters, digits, - and _, and at least one letter."""
    labels = value.removesuffix(".").split(".")
    return (
        0 < len(value) <= 253
        and all(_HOST_LABEL.match(label) for label in labels)
        and not all(c in "0123456789." for c in value)
    )


def host(value: str) -> str:
    """an address or host name.

    IPv6 addresses may have brackets. Upper-case placeholders such as CONTROLLER_IP are rejected with their own message.
    """
    value = value.strip()
    if value.startswith("[") and value.endswith("]"):
        value = value[1:-1]
    if not value:
        return ""
    if is_address(value):
        from netaddr import IPAddress

        found = IPAddress(value)
        if int(found) == 0 or found.is_multicast() or str(found) == "255.255.255.255":
            raise ValueError("this address belongs to no single host; use an address or host name")
        if found.is_ipv4_mapped():
            raise ValueError(f"an IPv4 address in the form of IPv6; write {found.ipv4()}")
        if found.version == 6 and found.is_link_local():
            raise ValueError("link-local addresses are not unique; use an address that all hosts reach")
        return str(found)
    if re.fullmatch(r"0[xX][0-9A-Fa-f]+", value):
        raise ValueError("an address in hexadecimal; write it with four numbers, such as 198.18.0.10")
    user, at, name = value.partition("@")
    if at and re.fullmatch(r"[a-z_][a-z0-9_-]*", user) and is_name(name):
        raise ValueError(f"must not name a user; use {name} with `--user {user}`")
    if re.search(r"[<>{}$@%*]|(^|\.)[xX]{1,3}(\.|$)", value) or re.fullmatch(r"[A-Z0-9]*_[A-Z0-9_]*|[xX]{3,}", value):
        raise ValueError("this looks like a placeholder; use an address or host name")
    if not is_name(value):
        raise ValueError("must be an address (198.18.0.10, 2001:db8::10) or host name")
    return value.lower().removesuffix(".")


def _about(items: str, error: str) -> str:
    """What is wrong with some items of a list, as a sentence."""
    return f"{items} {error}" if error.startswith("must ") else f"{items}: {error}"


def hosts(value: str) -> tuple[str, ...]:
    """a comma-separated list of addresses or host names.

    Repeated hosts are dropped. `[first-last]` in a name or address is expanded: compute[01-20] is twenty names.
    """
    found: dict[str, None] = {}
    wrong: dict[str, list[str]] = {}  # by what is wrong: the items
    count = 0
    text = value.strip()
    # addresses in brackets of their own, rather than a list in Python's
    bracketed = text.startswith("[") and (text.count("[") > 1 or text[-1] != "]") and not {"'", '"'} & set(text)
    items = (part for word in (text.split(",") if bracketed else words(text)) for part in word.split())
    for item in dict.fromkeys(items):
        for name in _expand(item):
            count += 1
            if count > MOST_HOSTS:
                raise ValueError(f"expected at most {MOST_HOSTS:,} hosts")
            try:
                found[host(name)] = None
            except ValueError as error:
                wrong.setdefault(str(error), []).append(repr(name))
    if wrong:
        if count == 1:
            raise ValueError(next(iter(wrong)))
        raise ValueError("; ".join(_about(", ".join(names), error) for error, names in wrong.items()))
    return tuple(name for name in found if name)


_CHRONY = frozenset(
    {
        "auto_offline", "burst", "certset", "copy", "extfield", "filter", "iburst", "key", "maxdelay",
        "maxdelaydevratio", "maxdelayratio", "maxpoll", "maxsamples", "maxunreach", "mindelay", "minpoll",
        "minsamples", "noselect", "nts", "ntsport", "offline", "offset", "polltarget", "port", "prefer", "presend",
        "require", "trust", "version", "xleave"
    }
)  # fmt: skip
"""Options of a `server` line in chrony.conf (chrony.conf(5))."""


def time_servers(value: str) -> tuple[str, ...]:
    """a list of addresses or host names with commas.

    chrony's option iburst is accepted, and always used. Its other options are rejected: they would be read as hosts.
    """
    servers = []
    for item in words(value.strip()):
        for word in item.split():
            if word.casefold() == "iburst":
                continue
            if word.casefold() in _CHRONY or word.lstrip("-").isdecimal():
                raise ValueError(f"{word!r} is an option of chrony, not a server; use addresses or host names only")
            servers.append(word)
    return hosts(",".join(servers))


def _expand(item: str) -> Iterable[str]:
    match = re.fullmatch(r"([^\[\]]*)\[([0-9]{1,6})-([0-9]{1,6})\]([^\[\]]*)", item)
    if not match:
        return (item,)
    first, last = int(match[2]), int(match[3])
    if last < first or last - first >= MOST_HOSTS:
        raise ValueError(f"{item!r}: the range must ascend and have at most {MOST_HOSTS:,} hosts")
    if len(item) > _LONGEST_NAME:
        raise ValueError(f"{item[:40]!r}... is too long for a host name")
    width = len(match[2])
    return (f"{match[1]}{number:0{width}d}{match[4]}" for number in range(first, last + 1))


def addresses(value: str) -> tuple[str, ...]:
    """a comma-separated list of addresses."""
    found = []
    for item in words(value):
        if not is_address(item):
            raise ValueError(f"{item!r} is not an address")
        found.append(item)
    return tuple(found)


def address(value: str) -> str:
    """an address."""
    if value and not is_address(value):
        raise ValueError("must be an address, such as 198.18.0.1 or 2001:db8::1")
    return value


def _network(value: str) -> IPNetwork:
    from netaddr import AddrFormatError, IPNetwork

    if "/" not in value or not re.fullmatch(r"[0-9A-Fa-f:.]+/[0-9.]+", value) or not is_address(value.split("/")[0]):
        raise ValueError("must be a network with its prefix length, such as 198.18.4.0/24 or 2001:db8:4::/64")
    try:
        return IPNetwork(value).cidr
    except (AddrFormatError, ValueError):
        raise ValueError("must be a network with its prefix length, such as 198.18.4.0/24 or 2001:db8:4::/64") from None


def network(value: str) -> str:
    """a network such as 198.18.4.0/24.

    Bits of the host part are cut off: 198.18.4.225/28 is 198.18.4.224/28, as in Packstack.
    """
    return str(_network(value.strip())) if value.strip() else ""


def networks(value: str) -> tuple[str, ...]:
    """a comma-separated list of networks."""
    return tuple(dict.fromkeys(network(item) for item in words(value)))


def multicast_group(value: str) -> str:
    """a multicast address such as 239.1.1.1, or empty for none."""
    from netaddr import IPAddress

    if value and (not is_address(value) or not IPAddress(value).is_multicast()):
        raise ValueError("must be a multicast address, such as 239.1.1.1 or ff05::100")
    return value


def pools(value: str) -> tuple[str, ...]:
    """a list of ADDRESS-ADDRESS, or of start=ADDRESS,end=ADDRESS.

    Returns ("start=FIRST,end=LAST", ...), which is how Neutron's client writes them. Packstack's form is a JSON list:
    ["start=198.18.4.10,end=198.18.4.20"].
    """
    bare = value.strip()
    if bare in ("", "[]", "None"):
        return ()
    address_text = r"([0-9A-Fa-f:.]+)"
    long_form = rf"start\s*=\s*{address_text}\s*[,;]\s*end\s*=\s*{address_text}"
    # a match starts where a run of such letters starts: without that, a long run takes quadratic time
    short_form = rf"(?<![0-9A-Fa-f:.]){address_text}\s*-\s*{address_text}"
    rest = re.sub(long_form, "", bare)
    found = re.findall(long_form, bare) + re.findall(short_form, rest)
    rest = re.sub(short_form, "", rest)
    if not found or rest.strip("[]'\" ,;") or not all(is_address(end) for pair in found for end in pair):
        raise ValueError('must be pools such as 198.18.4.10-198.18.4.20, or ["start=198.18.4.10,end=198.18.4.20"]')
    from netaddr import IPAddress

    for first, last in found:
        if IPAddress(first).version != IPAddress(last).version or IPAddress(first) > IPAddress(last):
            raise ValueError(f"the pool {first} to {last} does not ascend")
    return tuple(f"start={IPAddress(first)},end={IPAddress(last)}" for first, last in found)


def vlan_ranges(value: str) -> tuple[tuple[str] | tuple[str, int, int], ...]:
    """a list of network:first:last, such as physnet1:1000:1999, or of bare network names.

    Returns ((physical network, first, last), ...), or (physical network,) for a bare name, which only allows provider
    networks.
    """
    found: list[tuple[str] | tuple[str, int, int]] = []
    for item in words(value):
        parts = [part.strip() for part in item.split(":")]
        if len(parts) == 1 and re.fullmatch(r"[A-Za-z_][\w.-]*", parts[0]):
            found.append((parts[0],))
            continue
        if len(parts) != 3 or not parts[0] or not all(re.fullmatch(r"[0-9]{1,5}", part) for part in parts[1:]):
            raise ValueError(f"{item!r} is not network:first:last; use physnet1:1000:1999, or physnet1 alone")
        first, last = int(parts[1]), int(parts[2])
        if not 1 <= first <= last <= 4094:
            raise ValueError(f"{item!r}: VLAN IDs must ascend and be from 1 to 4094")
        found.append((parts[0], first, last))
    return tuple(found)


def _id_ranges(value: str, most: int) -> tuple[tuple[int, int], ...]:
    found = []
    for item in words(value):
        match = re.fullmatch(r"([0-9]{1,10})\s*[:-]\s*([0-9]{1,10})", item)
        if not match or not 1 <= int(match[1]) <= int(match[2]) <= most:
            raise ValueError(f"{item!r} is not first:last; use an ascending range from 1 to {most}, such as 10:1000")
        found.append((int(match[1]), int(match[2])))
    return tuple(found)


def tunnel_id_ranges(value: str) -> tuple[tuple[int, int], ...]:
    """a list of first:last, each from 1 to 4294967295."""
    return _id_ranges(value, 4_294_967_295)


USUAL_RANGES = {
    "CONFIG_NEUTRON_ML2_TUNNEL_ID_RANGES": ((20, 100),),
    "CONFIG_NEUTRON_ML2_VNI_RANGES": ((10, 100),),
}
"""Default IDs of GRE networks, and of VXLAN and Geneve networks; the same as in the Puppet module for Neutron."""


def vni_ranges(value: str) -> tuple[tuple[int, int], ...]:
    """a list of first:last, each from 1 to 16777215."""
    return _id_ranges(value, 16_777_215)


def exports(value: str) -> tuple[str, ...]:
    """a list of HOST:/PATH; IPv6 addresses in brackets.

    Returns the same in canonical form: ("198.18.0.20:/srv/volumes", ...).
    """
    found = []
    for item in value.split(","):
        if not item.strip():
            continue
        server, colon, folder = item.strip().partition(":/")
        if not colon or not server or not folder.strip() or (server.startswith("[") != server.endswith("]")):
            raise ValueError(f"{item.strip()!r} is not HOST:/PATH, such as 198.18.0.20:/srv/volumes")
        try:
            name = host(server)
        except ValueError as error:
            raise ValueError(_about(repr(item.strip()), str(error))) from None
        found.append(f"[{name}]:/{folder}" if ":" in name else f"{name}:/{folder}")
    return tuple(found)


class Device(NamedTuple):
    """A block device and the host that has it."""

    host: str
    """Empty: the storage host."""
    device: str
    """Empty: a file is used instead of a device."""


_DEVICE = re.compile(r"/dev(?:/(?!\.\.?(?:/|$))[A-Za-z0-9_.:@+-]+)+")
"""The path of a device: nothing that leads out of /dev, or that a shell or a configuration file reads as syntax."""


def ring_name(device: str) -> str:
    """A device's name in Swift's rings and in the path of its mount point: letters, digits and _ need no escaping
    there."""
    return re.sub(r"[^A-Za-z0-9_]", "_", device.rpartition("/")[2])


def storages(value: str) -> tuple[Device, ...]:
    """a list of devices, each /dev/NAME, HOST:/dev/NAME or HOST/NAME.

    The forms with a host are those of CONFIG_SWIFT_STORAGE_HOSTS in Grizzly and Havana.
    """
    found = []
    for item in words(value):
        if item.startswith("/") and _DEVICE.fullmatch(item):
            found.append(Device("", item))
            continue
        match = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^:/\[\]]+)(?::(/\S+)|/([A-Za-z0-9_.-]+))?", item)
        if not match or (match[2] and not _DEVICE.fullmatch(match[2])):
            raise ValueError(f"{item!r} is not a device; use /dev/sdb, HOST:/dev/sdb or HOST/sdb")
        device = match[2] or (f"/dev/{match[3]}" if match[3] else "")
        try:
            found.append(Device(host(match[1]), device))
        except ValueError as error:
            raise ValueError(_about(repr(item), str(error))) from None
    return tuple(dict.fromkeys(found))


def bridge_list(value: str) -> tuple[str, ...]:
    """a comma-separated list of bridges.

    bridge:interface, which belongs to another key, is read as the bridge; answers/checking.py warns about it.
    """
    return tuple(dict.fromkeys(bridge(item.partition(":")[0]) for item in words(value)))


def tunnel_interface(value: str) -> str:
    """the name of an interface, or empty to use the one with the host's own address."""
    if value and not re.fullmatch(r"[A-Za-z0-9_.@:-]{1,64}|[0-9A-Fa-f:.]+/[0-9]+", value):
        raise ValueError("must be an interface name, such as eth1")
    return value


def bridge(value: str) -> str:
    """the name of a bridge."""
    if value and not re.fullmatch(r"[A-Za-z0-9_.-]{1,15}", value):
        raise ValueError("must be a bridge name: at most 15 letters, digits, ., _ and -")
    return value
