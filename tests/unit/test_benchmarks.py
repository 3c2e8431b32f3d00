"""The cloud that the benchmarks plan can be installed: else they would end before they measured anything."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from stackwright import answers, planner, preflight
from stackwright.services import SERVICES

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def test_the_cloud_of_the_benchmarks_passes_every_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.delitem(sys.modules, "cloud", raising=False)
    import cloud  # type: ignore[import-not-found]

    path, hosts = tmp_path / "full.txt", ["198.18.0.10", "198.18.0.11", "198.18.0.12"]
    cloud.write_answers(path, hosts)
    given = answers.read([path])
    facts = cloud.facts(hosts)
    found = preflight.check(given, facts, planner.place(given, SERVICES), cloud_id=planner.cloud_key(given))
    assert not found
    assert set(planner.plan(planner.cloud(given, facts)).hosts) == set(hosts)


@pytest.mark.slow
def test_the_cost_of_the_live_report_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.delitem(sys.modules, "cloud", raising=False)
    import live  # type: ignore[import-not-found]

    row = live.measure(2, 3.0)
    assert row["steps"] > 10
    assert row["pages"] >= 1
    assert row["page"] > 10_000
    assert row["share"] > 0
    assert row["memory"] > 0
