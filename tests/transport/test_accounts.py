"""Accounts of all kinds, with a real sshd, real shells and the real sudo: which work, and what is said of the others.

The sshd has /etc/passwd, /etc/sudoers and others of its own, in a mount namespace that ends with it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from stackwright.executor import puppet
from stackwright.executor.detached import Patience, run_detached
from stackwright.model import ExitCode, File, PuppetApply, StackwrightError
from stackwright.ssh import Connection, Host, LocalConnection, Trust, connect

from .conftest import SSHD, free_port, keygen

pytestmark = pytest.mark.slow  # many real accounts, shells and sudo rules

_UID = 61001
_PASSWORD = "pw-asked"
_HASH = "$6$stackwright$WHgxQXcA6jwpQg8e84DxCH1ZB4nHCYHJG4FHjF9dHqEpVm6SGv4LdDSM0b4qt43TPCyYnnbeqdWJcPA6lTJP1/"
"""That of _PASSWORD."""

_OUTSIDE = {
    "OS_AUTH_URL": "http://198.18.0.99:5000/v3",
    "OS_USERNAME": "admin",
    "OS_PASSWORD": "of-another-cloud",
    "OS_CLOUD": "another",
    "PYTHONPATH": "/nowhere/python",
    "PYTHONHOME": "/nowhere/python-home",
    "RUBYOPT": "-W0",
    "RUBYLIB": "/nowhere/ruby",
    "GEM_HOME": "/nowhere/gems",
    "BASH_ENV": "/nowhere/bash-env",
    "ENV": "/nowhere/env",
    "PERL5LIB": "/nowhere/perl",
    "FACTER_stackwright_test": "of-the-session",
    "PUPPET_STATEDIR": "/nowhere/puppet",
    "TMPDIR": "/nowhere/tmp",
    "LANG": "tlh_KX.UTF-8",
    "http_proxy": "http://198.18.0.98:3128",
    "NO_PROXY": "localhost",
}
"""What start-up files export. Only the proxies are to reach what a run starts."""

_REACHES = {"http_proxy", "NO_PROXY"}
_KNOWN = {"HOME", "LC_ALL", "LOGNAME", "PATH", "PYTHONNOUSERSITE", "USER", *_REACHES}
_OF_THE_SHELL = {"PWD", "OLDPWD", "SHLVL", "_", "SSH_CONNECTION"}


@dataclass
class Machine:
    """An sshd among accounts of its own."""

    folder: Path
    port: int
    key: Path

    def connect(self, user: str, sudo_password: str = "") -> Connection:
        host = Host("node", address="127.0.0.1", user=user, port=self.port, keys=(self.key,), agent=False,
                    sudo_password=sudo_password, connect_timeout=60)  # fmt: skip
        return connect(host, Trust(files=(), accept_new=True), base=str(self.folder / "state"))


@contextlib.contextmanager
def machine(shell: str = "/bin/bash", sudoers: str = "", environment: str = "", startup: str = "") -> Iterator[Machine]:
    """With the account `op`, who has this shell, and root, whose home is in the folder as well. `startup` is in the
    start-up files of both."""
    if os.geteuid() != 0 or not SSHD or not shutil.which("sudo"):
        pytest.skip("needs root, sshd and sudo")
    folder = Path(tempfile.mkdtemp(prefix="stackwright-accounts-"))  # others than root may not enter pytest's own
    try:
        folder.chmod(0o755)
        process, made = _start(folder, shell, sudoers, environment, startup)
        try:
            yield made
        finally:
            process.kill()
            process.wait()
    finally:
        shutil.rmtree(folder)


def _start(
    folder: Path, shell: str, sudoers: str, environment: str, startup: str
) -> tuple[subprocess.Popen[bytes], Machine]:
    for name, owner in (("root", 0), ("op", _UID)):
        home = folder / f"home-{name}"
        home.mkdir(mode=0o755)
        for file in (".bashrc", ".profile", ".zshenv", ".cshrc"):
            (home / file).write_text(startup)
        os.chown(home, owner, owner)
    passwd = [line for line in Path("/etc/passwd").read_text().splitlines() if not line.startswith("root:")]
    files = {
        "passwd": [
            f"root:x:0:0:root:{folder}/home-root:/bin/bash", f"op:x:{_UID}:{_UID}::{folder}/home-op:{shell}", *passwd
        ],
        "shadow": ["root:*:19000::::::", f"op:{_HASH}:19000::::::"],
        "group": [*Path("/etc/group").read_text().splitlines(), f"op:x:{_UID}:"],
        "sudoers": ["Defaults !lecture", "root ALL=(ALL) ALL", *sudoers.splitlines()],
        "environment": environment.splitlines(),
    }  # fmt: skip
    mounts = []
    for name, lines in files.items():
        (folder / name).write_text("".join(f"{line}\n" for line in lines))
        (folder / name).chmod(0o440 if name == "sudoers" else 0o600 if name == "shadow" else 0o644)
        if not Path(f"/etc/{name}").exists():
            continue
        mounts.append(f"mount --bind {folder}/{name} /etc/{name}")
    host_key, key, port = keygen(folder / "host_key"), keygen(folder / "user_key"), free_port()
    (folder / "authorized_keys").write_text(key.with_suffix(".pub").read_text())
    (folder / "config").write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {host_key}\nAuthorizedKeysFile {folder}/authorized_keys\n"
        "StrictModes no\nUsePAM yes\nPidFile none\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
        "PermitRootLogin yes\nPrintMotd no\nLogLevel ERROR\n"
    )
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    script = " && ".join([*mounts, f"exec {SSHD} -D -e -f {folder}/config"])
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(["unshare", "-m", "--propagation", "private", "sh", "-c", script], stderr=log)
    for _ in range(3000):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return process, Machine(folder, port, key)
        if process.poll() is not None:
            pytest.skip(f"needs a mount namespace: {(folder / 'log').read_text()}")
        time.sleep(0.02)
    process.kill()
    raise AssertionError((folder / "log").read_text())


_EVERYTHING = "op ALL=(ALL) NOPASSWD: ALL"


class TestShells:
    @pytest.mark.parametrize("shell", ["bash", "dash", "zsh", "ksh", "tcsh", "fish"])
    def test_each_of_these_works(self, shell: str) -> None:
        path = shutil.which(shell)
        if not path:
            pytest.skip(f"{shell} is not installed")
        script = "cat <<'END'\nit's \"$HOME\" \\n !x\nEND\nid -u; cat\n"
        with machine(path, _EVERYTHING) as there, there.connect("op") as connection:
            got = connection.run(script, data=b"input\n")
            assert (got.exit, got.out) == (0, 'it\'s "$HOME" \\n !x\n0\ninput\n')
            own = connection.run_as_user("id -un\ncat; echo ~", data=b"input\n")
            assert (own.exit, own.out) == (0, f"op\ninput\n{there.folder}/home-op\n")
            target = there.folder / "made by root"
            assert connection.put([File(str(target), b"x\n", 0o600)]) == (str(target),)
            assert run_detached(connection, "it", "d1", [("script", b"id -u\nexit 3\n", 0o600)], Patience(60),
                                on_line=lambda _: None, on_note=lambda *_: None).exit == 3  # fmt: skip

    @pytest.mark.parametrize(
        ("shell", "printed"),
        [
            ("/usr/sbin/nologin", "it printed 'This account is currently not available.'"),
            ("/bin/false", "it ended with exit status 1"),
            ("/bin/rbash", "restricted"),
        ],
    )
    def test_one_that_runs_no_commands_is_the_reason(self, shell: str, printed: str) -> None:
        with machine(shell, _EVERYTHING) as there, pytest.raises(StackwrightError) as caught:
            there.connect("op")
        assert caught.value.code == ExitCode.UNREACHABLE
        assert "node: the login shell of op does not run commands: " in caught.value.message
        assert printed in caught.value.message
        assert "usermod -s /bin/bash op" in caught.value.hint

    def test_start_up_files_that_print_are_the_reason(self) -> None:
        with machine(sudoers=_EVERYTHING, startup="echo welcome") as there, pytest.raises(StackwrightError) as caught:
            there.connect("op")
        assert "the start-up files of the login shell printed 'welcome'" in caught.value.message
        assert caught.value.code == ExitCode.UNREACHABLE


class TestSudo:
    @pytest.mark.parametrize(
        "rules",
        [
            _EVERYTHING,
            "op ALL=(root) NOPASSWD: /bin/true, ALL",
            f"Defaults !env_reset, !always_set_home\n{_EVERYTHING}",
            f"Defaults use_pty\n{_EVERYTHING}",
        ],
    )
    def test_rules_without_a_password(self, rules: str) -> None:
        with machine(sudoers=rules) as there, there.connect("op") as connection:
            assert connection.run("id -u; echo ~").out == f"0\n{there.folder}/home-root\n"

    @pytest.mark.parametrize("rules", ["op ALL=(ALL) ALL", "op ALL=(ALL) ALL, NOPASSWD: /bin/true"])
    def test_rules_with_a_password(self, rules: str) -> None:
        with machine(sudoers=rules) as there:
            with there.connect("op", _PASSWORD) as connection:
                assert connection.run("id -u; cat", data=b"input\n").out == "0\ninput\n"
            for given, said in (("", "sudo needs the password of op"), ("wrong", "sudo rejects the password of op")):
                with pytest.raises(StackwrightError, match=said) as caught:
                    there.connect("op", given)
                assert caught.value.code == ExitCode.UNREACHABLE

    @pytest.mark.parametrize("given", ["", _PASSWORD])
    @pytest.mark.parametrize(
        ("rules", "password_said", "said"),
        [
            (
                "op ALL=(root) NOPASSWD: /usr/bin/apt, /bin/true",
                "",
                "as root; it allows: /usr/bin/apt,",
            ),
            ("op ALL=(root) /usr/bin/apt", "as root; it allows: not /bin/sh", "or does not allow"),
            ("op ALL=(nobody) NOPASSWD: ALL", "", "as root; it allows: "),
            ("", "op is not allowed to use sudo", "or does not allow"),
            (f"Defaults requiretty\n{_EVERYTHING}", "", "requiretty"),
            (f"Defaults:op noexec\n{_EVERYTHING}", "", "sudo does not make op root: "),
        ],
    )
    def test_rules_that_are_not_enough_are_named_at_once(
        self, rules: str, given: str, password_said: str, said: str
    ) -> None:
        with machine(sudoers=rules) as there, pytest.raises(StackwrightError) as caught:
            there.connect("op", given)
        assert caught.value.code == ExitCode.UNREACHABLE
        assert (password_said if given and password_said else said) in caught.value.message
        assert caught.value.hint


class TestEnvironment:
    """Nothing that the log-in session exports reaches what a run starts."""

    _START_UP = "".join(f"export {name}='{value}'\n" for name, value in _OUTSIDE.items())
    _FILE = "".join(f"{name}={value}\n" for name, value in _OUTSIDE.items())
    _RULES = f'Defaults !env_reset\nDefaults env_keep += "*"\n{_EVERYTHING}'

    @pytest.mark.parametrize("user", ["root", "op"])
    @pytest.mark.parametrize("startup", [_START_UP, ""], ids=["start-up file", "environment file"])
    def test_of_scripts_and_runs(self, user: str, startup: str) -> None:
        environment = "" if startup else self._FILE
        with machine("/bin/bash", self._RULES, environment, startup) as there, there.connect(user) as connection:
            got = _variables(connection.run("env").out)
            assert set(got) - _OF_THE_SHELL == _KNOWN
            assert got["HOME"] == f"{there.folder}/home-root"
            assert "nowhere" not in str(got)
            lines: list[str] = []
            run_detached(connection, "env", "d1", [("script", b"env; umask", 0o600)], Patience(60),
                         on_line=lines.append, on_note=lambda *_: None)  # fmt: skip
            inside = _variables("\n".join(lines))
            spellings = {"HTTP_PROXY", "no_proxy"}  # of what the host has set in the other one
            assert set(inside) - _OF_THE_SHELL == {*_KNOWN, *spellings, "STACKWRIGHT_RUN", "STACKWRIGHT_BASE"}

    def test_of_puppet(self) -> None:
        if not shutil.which("puppet"):
            pytest.skip("Puppet is not installed")
        manifest = (
            "notice(\"fact ${facts['stackwright_test']}\")\n"
            "exec { '/usr/bin/env': logoutput => true, path => '/usr/bin:/bin' }\n"
        )
        action = PuppetApply("p", manifest, "", "/usr/share/puppet/modules")
        lines: list[str] = []
        with machine("/bin/bash", startup=self._START_UP) as there, there.connect("root") as connection:
            ended = run_detached(connection, "puppet", "d1", puppet.inputs(action), Patience(300),
                                 on_line=lines.append, on_note=lambda *_: None)  # fmt: skip
        said = "\n".join(lines)
        assert ended.exit in (0, 2), said
        assert "fact \n" in said
        assert "PYTHONNOUSERSITE=1" in said
        for name in set(_OUTSIDE) - _REACHES - {"LANG"}:  # Puppet itself sets that one
            assert f"{name}=" not in said

    def test_of_this_machine(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        for name, value in _OUTSIDE.items():
            monkeypatch.setenv(name, value)
        with LocalConnection("node", become=False, base=str(tmp_path)) as connection:
            got = _variables(connection.run("env").out)
        assert set(got) - _OF_THE_SHELL <= _KNOWN
        assert got.keys() >= _REACHES


def _variables(text: str) -> dict[str, str]:
    return {name: value for name, equals, value in (line.partition("=") for line in text.splitlines()) if equals}
