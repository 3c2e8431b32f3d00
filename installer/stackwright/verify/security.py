"""Compares a running cloud with the checklists of the OpenStack Security Guide. Pure.

`security.sh` tells what there is on a host; this parses it, and judges each item. An item that is not met has a reason
in REASONS if this version knows that it does not meet it, and docs/security.md lists these.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from .. import shell, untrusted

CONFIGURED = (
    *(f"/etc/{name}/{name}.conf" for name in ("keystone", "nova", "cinder", "neutron", "placement", "heat", "aodh")),
    *(f"/etc/{name}/{name}.conf" for name in ("gnocchi", "ceilometer", "swift")),
    *("/etc/glance/glance-api.conf", "/etc/swift/proxy-server.conf", "/etc/openstack-dashboard/local_settings.py"),
    *("/etc/openstack-dashboard/local_settings", "/etc/neutron/metadata_agent.ini"),
    *("/etc/neutron/neutron_ovn_metadata_agent.ini", "/etc/keystone/fernet-keys", "/etc/keystone/credential-keys"),
    *("/etc/redis/redis.conf", "/root/.my.cnf", "/root/keystonerc_admin", "/root/keystonerc_demo"),
    *("/var/lib/nova/.ssh", "/var/lib/nova/.ssh/id_ed25519"),
)
"""Files and folders whose modes are looked at, where they exist."""

SEARCHED = ("/etc", "/var/lib", "/var/log", "/root", "/home", "/run", "/tmp", "/var/tmp", "/srv")
"""Folders in which the cloud's secrets must not be readable by everybody."""

_SEARCH = 120
"""Seconds."""

REASONS: Mapping[str, str] = {
    "api-tls": "no API has TLS in this version; use a reverse proxy",
    "broker-tls": "CONFIG_AMQP_ENABLE_SSL=y encrypts messages; the default does not",
    "dashboard-tls": "CONFIG_HORIZON_SSL=y is not the default: browsers warn of certificates that the cloud made",
    "secure-cookies": "browsers do not send such cookies over HTTP: they come with CONFIG_HORIZON_SSL=y",
    "hsts": "browsers would refuse the dashboard for months if TLS were switched off again",
}
"""Why items are not met by default, by name."""

State = Literal["met", "not met", "does not apply", "unknown"]


@dataclass(frozen=True)
class Listener:
    """A listening socket."""

    protocol: str
    address: str
    port: int
    process: str

    @property
    def local(self) -> bool:
        """Whether only the host itself reaches it."""
        try:
            return ipaddress.ip_address(self.address.partition("%")[0]).is_loopback
        except ValueError:
            return False


@dataclass(frozen=True)
class Evidence:
    """What a host reported."""

    listeners: tuple[Listener, ...] = ()
    modes: Mapping[str, tuple[int, str, str]] = field(default_factory=dict)
    """By path: mode, owner, group."""
    readable: tuple[str, ...] = ()
    """Files that everybody can read, with a secret of the cloud."""
    searched: bool = False
    broker_users: Mapping[str, str] = field(default_factory=dict)
    """Tags by name of the user."""
    accounts: tuple[tuple[str, str], ...] = ()
    """Name and host of each account of the database."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Settings of the dashboard, as Python."""
    headers: tuple[tuple[str, str], ...] = ()
    """Of the dashboard's login page; names in lower case."""
    stranger: str = ""
    """HTTP status of the dashboard for a name that is not its own."""
    firewall: str = ""
    """The firewall that is active: firewalld, nftables, or empty."""
    complete: bool = False


@dataclass(frozen=True)
class Expected:
    """What the plan has for a host."""

    ports: Mapping[str, tuple[tuple[int, int], ...]] | None
    """First and last numbers of the ports that its firewall opens, by protocol; None where the firewall is not
    managed."""
    tls: Mapping[str, bool] = field(default_factory=dict)
    """By part of the cloud (`api`, `broker`, `dashboard`) that this host has: whether it is encrypted."""


@dataclass(frozen=True)
class Item:
    """The result for one item on one host."""

    host: str
    name: str
    guide: str
    """The items of the guide's checklists."""
    state: State
    detail: str = ""

    @property
    def reason(self) -> str:
        """Why this version does not meet it; empty if that is not known."""
        return REASONS.get(self.name, "") if self.state == "not met" else ""

    @property
    def ok(self) -> bool:
        """Whether it is met, or known and explained."""
        return self.state in ("met", "does not apply") or bool(self.reason)


