"""Which component goes to which host."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from stackwright.model import Component, ExitCode, Service, StackwrightError
from stackwright.services import ssl


def _tuple(value: Any) -> tuple[str, ...]:
    if not value:
        return ()
    return (str(value),) if isinstance(value, str) else tuple(str(v) for v in value)


def _first(answers: Mapping[str, Any], *keys: str) -> tuple[str, ...]:
    """The hosts named by the first of these keys that is answered."""
    for key in keys:
        if hosts := _tuple(answers.get(key)):
            return hosts
    return ()


def _unique(*hosts: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(hosts))


def _database(answers: Mapping[str, Any]) -> tuple[str, ...]:
    """A database server that is there already is none of ours to touch: it is set up from the controller."""
    installed = answers.get("CONFIG_MARIADB_INSTALL", True)
    return _first(answers, *(("CONFIG_MARIADB_HOST",) if installed else ()), "CONFIG_CONTROLLER_HOST")


def _l3(answers: Mapping[str, Any]) -> tuple[str, ...]:
    return _first(answers, "CONFIG_NEUTRON_L3_HOSTS", "CONFIG_NETWORK_HOSTS")


def _dhcp(answers: Mapping[str, Any]) -> tuple[str, ...]:
    """OVN answers DHCP wherever an instance is, and has no agents for it."""
    agents = answers.get("CONFIG_NEUTRON_L2_AGENT", "ovn") != "ovn"
    return _first(answers, *(("CONFIG_NEUTRON_DHCP_HOSTS",) if agents else ()), "CONFIG_NETWORK_HOSTS")


def _metadata(answers: Mapping[str, Any]) -> tuple[str, ...]:
    """Routers and DHCP servers hand instances' questions to the metadata agent through a socket of their own host."""
    return _unique(*_first(answers, "CONFIG_NEUTRON_METADATA_HOSTS"), *_l3(answers), *_dhcp(answers))


def _chassis(answers: Mapping[str, Any]) -> tuple[str, ...]:
    """Wherever instances, routers or DHCP servers are plugged into networks."""
    network = (*_first(answers, "CONFIG_NETWORK_HOSTS"), *_l3(answers), *_dhcp(answers))
    return _unique(*network, *_first(answers, "CONFIG_COMPUTE_HOSTS"))


def _storage(answers: Mapping[str, Any]) -> tuple[str, ...]:
    """As in Packstack, CONFIG_STORAGE_HOST counts while CONFIG_UNSUPPORTED=y."""
    named = _first(answers, "CONFIG_STORAGE_HOST") if answers.get("CONFIG_UNSUPPORTED") else ()
    return named or _first(answers, "CONFIG_CONTROLLER_HOST")


def _swift_hosts(answers: Mapping[str, Any]) -> tuple[str, ...]:
    """Those that devices are named with; a device without a host is on each storage host."""
    named = [host for host, _ in answers.get("CONFIG_SWIFT_STORAGES") or ()]
    return _unique(*filter(None, named), *(() if all(named) and named else _storage(answers)))


