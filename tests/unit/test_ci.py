"""In CI a skipped test is a failure, unless its reason is on the list."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

TESTS = Path(__file__).resolve().parents[1]

SUITE = """\
import pytest

def test_in_the_middle():
    pytest.skip("because")

@pytest.mark.skipif(True, reason="marked")
def test_marked():
    raise AssertionError

def test_allowed():
    pytest.skip("root may write anywhere, and so on")

@pytest.mark.xfail(reason="known")
def test_expected():
    raise AssertionError

def test_fine():
    pass
"""


def outcome(folder: Path, ci: str) -> tuple[dict[str, int], str]:
    """pytest's closing line as numbers, and all that it printed."""
    (folder / "conftest.py").write_bytes((TESTS / "conftest.py").read_bytes())
    (folder / "test_suite.py").write_text(SUITE)
    (folder / "test_module.py").write_text("import pytest\npytest.importorskip('nothing_like_this')\n")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")} | {"CI": ci}
    words = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--continue-on-collection-errors",
        "--rootdir=.",
    ]
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    numbers = re.findall(r"(\d+) (passed|failed|errors?|skipped|xfailed)", done.stdout.splitlines()[-1])
    return {name.rstrip("s") if name == "errors" else name: int(n) for n, name in numbers}, done.stdout


def test_elsewhere_a_skip_is_a_skip(tmp_path: Path) -> None:
    assert outcome(tmp_path, "")[0] == {"passed": 1, "skipped": 4, "xfailed": 1}


def test_in_ci_it_fails_or_is_printed(tmp_path: Path) -> None:
    numbers, said = outcome(tmp_path, "true")
    assert numbers == {"passed": 1, "failed": 1, "error": 2, "skipped": 1, "xfailed": 1}
    assert "SKIPPED IN CI" in said
    assert "test_suite.py::test_allowed: root may write anywhere, and so on" in said
