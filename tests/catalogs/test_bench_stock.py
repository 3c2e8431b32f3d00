"""Packstack's way of benchmarks/allinone.py: what each of its passes applies, compiled by Puppet itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from puppet_tools import compile_apart, job, need, need_modules, node_facts

from golden import CASES
from stackwright import planner
from stackwright.model import PuppetApply, Upload
from stackwright.platforms import by_id

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["allinone", "three-hosts"])
def test_every_pass_compiles_with_the_upstream_providers(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import stock

    need("ruby", "puppet")
    modulepath = by_id("debian-12").modulepath
    need_modules(modulepath)
    case = CASES[name]
    seen = case.facts()
    plans = stock.plans(planner.cloud(case.answers(), seen), case.plan())
    module = plans["tools"].step(f"{next(iter(seen))}:module")
    for file in (f for a in module.actions if isinstance(a, Upload) for f in a.files):
        path = tmp_path / file.path.removeprefix("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
    own = tmp_path / "var/lib/stackwright/modules"
    assert (own / "stackwright/manifests/starts.pp").exists()
    steps = [step for title, plan in plans.items() if title != "tools" for step in plan.steps]
    jobs = []
    for step in steps:
        (action,) = step.actions
        assert isinstance(action, PuppetApply)
        facts = node_facts("debian-12", seen[step.host].fqdn, seen[step.host].address)
        jobs.append(job(step.id, action.manifest, action.hieradata, facts))
    found = compile_apart(jobs, f"{own}:{modulepath}")
    assert [f"{c.host}: {c.error}" for c in found if not c.ok] == []
    for catalog in found:
        quicker = [
            ref for ref in catalog.resources if ref.startswith(("Stackwright_async", "Stackwright_wait_services"))
        ]
        assert quicker == [], catalog.host
        assert "async" not in {r.get("provider") for r in catalog.resources.values()}, catalog.host
