"""The wheel: built from this checkout, installed into an environment of its own, and used there. Needs no network."""

from __future__ import annotations

import email.parser
import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from stackwright import __version__

pytestmark = pytest.mark.slow  # installs a wheel

ROOT = Path(__file__).resolve().parents[2]

PLAN = """\
import json, sys
from pathlib import Path
import stackwright
from stackwright import answers, facts, planner
from stackwright.planner import assets

record = json.loads(Path(sys.argv[1]).read_text())
seen = {host: facts.from_json(json.dumps({"host": host, **values})) for host, values in record.items()}
plan = planner.plan(planner.cloud(answers.read([sys.argv[2]], environ={}), seen))
print(json.dumps({
    "package": stackwright.__file__,
    "templates": str(assets.templates()),
    "examples": sorted(p.name for p in assets.answer_files().glob("*.txt")),
    "steps": [step.id for step in plan.steps],
}))
"""


def run(*words: str | Path, cwd: Path) -> str:
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV", "STACKWRIGHT"))}
    done = subprocess.run([*words], cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel; what it depends on is lent from the environment of the tests."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder, cwd=ROOT)
    (wheel,) = folder.glob("stackwright-*.whl")
    there = folder / "environment"
    run(sys.executable, "-m", "venv", "--without-pip", there, cwd=folder)
    python = there / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", "--no-index", wheel, cwd=folder)
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip())
    # Only the folder is put on the path: the .pth file of the editable installation in it is not read.
    (site / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return there


def test_the_command_says_its_version(environment: Path, tmp_path: Path) -> None:
    assert run(environment / "bin" / "stackwright", "--version", cwd=tmp_path) == f"stackwright {__version__}\n"


def test_the_wheel_says_what_an_index_shows(environment: Path) -> None:
    (file,) = environment.glob("lib/python*/site-packages/stackwright-*.dist-info/METADATA")
    about = email.parser.BytesParser().parsebytes(file.read_bytes())
    assert (about["Name"], about["Version"], about["Requires-Python"]) == ("stackwright", __version__, ">=3.11")
    assert about["Summary"]
    assert about["Author"]
    assert about["License"] == "Apache-2.0"
    classifiers = about.get_all("Classifier", [])
    assert f"Programming Language :: Python :: {sys.version_info.major}.{sys.version_info.minor}" in classifiers
    assert about["Description-Content-Type"] == "text/markdown"
    assert str(about.get_payload()).startswith("# Stackwright\n")


def test_a_plan_is_made_with_the_wheels_own_templates(environment: Path, tmp_path: Path) -> None:
    plans = ROOT / "tests" / "plans"
    out = run(environment / "bin" / "python", "-c", PLAN, plans / "facts.json", plans / "base.txt", cwd=tmp_path)
    found = json.loads(out)
    assert Path(found["package"]).is_relative_to(environment)
    assert Path(found["templates"]).is_relative_to(environment)
    assert "198.18.0.10:puppet-0" in found["steps"]
    assert found["examples"] == sorted(p.name for p in (ROOT / "answer-files").glob("*.txt"))


def test_the_wheel_carries_all_data_and_no_rubbish(environment: Path) -> None:
    (package,) = environment.glob("lib/python*/site-packages/stackwright")

    def files(folder: Path) -> set[str]:
        return {
            str(p.relative_to(folder))
            for p in folder.rglob("*")
            if p.is_file() and not {"__pycache__", ".ruff_cache", ".mypy_cache"} & set(p.parts)
        }

    for name in ("puppet-templates", "answer-files"):
        assert files(package / "_data" / name) == files(ROOT / name)
    # Scripts and files for hosts lie between the modules.
    assert (package / "planner" / "steps" / "record.sh").is_file()
    assert files(ROOT / "installer" / "stackwright") - files(package) == set()
    assert [p.name for p in package.rglob(".*_cache")] == []


def test_a_report_has_its_style(environment: Path, tmp_path: Path) -> None:
    page = "from stackwright import report; print(report.as_html(report.collect({}, [])))"
    assert "prefers-color-scheme" in run(environment / "bin" / "python", "-c", page, cwd=tmp_path)
