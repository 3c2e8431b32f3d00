"""Printable text in every secret: each place of a whole plan that has one gets the form that its reader turns back into
the text (tests/unit/test_consumers.py reads each form with the real reader), and nothing around it changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

import golden
from golden import CASES
from stackwright import answers, planner
from stackwright.model import Answers, Plan, PuppetApply
from stackwright.services import options
from stackwright.values import consumers

HOST = "198.18.0.10"
GIVEN = {"CONFIG_HEAT_INSTALL": "y", "CONFIG_CINDER_BACKEND": "lvm,ceph", "CONFIG_DEBUG_MODE": "n"}
EXACT = ("CONFIG_HEAT_AUTH_ENC_KEY",)
"""Secrets whose length is fixed."""
SECRETS = [key for key, option in options().items() if option.generate and key not in EXACT]


def reading(text: str) -> answers.Reading:
    """Every secret is the text and the number of its key, so that none is taken for another one."""
    given = {key: f"{text}{number:03}" for number, key in enumerate(SECRETS)}
    files = [golden.FOLDER / "base.txt"]
    return answers.load(files, {**GIVEN, **given}, files=False, run=False, local_host=HOST, remembered=golden.secrets())


def planned(given: Answers) -> Plan:
    return planner.plan(planner.cloud(given, CASES["allinone"].facts()))


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text of hieradata, by its place, as Hiera gives it to Puppet."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}/{key}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from leaves(inner, f"{path}/{number}")
    elif isinstance(value, str):
        yield path, value.replace("%{literal('%')}", "%")


def hieradata(plan: Plan) -> dict[str, str]:
    runs = [a for step in plan.steps for a in step.actions if isinstance(a, PuppetApply)]
    return dict(leaves(yaml.safe_load(runs[-1].hieradata)))


@pytest.fixture(scope="module")
def plain() -> tuple[Answers, dict[str, str]]:
    """A plan with secrets that need no quoting anywhere, to know which places have one."""
    given = reading("pla1n-text-").answers
    return given, hieradata(planned(given))


def template(leaf: str, given: Answers) -> list[str]:
    """A text with the keys of its secrets in their places: text, key, text, key, text."""
    parts = [leaf]
    for key in SECRETS:
        if given[key] and given[key] in leaf:
            before, _, after = parts[-1].partition(given[key]) if given[key] in parts[-1] else ("", "", "")
            parts[-1:] = [before, key, after] if given[key] in parts[-1] else parts[-1:]
    return parts


def test_each_place_of_a_plan_gets_a_form_that_its_reader_turns_back(plain: tuple[Answers, dict[str, str]]) -> None:
    before, expected = plain
    now = reading(r"""a$b%{x}'"\#;:/@ ${c}""").answers
    found = hieradata(planned(now))
    # Text that needs quotes has places of its own besides, for Puppet's templates.
    assert expected.keys() <= found.keys()
    placed = set()
    for place, leaf in expected.items():
        parts = template(leaf, before)
        if len(parts) != 3:
            continue
        start, key, end = parts
        forms = {now[key], *consumers.forms(now[key])}
        if "://" in leaf:
            forms = {form.replace("$", "$$") for form in forms} | {consumers.userinfo(now[key])}
        assert found[place] in {f"{start}{form}{end}" for form in forms}, place
        placed.add(key)
    assert placed
