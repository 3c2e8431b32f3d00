"""Checks of names and clocks: what most installations that fail late have failed at."""

from __future__ import annotations

import contextlib
import ipaddress
import re
from collections import defaultdict
from collections.abc import Callable

from stackwright.model import Facts, Problem, Severity
from stackwright.planner import naming
from stackwright.preflight.situation import Problems, Situation, listing
from stackwright.values import is_address

CLOCK_LIMIT = 30.0
"""Seconds between two hosts' clocks from which on messaging and agents' heartbeats get into trouble."""
CLOCK_NOTICE = 3.0

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
"""A host name that URLs, certificates and shells take. Underscores are not in DNS names of hosts, and do no harm."""

_LONGEST = 64
"""HOST_NAME_MAX of Linux: sethostname refuses longer names."""


def _own(facts: Facts) -> set[str]:
    """The host's addresses, without prefix lengths and scopes."""
    return {a.partition("/")[0].partition("%")[0] for i in facts.interfaces for a in i.addresses}


def _loopback(addresses: tuple[str, ...]) -> bool:
    return bool(addresses) and all(ipaddress.ip_address(a.partition("%")[0]).is_loopback for a in addresses)


def _full(host: str) -> bool:
    """Whether the answers call the host by a full name."""
    return "." in host and not is_address(host)


def _line(facts: Facts) -> str:
    """The line for /etc/hosts that puts the host's name right."""
    short = facts.hostname.partition(".")[0] or "HOST"
    full = facts.fqdn if "." in facts.fqdn else f"{short}.example.org"
    return (
        f"put this line into its /etc/hosts: {facts.address or facts.host} {full} {short}; "
        "or CONFIG_HOST_NAMES=y, and it is done for you"
    )


def host_name(situation: Situation) -> Problems:
    """The host's own name is a name: RabbitMQ does not start on a host that is called by an address or a number."""
    for host, facts in situation.facts.items():
        named = naming.corrected(situation.answers, host, facts)
        name = named.hostname
        short = name.partition(".")[0]
        if name and (is_address(name) or short.isdecimal()):
            yield Problem(
                "host-name",
                f"the host is called {name}, which is {'an address' if is_address(name) else 'a number'}",
                "a host name must begin with a letter",
                "give it one: hostnamectl set-hostname NAME.DOMAIN",
                host,
            )
        elif odd := next((n for n in (name, named.fqdn) if n and not _NAME.fullmatch(n)), ""):
            yield Problem(
                "host-name",
                f"the host is called {odd!r}",
                "a name must consist of letters, digits, - and . and begin and end with a letter or a digit",
                "give it one: hostnamectl set-hostname NAME.DOMAIN",
                host,
            )
        elif len(name) > _LONGEST:
            yield Problem(
                "host-name",
                f"{name} has {len(name)} characters",
                f"at most {_LONGEST}, the kernel's limit of a host's own name",
                "name the host in the answer file by a shorter name, or set CONFIG_HOST_NAMES=n",
                host,
            )


def fqdn(situation: Situation) -> Problems:
    """`hostname -f` answers, with a full name."""
    for host, facts in situation.facts.items():
        if situation.answers["CONFIG_HOST_NAMES"] and (_full(host) or (facts.hostname and not facts.fqdn)):
            continue  # it will
        if facts.hostname.partition(".")[0] in ("localhost", "", "(none)"):
            yield Problem(
                "fqdn",
                f"the host is called {facts.hostname or 'nothing'}",
                "it needs a name of its own",
                "give it one: hostnamectl set-hostname NAME.DOMAIN",
                host,
            )
        elif not facts.fqdn:
            yield Problem("fqdn", "`hostname -f` fails", "OpenStack needs the host's full name", _line(facts), host)
        elif "." not in facts.fqdn:
            yield Problem(
                "fqdn",
                f"`hostname -f` says {facts.fqdn}, a name without a domain",
                "some services need a full name",
                _line(facts),
                host,
                Severity.WARNING,
            )
        elif facts.fqdn.partition(".")[0].lower() != facts.hostname.partition(".")[0].lower():
            yield Problem(
                "fqdn",
                f"the host is called {facts.hostname}, and `hostname -f` says {facts.fqdn}",
                "both must be forms of one name",
                _line(facts),
                host,
            )


