"""Completion for fish in the real shell, and the manual page in the real formatter."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from stackwright.answers import completion
from stackwright.cli.answers import values, words
from stackwright.cli.arguments import COMMANDS, parser, vocabulary
from stackwright.cli.manual import page
from stackwright.model import ExitCode


def script(shell: str) -> str:
    return completion.script(shell, words(vocabulary()), values(), "/nosuch")


def _fish(folder: Path, *lines: str) -> list[set[str]]:
    """What fish offers for each line."""
    fish = shutil.which("fish")
    if not fish:
        pytest.skip("no fish")
    (folder / "completion.fish").write_text(script("fish"))
    asked = "".join(f"complete -C '{line}'; echo ----\n" for line in lines)
    done = subprocess.run(
        [fish, "--no-config", "-c", f"source completion.fish\n{asked}"],
        cwd=folder, env={"HOME": str(folder), "PATH": "/usr/bin:/bin", "STACKWRIGHT_LAB_DIR": str(folder / "lab")},
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    assert done.stderr == ""
    return [{line.split("\t")[0] for line in part.splitlines()} for part in done.stdout.split("----\n")[:-1]]


def test_fish_completes_commands_values_nodes_and_files(tmp_path: Path) -> None:
    (tmp_path / "lab/lab0/nodes/my-node").mkdir(parents=True)
    (tmp_path / "my.answers").touch()
    found = _fish(
        tmp_path,
        "stackwright sta",
        "stackwright check --skip-check ",
        "stackwright plan --release ",
        "stackwright apply --os-neutron-l2-agent ",
        "stackwright lab reset ",
        "stackwright test pack",
        "stackwright plan -a my",
        "stackwright answers explain CONFIG_NOVA_INST",
        "stackwright plan --col",
    )
    assert found[0] == {"status"}
    assert {"memory", "fqdn", "lock", "package"} <= found[1]
    assert {"zed", "bookworm", "master"} <= found[2]
    assert found[3] == {"openvswitch", "ovn", "linuxbridge"}
    assert "my-node" in found[4]
    assert any(name.startswith("packstack-") for name in found[5])
    assert found[6] == {"my.answers"}
    assert "CONFIG_NOVA_INSTALL" in found[7]
    assert "--color" in found[8]


@pytest.mark.parametrize("shell", ["bash", "fish", "zsh"])
def test_each_script_has_all_values(shell: str) -> None:
    text = script(shell)
    for flag, known in values().items():
        assert flag.lstrip("-") in text
        assert " ".join(known) in text, flag
    assert "/nosuch" in text


def test_another_shell_is_refused() -> None:
    with pytest.raises(ValueError, match="choose bash or fish or zsh"):
        script("csh")


def test_the_manual_names_every_command_flag_and_exit_code() -> None:
    text = page().replace("\\-", "-")
    for name in COMMANDS:
        assert f".SS stackwright {name}" in text
    for flag in parser(()).flags():
        assert f"\\fB{flag}\\fR" in text, flag
    for code in ExitCode:
        assert f".TP\n\\fB{int(code)}\\fR\n" in text
    assert ".SS stackwright lab up NAME" in text
    assert "--junit" in text
    assert not [line for line in text.splitlines() if line.startswith("'")]


def test_the_manual_is_formatted_without_a_warning() -> None:
    groff = shutil.which("groff")
    if not groff:
        pytest.skip("no groff")
    done = subprocess.run(
        [groff, "-man", "-Tutf8", "-ww", "-z"], input=page(), capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stderr == ""
