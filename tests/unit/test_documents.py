"""The documents agree with the code, and the files for contributors name commands that exist."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest
import yaml
from test_architecture import LAYERS
from test_clouds import components, given

import clouds
import documents
from stackwright import planner, preflight
from stackwright.model import ExitCode
from stackwright.platforms import PLATFORMS
from stackwright.services import SERVICES

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
GENERATED = {"docs/answer-file.md"}
"""Checked elsewhere: each line follows from a record."""
DOCUMENTS = sorted(
    str(path.relative_to(ROOT))
    for folder in (".", ".github", ".github/ISSUE_TEMPLATE", "docs", "answer-files", "benchmarks", "vagrant")
    for path in (ROOT / folder).glob("*.md")
)


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def table(page: str, heading: str) -> list[list[str]]:
    """The cells of the tables below a heading, without the heads of the tables."""
    section = page.partition(f"\n{heading}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\|(.+)\|$", section, re.M)
    assert rows, heading
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)] for row in rows]
    rules = [n for n, row in enumerate(cells) if set("".join(row)) == {"-"}]
    return [row for n, row in enumerate(cells) if n not in rules and n + 1 not in rules]


def code(page: str) -> str:
    """All code of a page: blocks, and words in backticks."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", page, re.M | re.S)
    return "\n".join([*blocks, *re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", page, flags=re.M | re.S))])


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", text("Makefile"), re.M))


@cache
def known_words() -> set[str]:
    """The commands and long flags of `stackwright`, from its completion script."""
    command = [sys.executable, "-m", "stackwright", "answers", "completion", "bash"]
    script = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {*re.findall(r"^    ([a-z]+)\) after=", script, re.M), *re.findall(r"--[a-z][\w-]+", script)}


def test_the_list_of_documents_is_complete() -> None:
    assert {
        "README.md",
        "ARCHITECTURE.md",
        "docs/limits.md",
        "vagrant/README.md",
        ".github/PULL_REQUEST_TEMPLATE.md",
    } <= {*DOCUMENTS}


# ----------------------------------------------------------------------------------------------------- README


def test_the_readme_begins_with_a_screenshot_and_the_two_commands() -> None:
    block = README.split("```")[1]
    assert [line.partition("#")[0].strip() for line in block.strip().splitlines()] == ["make cloud", "make test"]
    assert README.index("](docs/images/report.png)") < README.index("```") < 600


def test_the_screenshot_is_small_enough_to_load() -> None:
    picture = documents.SCREENSHOT.read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) < 300_000


def test_the_readme_says_how_each_service_was_tested() -> None:
    rows = {row[0]: row[1:4] for row in table(README, "## What is supported, and how it was tested") if len(row) == 5}
    installable = {s.name for s in SERVICES if s.components and not s.missing and s.name != "general"}
    named = {name: [rows[r] for r in rows if documents.shown_name(name).lower() in r.lower()] for name in installable}
    assert {name for name, found in named.items() if not found} == set()
    assert all(cells != ["no", "no", "no"] for found in named.values() for cells in found)
    (refused,) = (row for row, cells in rows.items() if cells == ["no", "no", "no"])
    assert sorted(refused.split(", ")) == sorted(documents.shown_name(s.name) for s in SERVICES if s.missing)


INSTALLED: dict[str, tuple[str, ...]] = {
    "MariaDB, RabbitMQ, memcached": ("mariadb", "rabbitmq", "memcached"),
    "Keystone, Glance, Placement, Nova": ("keystone", "glance-api", "placement-api", "nova-compute"),
    "Neutron with OVN": ("ovn-controller",),
    "Neutron with Open vSwitch": ("openvswitch-agent",),
    "Neutron with Linux bridges": ("linuxbridge-agent",),
    "Cinder on Ceph (one OSD in a file), backups in Swift": ("cinder-volume", "ceph", "cinder-backup"),
    "Swift": ("swift-proxy", "swift-storage"),
    "Horizon": ("horizon",),
    "Heat": ("heat-api", "heat-engine"),
    "Demo project with image, networks and router": ("demo",),
}
"""The components behind a row of the README's table."""


@pytest.mark.parametrize("row", [*INSTALLED, "TLS for dashboard, consoles and messages"])
def test_the_readme_calls_installed_what_a_cloud_of_the_tests_has(row: str) -> None:
    (cells,) = (r[1:3] for r in table(README, "## What is supported, and how it was tested") if r[0] == row)
    for platform, cell in zip(("debian-12", "debian-13"), cells, strict=True):
        here = [cloud for cloud in clouds.ALL if cloud.platform == platform]
        if row in INSTALLED:
            found = any(set(INSTALLED[row]) <= components(cloud.name) for cloud in here)
        else:
            found = any(given(cloud)[k] for cloud in here for k in ("CONFIG_HORIZON_SSL", "CONFIG_AMQP_ENABLE_SSL"))
        assert cell.startswith("installed") == found, platform


def test_the_readme_says_how_each_platform_was_tested() -> None:
    rows = [row for row in table(README, "## What is supported, and how it was tested") if len(row) == 3]
    for platform in PLATFORMS:
        found = " ".join(row[1] for row in rows if platform.name in row[0])
        assert found, platform.name
        if "as CentOS Stream 9" not in found:
            words = set(re.findall(r"\w+", found))
            assert {release.name for release in platform.releases} <= words, platform.name
            others = {r.name for p in PLATFORMS for r in p.releases} - {r.name for r in platform.releases}
            assert not others & words, platform.name


@pytest.mark.parametrize(("file", "name"), documents.PARTS)
def test_generated_parts_are_what_the_code_says(file: str, name: str) -> None:
    assert documents.part(text(file), name) == documents.PARTS[file, name](), "run `make documents`"


# ----------------------------------------------------------------------------------------------------- guides


def test_the_exit_codes_are_those_of_the_code() -> None:
    rows = table(text("docs/commands.md"), "## Exit codes")
    assert {row[1]: int(row[0]) for row in rows} == {c.name: int(c) for c in ExitCode}


def test_every_check_is_explained() -> None:
    rows = table(text("docs/troubleshooting.md"), "## Checks before a run")
    named = [name for row in rows for name in re.findall(r"`([a-z-]+)`", row[0])]
    assert sorted(named) == sorted([*preflight.CHECKS, "package", "repository", "fixed-answer"])


def test_the_folder_on_the_hosts_is_the_one_that_is_named() -> None:
    assert f"`{planner.STATE_DIR}/`" in text("docs/commands.md")


def _of_ours(line: str) -> bool:
    """Whether a line of code is about our command: named in full, or as one of its commands or flags."""
    first = line.split()[0] if line.split() else ""
    return (
        first in known_words()
        or "stackwright " in line
        or (first.startswith("--") and first not in ("--yjit", "--evaltrace"))
    )


@pytest.mark.parametrize("name", sorted({*DOCUMENTS} - GENERATED))
def test_commands_in_documents_exist(name: str) -> None:
    lines = [line for line in code(text(name)).splitlines() if _of_ours(line)]
    words = [w for line in lines for w in re.findall(r"(?<![\w-])--[a-z][\w-]+", line)]
    words += [w for line in lines for w in re.findall(r"(?:^|[\s/(])stackwright +([a-z]+)(?![\w.=])", line)]
    assert [word for word in words if word not in known_words()] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_make_targets_in_documents_exist(name: str) -> None:
    assert set(re.findall(r"`?make ([a-z-]+)", code(text(name)))) <= targets()


def anchors(page: str) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    heads = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", page, flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_somewhere(name: str) -> None:
    here = (ROOT / name).parent
    for link in re.findall(r"\]\(([^)]+)\)", text(name)):
        if link.startswith(("http:", "https:")):
            continue
        path, _, anchor = link.partition("#")
        target = (here / path) if path else ROOT / name
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target.read_text(encoding="utf-8")), link


