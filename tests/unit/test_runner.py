"""tests/run: what it counts, and what it runs a second time."""

from __future__ import annotations

import importlib.util
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.slow

SUITE = """\
import pathlib
import pytest

HERE = pathlib.Path(__file__).parent

def test_fine():
    pass

@pytest.mark.parametrize("name", ["a@b"])
def test_unsteady(name):
    kept = HERE / "seen"
    seen, _ = kept.exists(), kept.write_text("")
    assert seen

def test_skipped():
    pytest.skip("because")
"""

BROKEN = """\
import pytest

@pytest.fixture
def dirty():
    yield
    raise OSError("cannot clean up")

def test_broken():
    raise AssertionError

def test_leaves_something(dirty):
    pass
"""


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """tests/run as a module, for a project with a folder `suite`."""
    path = str(Path(__file__).resolve().parents[1] / "run")
    spec = importlib.util.spec_from_loader("runner", SourceFileLoader("runner", path))
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "runner", module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "RESULTS", tmp_path)
    monkeypatch.setenv("CI", "")
    (tmp_path / "suite").mkdir()
    (tmp_path / "suite" / "__init__.py").touch()
    (tmp_path / "suite" / "test_one.py").write_text(SUITE)
    return module


def stage(runner: ModuleType, *more: str) -> object:
    alone = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir=.", "-n0")
    grouped = (*alone[:-1], "-n", "1", "--dist", "loadgroup")
    return runner.Stage("some", (*grouped, *more, "suite"), "some.xml", alone=alone)


def test_what_passes_the_second_time_is_told(runner: ModuleType, capfd: pytest.CaptureFixture[str]) -> None:
    count = runner.Count()
    assert runner.run(stage(runner), count)
    assert (count.passed, count.failed, count.skipped) == (2, 0, 1)
    assert count.unsteady == ["suite.test_one::test_unsteady[a@b]"]
    assert "once more: test_one.py\n" in capfd.readouterr().out


def test_what_fails_twice_has_failed(runner: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "suite" / "test_two.py").write_text(BROKEN)
    count = runner.Count()
    assert not runner.run(stage(runner), count)
    assert (count.passed, count.failed, count.skipped) == (2, 2, 1)
    assert count.unsteady == ["suite.test_one::test_unsteady[a@b]"]


@pytest.mark.parametrize("limit", ["SECOND_TRY", "WHOLE"])
def test_what_took_long_is_not_run_again(
    limit: str, runner: ModuleType, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(runner, limit, 0)
    count = runner.Count()
    assert not runner.run(stage(runner), count)
    assert (count.passed, count.failed, count.skipped) == (1, 1, 1)
    assert "once more" not in capfd.readouterr().out


def test_a_stage_without_tests_has_failed(runner: ModuleType) -> None:
    count = runner.Count()
    assert not runner.run(stage(runner, "-k", "nothing_like_it"), count)
    assert count.failed == 1
