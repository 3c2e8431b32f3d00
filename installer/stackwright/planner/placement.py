"""Which component goes to which host."""

from __future__ import annotations

from dataclasses import dataclass

from stackwright.model import Answers, Component, ExitCode, Service, StackwrightError
from stackwright.services import all_services, hosts_of, roles, ssl
from stackwright.services.named_hosts import first, unique


def _hosts(answers: Answers, role: str) -> tuple[str, ...]:
    """The hosts that the answers give a role, with those that EXCLUDE_SERVERS leaves alone. KeyError for an unknown
    role."""
    for service in all_services():
        for known in service.roles:
            if known.name == role:
                return hosts_of(known, answers)
    raise KeyError(role)


@dataclass(frozen=True)
class Server:
    """A server of somebody else's that the cloud uses."""

    what: str
    key: str
    """The answer that names its host."""
    host: str
    port: int
    capability: str


def existing(answers: Answers) -> tuple[Server, ...]:
    """The servers that are there already."""
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
    """The hosts of a role, in the answers' order, without those that EXCLUDE_SERVERS leaves alone."""
    excluded = _excluded(answers)
    return tuple(h for h in _hosts(answers, role) if h not in excluded)


def left_alone(answers: Answers) -> tuple[str, ...]:
    """The hosts that EXCLUDE_SERVERS keeps out of this run, and that have a role."""
    excluded = _excluded(answers)
    return unique(*(h for role in roles() for h in hosts_of(role, answers) if h in excluded))


def all_hosts(answers: Answers, services: tuple[Service, ...] | None = None) -> tuple[str, ...]:
    """Every host that gets something, in the order of the roles. Without `services`, of all that there are."""
    wanted = {c.role for s in services or all_services() for c in s.components if c.when(answers)}
    return unique(*(h for role in roles() if role.name in wanted for h in hosts(answers, role.name)))


def place(answers: Answers, services: tuple[Service, ...] | None = None) -> dict[str, tuple[Component, ...]]:
    """Components by host, in the order of the list of services: by default, of all that there are. Raises
    StackwrightError where a wanted component's role has no host at all."""
    out: dict[str, list[Component]] = {h: [] for h in all_hosts(answers, services)}
    for service in services or all_services():
        for component in service.components:
            if not component.when(answers):
                continue
            if not _hosts(answers, component.role):
                raise StackwrightError(
                    f"{component.name} is wanted, and no host is named for the role {component.role}",
                    "name one in the answer file: `stackwright answers explain` lists the keys",
                    ExitCode.ANSWERS,
                )
            for host in hosts(answers, component.role):
                out[host].append(component)
    return {host: tuple(components) for host, components in out.items()}


def place_beside(answers: Answers) -> dict[str, tuple[Component, ...]]:
    """Components by host, of the hosts that EXCLUDE_SERVERS leaves alone: an earlier run installed them."""
    alone = left_alone(answers)
    if not alone:
        return {}
    everything = place(answers.with_value("EXCLUDE_SERVERS", ()))
    return {host: everything[host] for host in alone if host in everything}
