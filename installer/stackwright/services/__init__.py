"""The services, one record each: options, roles, components, and everything else that is derived from them.

A new service is one module here, one line in `SERVICES`, a folder of templates, and a module of checks in
verify/on_host/. The rest of the package reads the records with the functions below.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from stackwright.model import Component, Option, Port, Service
from stackwright.platforms import Platform, Release
from stackwright.records import APPLIED, Api, Change, Names, PackageSet, Role, applied
from stackwright.services import (
    amqp,
    aodh,
    cache,
    ceilometer,
    cinder,
    general,
    glance,
    gnocchi,
    heat,
    horizon,
    keystone,
    mariadb,
    neutron,
    neutron_ovs,
    not_installable,
    nova,
    packages,
    placement,
    provision,
    redis,
    rhel,
    ssl,
    swift,
)
from stackwright.services.named_hosts import first
from stackwright.values import boolean

SERVICES: tuple[Service, ...] = (
    general.SERVICE,
    packages.SERVICE,
    rhel.SERVICE,
    ssl.SERVICE,
    amqp.SERVICE,
    cache.SERVICE,
    mariadb.SERVICE,
    keystone.SERVICE,
    not_installable.SERVICES["keystone_ldap"],
    glance.SERVICE,
    placement.SERVICE,
    nova.SERVICE,
    not_installable.SERVICES["vmware"],
    neutron.SERVICE,
    neutron_ovs.SERVICE,
    cinder.SERVICE,
    not_installable.SERVICES["cinder_netapp"],
    swift.SERVICE,
    horizon.SERVICE,
    heat.SERVICE,
    ceilometer.SERVICE,
    gnocchi.SERVICE,
    aodh.SERVICE,
    redis.SERVICE,
    not_installable.SERVICES["manila"],
    not_installable.SERVICES["ironic"],
    not_installable.SERVICES["magnum"],
    not_installable.SERVICES["trove"],
    provision.SERVICE,
)


def all_services() -> tuple[Service, ...]:
    """Every service, in the order in which an answer file has them. Read at each call, so that a test can add one."""
    return SERVICES


def all_components() -> Iterator[Component]:
    """Every component, in the order of the services."""
    return (component for service in all_services() for component in service.components)


def component(name: str) -> Component:
    """The component of that name; KeyError if there is none."""
    for found in all_components():
        if found.name == name:
            return found
    raise KeyError(name)


def package_sets() -> Iterator[PackageSet]:
    """Every set of packages that hosts get besides those of their components, or instead."""
    return (found for service in all_services() for found in service.package_sets)


def roles() -> tuple[Role, ...]:
    """Every role, in the order in which their hosts appear in the plan."""
    return tuple(sorted((r for service in all_services() for r in service.roles), key=lambda role: role.rank))


def hosts_of(role: Role, answers: Mapping[str, Any]) -> tuple[str, ...]:
    """The hosts that the answers assign to a role."""
    return role.hosts(answers) if role.hosts else first(answers, *role.keys)


def tempest_groups() -> dict[str, tuple[str, ...]]:
    """Regular expressions for tests of Tempest, by group. Tempest itself skips tests whose plugin is not installed or
    whose service is off."""
    return {name: patterns for service in all_services() for name, patterns in service.tempest.items()}


def apis() -> Iterator[tuple[Service, Component, Api]]:
    """Every API in Keystone's catalog, with its service and component, in the order of the services."""
    return (
        (service, component, component.api)
        for service in all_services()
        for component in service.components
        if component.api
    )


def asked_apis(has: Callable[[str], bool]) -> dict[str, dict[str, Any]]:
    """What `stackwright verify` asks each API of a cloud, by catalog type. `has(name)` tells whether the cloud has a
    component."""
    return {
        api.type: {
            "service": service.name,
            "ask": api.ask,
            "version": api.version,
            "aliases": api.aliases,
            "from_root": api.from_root,
        }
        for service, component, api in apis()
        if api.ask and has(component.name)
    }


