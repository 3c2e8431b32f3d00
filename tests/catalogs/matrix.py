"""Every variant with every release that it can be compiled for, and its catalogs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial

import pytest
import rdo
from centos_facts import centos_9
from puppet_tools import Catalog, compile_plan, need
from variants import VARIANTS, Variant

from stackwright.platforms import by_id, release_of

RELEASES = ("zed", "dalmatian", *(r for r in ("antelope", "bobcat", "caracal", "epoxy") if rdo.given(r)))
"""Those whose modules Debian has; the others where somebody brings their modules."""


@dataclass(frozen=True)
class Compiled:
    """A variant of the matrix with the release it was compiled for."""

    name: str
    release: str

    @property
    def variant(self) -> Variant:
        return VARIANTS[self.name]

    def __str__(self) -> str:
        return f"{self.release}-{self.name}"


MATRIX = tuple(
    Compiled(name, release)
    for release in RELEASES
    for name, variant in VARIANTS.items()
    if release == RELEASES[0]
    or (not variant.once and (release_of(by_id("centos-stream-9"), release).linuxbridge or not variant.linuxbridge))
)


@cache
def catalogs(case: Compiled) -> tuple[Catalog, ...]:
    """The catalog of each host, with all of its components."""
    need("ruby", "puppet")
    variant = case.variant
    facts = partial(centos_9, arch=variant.arch)
    return tuple(
        compile_plan(variant.plan(case.release), variant.facts(case.release), facts, rdo.modulepath(case.release))
    )


def matrix() -> Iterator[object]:
    """Each variant as a parameter. The tests of one stay in one process, so that it is compiled once."""
    for case in MATRIX:
        yield pytest.param(case, id=str(case), marks=[pytest.mark.xdist_group(str(case)), pytest.mark.slow])
