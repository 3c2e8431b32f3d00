"""The parts of service records, as values. Imports nothing from the project."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Family = Literal["debian", "redhat"]


@dataclass(frozen=True)
class Change:
    """Whether an answer can change once the cloud is installed."""

    can: Literal["yes", "more", "no"] = "yes"
    """yes: the next run applies it. more: entries can be added; those that are there must stay. no: it is for life."""
    why: str = ""
    """The reason why it cannot; with yes, what a change leaves as it is."""
    until: tuple[str, ...] = ()
    """The components that make it permanent: it can change until one of them is installed. Empty: any component."""


APPLIED = Change()
"""The answer can change, and the next run applies it."""


def applied(why: str) -> Change:
    """The answer can change; `why` says what a change leaves as it is."""
    return Change(why=why)


def extendable(why: str, *until: str) -> Change:
    """Entries can be added to the answer; `why` says why none can be removed once one of `until` is installed."""
    return Change("more", why, until)


def fixed(why: str, *until: str) -> Change:
    """The answer cannot change once one of the components `until` is installed; `why` is the reason."""
    return Change("no", why, until)


def changes_of(keys: Iterable[str], change: Change = APPLIED) -> dict[str, Change]:
    """The same for several answers."""
    return dict.fromkeys(keys, change)


@dataclass(frozen=True)
class Override:
    """Other names on some platforms, or since an OpenStack release."""

    where: str
    """A family (debian) or the id of a platform (debian-13)."""
    names: tuple[str, ...]
    since: str = ""
    """The first OpenStack series that has them (2025.1); empty: all."""
    adds: bool = False
    """Whether they are added to the other names, or replace them."""


@dataclass(frozen=True)
class Names:
    """Names of packages or systemd units, which differ between families of operating systems."""

    debian: tuple[str, ...] = ()
    redhat: tuple[str, ...] = ()
    overrides: tuple[Override, ...] = ()

    def __add__(self, other: Names) -> Names:
        return Names(self.debian + other.debian, self.redhat + other.redhat, self.overrides + other.overrides)

    def __bool__(self) -> bool:
        return bool(self.debian or self.redhat or self.overrides)

    def but(self, where: str, *names: str, since: str = "") -> Names:
        """The same, with only these names on a family or platform, since an OpenStack series."""
        return replace(self, overrides=(*self.overrides, Override(where, names, since)))

    def also(self, where: str, *names: str, since: str = "") -> Names:
        """The same, with these names in addition on a family or platform, since an OpenStack series."""
        return replace(self, overrides=(*self.overrides, Override(where, names, since, adds=True)))

    def on(self, family: Family, platform: str, series: str) -> tuple[str, ...]:
        """The names on one platform with one OpenStack series."""
        found = self.debian if family == "debian" else self.redhat
        for override in self.overrides:
            if override.where in (family, platform) and series >= override.since:
                found = (*found, *override.names) if override.adds else override.names
        return found


@dataclass(frozen=True)
class PackageSet:
    """Packages for a choice within a component, such as its hypervisor, or for a host as a whole."""

    name: str
    packages: Names
    of: tuple[str, ...] = ()
    """The components whose hosts may need it; empty: any host may."""
    when: Callable[[Mapping[str, Any]], bool] = lambda _: True
    """Whether these answers need it: gets the typed values by key."""
    traits: tuple[tuple[str, str], ...] = ()
    """Conditions on the host: `virt_type` (kvm, qemu) and `arch` (output of `uname -m`)."""
    units: Names = Names()
    """systemd units, without `.service`."""


@dataclass(frozen=True)
class Memory:
    """The memory of a component's processes, in MiB."""

    fixed: int
    """Independent of the number of workers."""
    per_worker: int = 0
    load: int = 0
    """For minimal work: one small instance on a compute host."""
    source: str = ""
    """The source of the figures."""


@dataclass(frozen=True)
class Growth:
    """A sparse file on a component's host, which takes space only as it fills."""

    path: str
    key: str
    """The answer with its size."""
    when: Callable[[Mapping[str, Any]], bool] = lambda _: True
    """Whether it is created: gets the typed answers by key."""


@dataclass(frozen=True)
class Disk:
    """The initial disk space of a component, in GiB."""

    packages: float
    """Below /usr."""
    data: float
    """Below /var: data and logs."""
    source: str = ""
    """Where the figures come from."""


@dataclass(frozen=True)
class Port:
    """A listening port of a component, for firewall and preflight. `public` ports are open to everyone, the others to
    hosts with a component that requires or reaches the port's capability."""

    number: int
    """0 for a protocol that has no ports."""
    protocol: Literal["tcp", "udp", "gre"] = "tcp"
    public: bool = False
    what: str = ""
    end: int = 0
    """Last port of a range; 0 for a single port."""
    capability: str = ""
    """The capability that it serves, if that is not all that the component provides."""
    key: str = ""
    """The answer that sets another number."""
    when: Callable[[Mapping[str, Any]], bool] = lambda _: True
    """Whether these answers need it: gets the typed values by key."""


