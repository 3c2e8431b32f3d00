"""Everything that Packstack's all-in-one manages on CentOS is managed by ours, or there is a reason why not.

The reference is the list of resources (type and title, without parameters) of the four catalogs of Packstack's tag
zed-eol for one host with OVN. `parity.tsv` is reviewed by hand: a pattern, which has to match a whole resource, and the
reason. A reason that nothing needs any more is an error, as is a resource without one.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from matrix import Compiled, catalogs

from stackwright import planner

HERE = Path(__file__).parent
REFERENCE = HERE.parent / "data" / "packstack" / "resources.txt"
OURS = Compiled("telemetry", "zed")


def reference() -> set[str]:
    """Packstack's resources, as they would be called on our host."""
    text = REFERENCE.read_text(encoding="utf-8")
    for theirs, ours in (("192.0.2.10", "198.18.0.10"), ("n10.example.com", "node10.example.org"), ("n10", "node10")):
        text = text.replace(theirs, ours)
    return set(text.splitlines())


def lacking() -> set[str]:
    """What Packstack has and ours has not. A package counts as ours where the one transaction brings it."""
    (catalog,) = catalogs(OURS)
    assert catalog.ok, catalog.error
    variant = OURS.variant
    whole = planner.cloud(variant.answers(OURS.release), variant.facts(OURS.release))
    brought = {f"package[{name}]" for host in whole.hosts.values() for name in planner.packages(whole, host)}
    ours = {ref.lower() for ref in catalog.resources} | brought
    return {ref for ref in reference() if ref.lower() not in ours}


def reasons() -> dict[str, str]:
    """By pattern."""
    lines = (HERE / "parity.tsv").read_text(encoding="utf-8").splitlines()
    return dict(line.split("\t") for line in lines if line and not line.startswith("#"))


@pytest.mark.xdist_group(str(OURS))
def test_the_reference_is_complete() -> None:
    assert len(reference()) > 3300


@pytest.mark.slow
@pytest.mark.xdist_group(str(OURS))
def test_every_missing_resource_has_a_reason() -> None:
    patterns = [re.compile(pattern) for pattern in reasons()]
    unexplained = sorted(ref for ref in lacking() if not any(p.fullmatch(ref) for p in patterns))
    assert unexplained == []


@pytest.mark.slow
@pytest.mark.xdist_group(str(OURS))
def test_no_reason_is_stale() -> None:
    found = lacking()
    stale = [pattern for pattern in reasons() if not any(re.fullmatch(pattern, ref) for ref in found)]
    assert stale == [], "ours manages these by now: take the lines away"
    assert all(len(reason.split()) > 3 for reason in reasons().values())