ROLES: Mapping[str, Callable[[Mapping[str, Any]], tuple[str, ...]]] = {
    "controller": lambda a: _first(a, "CONFIG_CONTROLLER_HOST"),
    "database": _database,
    "messaging": lambda a: _first(a, "CONFIG_AMQP_HOST", "CONFIG_CONTROLLER_HOST"),
    "cache": lambda a: _first(a, "CONFIG_CACHE_HOSTS", "CONFIG_CONTROLLER_HOST"),
    "identity": lambda a: _first(a, "CONFIG_KEYSTONE_HOST", "CONFIG_CONTROLLER_HOST"),
    "image": lambda a: _first(a, "CONFIG_GLANCE_HOST", "CONFIG_CONTROLLER_HOST"),
    "placement": lambda a: _first(a, "CONFIG_NOVA_API_HOST", "CONFIG_CONTROLLER_HOST"),
    "compute-api": lambda a: _first(a, "CONFIG_NOVA_API_HOST", "CONFIG_CONTROLLER_HOST"),
    "conductor": lambda a: _first(a, "CONFIG_NOVA_CONDUCTOR_HOST", "CONFIG_NOVA_API_HOST", "CONFIG_CONTROLLER_HOST"),
    "scheduler": lambda a: _first(a, "CONFIG_NOVA_SCHED_HOST", "CONFIG_NOVA_API_HOST", "CONFIG_CONTROLLER_HOST"),
    "console": lambda a: _first(a, "CONFIG_NOVA_VNCPROXY_HOST", "CONFIG_NOVA_API_HOST", "CONFIG_CONTROLLER_HOST"),
    "clients": lambda a: _first(a, "CONFIG_OSCLIENT_HOST", "CONFIG_CONTROLLER_HOST"),
    "network-api": lambda a: _first(a, "CONFIG_NEUTRON_SERVER_HOST", "CONFIG_CONTROLLER_HOST"),
    "volume-api": lambda a: _first(a, "CONFIG_CINDER_HOST", "CONFIG_CONTROLLER_HOST"),
    "volume": _storage,
    "ceph": lambda a: _storage(a)[:1],
    "object-rings": lambda a: _swift_hosts(a)[:1],
    "object-proxy": lambda a: _first(a, "CONFIG_SWIFT_PROXY_HOSTS", "CONFIG_CONTROLLER_HOST"),
    "object-storage": _swift_hosts,
    "dashboard": lambda a: _first(a, "CONFIG_HORIZON_HOST", "CONFIG_CONTROLLER_HOST"),
    "orchestration": lambda a: _first(a, "CONFIG_HEAT_HOST", "CONFIG_CONTROLLER_HOST"),
    "cloudformation": lambda a: _first(a, "CONFIG_HEAT_CFN_HOST", "CONFIG_HEAT_HOST", "CONFIG_CONTROLLER_HOST"),
    "network": lambda a: _first(a, "CONFIG_NETWORK_HOSTS"),
    "dhcp": _dhcp,
    "l3": _l3,
    "metadata": _metadata,
    "chassis": _chassis,
    "compute": lambda a: _first(a, "CONFIG_COMPUTE_HOSTS"),
}
"""From a role to the hosts that the answers give it. An unanswered key of ours falls back to the controller. Those that
others wait for come first: in this order the plan has the hosts, and in the plan's order they are started."""


@dataclass(frozen=True)
class Server:
    """A server of somebody else's that the cloud uses."""

    what: str
    key: str
    """The answer that names its host."""
    host: str
    port: int
    capability: str


def existing(answers: Mapping[str, Any]) -> tuple[Server, ...]:
    """The servers that are there already."""
    known = (
        ("database", "CONFIG_MARIADB", 3306, "database"),
        ("message broker", "CONFIG_AMQP", 5671 if ssl.messages(answers) else 5672, "messaging"),
    )
    return tuple(
        Server(what, f"{key}_HOST", str(answers[f"{key}_HOST"]), port, capability)
        for what, key, port, capability in known
        if not answers.get(f"{key}_INSTALL", True)
    )


def _excluded(answers: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(_tuple(answers.get("EXCLUDE_SERVERS")))


def hosts(answers: Mapping[str, Any], role: str) -> tuple[str, ...]:
    """The hosts of a role, in the answers' order, without those that EXCLUDE_SERVERS leaves alone."""
    excluded = _excluded(answers)
    return tuple(h for h in ROLES[role](answers) if h not in excluded)


def left_alone(answers: Mapping[str, Any]) -> tuple[str, ...]:
    """The hosts that EXCLUDE_SERVERS keeps out of this run, and that have a role."""
    excluded = _excluded(answers)
    return _unique(*(h for role in ROLES.values() for h in role(answers) if h in excluded))


def all_hosts(answers: Mapping[str, Any], services: tuple[Service, ...]) -> tuple[str, ...]:
    """Every host that gets something, in the order of the roles."""
    wanted = {c.role for s in services for c in s.components if c.when(answers)}
    return _unique(*(h for role in ROLES if role in wanted for h in hosts(answers, role)))


def place(answers: Mapping[str, Any], services: tuple[Service, ...]) -> dict[str, tuple[Component, ...]]:
    """Components by host, in the order of the list of services. Raises StackwrightError where a wanted component's
    role has no host at all."""
    out: dict[str, list[Component]] = {h: [] for h in all_hosts(answers, services)}
    for service in services:
        for component in service.components:
            if not component.when(answers):
                continue
            if not ROLES[component.role](answers):
                raise StackwrightError(
                    f"{component.name} is wanted, and no host is named for the role {component.role}",
                    "name one in the answer file: `stackwright answers explain` lists the keys",
                    ExitCode.ANSWERS,
                )
            for host in hosts(answers, component.role):
                out[host].append(component)
    return {host: tuple(components) for host, components in out.items()}
