"""Messages are sentences, and point to what is wrong with the input."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

import stackwright
from stackwright import answers, cli
from stackwright.model import ExitCode, Problem, StackwrightError
from stackwright.operations import inspection
from stackwright.ssh import root
from stackwright.values.addressing import host

SOURCE = Path(stackwright.__file__).parent

_VERB = re.compile(
    r"\b(is|are|was|were|must|needs?|needed|has|have|cannot|could|would|may|should|works?|begins?|asks?|allows?|names?"
    r"|does|conflict|depend|differ|holds?|supports?|install|contain|overlaps?|creates?|because|belongs?|reads?|stay|keep)\b"
)


def _clauses() -> list[tuple[str, str]]:
    """The second clause of each problem that the source has as a text."""
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text())):
            if not isinstance(call, ast.Call) or getattr(call.func, "id", "") != "Problem":
                continue
            for one in [word.value for word in call.keywords if word.arg == "wanted"] + call.args[2:3]:
                parts = one.values if isinstance(one, ast.JoinedStr) else [one]
                if all(isinstance(part, ast.Constant | ast.FormattedValue) for part in parts):
                    text = "".join(str(p.value) if isinstance(p, ast.Constant) else "X" for p in parts)
                    found.append((f"{path.relative_to(SOURCE)}:{call.lineno}", text))
    return found


def test_what_is_wanted_is_a_clause_with_a_verb() -> None:
    """`2 GiB free; 8 GiB for packages` is no sentence."""
    clauses = _clauses()
    assert len(clauses) > 50
    assert [(where, text) for where, text in clauses if text and not _VERB.search(text)] == []


def test_a_problem_is_one_sentence() -> None:
    assert Problem("x", "kernel module xfs is missing", "Swift needs it").message == (
        "kernel module xfs is missing; Swift needs it"
    )
    assert Problem("x", "K = 'a'", "must be a whole number").message == "K = 'a' must be a whole number"
    assert Problem("x", "the host was not examined", "").message == "the host was not examined"


def test_a_wrong_value_is_reported_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a"
    path.write_text("CONFIG_SERVICE_WORKERS=many\nCONFIG_KEYSTONE_ADMIN_PW=********\nCONFIG_NOVA_INSTALL=perhaps\n")
    assert cli.main(["answers", "check", str(path)]) == ExitCode.ANSWERS
    said = capsys.readouterr().out
    assert "error: CONFIG_SERVICE_WORKERS = 'many' must be a whole number" in said
    assert "error: CONFIG_KEYSTONE_ADMIN_PW holds a placeholder, not a password" in said
    assert "error: CONFIG_NOVA_INSTALL = 'perhaps' must be y or n" in said


def test_an_unknown_command_gets_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["version"]) == ExitCode.USAGE
    error = capsys.readouterr().err
    assert "hint: choose one of answers, check, plan, apply, launch" in error
    assert "verify?" not in error


def test_a_public_key_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = tmp_path / "id.pub"
    key.write_text("ssh-ed25519 AAAA me\n")
    assert cli.main(["check", "-a", "x", "--ssh-key", str(key)]) == ExitCode.USAGE
    error = capsys.readouterr().err
    assert f"--ssh-key {key} is a public key" in error
    assert f"hint: use the private key: {tmp_path / 'id'}" in error


def test_a_user_before_a_host_is_for_the_flag_user() -> None:
    with pytest.raises(ValueError, match=r"must not name a user; use h1 with `--user root`"):
        host("root@h1")
    with pytest.raises(ValueError, match="looks like a placeholder"):
        host("<CONTROLLER>")


def test_a_jump_host_that_does_not_resolve_is_named_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a"
    answers.save(path, answers.generate(install_hosts=["198.18.77.1,198.18.77.2,198.18.77.3"]))
    given = ["check", "-a", str(path), "--jump", "nosuch.invalid", "--state", str(tmp_path)]
    assert cli.main(given) == ExitCode.UNREACHABLE
    assert capsys.readouterr().err.count("jump host nosuch.invalid does not resolve") == 1


def test_an_expired_password_is_reported() -> None:
    text = "WARNING: Your password has expired.\nPassword change required but no TTY available."
    error = root._shell_trouble("h1", "root", cast(Any, SimpleNamespace(out="", err=text, exit=1)))
    assert isinstance(error, StackwrightError)
    assert error.message == "h1: the password of root has expired"
    assert "ssh root@h1" in error.hint
    other = root._shell_trouble("h1", "root", cast(Any, SimpleNamespace(out="welcome", err="", exit=1)))
    assert "expired" not in other.message


def test_all_failed_checks_are_named_for_skipping() -> None:
    found = [Problem(name, "seen", "", host="h") for name in ("fqdn", "memory", "disk", "clock")]
    with pytest.raises(StackwrightError) as caught:
        inspection.refuse(found)
    assert caught.value.message.splitlines()[0] == "the hosts have 4 errors:"
    for name in ("fqdn", "memory", "disk", "clock"):
        assert f"--skip-check {name}" in caught.value.hint