def checks(has: Callable[[str], bool]) -> tuple[str, ...]:
    """The modules with the checks of the services that a cloud has."""
    return tuple(s.checks for s in all_services() if s.checks and any(has(c.name) for c in s.components))


def migrations(components: Iterable[str]) -> dict[str, dict[str, Any]]:
    """How these components' databases are migrated, by Puppet module: the parameter of stackwright::migrations."""
    wanted = set(components)
    found = (c.migration for c in all_components() if c.migration and c.name in wanted)
    return {
        m.module: {"phase": m.phase, "resources": m.execs} for m in sorted(found, key=lambda m: (m.order, m.module))
    }


def modules_started_async() -> tuple[str, ...]:
    """The Puppet modules whose services start in parallel: the parameter of stackwright::starts."""
    return tuple(sorted(s.puppet.name for s in all_services() if s.puppet and s.puppet.starts_async))


def names_on(names: Names, platform: Platform, release: Release | None = None) -> tuple[str, ...]:
    """Names of packages or units on a platform, for an OpenStack release (default: the platform's default)."""
    return names.on(platform.family, platform.id, (release or platform.default_release).series)


def units(name: str, platform: Platform, release: Release | None = None) -> tuple[str, ...]:
    """The systemd units of a component or of a package set; empty for an unknown name."""
    return names_on(_named().get(name, (Names(), Names()))[1], platform, release)


def _named() -> dict[str, tuple[Names, Names]]:
    """Packages and units of every component and package set, by its name."""
    named = {c.name: (c.packages, c.units) for c in all_components()}
    return named | {s.name: (s.packages, s.units) for s in package_sets()}


def packages_of(name: str, platform: Platform, release: Release | None = None) -> tuple[str, ...]:
    """The packages of one component or package set alone. KeyError for an unknown name."""
    return names_on(_named()[name][0], platform, release)


def logs(platform: Platform, release: Release | None = None) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """Patterns of log files and the systemd units of each service that has any, by its name."""
    found = {}
    for service in all_services():
        files = dict.fromkeys(pattern for part in service.components for pattern in part.logs)
        own = dict.fromkeys(unit for part in service.components for unit in names_on(part.units, platform, release))
        if files or own:
            found[service.name] = (tuple(files), tuple(own))
    return found


def packages_for(
    platform: Platform, wanted: Iterable[str], release: Release | None = None, modules: bool = True
) -> tuple[str, ...]:
    """Every package that a host with these components and package sets needs, for one transaction; sorted, each once.

    Includes what every host needs, and with `modules` also Puppet and its modules. KeyError for an unknown name.
    """
    known = _named()
    packages = set(platform.base_packages)
    if modules:
        packages.update(platform.puppet_packages, platform.module_packages)
    for name in wanted:
        packages.update(names_on(known[name][0], platform, release))
    return tuple(sorted(packages))


@functools.cache
def options() -> dict[str, Option]:
    """Every option by its key, in the order in which an answer file has them."""
    return {option.key: option for service in all_services() for option in service.options}


@functools.cache
def service_of(key: str) -> Service:
    """The service that an option belongs to; KeyError for an unknown key."""
    for service in all_services():
        if any(option.key == key for option in service.options):
            return service
    raise KeyError(key)


def change_of(key: str) -> Change:
    """Whether an answer can change in an installed cloud; KeyError for an unknown key."""
    service, option = service_of(key), options()[key]
    if key in service.changes:
        return service.changes[key]
    if option.parse is boolean and key == service.switch:
        return applied("with n, what is installed stays on its hosts")
    return APPLIED


def listening(component: Component, answers: Mapping[str, Any]) -> tuple[Port, ...]:
    """The ports that a component listens on with these answers, including port numbers that the answers set."""
    return tuple(
        replace(port, number=int(answers[port.key]), key="") if port.key and answers.get(port.key) else port
        for port in component.ports
        if port.when(answers)
    )
