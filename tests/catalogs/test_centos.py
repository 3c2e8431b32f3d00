"""Catalogs for CentOS Stream 9, compiled by the real Puppet with real facts, against the OpenStack modules of Zed
(21.0, from Debian 12) and of Dalmatian (25.0, from Debian 13): every service and back end, every example, and a matrix
of variants.

One of them belongs to `make check`; the whole matrix takes minutes of processor time and belongs to `make test`.
"""

from __future__ import annotations

import re

import pytest
import rdo
import yaml
from centos_facts import centos_9
from matrix import Compiled, catalogs, matrix
from puppet_tools import check_order, compile_apart, job, need
from readable import readable_by_others
from variants import VARIANTS

import golden
from stackwright.planner import assets

ALLOWED_WARNINGS = {"Support for the linuxbridge mechanism driver has been deprecated."}
"""The agent is what was asked for; upstream has let it go."""


def _ours(warning: str) -> bool:
    """Whether there is something to mend here: the modules call deprecated functions of stdlib themselves."""
    by_a_module = re.search(r"^This function is deprecated.* at \[\"([^\"]+)\"", warning)
    return not by_a_module or "/modules/stackwright/" in by_a_module[1]


@pytest.mark.parametrize("case", matrix())
def test_every_catalog_compiles_without_a_warning(case: Compiled) -> None:
    found = catalogs(case)
    assert {c.host for c in found} == set(case.variant.plan(case.release).hosts)
    allowed = ALLOWED_WARNINGS if case.variant.linuxbridge else set()
    for catalog in found:
        assert catalog.ok, f"{catalog.host}: {catalog.error}\n" + "\n".join(catalog.warnings)
        assert [w for w in catalog.warnings if _ours(w) and w not in allowed] == [], catalog.host
        check_order(catalog)


@pytest.mark.parametrize("case", matrix())
def test_no_file_with_a_secret_is_readable_by_others(case: Compiled) -> None:
    for catalog in catalogs(case):
        assert readable_by_others(catalog) == [], catalog.host


@pytest.mark.slow
def test_caching_in_puppet_changes_no_catalog() -> None:
    """Of a compute host after others that are like it, and not quite."""
    need("ruby", "puppet")
    path = f"{assets.puppet_module().parent}:{rdo.modulepath('zed')}"
    jobs = []
    for name in ("ovs-l2population", "linuxbridge-three-hosts", "ovn-three-hosts"):
        variant = VARIANTS[name]
        host = max(variant.plan("zed").hosts)
        run, seen = golden.last_runs(variant.plan("zed"))[host], variant.facts("zed")[host]
        jobs.append(job(host, run.manifest, run.hieradata, centos_9(seen.fqdn, seen.address)))
    remembering = compile_apart(jobs, path)
    plain = compile_apart(jobs[-1:], path, PLAIN_PUPPET="1")
    assert plain[-1].ok
    assert len(plain[-1].resources) > 400
    assert remembering[-1] == plain[-1]


@pytest.mark.parametrize("case", matrix())
def test_every_parameter_belongs_to_a_class(case: Compiled) -> None:
    """Puppet does not mind hieradata for a class or a parameter that there is none of: a misspelt one has no effect."""
    runs = golden.last_runs(case.variant.plan(case.release))
    for catalog in catalogs(case):
        unused = []
        for key in yaml.safe_load(runs[catalog.host].hieradata):
            name, _, parameter = key.rpartition("::")
            title = "::".join(part.capitalize() for part in name.split("::"))
            taken = parameter in catalog.resources.get(f"Class[{title}]", {})
            if not taken and f"lookup('{key}')" not in runs[catalog.host].manifest:
                unused.append(key)
        assert unused == [], catalog.host
