"""The first time on a host: a password that is asked for once, and a host key that is shown and pinned."""

from __future__ import annotations

import contextlib
import getpass
import os
import pty
import re
import select
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import stackwright
from stackwright import cli
from stackwright.model import ExitCode, StackwrightError
from stackwright.operations import apply
from stackwright.state.directory import Access, StateDir

from .conftest import KEYGEN, Sshd, free_port, keygen
from .password_server import PasswordServer

pytestmark = pytest.mark.slow  # commands on a terminal

ROOT = Path(stackwright.__file__).parents[1]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PasswordServer]:
    if not KEYGEN:
        pytest.skip("openssh-client is not installed")
    (tmp_path / "remote home").mkdir()
    made = PasswordServer(tmp_path / "remote home", "pw-once", keygen(tmp_path / "host_key"))
    yield made
    made.close()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No keys of whoever runs the tests."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return folder


def hosts(server: PasswordServer, tmp_path: Path, password: str = "") -> apply.Hosts:
    access = Access(user=getpass.getuser(), port=server.port)
    return apply.Hosts(access, StateDir(tmp_path / "state"), accept_new=True, password=password, over_ssh=True)


class TestPassword:
    def test_it_is_needed_once(self, server: PasswordServer, tmp_path: Path) -> None:
        with pytest.raises(StackwrightError, match=r"login as .* refused"), hosts(server, tmp_path) as without:
            without.connect("127.0.0.1")
        with hosts(server, tmp_path, "pw-once") as first:
            assert first.connect("127.0.0.1").run_as_user("echo in").out == "in\n"
        with hosts(server, tmp_path) as later:
            assert later.connect("127.0.0.1").run_as_user("echo in").out == "in\n"
        assert server.logins == ["password", "key"]
        key = tmp_path / "state" / "id_ed25519"
        assert key.stat().st_mode & 0o777 == 0o600
        lines = (server.home / ".ssh" / "authorized_keys").read_text().splitlines()
        assert lines == [key.with_suffix(".pub").read_text().strip()]
        assert "pw-once" not in "".join(p.read_text() for p in (tmp_path / "state").iterdir())

    def test_a_key_of_the_person_s_own_is_let_in_as_well(self, server: PasswordServer, tmp_path: Path) -> None:
        mine = keygen(tmp_path / "mine")
        with hosts(server, tmp_path, "pw-once") as first:
            first.public_key = mine.with_suffix(".pub")
            first.connect("127.0.0.1")
        lines = (server.home / ".ssh" / "authorized_keys").read_text()
        assert mine.with_suffix(".pub").read_text() in lines
        assert len(lines.splitlines()) == 2

    def test_where_a_key_is_let_in_nothing_is_installed(self, server: PasswordServer, tmp_path: Path) -> None:
        mine = keygen(tmp_path / "mine")
        (server.home / ".ssh").mkdir()
        (server.home / ".ssh" / "authorized_keys").write_text(mine.with_suffix(".pub").read_text())
        with hosts(server, tmp_path, "pw-once") as first:
            first.access = Access(user=getpass.getuser(), port=server.port, keys=(str(mine),))
            first.connect("127.0.0.1")
        assert server.logins == ["key"]
        assert len((server.home / ".ssh" / "authorized_keys").read_text().splitlines()) == 1

    def test_a_wrong_one_is_refused_and_installs_nothing(self, server: PasswordServer, tmp_path: Path) -> None:
        with (
            pytest.raises(StackwrightError, match=r"tried: .*the password") as caught,
            hosts(server, tmp_path, "pw-wrong") as first,
        ):
            first.connect("127.0.0.1")
        assert caught.value.code == ExitCode.UNREACHABLE
        assert "pw-wrong" not in caught.value.message + caught.value.hint
        assert "check the password, and whether" in caught.value.hint
        assert "--ask-password" not in caught.value.hint, "that is what was done"
        assert not (server.home / ".ssh").exists()

    def test_a_home_that_cannot_be_written_says_so(self, server: PasswordServer, tmp_path: Path) -> None:
        (server.home / ".ssh").write_text("a file in the folder's place")
        with (
            pytest.raises(StackwrightError, match="cannot install the key") as caught,
            hosts(server, tmp_path, "pw-once") as first,
        ):
            first.connect("127.0.0.1")
        assert "authorized_keys" in caught.value.hint


