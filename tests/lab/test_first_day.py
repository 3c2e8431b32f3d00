"""docs/test-day.md to the letter: every command of the page, in its order, with nothing in between.

Long: all of Tempest's smoke tests, and a second cloud with all services. `make test` runs the other commands of the
page, in tests/lab/test_allinone.py.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from first_day import Day, the_repeated_one_is_the_same

from stackwright import lab
from stackwright.lab import Lab

pytestmark = [pytest.mark.lab, pytest.mark.long]

RESULTS = Path(__file__).resolve().parents[2] / "test-results" / "first-day"


def test_the_whole_page(tmp_path: Path, first_day_lab: Lab) -> None:
    shutil.rmtree(RESULTS, ignore_errors=True)
    RESULTS.mkdir(parents=True)
    day = Day(tmp_path, first_day_lab, RESULTS)
    for line in day.left():
        if line == "stackwright lab down --all":
            the_repeated_one_is_the_same(day)
        said = day.follow(line)
        if line.startswith("stackwright test -a"):
            (results,) = day.state.glob("*/tempest.json")
            assert json.loads(results.read_text())["passed"] > 20
        if line.startswith("stackwright bundle reproduce"):
            assert "equals that of the bundle, to the byte" in said
            assert "is installed and verified" in said
    assert not lab.list_nodes(day.lab)
