"""What a person sees on a terminal: the interview without any argument, and TAB in bash and zsh. All of it is real: a
pseudo-terminal, the shells, the command."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import shutil
import signal
import stat
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stackwright import answers
from stackwright.answers import completion
from stackwright.cli.answers import values, words
from stackwright.cli.arguments import vocabulary

INSTALLER = Path(answers.__file__).parents[2]
PATIENCE = 60.0
"""Seconds after which a terminal that does not say what is expected has failed: no measure of speed."""

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|[\r\x00]")

CTRL_A, CTRL_C, CTRL_D, TAB = "\x01", "\x03", "\x04", "\t"


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, words: list[str], folder: Path, environment: dict[str, str]) -> None:
        self._end, other = pty.openpty()
        self.process = subprocess.Popen(
            words, stdin=other, stdout=other, stderr=other, cwd=folder, env=environment, start_new_session=True,
            # Ctrl-C and the hidden password need the terminal to be the session's own
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(other)
        self._seen = ""

    def say(self, text: str) -> None:
        os.write(self._end, text.encode())

    def expect(self, text: str) -> str:
        """Waits for `text`; returns what came up to its end. Each character is seen once."""
        last = time.monotonic() + PATIENCE
        while text not in self._seen:
            ready, _, _ = select.select([self._end], [], [], max(0.0, last - time.monotonic()))
            assert ready, f"{text!r} did not come; seen: {self._seen!r}"
            try:
                more = os.read(self._end, 65536)
            except OSError:  # Linux says EIO when the last program has left the terminal
                more = b""
            assert more, f"{text!r} did not come before the end; seen: {self._seen!r}"
            self._seen = _CONTROL.sub("", self._seen + more.decode(errors="replace"))
        before, _, self._seen = self._seen.partition(text)
        return before + text

    def hides(self) -> None:
        """Waits until what is typed is not shown; what was typed before that is thrown away by the program."""
        last = time.monotonic() + PATIENCE
        while termios.tcgetattr(self._end)[3] & termios.ECHO:
            assert time.monotonic() < last, "it still shows what is typed"
            time.sleep(0.02)

    def interrupts(self) -> None:
        """Ctrl-C at a prompt that is being read: GNU readline then has the terminal character by character. Between the
        prompt and that, Python has a moment in which a Ctrl-C waits for the next key; no person is as quick."""
        last = time.monotonic() + 2
        while termios.tcgetattr(self._end)[3] & termios.ICANON and time.monotonic() < last:
            time.sleep(0.02)
        time.sleep(0.2)
        self.say(CTRL_C)

    def left(self) -> int:
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        os.close(self._end)


Open = Callable[..., Terminal]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    terminals: list[Terminal] = []

    def open_one(*words: str) -> Terminal:
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(tmp_path), "TERM": "xterm", "COLUMNS": "200", "LC_ALL": "C.UTF-8",
            "PYTHONPATH": str(INSTALLER),
        }  # fmt: skip
        terminals.append(Terminal(list(words), tmp_path, environment))
        return terminals[-1]

    yield open_one
    for terminal in terminals:
        terminal.close()


LEFT = "\x1b[D"
STACKWRIGHT = (sys.executable, "-m", "stackwright")


def test_without_arguments_the_interview_runs_and_can_be_resumed(tmp_path: Path, opened: Open) -> None:
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh/config").write_text("Host 198.18.*\n  ProxyCommand echo no way in >&2; false\n")
    first = opened(*STACKWRIGHT)
    first.expect("Controller (host of all APIs)")
    first.say("198.18.0.300\n")
    first.expect("Invalid: ")
    first.expect("Controller")
    first.say("198.18.0.0" + LEFT + "1\n")
    first.expect("198.18.0.10: its ProxyCommand does not reach an SSH server: no way in")
    first.expect("hint: check it with `ssh -v 198.18.0.10`")
    first.expect("Enter keeps 198.18.0.10; again repeats the check; or name another host.")
    first.expect("Controller (host of all APIs) [198.18.0.10]")
    first.say("\n")
    first.expect("Compute hosts")
    first.say("198.18.0.31,198.18.0.32\n")
    first.expect("198.18.0.32: its ProxyCommand")
    first.expect("Compute hosts")
    first.say("\n")
    first.expect("Network hosts")
    first.interrupts()
    first.expect("interview interrupted")
    assert first.left() == 130
    assert sorted(path.name for path in tmp_path.iterdir()) == [".cloud.answers.draft", ".ssh"]

    second = opened(*STACKWRIGHT)
    second.expect("Resuming with 2 earlier answers.")
    second.expect("Controller (host of all APIs): 198.18.0.10")
    assert "Controller" not in second.expect("Network hosts")
    second.say("\n")
    second.expect("Network backend: ")
    second.say("ovs\n")
    second.expect("did you mean openvswitch")
    second.say("ovn\n")
    second.expect("External interface of the network hosts")
    second.say("eth2\n")
    second.expect("Interface for tunnels")
    second.say("\n" * 20)  # the rest as it is proposed
    second.expect("Admin password")
    second.hides()
    second.say("\n")
    second.expect("Your answers:")
    second.expect("Compute hosts, comma-separated: 198.18.0.31,198.18.0.32")
    second.expect("Enter writes cloud.answers")
    second.say("back\n")
    second.expect("Admin password")
    second.hides()
    second.say("\n")
    second.expect("Enter writes cloud.answers")
    second.say("\n")
    second.expect("Wrote cloud.answers")
    for command in ("check", "plan", "apply"):
        second.expect(f"stackwright {command} -a cloud.answers")
    assert second.left() == 0

    path = tmp_path / "cloud.answers"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    read = answers.read([path])
    assert read["CONFIG_COMPUTE_HOSTS"] == ("198.18.0.31", "198.18.0.32")
    assert read["CONFIG_NEUTRON_OVN_BRIDGE_IFACES"] == (("br-ex", "eth2"),)
    third = opened(*STACKWRIGHT)
    third.expect("cloud.answers exists already")
    third.expect("stackwright --answer-file cloud.answers")
    assert third.left() == 3


def test_end_of_input_quits_the_interview(opened: Open) -> None:
    terminal = opened(*STACKWRIGHT, "answers", "interview", "other")
    terminal.expect("Controller")
    terminal.say(CTRL_D)
    terminal.expect("resume with `stackwright answers interview other`")
    assert terminal.left() == 130


def test_ctrl_c_ends_the_interview_while_a_host_does_not_answer(tmp_path: Path, opened: Open) -> None:
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh/config").write_text("Host slow\n  ProxyCommand sleep 600\n")
    terminal = opened(*STACKWRIGHT, "answers", "interview", "x", "--user=ann")
    terminal.expect("Controller")
    terminal.say("slow\n")
    terminal.expect("checking slow: SSH and interfaces, ")
    terminal.say(CTRL_C)
    terminal.expect("resume with `stackwright answers interview x --user=ann`")
    assert terminal.left() == 130


def test_the_interview_connects_to_no_host_if_it_must_not(opened: Open) -> None:
    terminal = opened(*STACKWRIGHT, "answers", "interview", "x", "--no-connect")
    terminal.expect("Controller")
    terminal.say("198.18.0.10\n")
    assert "198.18.0.10:" not in terminal.expect("Compute hosts")
    terminal.say(CTRL_D)
    terminal.expect("interview interrupted")


def test_a_password_is_not_shown_while_it_is_typed(tmp_path: Path, opened: Open) -> None:
    (tmp_path / ".x.draft").write_text(
        "".join(f"CONFIG_{name}_INSTALL=y\n" for name in ("CINDER", "SWIFT", "HEAT", "HORIZON"))
        + "CONFIG_CONTROLLER_HOST=198.18.0.10\nCONFIG_COMPUTE_HOSTS=198.18.0.10\nCONFIG_PROVISION_DEMO=n\n"
        "CONFIG_CEILOMETER_INSTALL=n\nCONFIG_AODH_INSTALL=n\nCONFIG_HORIZON_SSL=n\nCONFIG_NEUTRON_L2_AGENT=ovn\nCONFIG_NEUTRON_OVN_BRIDGE_IFACES=\nCONFIG_CINDER_BACKEND=ceph\n"
    )
    terminal = opened(*STACKWRIGHT, "answers", "interview", "x")
    terminal.expect("Admin password")
    terminal.hides()
    terminal.say("Tr0ub4dor\n")
    assert "Tr0ub4dor" not in terminal.expect("Repeat it")
    terminal.hides()
    terminal.say("Tr0ub4dur\n")
    terminal.expect("The two passwords differ.")
    terminal.expect("Admin password")
    for following in ("Repeat it", "Enter writes x"):
        terminal.hides()
        terminal.say("Tr0ub4dor\n")
        assert "Tr0ub4dor" not in terminal.expect(following)
    terminal.say("\n")
    terminal.expect("Wrote x.")
    assert answers.read([tmp_path / "x"])["CONFIG_KEYSTONE_ADMIN_PW"] == "Tr0ub4dor"


def _complete(shell: Terminal, typed: str, whole: str) -> None:
    """After TAB, the line that began with `typed` must be `whole`."""
    shell.say(typed + TAB)
    shell.expect(whole)
    shell.say(f"{CTRL_A}: \n")  # a command that does nothing with it
    shell.expect("ready> ")


LINES = [
    ("stackwright --os-neutron-l2", "stackwright --os-neutron-l2-agent="),
    ("stackwright --os-neutron-l2-agent=ov", "stackwright --os-neutron-l2-agent=ovn"),
    ("stackwright --valid", "stackwright --validate-answer-file"),
    ("stackwright sta", "stackwright status"),
    ("stackwright plan --ou", "stackwright plan --out"),
    ("stackwright answers mig", "stackwright answers migrate"),
    ("stackwright answers explain CONFIG_NOVA_INS", "stackwright answers explain CONFIG_NOVA_INSTALL"),
    ("stackwright answers check my-cl", "stackwright answers check my-cloud.txt"),
    ("stackwright --answer-file my-cl", "stackwright --answer-file my-cloud.txt"),
    ("stackwright lab sn", "stackwright lab snapshot"),
]


MORE = [
    ("stackwright check --skip-check ovs-h", "stackwright check --skip-check ovs-hostname"),
    ("stackwright plan --release bookw", "stackwright plan --release bookworm"),
    ("stackwright plan --color nev", "stackwright plan --color never"),
    ("stackwright test smo", "stackwright test smoke"),
    ("stackwright lab reset my-no", "stackwright lab reset my-node"),
]
"""Words after flags, scenarios and lab nodes."""


def _script(name: str) -> str:
    return completion.script(name, words(vocabulary()), values(), "/nosuch")


@pytest.mark.parametrize("name", ["bash", "zsh"])
def test_tab_completes_in_a_real_shell(name: str, tmp_path: Path, opened: Open) -> None:
    found = shutil.which(name)
    if not found:
        pytest.skip(f"no {name}")
    (tmp_path / "my-cloud.txt").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "_stackwright").write_text(_script(name))
    if name == "bash":
        shell, load = opened(found, "--norc", "--noprofile", "-i"), "source folder/_stackwright"
    else:
        shell, load = opened(found, "-f", "-i"), "fpath=($PWD/folder $fpath); autoload -U compinit; compinit -u -D"
    shell.say(f"{load}; PS1='rea''dy> '\n")
    shell.expect("ready> ")
    shell.say("export STACKWRIGHT_LAB_DIR=$PWD/lab\n")
    shell.expect("ready> ")
    (tmp_path / "lab/lab0/nodes/my-node").mkdir(parents=True)
    for typed, whole in [*LINES, *MORE]:
        _complete(shell, typed, whole)
