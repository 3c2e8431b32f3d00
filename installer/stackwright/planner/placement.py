"""Which component goes to which host."""

from __future__ import annotations

from dataclasses import dataclass

from stackwright.model import Answers, Component, ExitCode, Service, StackwrightError
from stackwright.services import all_services, hosts_of, roles, ssl
from stackwright.services.named_hosts import first, unique


def _hosts(answers: Answers, role: str) -> tuple[str, ...]:
    """The hosts that the answers assign to a role, including those in EXCLUDE_SERVERS. KeyError for an unknown role."""
    for service in all_services():
        for known in service.roles:
            if known.name == role:
                return hosts_of(known, answers)
    raise KeyError(role)


@dataclass(frozen=True)
class Server:
    """An existing server that the cloud uses and Stackwright does not install."""

    what: str
    key: str
    """The answer that names its host."""
    host: str
    port: int
    capability: str


def existing(answers: Answers) -> tuple[Server, ...]:
    """The existing servers that the cloud uses."""
    known = (
        ("database", "CONFIG_MARIADB", 3306, "database"),
        ("message broker", "CONFIG_AMQP", 5671 if ssl.messages(answers) else 5672, "messaging"),
    )
    return tuple(
        Server(what, f"{key}_HOST", str(answers[f"{key}_HOST"]), port, capability)
        for what, key, port, capability in known
        if not answers[f"{key}_INSTALL"]
    )


def _excluded(answers: Answers) -> frozenset[str]:
    return frozenset(first(answers, "EXCLUDE_SERVERS"))


def hosts(answers: Answers, role: str) -> tuple[str, ...]:
    """The hosts of a role, in the order of the answers, without those in EXCLUDE_SERVERS."""
    excluded = _excluded(answers)
    return tuple(h for h in _hosts(answers, role) if h not in excluded)


def left_alone(answers: Answers) -> tuple[str, ...]:
    """The hosts in EXCLUDE_SERVERS that have a role: this run does not change them."""
    excluded = _excluded(answers)
    return unique(*(h for role in roles() for h in hosts_of(role, answers) if h in excluded))


def all_hosts(answers: Answers, services: tuple[Service, ...] | None = None) -> tuple[str, ...]:
    """Every host that gets a component, in the order of the roles. `services` defaults to all services."""
    wanted = {c.role for s in services or all_services() for c in s.components if c.when(answers)}
    return unique(*(h for role in roles() if role.name in wanted for h in hosts(answers, role.name)))


def place(answers: Answers, services: tuple[Service, ...] | None = None) -> dict[str, tuple[Component, ...]]:
    """Components by host, in the order of the services. `services` defaults to all services. Raises StackwrightError if
    the role of a wanted component has no host."""
    out: dict[str, list[Component]] = {h: [] for h in all_hosts(answers, services)}
    for service in services or all_services():
        for component in service.components:
            if not component.when(answers):
                continue
            if not _hosts(answers, component.role):
                raise StackwrightError(
                    f"{component.name} needs a host with the role {component.role}, and the answers name none",
                    "name one in the answer file: `stackwright answers explain` lists the keys",
                    ExitCode.ANSWERS,
                )
            for host in hosts(answers, component.role):
                out[host].append(component)
    return {host: tuple(components) for host, components in out.items()}


def place_beside(answers: Answers) -> dict[str, tuple[Component, ...]]:
    """Components by host, for the hosts in EXCLUDE_SERVERS: an earlier run installed them."""
    alone = left_alone(answers)
    if not alone:
        return {}
    everything = place(answers.with_value("EXCLUDE_SERVERS", ()))
    return {host: everything[host] for host in alone if host in everything}
