"""tests/run: what it counts, what it runs a second time, what it says of costs; and from where it can be started."""

from __future__ import annotations

import importlib.util
import os
import re
import signal
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]

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


def test_tests_that_pass_only_on_the_second_try_are_reported(
    runner: ModuleType, capfd: pytest.CaptureFixture[str]
) -> None:
    count = runner.Count()
    assert runner.run(stage(runner), count)
    assert (count.passed, count.failed, count.skipped) == (2, 0, 1)
    assert count.unsteady == ["suite.test_one::test_unsteady[a@b]"]
    assert "once more: test_one.py\n" in capfd.readouterr().out


def test_tests_that_fail_twice_are_failures(runner: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "suite" / "test_two.py").write_text(BROKEN)
    count = runner.Count()
    assert not runner.run(stage(runner), count)
    assert (count.passed, count.failed, count.skipped) == (2, 2, 1)
    assert count.unsteady == ["suite.test_one::test_unsteady[a@b]"]


@pytest.mark.parametrize("limit", ["SECOND_TRY", "WHOLE"])
def test_long_files_are_not_run_again(
    limit: str, runner: ModuleType, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(runner, limit, 0)
    count = runner.Count()
    assert not runner.run(stage(runner), count)
    assert (count.passed, count.failed, count.skipped) == (1, 1, 1)
    assert "once more" not in capfd.readouterr().out


def test_what_runs_beside_counts_and_is_shown(
    runner: ModuleType, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "suite" / "test_two.py").write_text(BROKEN)
    words = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir=.", "-n0")
    both = runner.Stage("some", (*words, "suite/test_one.py"), "some.xml", beside=(*words, "suite/test_two.py"))
    count = runner.Count()
    assert not runner.run(both, count)
    assert (count.passed, count.failed, count.skipped) == (1, 3, 1)
    assert "test_leaves_something" in capfd.readouterr().out
    fine = runner.Stage("some", (*words, "suite/test_one.py"), "some.xml", beside=both.command)
    assert runner.run(fine, runner.Count())


def test_a_stage_without_tests_has_failed(runner: ModuleType) -> None:
    count = runner.Count()
    assert not runner.run(stage(runner, "-k", "nothing_like_it"), count)
    assert count.failed == 1


def _case(classname: str, name: str, seconds: float, child: str = "") -> ElementTree.Element:
    case = ElementTree.Element("testcase", {"classname": classname, "name": name, "time": str(seconds)})
    if child:
        ElementTree.SubElement(case, child)
    return case


def test_costs_are_listed_by_stage_cloud_and_file_slowest_first(runner: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "suite" / "test_two.py").touch()
    found = {
        "a": _case("suite.test_one", "test_a", 2.0),
        "b": _case("suite.test_two", "test_b[x]@cloud-small", 30.0),
        "c": _case("suite.test_one.TestClass", "test_c@cloud-small", 12.5),
        "d": _case("suite.test_two", "test_d@test_two", 60.0),
    }
    rows = [*runner.costs("style", 1.2, {}), *runner.costs("on nodes", 61.4, found)]
    assert runner.table(rows) == [
        " seconds  tests  what",
        "       1      0  style",
        "      61      4  on nodes",
        "      60      1    suite/test_two.py",
        "      42      2    cloud small",
        "       2      1    1 more of less than 10 s each",
    ]


def test_whether_the_corpus_ran_is_told(runner: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "tests" / "corpus").mkdir(parents=True)
    (tmp_path / "tests" / "corpus" / "test_corpus.py").touch()
    there = _case("tests.corpus.test_corpus", "test_x[one]", 1.0)
    away = _case("", "tests.corpus.test_corpus", 0.0, "skipped")
    assert runner.corpus({"a": there}) == "corpus: 1 tests ran"
    assert runner.corpus({"a": away}) == "corpus: not here (an extra), so its tests did not run"
    assert runner.corpus({"a": _case("suite.test_one", "test_a", 2.0)}) == ""


# Ctrl-C in the process itself and in others; modes of files; texts that are not ASCII; a home that is not there.
HANDFUL = (
    "tests/unit/test_parallel.py::test_ctrl_c_does_not_wait_for_running_calls",
    "tests/unit/test_executor.py::TestInterrupts::test_while_a_host_is_connected_to_nothing_is_started",
    "tests/unit/test_answer_quirks.py::test_verdict[utf-8-comment]",
    "tests/unit/test_answers_ways.py",
    "tests/unit/test_text_output.py",
)


@pytest.mark.parametrize(("mask", "locale"), [(0o027, "C"), (0o077, "tr_TR.UTF-8")])
def test_the_suite_passes_however_it_is_started(mask: int, locale: str, tmp_path: Path) -> None:
    """As by `nohup make test &` from a script: signals ignored, no terminal, and another user's settings."""

    def ignore() -> None:
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)

    strange = ("LANG", "LANGUAGE", "TERM", "DISPLAY", "XDG_STATE_HOME")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "LC_")) and k not in strange}
    environment |= {"HOME": str(tmp_path / "nowhere"), "LC_ALL": locale}
    words = [sys.executable, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", *HANDFUL]
    done = subprocess.run(
        words, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, umask=mask,
        preexec_fn=ignore, start_new_session=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr
    assert re.search(r"^[0-9]+ passed in ", done.stdout, re.MULTILINE), done.stdout[-2000:]
