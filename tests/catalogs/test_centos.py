"""Catalogs for CentOS Stream 9, compiled by the real Puppet with real facts, against the OpenStack modules of Zed
(21.0, from Debian 12) and of Dalmatian (25.0, from Debian 13): every service and back end, every example, and a matrix
of variants.

One of them belongs to `make check`; the whole matrix takes minutes of processor time and belongs to `make test`.
"""

from __future__ import annotations

import re

import pytest
import yaml
from matrix import Compiled, catalogs, matrix

import golden

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


@pytest.mark.parametrize("case", matrix())
def test_every_parameter_has_a_class_that_takes_it(case: Compiled) -> None:
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
