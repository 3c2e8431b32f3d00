"""Secrets are never in the arguments of a process: everybody on a host can read those."""

from __future__ import annotations

import re

import pytest

import golden
from golden import CASES
from stackwright import answers
from stackwright.model import Plan, Probe, Run
from stackwright.planner.steps import registration
from stackwright.platforms import by_id

_DOCUMENT = re.compile(r"<<'(\w+)'[^\n]*\n.*?^\1$", re.DOTALL | re.MULTILINE)
"""What a shell gives a program on its standard input, and reads nothing in."""


def arguments(script: str) -> str:
    """What of a script can become an argument."""
    return _DOCUMENT.sub("", script)


def scripts(plan: Plan) -> list[tuple[str, str]]:
    return [(s.id, a.script) for s in plan.steps for a in s.actions if isinstance(a, Run | Probe)]


@pytest.mark.parametrize("name", sorted(CASES))
def test_no_script_of_a_plan_has_a_secret_in_an_argument(name: str) -> None:
    plan = CASES[name].plan()
    assert plan.secrets
    for step, script in scripts(plan):
        found = [secret for secret in plan.secrets if secret in arguments(script)]
        assert not found, f"{step}: {len(found)} secrets"


@pytest.mark.parametrize("name", sorted(CASES))
def test_no_manifest_has_a_secret(name: str) -> None:
    """Manifests have the commands of our own; secrets are in the hieradata, and looked up where they are used."""
    plan = CASES[name].plan()
    for host, run in golden.last_runs(plan).items():
        assert not [secret for secret in plan.secrets if secret in run.manifest], host


def test_a_registration_has_its_secrets_on_standard_input() -> None:
    given = {
        "CONFIG_RH_USER": "user", "CONFIG_RH_PW": "rh-password.secret", "CONFIG_RH_PROXY": "proxy.example.org",
        "CONFIG_RH_PROXY_USER": "proxy-user", "CONFIG_RH_PROXY_PW": "proxy-password.secret",
    }  # fmt: skip
    satellite = {"CONFIG_RH_SAT6_SERVER": "sat.example.org", "CONFIG_RH_SAT6_KEY": "activation.secret"}
    for flags in (given, given | satellite):
        action = registration.action(
            answers.from_documents([], flags, files=False, local_host="198.18.0.10").answers, by_id("rhel-9")
        )
        assert action is not None
        assert action.secret
        assert ".secret" in action.script
        assert ".secret" not in arguments(action.script)