def script(dashboard: str = "") -> str:
    """The script for a host. `dashboard` is the URL of its dashboard, if it has one. It wants secrets on its standard
    input."""
    return shell.fill(
        "verify/security.sh", FILES=CONFIGURED, PLACES=SEARCHED, SECONDS=_SEARCH, DASHBOARD=dashboard.rstrip("/")
    )


def read(output: str) -> Evidence:
    """Parses what the script printed; lines that do not fit are ignored, and items without evidence are unknown."""
    found: dict[str, list[list[str]]] = {}
    for line in output.splitlines():
        word, *rest = (untrusted.printable(part) for part in line.split("\t"))
        found.setdefault(word, []).append(rest)

    def rows(word: str, length: int) -> list[list[str]]:
        return [row for row in found.get(word, []) if len(row) == length]

    return Evidence(
        listeners=tuple(x for row in rows("listens", 3) if (x := _listener(*row))),
        modes={path: (int(mode, 8), owner, group) for mode, owner, group, path in rows("mode", 4) if _octal(mode)},
        readable=tuple(path for (path,) in rows("readable", 1)),
        searched="searched" in found,
        broker_users=dict(rows("broker", 2)),
        accounts=tuple((name, host) for name, host in rows("account", 2)),
        settings=dict(rows("setting", 2)),
        headers=tuple((name.lower(), value) for name, value in rows("header", 2)),
        stranger=next((status for (status,) in rows("stranger", 1)), ""),
        firewall=next((name for (name,) in rows("firewall", 1)), ""),
        complete="end" in found,
    )


def _octal(text: str) -> bool:
    return 0 < len(text) <= 5 and set(text) <= set("01234567")


def _listener(protocol: str, at: str, process: str) -> Listener | None:
    address, _, port = at.rpartition(":")
    if protocol not in ("tcp", "udp") or not (port.isascii() and port.isdigit() and len(port) <= 5):
        return None
    return Listener(protocol, address.strip("[]").replace("*", "0.0.0.0"), int(port), process)


def judge(host: str, seen: Evidence, expected: Expected) -> tuple[Item, ...]:
    """The items for one host."""
    if not seen.complete:
        return (Item(host, "probe", "", "unknown", "the host did not tell everything"),)
    items = [_ports(host, seen, expected), _modes(host, seen), _secrets(host, seen)]
    for part, guide in (
        ("api", "Identity 03, Compute 05, Block 04 to 06, Image 04, Network 04 and 05"),
        ("broker", "Compute 05"),
        ("dashboard", "Dashboard 04"),
    ):
        if part in expected.tls:
            items.append(Item(host, f"{part}-tls", guide, "met" if expected.tls[part] else "not met"))
    items += _broker(host, seen) if seen.broker_users else ()
    items += _database(host, seen) if seen.accounts else ()
    items += _dashboard(host, seen) if "dashboard" in expected.tls else ()
    return tuple(items)


def _item(host: str, name: str, guide: str, wrong: Iterable[str]) -> Item:
    """Met if nothing is wrong."""
    found = list(wrong)
    few = ", ".join(found[:8]) + (f" and {len(found) - 8} more" if len(found) > 8 else "")
    return Item(host, name, guide, "not met" if found else "met", few)


def _ports(host: str, seen: Evidence, expected: Expected) -> Item:
    """What listens for other hosts is in the plan, or behind an active firewall that opens the plan's ports only."""

    def planned(listener: Listener) -> bool:
        opened = (expected.ports or {}).get(listener.protocol, ())
        return any(first <= listener.port <= last for first, last in opened)

    beyond = sorted({(x.protocol, x.port, x.process) for x in seen.listeners if not x.local and not planned(x)})
    unplanned = [f"{protocol} {port} ({process})" for protocol, port, process in beyond]
    if expected.ports is None:
        return _item(host, "ports", _PORTS, [f"no firewall (CONFIG_FIREWALL=n): {each}" for each in unplanned])
    closed = bool(seen.firewall)
    return _item(host, "ports", _PORTS, [] if closed else [f"the firewall is off: {each}" for each in unplanned])


_PORTS = "Networking: ports are open to those who need them"


