"""What is rendered for Debian 13, compiled with its own modules (25.0): its packages of some leave parts out, which our
templates make good."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
import trixie
from puppet_tools import Catalog, check_order, compile_plan, need, node_facts
from readable import readable_by_others
from variants import _OVS, _TELEMETRY, _TLS

import golden
import outcome
from golden import CASES
from stackwright import answers, planner, services
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


VARIANTS: dict[str, dict[str, str]] = {
    "as it comes": {},
    "lvm and heat": {"CONFIG_CINDER_BACKEND": "lvm", "CONFIG_HEAT_INSTALL": "y", "CONFIG_HEAT_CFN_INSTALL": "y"},
    "openvswitch and tls": {
        **_OVS,
        **_TLS,
        "CONFIG_CINDER_BACKEND": "lvm",
        "CONFIG_SWIFT_INSTALL": "n",
        "CONFIG_NEUTRON_METERING_AGENT_INSTALL": "y",
    },
    "telemetry": _TELEMETRY,
}
"""Each more than the golden case's answers."""


def given(name: str) -> answers.Answers:
    files = [golden.FOLDER / "base.txt", CASE.folder / "answers.txt"]
    return answers.read(files, VARIANTS[name], environ={}, local_host="198.18.0.10", remembered=golden.secrets())


@cache
def catalogs(name: str) -> tuple[Catalog, ...]:
    need("ruby", "puppet")
    plan = outcome.plan(given(name), CASE.facts())
    return tuple(compile_plan(plan, CASE.facts(), debian_13, trixie.modulepath()))


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_compiles(name: str) -> None:
    for catalog in catalogs(name):
        assert catalog.ok, f"{catalog.host}: {catalog.error}\n" + "\n".join(catalog.warnings)
        check_order(catalog)


@pytest.mark.parametrize("name", VARIANTS)
def test_no_file_with_a_secret_is_readable_by_others(name: str) -> None:
    for catalog in catalogs(name):
        assert readable_by_others(catalog) == [], catalog.host


@pytest.mark.parametrize("name", VARIANTS)
def test_puppet_finds_all_its_packages_installed(name: str) -> None:
    """Those of trixie's own package lists: each has to be there, and what Puppet asks for in the transaction."""
    whole = planner.cloud(given(name), CASE.facts())
    for catalog in catalogs(name):
        wanted = {p.get("name", ref[8:-1]) for ref, p in catalog.resources.items() if ref.startswith("Package[")}
        brought = trixie.transaction(planner.packages(whole, whole.hosts[catalog.host]))
        assert wanted - brought == set(), f"{catalog.host}: these are not in its package transaction"


def test_services_match_the_record() -> None:
    platform = by_id("debian-13")
    for catalog in catalogs("as it comes"):
        units = {p.get("name", ref[8:-1]) for ref, p in catalog.resources.items() if ref.startswith("Service[")}
        for name in ("ovn-northd", "ovn-controller", "keystone", "nova-compute", "neutron-server"):
            assert set(services.units(name, platform)) <= units, name


def test_ml2_ovn_has_its_maintenance_worker() -> None:
    """uWSGI runs the API and starts no maintenance worker; Open vSwitch's agents need none."""
    for name, there in (("as it comes", True), ("openvswitch and tls", False)):
        for catalog in catalogs(name):
            assert ("Service[neutron-ovn-maintenance-worker]" in catalog.resources) == there
