"""What the documents say about the code is compared with the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stackwright import planner
from stackwright.model import ExitCode

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/test-day.md"]


def test_the_exit_codes_are_those_of_the_code() -> None:
    section = README.partition("### Exit codes")[2].partition("\n#")[0]
    table = {m[2]: int(m[1]) for m in re.finditer(r"^\| (\d+) \| ([A-Z]+) \| .+ \|$", section, re.M)}
    assert table == {code.name: int(code) for code in ExitCode}


def test_the_readme_begins_with_the_two_commands() -> None:
    block = README.split("```")[1]
    assert [line.partition("#")[0].strip() for line in block.strip().splitlines()] == ["make cloud", "make test"]
    assert README.index("```") < 300


def test_ci_runs_the_readmes_test_command_and_nothing_else() -> None:
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    commands = [line for line in lines if line and not line.startswith(("#", "set ", "cd ", "export "))]
    assert commands == ["exec make test"]


def test_the_makefile_has_what_the_documents_name() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    named = {m for d in DOCUMENTS for m in re.findall(r"`make ([a-z-]+)`", (ROOT / d).read_text(encoding="utf-8"))}
    assert {"check", "test"} <= named
    assert named <= targets


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_somewhere(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    links = [m for m in re.findall(r"\]\(([^)#]+)[^)]*\)", text) if not m.startswith(("http:", "https:"))]
    assert [m for m in links if not ((ROOT / name).parent / m).exists()] == []


def test_the_architecture_names_files_that_are_there() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:installer|puppet-templates|tests|answer-files)/[^` *<]+)`", text))
    assert named
    assert [n for n in sorted(named) if not (ROOT / n).exists()] == []


def test_every_room_of_the_package_is_in_the_architecture() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    package = ROOT / "installer" / "stackwright"
    rooms = [p.stem for p in package.glob("*.py") if not p.stem.startswith("__")]
    rooms += [p.parent.name for p in package.glob("*/__init__.py")]
    assert [r for r in sorted(rooms) if not re.search(rf"^\| `{r}(\.py|/)?` ", text, re.M)] == []


def test_the_folder_on_the_hosts_is_the_one_that_is_named() -> None:
    assert f"`{planner.STATE_DIR}/`" in README


def test_each_of_packstacks_mistakes_has_tests_that_are_there() -> None:
    text = (ROOT / "docs" / "packstack.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| Packstack")]
    assert len(rows) == 28
    for row in rows:
        named = re.findall(r"`(tests/\S+\.py)::(\w+)`", row.split("|")[3])
        assert named, row
        for path, name in named:
            assert re.search(rf"^ *def {name}\(", (ROOT / path).read_text(encoding="utf-8"), re.M), f"{path}::{name}"