def resolution(situation: Situation) -> Problems:
    """The host's names lead to its own address, and the address back to a name of its own."""
    for host, facts in situation.facts.items():
        names = [n for n in dict.fromkeys((facts.hostname, facts.fqdn)) if n]
        if not names or not facts.resolves or situation.answers["CONFIG_HOST_NAMES"]:
            continue
        for name in names:
            found = facts.resolves.get(name, ())
            if not found:
                yield Problem("resolution", f"{name} does not resolve on the host itself", "", _line(facts), host)
            elif _loopback(found[:1]):  # the first one is used
                if len(situation.facts) > 1:
                    yield Problem(
                        "resolution",
                        f"{name} is {listing(found)} to the host itself",
                        "it must resolve to the address that other hosts use",
                        _line(facts) + ", and take the name off the loopback line",
                        host,
                        Severity.WARNING,
                    )
            elif _own(facts) and not set(found) & _own(facts):
                yield Problem(
                    "resolution",
                    f"{name} resolves to {listing(found)}, which is not an address of the host",
                    f"the host has {listing(a for a in _own(facts) if not _loopback((a,)))}",
                    _line(facts),
                    host,
                )
        back = facts.extra.get(f"reverse {facts.address}")
        if back and not {n.lower() for n in back.split()} & {n.lower() for n in names}:
            yield Problem(
                "resolution",
                f"{facts.address} leads back to {back}",
                f"it should lead back to {facts.fqdn or facts.hostname}",
                "correct the reverse zone or /etc/hosts",
                host,
                Severity.WARNING,
            )


def ovs_hostname(situation: Situation) -> Problems:
    """Open vSwitch knows the host by the name that Nova does; ports cannot be bound otherwise."""
    for facts in situation.having("ovn-controller", "openvswitch-agent"):
        name = facts.extra.get("ovs-hostname", "")
        if name and name not in (facts.fqdn, facts.hostname):
            yield Problem(
                "ovs-hostname",
                f"Open vSwitch knows the host as {name}",
                f"its name is {facts.fqdn or facts.hostname}",
                f"ovs-vsctl set Open_vSwitch . external_ids:hostname={facts.fqdn or facts.hostname}",
                facts.host,
            )


def distinct(situation: Situation) -> Problems:
    """No two hosts share a name, an address or a machine id."""
    kinds: tuple[tuple[str, Callable[[Facts], str], str], ...] = (
        ("host name", lambda f: f.hostname, "give each host a name of its own: hostnamectl set-hostname NAME"),
        ("full name", lambda f: f.fqdn, "give each host a name of its own"),
        ("address", lambda f: f.address, "if it is one machine, use one name for it throughout the answer file"),
        (
            "machine id",
            lambda f: f.machine_id,
            "they were cloned: on one, rm /etc/machine-id; systemd-machine-id-setup; reboot",
        ),
    )
    named = {host: naming.corrected(situation.answers, host, facts) for host, facts in situation.facts.items()}
    for what, of, hint in kinds:
        groups: dict[str, list[str]] = defaultdict(list)
        for host, facts in named.items():
            if of(facts):
                groups[of(facts).lower()].append(host)  # neither DNS nor Nova's database tells cases apart
        for value, hosts in sorted(groups.items()):
            if len(hosts) > 1:
                yield Problem(
                    "distinct",
                    f"{listing(hosts)} have the same {what}: {value}",
                    f"each host needs its own {what}",
                    hint,
                )


def short_names(situation: Situation) -> Problems:
    """No two hosts differ in their domains only: /etc/hosts and people know them by their short names."""
    groups: dict[str, dict[str, str]] = defaultdict(dict)
    for host, facts in situation.facts.items():
        full = naming.corrected(situation.answers, host, facts).fqdn.lower()
        if full:
            groups[full.partition(".")[0]][full] = host
    for short, found in sorted(groups.items()):
        if len(found) > 1:
            yield Problem(
                "short-name",
                f"{listing(found.values())} have the same short name: {short}",
                "short names must differ",
                "give each host a name of its own: hostnamectl set-hostname NAME.DOMAIN",
                severity=Severity.WARNING,
            )


