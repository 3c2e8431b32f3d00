"""The benchmark of many hosts, with few: that it carries out its plan and says what it is for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import KEYGEN, SSHD

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "scale.py"


@pytest.mark.slow
def test_it_measures_a_walk_against_the_longest_chain_and_one_by_one() -> None:
    if not SSHD or not KEYGEN:
        pytest.skip("openssh-server is not installed")
    words = [sys.executable, str(BENCHMARK), "--hosts", "3", "--pace", "0.01", "--json"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["hosts"] == 3
    assert found["steps"] > 15
    assert 2.5 < found["chain"] < 3.5  # of 271 s
    assert found["wall"] > found["chain"]
    assert found["cpu"] > 0
    assert found["peak"] > 10_000_000
    assert found["alone"] == pytest.approx(found["work"] + found["commands"] * found["command"])
