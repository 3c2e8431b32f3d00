"""Checks of what somebody else has on a host: accounts, data of services, web sites."""

from __future__ import annotations

import re

from stackwright.model import Facts, Problem, Severity
from stackwright.preflight.situation import Problems, Situation, listing

_PERSONS = range(1000, 60000)
"""Numbers of people's accounts and groups. Debian's own services have numbers below and above."""

_OTHER_NAMES = {
    "mariadb": ("mysql",),
    "rabbitmq": ("rabbitmq", "epmd"),
    "memcached": ("memcache", "memcached"),
    "nova": ("nova", "libvirt-qemu"),
    "ovn": ("neutron", "ovn", "openvswitch"),
    "openvswitch": ("neutron", "openvswitch"),
    **dict.fromkeys(("linuxbridge", "dhcp", "l3", "metadata"), ("neutron",)),
}
"""Accounts of components, by the first word of their names, where they are not called by that word."""


def accounts(situation: Situation) -> Problems:
    """No person's account or group has the name of a service's: packages refuse such names, or use the account."""
    for host, facts in situation.facts.items():
        if situation.ours(facts):
            continue
        words = {component.partition("-")[0] for component in situation.components(host)}
        needed = {name for word in words for name in _OTHER_NAMES.get(word, (word,))}
        for kind in ("account", "group"):
            found = {n: facts.extra.get(f"{kind} {n}", "").split()[:1] for n in needed}
            taken = sorted(n for n, number in found.items() if number and int(number[0]) in _PERSONS)
            if taken:
                what = "user" if kind == "account" else "group"
                yield Problem(
                    "accounts",
                    "; ".join(f"the {what} {name} has the id {found[name][0]}" for name in taken)
                    + f", which is that of a person's {kind}",
                    "the package of the service creates its own system account",
                    f"rename it, for example: {'usermod -l' if kind == 'account' else 'groupmod -n'} NEW {taken[0]}",
                    host,
                )


def data(situation: Situation) -> Problems:
    """No database server or message broker of an earlier installation has data, also if it is stopped."""
    for host, facts in situation.facts.items():
        if situation.ours(facts):
            continue
        components = situation.components(host)
        if "mariadb" in components:
            yield from _databases(host, facts)
        if "rabbitmq" in components:
            yield from _broker(host, facts)


def _databases(host: str, facts: Facts) -> Problems:
    names = facts.extra.get("databases", "").split()
    locked = "database-password" in facts.extra
    if not names and not locked:
        return
    seen = [f"databases {listing(names)}"] if names else []
    seen += ["a password of root"] if locked else []
    yield Problem(
        "existing-data",
        f"/var/lib/mysql has {' and '.join(seen)}: an earlier database server, which may be stopped",
        "a new server cannot use its data",
        "to use that server, start it and set CONFIG_MARIADB_INSTALL=n; if its data are not needed, remove the package"
        " and /var/lib/mysql",
        host,
    )


def _broker(host: str, facts: Facts) -> Problems:
    short = facts.hostname.partition(".")[0]
    for key, cluster in sorted(facts.extra.items()):
        if not key.startswith("broker "):
            continue
        node = key.partition(" ")[2]
        others = sorted(set(re.findall(r"[\w.-]+@[\w.-]+", cluster)) - {node})
        own = node.partition("@")[2].partition(".")[0].lower() == short.lower()
        if own and others:
            yield Problem(
                "existing-data",
                f"RabbitMQ on this host is a member of a cluster with {listing(others)}",
                "it does not start without the other members",
                "to use that broker, set CONFIG_AMQP_INSTALL=n; if it is not needed, remove the package and"
                " /var/lib/rabbitmq",
                host,
            )
        elif own:
            yield Problem(
                "existing-data",
                f"/var/lib/rabbitmq has data of an earlier message broker ({node}), which may be stopped",
                "its users could log in to the cloud's broker",
                "to use that broker, set CONFIG_AMQP_INSTALL=n; if it is not needed, remove the package and"
                " /var/lib/rabbitmq",
                host,
                Severity.WARNING,
            )


_SITES = re.compile(r"/etc/(apache2/(sites-available|sites-enabled|conf\.d)|httpd/conf\.d)/")


def web_sites(situation: Situation) -> Problems:
    """Apache has no sites or settings of somebody else: the Puppet module of Apache removes them."""
    for host, facts in situation.facts.items():
        platform = situation.platform(facts)
        family = platform.family if platform else ""
        components = [c for c in situation.placement.get(host, ()) if _uses_apache(c.name, family)]
        files = facts.extra.get("web-files", "").split()
        if situation.ours(facts):
            files = [file for file in files if _SITES.match(file)]  # its settings are the cloud's
        if files and components:
            yield Problem(
                "apache",
                f"Apache has files that are not the distribution's: {', '.join(files)}",
                f"they would be removed, because Apache serves {listing(c.name for c in components)} here",
                "move these sites to another host; or save the files, and use --skip-check apache",
                host,
            )


def _uses_apache(component: str, family: str) -> bool:
    """Whether the component is served by Apache: Debian runs the APIs in uwsgi."""
    return component == "horizon" or (family == "redhat" and component in ("keystone", "nova-api", "placement-api"))