def _modes(host: str, seen: Evidence) -> Item:
    wrong = [
        f"{path} has {mode:04o} {owner}:{group}"
        for path, (mode, owner, group) in sorted(seen.modes.items())
        if mode & 0o007
    ]
    guide = "Identity, Dashboard, Compute, Block, Image and Network 01 and 02"
    return _item(host, "modes", guide, wrong) if seen.modes else Item(host, "modes", guide, "does not apply")


def _secrets(host: str, seen: Evidence) -> Item:
    guide = "Identity, Dashboard, Compute, Block, Image and Network 02"
    if not seen.searched:
        return Item(host, "readable-secrets", guide, "unknown", "nothing was searched")
    return _item(host, "readable-secrets", guide, [f"{path} has a secret" for path in sorted(seen.readable)])


def _broker(host: str, seen: Evidence) -> list[Item]:
    guide = "Messaging: user access"
    tagged = [f"{name} is {tags}" for name, tags in sorted(seen.broker_users.items()) if tags.strip("[] ")]
    guests = [name for name in seen.broker_users if name == "guest"]
    return [_item(host, "broker-guest", guide, guests), _item(host, "broker-tags", guide, tagged)]


def _database(host: str, seen: Evidence) -> list[Item]:
    anonymous = [f"''@{place}" for name, place in seen.accounts if not name]
    local = ("localhost", "127.0.0.1", "::1")
    roots = [f"root@{place}" for name, place in seen.accounts if name == "root" and place not in local]
    guide = "Databases: access control"
    return [_item(host, "database-anonymous", guide, anonymous), _item(host, "database-root", guide, roots)]


def _dashboard(host: str, seen: Evidence) -> list[Item]:
    """Settings and what the login page sends. Names of the settings are Django's and Horizon's."""
    cookies = [value for name, value in seen.headers if name == "set-cookie"]

    def setting(name: str, guide: str, key: str, wanted: str, default: str = "") -> Item:
        there = seen.settings.get(key, default).strip("\"', ")
        return _item(host, name, guide, [] if there == wanted else [f"{key} is {there or 'not set'}"])

    insecure = [cookie.partition("=")[0] for cookie in cookies if "secure" not in _flags(cookie)]
    open_to_scripts = [
        cookie.partition("=")[0]
        for cookie in cookies
        if cookie.startswith("sessionid") and "httponly" not in _flags(cookie)
    ]
    names = {name for name, _ in seen.headers}
    strange = seen.stranger if seen.stranger.startswith("4") else ""
    return [
        setting("iframes", "Dashboard 03", "DISALLOW_IFRAME_EMBED", "True"),
        _item(host, "secure-cookies", "Dashboard 04 and 05", insecure),
        _item(host, "session-cookie", "Dashboard 06", open_to_scripts),
        # Horizon's own settings (openstack_dashboard/settings.py) have this value, and puppet-horizon writes none.
        setting("password-autocomplete", "Dashboard 07", "password_autocomplete", "off", default="off"),
        setting("password-reveal", "Dashboard 08", "disable_password_reveal", "True"),
        setting("password-check", "Dashboard 09", "enforce_password_check", "True"),
        _item(host, "password-validator", "Dashboard 10", [] if "password_validator" in seen.settings else ["not set"]),
        _item(
            host,
            "allowed-hosts",
            "Dashboard: allowed hosts",
            [] if strange else [f"the dashboard answers other names with {seen.stranger or 'nothing'}"],
        ),
        _item(host, "hsts", "Dashboard: HSTS", [] if "strict-transport-security" in names else ["no such header"]),
    ]


def _flags(cookie: str) -> set[str]:
    return {part.strip().lower() for part in cookie.split(";")[1:]}


def text(items: Iterable[Item]) -> list[str]:
    """Lines for people: what is not met without a reason first, then what is not met and why, then what is met."""
    listed = list(items)
    lines = []
    for item in sorted(listed, key=lambda i: (i.ok, i.state != "not met")):
        if item.state in ("met", "does not apply"):
            continue
        because = f", because {item.reason}" if item.reason else ""
        detail = f" ({item.detail})" if item.detail else ""
        lines.append(f"{item.state:<9} {item.host}: {item.name}{detail}{because}")
    met = [i for i in listed if i.state == "met"]
    bad = sum(not i.ok for i in listed)
    explained = sum(i.state == "not met" and i.ok for i in listed)
    lines.append(f"{len(met)} items met, {explained} not met for a known reason, {bad} not met or unknown")
    return lines
