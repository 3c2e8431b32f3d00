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
    aodh,
    cache,
    ceilometer,
    cinder,
    cinder_netapp,
    general,
    glance,
    gnocchi,
    heat,
    horizon,
    ironic,
    keystone,
    keystone_ldap,
    magnum,
    manila,
    mariadb,
    neutron,
    neutron_ovs,
    nova,
    packages,
    placement,
    provision,
    redis,
    rhel,
    ssl,
    swift,
    trove,
    vmware,
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
    keystone_ldap.SERVICE,
    glance.SERVICE,
    placement.SERVICE,
    nova.SERVICE,
    vmware.SERVICE,
    neutron.SERVICE,
    neutron_ovs.SERVICE,
    cinder.SERVICE,
    cinder_netapp.SERVICE,
    swift.SERVICE,
    horizon.SERVICE,
    heat.SERVICE,
    ceilometer.SERVICE,
    gnocchi.SERVICE,
    aodh.SERVICE,
    redis.SERVICE,
    manila.SERVICE,
    ironic.SERVICE,
    magnum.SERVICE,
    trove.SERVICE,
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
