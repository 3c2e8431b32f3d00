"""The services, each one record: its options, components, order, ports and probe.

A new service is one file here, its templates, and one line in `SERVICES`.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from stackwright.model import Component, Option, Port, Service
from stackwright.services import (
    amqp,
    cache,
    cinder,
    general,
    glance,
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
    rhel,
    ssl,
    swift,
)

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
    not_installable.SERVICES["ceilometer"],
    not_installable.SERVICES["gnocchi"],
    not_installable.SERVICES["aodh"],
    not_installable.SERVICES["redis"],
    not_installable.SERVICES["manila"],
    not_installable.SERVICES["ironic"],
    not_installable.SERVICES["magnum"],
    not_installable.SERVICES["trove"],
    provision.SERVICE,
)


@functools.cache
def options() -> dict[str, Option]:
    """Every option by its key, in the order in which an answer file has them."""
    return {option.key: option for service in SERVICES for option in service.options}


@functools.cache
def service_of(key: str) -> Service:
    """The service that an option belongs to; KeyError for an unknown key."""
    for service in SERVICES:
        if any(option.key == key for option in service.options):
            return service
    raise KeyError(key)


def listening(component: Component, answers: Mapping[str, Any]) -> tuple[Port, ...]:
    """The ports that a component listens on with these answers, under the numbers that these give them."""
    return tuple(
        replace(port, number=int(answers[port.key]), key="") if port.key and answers.get(port.key) else port
        for port in component.ports
        if port.when(answers)
    )