def test_the_command_asks_for_it_on_the_terminal(server: PasswordServer, home: Path) -> None:
    file = home / "cloud.answers"
    file.write_text(
        "CONFIG_CONTROLLER_HOST=127.0.0.1\nCONFIG_COMPUTE_HOSTS=127.0.0.1\nCONFIG_NETWORK_HOSTS=127.0.0.1\n"
    )
    words = ["check", "-a", str(file), "--over-ssh", "--user", getpass.getuser(), "--port", str(server.port)]
    words.append("--accept-new-host-keys")
    _, seen = on_a_terminal([*words, "--ask-password"], {"SSH password: ": "pw-once"}, home)
    assert "refused" not in seen
    assert "pw-once" not in seen, "what is typed is not echoed"
    _, seen = on_a_terminal(words, {}, home)
    assert "refused" not in seen
    assert server.logins == ["password", "key"]


def on_a_terminal(
    words: list[str], answers: dict[str, str], home: Path, after: Callable[[int], object] = lambda _: None
) -> tuple[int, str]:
    """Runs the command on a pseudo-terminal, and types an answer when its question is seen. `after` looks at the
    terminal when it has ended."""
    master, slave = pty.openpty()
    environment = {**os.environ, "HOME": str(home), "PYTHONPATH": str(ROOT), "STACKWRIGHT_STATE": str(home / "state")}
    process = subprocess.Popen(
        [sys.executable, "-m", "stackwright", *words],
        stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True,
        preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)),
    )  # fmt: skip
    os.close(slave)
    seen, left = "", dict(answers)
    with contextlib.suppress(OSError):  # the other side was closed: it has ended
        while True:
            if not select.select([master], [], [], 120)[0]:
                break
            data = os.read(master, 65536)
            if not data:
                break
            seen += data.decode(errors="replace")
            for question in [q for q in left if q in seen]:
                os.write(master, (left.pop(question) + "\n").encode())
    code = process.wait()
    after(master)
    os.close(master)
    return code, re.sub(r"\x1b\[[0-9;]*m", "", seen).replace("\r\n", "\n")