def own_address(situation: Situation) -> Problems:
    """The address that others use for a host is one of its own: services bind to it, and tunnels start there."""
    for host, facts in situation.facts.items():
        own = _own(facts)
        loop = len(situation.facts) > 1 and is_address(facts.address) and _loopback((facts.address,))
        if not loop and (not own or not facts.address or facts.address in own):
            continue
        usable = sorted(a for a in own if not _loopback((a,)) and not ipaddress.ip_address(a).is_link_local)
        if loop:
            yield Problem(
                "own-address",
                f"the host's address is {facts.address}, its loopback",
                "other hosts cannot reach it there",
                f"name the host by {usable[0] if usable else 'its own address'} in the answer file, or take its name"
                " off the loopback line in /etc/hosts of this machine",
                host,
            )
            continue
        yield Problem(
            "own-address",
            f"{facts.address} is not an address of the host, which has {listing(usable) or 'none'}",
            "services have to bind to it",
            f"name the host by {usable[0] if usable else 'its own address'} in the answer file; where only a translated"
            " address (NAT) is reached from here, set HostName or ProxyJump for it in ~/.ssh/config",
            host,
        )


def host_keys(situation: Situation) -> Problems:
    """Where there are several compute hosts, each shows its SSH host keys: instances are moved over SSH."""
    computes = list(situation.having("nova-compute"))
    for facts in computes if len(computes) > 1 else ():
        if not facts.host_keys:
            yield Problem(
                "ssh-host-key",
                "there are no public SSH host keys in /etc/ssh",
                "other compute hosts cannot move instances to this host",
                "install openssh-server, or create them: ssh-keygen -A",
                facts.host,
                Severity.WARNING,
            )


def clocks(situation: Situation) -> Problems:
    """The hosts' clocks agree."""
    offsets = {h: f.clock_offset for h, f in situation.facts.items()}
    if len(offsets) > 1:
        first, last = min(offsets, key=lambda h: offsets[h]), max(offsets, key=lambda h: offsets[h])
        apart = offsets[last] - offsets[first]
        if apart > CLOCK_NOTICE:
            yield Problem(
                "clock",
                f"the clock of {last} is {apart:.0f} s ahead of that of {first}",
                f"clocks must not differ by more than {CLOCK_NOTICE:.0f} s",
                "start chronyd, or another time service, on all hosts",
                severity=Severity.ERROR if apart > CLOCK_LIMIT else Severity.WARNING,
            )
    for host, offset in offsets.items():
        if abs(offset) > 300:
            yield Problem(
                "clock",
                f"the clock is {abs(offset):.0f} s {'ahead of' if offset > 0 else 'behind'} this machine's",
                "certificates and tokens depend on the time",
                "set the clock there (or here)",
                host,
                Severity.WARNING,
            )


def _excepted(address: str, no_proxy: str) -> bool:
    """Whether programs go to the address without the proxy: as curl and Python read no_proxy, and as a network."""
    for item in re.split(r"[,\s]+", no_proxy.strip()):
        if item in ("*", address) or (item and address.endswith(f".{item.lstrip('.')}")):
            return True
        with contextlib.suppress(ValueError):
            if "/" in item and ipaddress.ip_address(address) in ipaddress.ip_network(item, strict=False):
                return True
    return False


def proxy(situation: Situation) -> Problems:
    """A proxy is not in the way between the cloud's own hosts."""
    own = tuple(dict.fromkeys(f.address or h for h, f in situation.facts.items()))
    hint = f"set no_proxy=localhost,127.0.0.1,{','.join(own)} in /etc/environment, for people who log in there"
    wanted = "the hosts of a cloud must reach each other without a proxy; the run itself does"
    left_out: dict[str, list[str]] = {}  # by no_proxy, which many hosts have alike
    for host, facts in situation.facts.items():
        kinds = [kind.lower() for kind in facts.extra.get("proxy", "").split()]
        without = facts.extra.get("no-proxy", "")
        if without not in left_out:
            left_out[without] = [address for address in own if without and not _excepted(address, without)]
        missing = left_out[without]
        kinds = list(dict.fromkeys(kinds))
        if missing and set(kinds) - {"no_proxy"}:
            yield Problem(
                "proxy",
                f"{listing(k for k in kinds if k != 'no_proxy')} is set, and no_proxy leaves out {listing(missing)}",
                wanted,
                hint,
                host,
                Severity.WARNING,
            )
        if kinds and "no_proxy" not in kinds:
            yield Problem(
                "proxy",
                f"{listing(kinds)} is set, no_proxy is not",
                wanted,
                hint,
                host,
                Severity.WARNING,
            )