@dataclass(frozen=True)
class Api:
    """An API in Keystone's catalog. Its port is the first one of its component."""

    type: str
    """Its type in the catalog: volumev3."""
    path: str = ""
    """The path of its endpoint, after host and port."""
    ask: str = ""
    """Path (after the endpoint) of a cheap request for `stackwright verify`, sent with a token. It must fail if the
    service does not work, even if its web server does. Empty: no request."""
    version: str = ""
    """The part of the path before `ask`, if the endpoint does not end with it."""
    aliases: tuple[str, ...] = ()
    """Other types under which catalogs contain it."""
    from_root: bool = False
    """Whether `ask` is the whole path after host and port, and needs no token."""


@dataclass(frozen=True)
class Role:
    """A set of hosts: the hosts of a role get all components that name it."""

    name: str
    keys: tuple[str, ...] = ()
    """The answers that name its hosts; the first non-empty one counts."""
    hosts: Callable[[Mapping[str, Any]], tuple[str, ...]] | None = None
    """A function of the typed answers that returns its hosts, if `keys` is not enough."""
    rank: int = 50
    """Hosts with a lower rank come first in the plan and are started first, because others wait for them. Within a
    rank, the order is that of the services."""


@dataclass(frozen=True)
class TlsServer:
    """The TLS server of a component."""

    wanted: Callable[[Mapping[str, Any]], bool]
    """Whether it uses TLS: gets the typed answers by key."""
    owner: str
    """Owner and group of the key. Apache reads it before it drops root privileges."""
    keys: tuple[str, ...] = ()
    """The answers that name a certificate of the administrator: certificate, key, intermediate certificates."""


@dataclass(frozen=True)
class Migration:
    """How the upstream Puppet module of a component migrates its database; our module runs migrations in parallel."""

    module: str
    """The Puppet module; its anchors mark that the service is installed and configured."""
    execs: tuple[str, ...]
    """Titles of the module's exec resources, in their order; for resources of other types, complete references."""
    phase: str = "dbsync"
    """The phase of the module's anchor after which the first of them runs."""
    order: int = 50
    """Lower numbers are started first; use them for slow migrations."""


@dataclass(frozen=True)
class PuppetModule:
    """A service's upstream Puppet module."""

    name: str
    config_types: tuple[str, ...] = ()
    """Types for settings in its configuration files; our `cached` provider reads a file once for all settings."""
    starts_async: bool = False
    """Whether its systemd units start in parallel to others, because nothing needs them during the Puppet run."""


@dataclass(frozen=True)
class Component:
    """A part of a service that is placed on the hosts of one role; its two templates are found by `name`.

    `requires`, `requires_here`, `after` and `provides` are names of capabilities; only they determine the order.
    `probe` is a POSIX shell script (a Jinja template with the same context as the manifests) that runs on the
    component's host, and exits with 0 if the component works.
    """

    name: str
    role: str
    requires: tuple[str, ...] = ()
    """Capabilities that it waits for: from all providers, on any host."""
    provides: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    """Capabilities that it waits for if a component provides them; they may be missing."""
    requires_here: tuple[str, ...] = ()
    """Capabilities that its own host must provide; it does not wait for other hosts."""
    reaches: tuple[str, ...] = ()
    """Capabilities that it uses over the network without waiting for them; for the firewall."""
    ports: tuple[Port, ...] = ()
    api: Api | None = None
    tls: TlsServer | None = None
    migration: Migration | None = None
    agent: str = ""
    """Its agent type in Neutron's API, if it is an agent."""
    probe: str = ""
    when: Callable[[Mapping[str, Any]], bool] = lambda _: True
    """Whether these answers need it: gets the typed values by key."""
    packages: Names = Names()
    units: Names = Names()
    """systemd units that are active while it works, without `.service`."""
    memory: Memory | None = None
    disk: Disk | None = None
    """None: the default for services that store little (preflight/capacity.py)."""
    growth: tuple[Growth, ...] = ()
    selinux: tuple[str, ...] = ()
    """SELinux booleans that it needs in addition to those that the package openstack-selinux sets."""
    logs: tuple[str, ...] = ()
    """Patterns of log files on all platforms; those that do not exist on a host are ignored."""
    secrets: tuple[str, ...] = ()
    """Keys of the secrets that its hosts get. A host gets the secrets of its own components and no others."""
    derived_secrets: tuple[str, ...] = ()
    """Secrets that are not answers: names of files with a key, or `ceph-key`."""
    without: Mapping[str, str] = field(default_factory=dict)
    """Reasons why it has no packages, units, memory, logs or proof, by that word. `shared_packages.CONFIGURES` is for
    components that only configure what other components run."""