class TestHostKeyOnATerminal:
    """The whole command against a real sshd."""

    def words(self, sshd: Sshd, home: Path) -> list[str]:
        file = home / "cloud.answers"
        if not file.exists():
            file.write_text(
                "CONFIG_CONTROLLER_HOST=127.0.0.1\nCONFIG_COMPUTE_HOSTS=127.0.0.1\nCONFIG_NETWORK_HOSTS=127.0.0.1\n"
            )
        access = ["--over-ssh", "--user", getpass.getuser(), "--port", str(sshd.port), "--ssh-key", str(sshd.key)]
        return ["check", "-a", str(file), *access]

    def fingerprint(self, sshd: Sshd) -> str:
        assert KEYGEN
        shown = subprocess.run([KEYGEN, "-lf", str(sshd.host_key)], capture_output=True, text=True, check=True).stdout
        return shown.split()[1]

    def test_it_is_shown_asked_for_once_and_pinned(self, sshd: Sshd, home: Path) -> None:
        question = "Accept it? (yes/no/all)"
        code, seen = on_a_terminal(self.words(sshd, home), {question: "no"}, home)
        assert code == ExitCode.UNREACHABLE
        assert f"ED25519 {self.fingerprint(sshd)}" in " ".join(seen.split())
        assert "the host key is unknown" in seen
        pins = home / "state" / "127.0.0.1" / "known_hosts"
        assert not pins.exists()
        _, seen = on_a_terminal(self.words(sshd, home), {question: "yes"}, home)
        assert "the host key" not in seen
        assert pins.read_text() == sshd.known_hosts_line
        _, seen = on_a_terminal(self.words(sshd, home), {}, home)
        assert question not in seen
        assert "the host key" not in seen

    def test_a_changed_one_is_refused_with_the_command_that_helps(self, sshd: Sshd, home: Path) -> None:
        _, seen = on_a_terminal([*self.words(sshd, home), "--accept-new-host-keys"], {}, home)
        assert "the host key" not in seen
        sshd.host_key.unlink()
        keygen(sshd.host_key)
        sshd.restart()
        code, seen = on_a_terminal([*self.words(sshd, home), "--accept-new-host-keys"], {}, home)
        assert code == ExitCode.UNREACHABLE
        assert "the host key has changed" in seen
        command = " ".join(seen.split("hint: ")[1].split()).split("`")[1]
        assert command.startswith("ssh-keygen -R")
        subprocess.run(command, shell=True, check=True, capture_output=True)  # noqa: S602
        _, seen = on_a_terminal(self.words(sshd, home), {"Accept it? (yes/no/all)": "yes"}, home)
        assert "the host key" not in seen

    def test_a_passphrase_is_asked_for_and_neither_shown_nor_kept(self, sshd: Sshd, home: Path) -> None:
        assert KEYGEN
        subprocess.run([KEYGEN, "-q", "-p", "-P", "", "-N", "pw-of-the-key", "-f", str(sshd.key)], check=True)
        words = [*self.words(sshd, home), "--accept-new-host-keys"]
        code, seen = on_a_terminal(words, {f"passphrase of {sshd.key}: ": "pw-of-the-key"}, home)
        assert "refused" not in seen, seen
        assert seen.count("passphrase of") == 1
        assert code != ExitCode.UNREACHABLE
        kept = [path for path in (home / "state").rglob("*") if path.is_file()]
        assert kept
        assert "pw-of-the-key" not in seen + "".join(path.read_text() for path in kept)

    @pytest.mark.parametrize("question", ["passphrase of", "Accept it?"])
    def test_ctrl_c_at_a_question_leaves_at_once_and_the_terminal_as_it_was(
        self, sshd: Sshd, home: Path, question: str
    ) -> None:
        assert KEYGEN
        subprocess.run([KEYGEN, "-q", "-p", "-P", "", "-N", "pw-of-the-key", "-f", str(sshd.key)], check=True)
        pins = ["--known-hosts", str(sshd.known().files[0])] if question.startswith("pass") else []
        echoes: list[int] = []
        code, seen = on_a_terminal(
            [*self.words(sshd, home), *pins], {question: "\x03"}, home,
            after=lambda terminal: echoes.append(termios.tcgetattr(terminal)[3] & termios.ECHO),
        )  # fmt: skip
        assert question in seen
        assert code == ExitCode.INTERRUPTED, seen
        assert "Fatal" not in seen
        assert echoes == [termios.ECHO]

    def test_how_a_host_was_reached_is_not_kept_by_commands_that_only_look(
        self, sshd: Sshd, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A successful run keeps it (tests/unit/test_access.py): a wrong flag must not come back by itself."""
        monkeypatch.setenv("STACKWRIGHT_STATE", str(home / "state"))
        words = self.words(sshd, home)
        kept = home / "state" / "127.0.0.1" / "access.json"
        known = ["--known-hosts", str(sshd.known().files[0])]
        lost = {ExitCode.UNREACHABLE, ExitCode.ENVIRONMENT}
        for wrong in ("gate:port", f"127.0.0.1:{free_port()}"):
            assert cli.main([*words, *known, "--jump", wrong]) in lost
            assert not kept.exists()
        assert cli.main([*words, *known]) not in lost
        assert not kept.exists()

    def test_unknown_host_keys_are_refused_without_a_terminal(
        self, sshd: Sshd, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("STACKWRIGHT_STATE", str(home / "state"))
        assert cli.main(self.words(sshd, home)) == ExitCode.UNREACHABLE
        assert "--accept-new-host-keys" in capsys.readouterr().err
