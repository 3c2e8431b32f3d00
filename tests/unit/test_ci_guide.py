"""The examples of docs/ci.md are what they say: YAML that parses, and commands with flags that exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from stackwright.cli.arguments import parser
from stackwright.cli.flags import Parser

PAGE = (Path(__file__).resolve().parents[2] / "docs/ci.md").read_text(encoding="utf-8")
BLOCKS = {
    title.strip(): (kind, block)
    for title, kind, block in re.findall(r"^## ([^\n]+)\n(?:(?!^## ).)*?^```(\w+)\n(.*?)^```", PAGE, re.M | re.S)
}
NAMES = ("GitHub Actions", "GitLab", "Jenkins", "Without hosts of your own")


def commands(block: str) -> list[list[str]]:
    """The words of each call of our command, without redirections and variables."""
    found = []
    for line in re.findall(r"\bstackwright ([^\n']+)", block):
        words = shlex.split(line.partition(" > ")[0].partition(" | ")[0])
        found.append([word for word in words if not word.startswith("$")])
    return found


def _parser(words: list[str]) -> Parser:
    """The parser of the command that the words name."""
    found = parser(("answers", "bundle", "lab", "launch", "test", "clouds", "openrc"))
    for word in words:
        if word not in found.commands():
            break
        found = found.commands()[word]
    return found


def test_all_systems_have_an_example() -> None:
    assert tuple(BLOCKS) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_commands_and_their_flags_exist(name: str) -> None:
    found = commands(BLOCKS[name][1])
    assert found
    for words in found:
        one = _parser(words)
        assert one.prog != "stackwright" or words[0].startswith("--"), words
        unknown = {word.partition("=")[0] for word in words if word.startswith("-")} - {*one.flags()}
        assert unknown == set(), words


def test_a_flag_that_is_not_there_would_be_found() -> None:
    words = commands("  - stackwright verify -a x --junitt y\n")[0]
    assert "--junitt" not in _parser(words).flags()


def test_github_s_workflow_is_one() -> None:
    found: dict[Any, Any] = yaml.safe_load(BLOCKS["GitHub Actions"][1])
    assert found[True] == ["push"], "YAML reads `on` as true"
    (job,) = found["jobs"].values()
    assert job["runs-on"]
    assert all({"uses", "run"} & {*step} for step in job["steps"])
    assert [step["name"] for step in job["steps"] if "name" in step] == ["Check", "Install", "Verify", "Report"]


def test_gitlab_s_pipeline_is_one() -> None:
    found = yaml.safe_load(BLOCKS["GitLab"][1])
    jobs = {name: job for name, job in found.items() if name not in ("stages", "default", "variables")}
    assert [job["stage"] for job in jobs.values()] == found["stages"]
    assert all(job["script"] for job in jobs.values())
    assert found["verify"]["artifacts"]["reports"]["junit"] == "verify.xml"


def test_jenkins_s_pipeline_has_all_its_brackets() -> None:
    kind, block = BLOCKS["Jenkins"]
    assert kind == "groovy"
    assert block.startswith("pipeline {")
    depth = 0
    for char in re.sub(r"'[^'\n]*'", "", block):
        depth += {"{": 1, "}": -1}.get(char, 0)
        assert depth >= 0
    assert depth == 0
    assert block.count("'") % 2 == 0


def test_the_exit_codes_that_are_retried_go_away_by_themselves() -> None:
    assert yaml.safe_load(BLOCKS["GitLab"][1])["install"]["retry"]["exit_codes"] == [5, 6]