RIDDLES = ("whoever", "nobody else", "shout", "in vain", "leave one of them away", "mended", "does its work", "ailing")


@pytest.mark.parametrize("name", sorted({*DOCUMENTS} - GENERATED))
def test_documents_use_standard_terms(name: str) -> None:
    assert [word for word in RIDDLES if re.search(rf"\b{word}\b", text(name), re.I)] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_tests_in_documents_exist(name: str) -> None:
    for path, test in re.findall(r"`(tests/\S+\.py)::(\w+)`", text(name)):
        assert re.search(rf"^ *def {test}\(", text(path), re.M), f"{path}::{test}"


def test_each_of_packstacks_mistakes_has_a_test() -> None:
    rows = [line for line in text("docs/packstack.md").splitlines() if line.startswith("| ")][1:]
    assert len(rows) == 28
    assert [row for row in rows if "`tests/" not in row.split("|")[3]] == []


# ----------------------------------------------------------------------------------------------- architecture


def test_the_architecture_names_files_that_are_there() -> None:
    named = set(re.findall(r"`((?:installer|puppet-templates|tests|answer-files)/[^` *<:]+)`", text("ARCHITECTURE.md")))
    assert named
    assert [n for n in sorted(named) if not (ROOT / n).exists()] == []


def test_the_architecture_has_the_layers_that_are_enforced() -> None:
    rows = table(text("ARCHITECTURE.md"), "## Layers")
    found = {int(number): set(re.findall(r"`(\w+)(?:/|\.py)`", packages)) for number, packages in rows}
    layers = [set(layer) for layer in reversed(LAYERS) if layer != {"__main__"}]
    assert found == dict(enumerate(layers, 1))


def test_the_architecture_stays_short() -> None:
    assert len(text("ARCHITECTURE.md").splitlines()) <= 150


# -------------------------------------------------------------------------------------------- for contributors


def test_ci_runs_the_readmes_test_command_and_nothing_else() -> None:
    lines = text(".ci/run").splitlines()
    commands = [line for line in lines if line and not line.startswith(("#", "set ", "cd ", "export "))]
    assert commands == ["exec make test"]


def test_the_public_ci_calls_the_projects_own_command() -> None:
    job = yaml.safe_load(text(".github/workflows/ci.yml"))["jobs"]["test"]
    commands = [step["run"] for step in job["steps"] if "run" in step]
    assert [c for c in commands if not c.startswith("apt-get ")] == [".ci/run"]
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


def test_the_hooks_before_a_commit_call_the_projects_own_commands() -> None:
    (repository,) = yaml.safe_load(text(".pre-commit-config.yaml"))["repos"]
    assert repository["repo"] == "local", "nothing is downloaded"
    entries = [hook["entry"].split() for hook in repository["hooks"]]
    assert ["make", "lint"] in entries
    for words in entries:
        assert words[0] in ("make", ".venv/bin/python")
        if words[0] == "make":
            assert set(words[1:]) <= targets()
        else:
            assert all((ROOT / word).exists() for word in words if word.startswith("tests/"))


def test_issue_templates_are_of_the_form_that_github_reads() -> None:
    templates = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.md"))
    assert templates
    for path in templates:
        _, head, body = path.read_text(encoding="utf-8").split("---\n", 2)
        assert set(yaml.safe_load(head)) == {"name", "about"}
        assert body.strip()


def test_editor_settings_are_those_of_the_linter() -> None:
    longest = tomllib.loads(text("pyproject.toml"))["tool"]["ruff"]["line-length"]
    assert f"[*.py]\nindent_size = 4\nmax_line_length = {longest}\n" in text(".editorconfig")
