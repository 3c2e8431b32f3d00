"""What is rendered for Debian 13, compiled with its own modules (25.0): its packages of some leave parts out, which our
templates make good."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
import trixie
from puppet_tools import Catalog, compile_plan, need, node_facts

from golden import CASES
from stackwright.platforms import by_id

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("debian-13")]

CASE = CASES["debian-13"]


def debian_13(fqdn: str, address: str) -> dict[str, Any]:
    """The recorded facts of a Debian 12 host, with the numbers of Debian 13."""
    text = json.dumps(node_facts("debian-12", fqdn, address))
    for old, new in (("12.11", "13.1"), ("bookworm", "trixie"), ('"major": "12"', '"major": "13"')):
        text = text.replace(old, new)
    facts: dict[str, Any] = json.loads(text)
    return facts | {"operatingsystemmajrelease": "13", "lsbmajdistrelease": "13"}


@cache
def catalogs() -> tuple[Catalog, ...]:
    need("ruby", "puppet")
    return tuple(compile_plan(CASE.plan(), CASE.facts(), debian_13, trixie.modulepath()))


def test_it_compiles() -> None:
    for catalog in catalogs():
        assert catalog.ok, f"{catalog.host}: {catalog.error}\n" + "\n".join(catalog.warnings)


def test_services_are_those_of_the_record() -> None:
    platform = by_id("debian-13")
    for catalog in catalogs():
        units = {p.get("name", ref[8:-1]) for ref, p in catalog.resources.items() if ref.startswith("Service[")}
        for name in ("ovn-northd", "ovn-controller", "keystone", "nova-compute", "neutron-server"):
            assert set(platform.services[name]) <= units, name
