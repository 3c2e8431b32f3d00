"""Catalogs without our providers: CONFIG_PUPPET_PROVIDERS=upstream, and Packstack's way of benchmarks/allinone.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from puppet_tools import Catalog, compile_apart, job, need, need_modules, node_facts

from golden import CASES, Case, last_runs
from stackwright import planner
from stackwright.model import Answers, Plan, PuppetApply, Step, Upload
from stackwright.platforms import by_id

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
pytestmark = pytest.mark.slow


@pytest.fixture
def stock(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import stock

    return stock


def upstream_answers(case: Case) -> Answers:
    given = case.answers()
    entry = replace(given.entries["CONFIG_PUPPET_PROVIDERS"], value="upstream")
    return replace(given, entries={**given.entries, "CONFIG_PUPPET_PROVIDERS": entry})


def put_module(step: Step, root: Path) -> Path:
    """Writes the files of a module step below `root`; the folder of modules."""
    for file in (f for a in step.actions if isinstance(a, Upload) for f in a.files):
        path = root / file.path.removeprefix("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
    return root / "var/lib/stackwright/modules"


def compiled(case: Case, module: Step, runs: Sequence[tuple[str, str, PuppetApply]], root: Path) -> list[Catalog]:
    """Catalogs of (name, host, run), with the module as the plan uploads it."""
    need("ruby", "puppet")
    modulepath = by_id("debian-12").modulepath
    need_modules(modulepath)
    seen = case.facts()
    jobs = [
        job(name, run.manifest, run.hieradata, node_facts("debian-12", seen[host].fqdn, seen[host].address))
        for name, host, run in runs
    ]
    return compile_apart(jobs, f"{put_module(module, root)}:{modulepath}")


def check(found: Sequence[Catalog]) -> None:
    assert found
    assert [f"{c.host}: {c.error}" for c in found if not c.ok] == []
    for catalog in found:
        parallel = [r for r in catalog.resources if r.startswith(("Stackwright_async", "Stackwright_wait_services"))]
        assert parallel == [], catalog.host
        assert "async" not in {r.get("provider") for r in catalog.resources.values()}, catalog.host


@pytest.mark.parametrize("name", ["allinone", "three-hosts"])
def test_upstream_providers_compile_and_nothing_is_asynchronous(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    plan: Plan = planner.plan(planner.cloud(upstream_answers(case), case.facts()))
    runs = [(host, host, run) for host, run in last_runs(plan).items()]
    check(compiled(case, plan.step(f"{plan.hosts[0]}:module"), runs, tmp_path))


@pytest.mark.parametrize("name", ["allinone", "three-hosts"])
def test_every_pass_of_packstacks_way_compiles_with_the_upstream_providers(
    name: str, tmp_path: Path, stock: ModuleType
) -> None:
    case = CASES[name]
    plans = stock.plans(planner.cloud(case.answers(), case.facts()), case.plan())
    runs = []
    for step in (step for title, plan in plans.items() if title != "tools" for step in plan.steps):
        (action,) = step.actions
        runs.append((step.id, step.host, action))
    check(compiled(case, plans["tools"].step(f"{next(iter(case.facts()))}:module"), runs, tmp_path))
