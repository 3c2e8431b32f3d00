"""The parts that service records are made of, as values. It imports nothing of ours."""

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
    """Other names on some platforms, or from some OpenStack release on."""

    where: str
    """A family (debian) or the id of a platform (debian-13)."""
    names: tuple[str, ...]
    since: str = ""
    """The first OpenStack series that has them (2025.1); empty: every one."""
    adds: bool = False
    """Whether they come on top of the others, or replace them."""


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
        """The same, with exactly these names on a family or platform, from an OpenStack series on."""
        return replace(self, overrides=(*self.overrides, Override(where, names, since)))

    def also(self, where: str, *names: str, since: str = "") -> Names:
        """The same, with these names besides on a family or platform, from an OpenStack series on."""
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
    """Packages for a choice that is made within a component, such as its hypervisor, or for a host as a whole."""

    name: str
    packages: Names
    of: tuple[str, ...] = ()
    """The components whose hosts may need it; empty: any host may."""
    when: Callable[[Mapping[str, Any]], bool] = lambda _: True
    """Whether these answers need it: gets the typed values by key."""
    traits: tuple[tuple[str, str], ...] = ()
    """What a host must be to need it, of `virt_type` (kvm, qemu) and `arch` (as `uname -m` says)."""
    units: Names = Names()
    """systemd units, without `.service`."""


@dataclass(frozen=True)
class Memory:
    """What a component's processes need, in MiB."""

    fixed: int
    """Whatever the number of workers is."""
    per_worker: int = 0
    load: int = 0
    """For the least work that it is there for: one small instance on a compute host."""
    source: str = ""
    """Where the figures come from."""


@dataclass(frozen=True)
class Growth:
    """A sparse file on a component's host: it takes its space only as it fills."""

    path: str
    key: str
    """The answer that has its size."""
    when: Callable[[Mapping[str, Any]], bool] = lambda _: True
    """Whether it is made: gets the typed answers by key."""


@dataclass(frozen=True)
class Disk:
    """What a component takes of its host's disk to begin with, in GiB."""

    packages: float
    """Below /usr."""
    data: float
    """Below /var: data and logs."""
    source: str = ""
    """Where the figures come from."""


@dataclass(frozen=True)
class Port:
    """A listening port of a component, for the firewall and the preflight. `public` ones are opened to everyone, the
    others to the hosts with a component that requires or reaches what the port is there for."""

    number: int
    """0 for a protocol that has no ports."""
    protocol: Literal["tcp", "udp", "gre"] = "tcp"
    public: bool = False
    what: str = ""
    end: int = 0
    """Last port of a range; 0 for a single port."""
    capability: str = ""
    """What it is there for, where that is not simply all that the component provides."""
    key: str = ""
    """The answer that moves it to another number."""
    when: Callable[[Mapping[str, Any]], bool] = lambda _: True
    """Whether these answers need it: gets the typed values by key."""


@dataclass(frozen=True)
class Api:
    """An API in Keystone's catalog. Its port is the first one of its component."""

    type: str
    """In the catalog: volumev3."""
    path: str = ""
    """Of its endpoint, after host and port."""
    ask: str = ""
    """Path of a cheap request, after the endpoint, that only works when the service itself does and not just its web
    server: for `stackwright verify`. It is sent with a token. Empty: nothing is asked."""
    version: str = ""
    """What the request's path has before `ask` where the endpoint does not end with it."""
    aliases: tuple[str, ...] = ()
    """Other types that a catalog may have it under."""
    from_root: bool = False
    """Whether `ask` is the whole path after host and port, and needs no token."""


@dataclass(frozen=True)
class Role:
    """What a host is there for: the hosts of a role get all components that name it."""

    name: str
    keys: tuple[str, ...] = ()
    """The answers that name its hosts: the first one that is answered counts."""
    hosts: Callable[[Mapping[str, Any]], tuple[str, ...]] | None = None
    """The hosts that the typed answers give it, where that is not simply what `keys` say."""
    rank: int = 50
    """Hosts of a lower rank come first in the plan, and are started first: those that others wait for. Within a rank
    the order is that of the services."""


@dataclass(frozen=True)
class TlsServer:
    """How a component shows a certificate to its clients."""

    wanted: Callable[[Mapping[str, Any]], bool]
    """Whether it does: gets the typed answers by key."""
    owner: str
    """Owner and group of the key. Apache reads it before it drops root's rights."""
    keys: tuple[str, ...] = ()
    """The answers that name a certificate of the administrator's own: certificate, key, intermediate certificates."""


@dataclass(frozen=True)
class Migration:
    """How the upstream Puppet module of a component migrates its database, so that ours can do it beside others."""

    module: str
    """The Puppet module: its anchors tell when the service is installed and configured."""
    execs: tuple[str, ...]
    """Titles of the module's exec resources, each of which comes after the one before; or a whole reference, for a
    resource of another type."""
    phase: str = "dbsync"
    """Of the module's anchor that the first of them comes after."""
    order: int = 50
    """Those with a lower number are started first: the ones that take long."""


@dataclass(frozen=True)
class PuppetModule:
    """A service's upstream Puppet module."""

    name: str
    config_types: tuple[str, ...] = ()
    """Types for settings of its configuration files, which our `cached` provider reads once for all settings."""
    starts_async: bool = False
    """Whether its systemd units are started beside those of others, because nobody needs them while Puppet runs."""


@dataclass(frozen=True)
class Component:
    """A part of a service that goes to the hosts of one role, as one pair of templates found by `name`.

    `requires`, `requires_here`, `after` and `provides` are names of capabilities; they, and nothing else, decide the
    order. `probe` is the source of a POSIX shell script (a Jinja template with the same context as the manifests) that
    exits with 0 once the component does its work; it runs on the component's host.
    """

    name: str
    role: str
    requires: tuple[str, ...] = ()
    """Capabilities that it waits for: every provider's, on whichever host."""
    provides: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    """Capabilities that it waits for where somebody provides them, and does without otherwise."""
    requires_here: tuple[str, ...] = ()
    """Capabilities that its own host must provide; it waits for no other host's."""
    reaches: tuple[str, ...] = ()
    """Capabilities that it talks to over the network without waiting for them here: for the firewall."""
    ports: tuple[Port, ...] = ()
    api: Api | None = None
    tls: TlsServer | None = None
    migration: Migration | None = None
    agent: str = ""
    """What Neutron's API calls it, where it is an agent that reports itself there."""
    probe: str = ""
    when: Callable[[Mapping[str, Any]], bool] = lambda _: True
    """Whether these answers want it at all: gets the typed values by key."""
    packages: Names = Names()
    units: Names = Names()
    """systemd units that are active while it works, without `.service`."""
    memory: Memory | None = None
    disk: Disk | None = None
    """None: what a service takes that keeps little (preflight/capacity.py)."""
    growth: tuple[Growth, ...] = ()
    selinux: tuple[str, ...] = ()
    """SELinux booleans that it needs, besides those that the package openstack-selinux sets."""
    logs: tuple[str, ...] = ()
    """Patterns of log files, on every platform: those that a host does not have are passed over."""
    secrets: tuple[str, ...] = ()
    """Keys of the secrets that its hosts get. A host gets the secrets of its own components and no others."""
    derived_secrets: tuple[str, ...] = ()
    """Secrets that no answer names: the names of files with a key of their own, or `ceph-key`."""
    without: Mapping[str, str] = field(default_factory=dict)
    """Why it has no packages, units, memory, logs or proof, by that word. `shared_packages.CONFIGURES` is for those
    that only configure what other components run."""
