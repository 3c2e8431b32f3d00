"""The command's streams as people have them: pipes whose reader leaves, closed ones, no terminal, Ctrl-C. Each is a
process of its own; hosts are on loopback, where nobody answers."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from stackwright.model import ExitCode

SOURCE = Path(__file__).parents[2] / "installer"
HOST = "127.0.0.2"
ANSWERS = "".join(f"CONFIG_{role}={HOST}\n" for role in ("CONTROLLER_HOST", "COMPUTE_HOSTS", "NETWORK_HOSTS"))


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "cloud.answers").write_text(ANSWERS)
    return {
        **os.environ,
        "HOME": str(tmp_path),
        "STACKWRIGHT_STATE": str(tmp_path / "state"),
        "PYTHONPATH": str(SOURCE),
    }


def shell(line: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Runs a line of bash, in which `stackwright` is ours, without a terminal."""
    script = f'set -o pipefail\nstackwright() {{ {sys.executable} -m stackwright "$@"; }}\n{line}'
    return subprocess.run(
        ["bash", "-c", script], env=environment, cwd=environment["HOME"], capture_output=True, text=True,
        stdin=subprocess.DEVNULL, start_new_session=True, timeout=300,
    )  # fmt: skip


def test_a_reader_that_leaves_changes_no_exit_status(environment: dict[str, str]) -> None:
    done = shell("stackwright answers explain | head -n 1; echo ${PIPESTATUS[0]}", environment)
    assert done.stdout.endswith("\n0\n")
    assert done.stderr == ""
    done = shell(
        "stackwright verify -a cloud.answers --over-ssh --port 1 2>&1 | true; echo ${PIPESTATUS[0]}", environment
    )
    assert (done.stdout, done.stderr) == (f"{int(ExitCode.UNREACHABLE)}\n", "")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_lead_nowhere(closed: str, environment: dict[str, str]) -> None:
    done = shell(f"stackwright check -a cloud.answers --over-ssh --port 1 {closed}", environment)
    assert done.returncode == ExitCode.UNREACHABLE
    if "2>" not in closed:
        assert f"{HOST} port 1 refuses connections" in done.stderr
    assert "defect" not in done.stderr
    journals = list(Path(environment["STACKWRIGHT_STATE"]).rglob("*"))
    assert not [path for path in journals if path.is_file() and b"error:" in path.read_bytes()]


@pytest.mark.parametrize("given", ["-a <(cat cloud.answers)", "-a /dev/stdin < <(cat cloud.answers)"])
def test_answers_may_come_from_a_pipe(given: str, environment: dict[str, str]) -> None:
    """Nobody keeps passwords in a file who can have them decrypted. Read twice, a pipe is empty, and what is left are
    the defaults: a cloud on this machine."""
    done = shell(f"stackwright check --over-ssh --port 1 {given}", environment)
    assert f"{HOST} port 1 refuses connections" in done.stderr
    assert done.returncode == ExitCode.UNREACHABLE


def test_a_password_is_asked_for_in_vain_without_a_terminal(environment: dict[str, str]) -> None:
    words = "stackwright check -a cloud.answers --over-ssh --port 1 --ask-password"
    done = shell(words, environment)
    assert done.returncode == ExitCode.USAGE
    assert "SSH password: the input ended without one" in done.stderr
    assert "GetPassWarning" not in done.stderr
    done = shell(f"echo s3cret | {words}", environment)
    assert done.returncode == ExitCode.UNREACHABLE
    assert "s3cret" not in done.stdout + done.stderr


def test_a_flag_that_led_nowhere_is_not_kept(environment: dict[str, str]) -> None:
    words = "stackwright check -a cloud.answers --over-ssh --port 1"
    assert "no.such.host.invalid" in shell(f"{words} --jump no.such.host.invalid", environment).stderr
    assert f"{HOST} port 1 refuses connections" in shell(words, environment).stderr


def test_ctrl_c_is_heard_while_a_host_says_nothing(environment: dict[str, str]) -> None:
    """It connects, and waits for a greeting that does not come for an hour."""
    config = Path(environment["HOME"]) / ".ssh" / "config"
    config.parent.mkdir()
    config.write_text("Host *\n  ConnectTimeout 3600\n")
    with socket.socket() as silent:
        silent.bind((HOST, 0))
        silent.listen()
        words = ["check", "-a", "cloud.answers", "--over-ssh", "--port", str(silent.getsockname()[1])]
        process = subprocess.Popen(
            [sys.executable, "-m", "stackwright", *words], env=environment, cwd=environment["HOME"], text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        connection, _ = silent.accept()
        connection.recv(1)
        process.send_signal(signal.SIGINT)
        try:
            _, error = process.communicate(timeout=300)
        finally:
            process.kill()
            connection.close()
    assert process.returncode == ExitCode.INTERRUPTED
    assert error == "interrupted; run the same command again to continue\n"
