"""Packstack's way of benchmarks/allinone.py: what each of its passes applies, compiled by Puppet itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from puppet_tools import compile_jobs, job, need, need_modules, node_facts

from golden import CASES
from stackwright import planner
from stackwright.model import PuppetApply
from stackwright.platforms import by_id

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["allinone", "three-hosts"])
def test_every_pass_compiles(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import stock

    need("ruby", "puppet")
    modulepath = by_id("debian-12").modulepath
    need_modules(modulepath)
    case = CASES[name]
    seen = case.facts()
    plans = stock.plans(planner.cloud(case.answers(), seen), case.plan())
    steps = [step for title, plan in plans.items() if title != "tools" for step in plan.steps]
    jobs = []
    for step in steps:
        (action,) = step.actions
        assert isinstance(action, PuppetApply)
        facts = node_facts("debian-12", seen[step.host].fqdn, seen[step.host].address)
        jobs.append(job(step.id, action.manifest, action.hieradata, facts))
    assert [f"{c.host}: {c.error}" for c in compile_jobs(jobs, modulepath) if not c.ok] == []
