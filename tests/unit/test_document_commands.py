"""The command lines in the documents are read by the command's own parser, and those that need no node are run."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_documents import DOCUMENTS, GENERATED, ROOT, code, text

from stackwright import scenarios
from stackwright.cli import main
from stackwright.cli.arguments import parser
from stackwright.model import ExitCode

_COMMAND = re.compile(r"^\s*(?:[-\w]+: *|- |sh ')?(?:sudo )?(?:\S*/)?stackwright ((?:-|[a-z]).*)$")
_PLACEHOLDER = {"FILE": "cloud.answers", "SHELL": "bash", "HOST": "198.18.0.10", "KEY": "CONFIG_NOVA_INSTALL"}
"""What a reader puts in place of these words."""

MENTIONED = {"bundle", "bundle show", "bundle trust", "bundle reproduce", "lab", "lab up", "answers generate"}
"""Commands that are named in a sentence without the arguments that they need."""

WITHOUT_A_NODE = ("answers", "clouds", "test --list", "test --show", "--gen-answer-file", "--validate-answer-file",
                  "--help-all")  # fmt: skip
"""Beginnings of command lines that are run here."""

ON_A_NODE = {
    "launch": "tests/lab/test_allinone.py",
    "dashboard": "tests/unit/test_credentials.py",
    "credentials": "tests/unit/test_credentials.py",
    "openrc": "tests/unit/test_credentials.py",
    "check": "tests/lab/test_allinone.py",
    "plan": "tests/lab/test_allinone.py",
    "apply": "tests/lab/test_allinone.py",
    "verify": "tests/lab/test_allinone.py",
    "status": "tests/lab/test_allinone.py",
    "logs": "tests/lab/test_allinone.py",
    "test": "tests/lab/test_allinone.py",
    "report": "tests/lab/test_allinone.py",
    "lock": "tests/lab/test_allinone.py",
    "bundle": "tests/lab/test_allinone.py",
    "lab": "tests/lab/test_lab.py",
    "--allinone": "tests/lab/test_allinone.py",
    "--install-hosts": "tests/unit/test_quickstart.py",
    "--answer-file": "tests/unit/test_cli.py",
}
"""First words of command lines that need a host or an installed cloud, and the file that runs such commands."""


def lines() -> Iterator[tuple[str, str]]:
    """Each command line of the documents, with its document."""
    for name in sorted({*DOCUMENTS} - GENERATED):
        for line in code(text(name)).splitlines():
            if found := _COMMAND.match(line):
                yield name, re.split(r"\s+[#>|]\s", found[1])[0].rstrip("' ")


LINES = sorted({line for _, line in lines()})


def words(line: str) -> list[str]:
    """The arguments of a command line: optional ones are given, and words such as FILE stand for something."""
    plain = line.replace("[", "").replace("]", "").replace("...", "")
    plain = plain.replace("~/.local/state/stackwright/*/stackwright.lock", "A B")  # of the two clouds of that page
    plain = plain.replace("test --show FILE", "test --show scenario.toml")
    return [_PLACEHOLDER.get(word, word) for word in shlex.split(plain)]


def test_there_are_command_lines() -> None:
    assert len(LINES) > 80
    assert {"lab down --all", "apply -a FILE", "answers check --strict cloud.answers"} <= set(LINES)


@pytest.mark.parametrize("line", LINES)
def test_the_parser_takes_each(line: str) -> None:
    given = words(line)
    if line in MENTIONED or given == ["--help-all"]:
        return
    assert getattr(parser(given).parse_args(given), "unknown", []) == []


@pytest.mark.parametrize("line", LINES)
def test_each_is_run_by_a_test(line: str) -> None:
    if not line.startswith(WITHOUT_A_NODE):
        assert (ROOT / ON_A_NODE[line.split()[0]]).is_file()


@pytest.mark.parametrize("line", [line for line in LINES if line.startswith(WITHOUT_A_NODE) and line not in MENTIONED])
def test_what_needs_no_node_works(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("cloud.answers", "OLD", "A", "B"):
        shutil.copy(ROOT / "answer-files" / "all-in-one.txt", tmp_path / name)
        (tmp_path / name).chmod(0o600)
    (tmp_path / "docs").mkdir()
    shutil.copy(Path(scenarios.__file__).parent / "data" / "quick.toml", tmp_path / "scenario.toml")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("STACKWRIGHT_STATE", raising=False)
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    given = words(line)
    if "--gen-answer-file" in given:
        (tmp_path / "cloud.answers").unlink()
    try:
        code = main(given)
    except SystemExit as end:
        code = ExitCode(int(end.code or 0))
    said = capsys.readouterr()
    assert code == ExitCode.OK, said.out + said.err
