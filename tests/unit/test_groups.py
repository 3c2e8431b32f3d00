"""Tests that share something costly stay with one of pytest's workers: catalogs of a case, nodes of a file."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

TEST = """
import pytest

pytestmark = pytest.mark.slow

@pytest.mark.xdist_group("together")
@pytest.mark.parametrize("number", range(6))
def test_it(number): pass
"""


def test_a_group_of_tests_stays_with_one_worker(tmp_path: Path) -> None:
    """pytest 9.2 with pytest-xdist 3.8 spread them, and said nothing."""
    (tmp_path / "test_it.py").write_text(TEST)
    command = [sys.executable, "-m", "pytest", "-v", "-n", "2", "--dist", "loadgroup", "-p", "no:cacheprovider", "."]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    workers = re.findall(r"^\[(gw\d)\] \[ *\d+%\] PASSED", done.stdout, re.MULTILINE)
    assert len(workers) == 6, done.stdout
    assert len(set(workers)) == 1, done.stdout
