"""Getting a known environment, and root: what a host's shell and sudo are asked, and what their answers mean."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import Literal

from stackwright.model import ExitCode, StackwrightError

from .channel import Result

_PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy")
_KEPT = (*_PROXIES, *(name.upper() for name in _PROXIES), "SSH_CONNECTION")
"""Variables of the session that scripts see: the host's proxies, which its downloads need, and the port of its sshd."""

_PATH = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"
"""The distribution's programs win: /usr/local may have another python3 or openstack."""

_FIXED = {"LC_ALL": "C.UTF-8", "PYTHONNOUSERSITE": "1"}

_MARK = "stackwright-uid "


def command(script_length: int, *, as_root: bool = False) -> str:
    """The command line that runs a script of so many bytes, which comes on standard input, in a known environment.

    A login shell of any kind, bash, tcsh or fish, takes this line: it is one line of words in single quotes without
    `!` and backslashes. Nothing that start-up files or /etc/environment export reaches the script, except `_KEPT`. With
    `as_root`, HOME is root's and PATH the distribution's; else both are also those of the session.
    """
    kept = [f'${{{name}+"{name}=${name}"}}' for name in _KEPT]
    fixed = [f"{name}={value}" for name, value in _FIXED.items()]
    if as_root:
        first, own = "HOME=~root; ", [f"PATH={_PATH}", "USER=root", "LOGNAME=root"]
    else:
        first, own = "", [f'PATH="{_PATH}:$PATH"']
    start = " ".join(["exec /usr/bin/env -i", *kept, *fixed, *own, 'HOME="$HOME"', '/bin/sh -c "$0"'])
    read = f'umask 022; eval "$(head -c {script_length})"'
    return f"/bin/sh -c '{first}{start}' '{read}'"


@dataclass(frozen=True)
class Way:
    """How root can be had on a host."""

    kind: Literal["root", "free", "password"]
    """By being it, through sudo without a password, or through sudo with one."""
    sudo: str = ""
    """The path of sudo, quoted for a shell."""

    @property
    def prefix(self) -> str:
        """What goes before a command to run it as root."""
        if self.kind == "root":
            return ""
        return f"{self.sudo} -n " if self.kind == "free" else f"{self.sudo} -k -S -p '' "


def way(host: str, user: str, said: Result) -> Way:
    """What `root_probe.sh` printed. `user` is who logged in, empty for who runs this program. Raises
    StackwrightError(UNREACHABLE) that says why there is no root: the login shell, no sudo, or its rules."""
    if not said.out.startswith(_MARK):
        raise _shell_trouble(host, user, said)
    lines = said.out.splitlines()
    if lines[0] == f"{_MARK}0":
        return Way("root")
    told = [(key, value) for key, _, value in (line.partition(" ") for line in lines)]
    one = dict(reversed(told))
    who = user or "this user"
    if not one.get("sudo"):
        raise _unreachable(
            f"{host}: {who} is not root, and sudo is not installed",
            f"{'log in as root (`--user root`)' if user else 'run as root'}, or install sudo on the host "
            "and allow that user to use it",
        )
    sudo = shlex.quote(one["sudo"])
    if one.get("became") == "0":
        return Way("free", sudo)
    why = one.get("why", "").removeprefix("sudo: ").strip()
    allowed = [value for key, value in told if key == "allowed"]
    if allowed and not _everything(allowed):
        raise _limited(host, who, "; ".join(_commands(line) for line in allowed))
    if re.search("password|authentication", why) or not why:
        return Way("password", sudo)
    raise _refused(host, who, why)


def check_password(host: str, user: str, said: Result) -> None:
    """Raises StackwrightError(UNREACHABLE) unless sudo took the password and `id -u` printed that of root."""
    if said.ok and said.out.split() == ["0"]:
        return
    who, why = user or "this user", said.err.strip()
    if "not in the sudoers" in why or "may not run sudo" in why:
        raise _unreachable(
            f"{host}: {who} is not allowed to use sudo",
            f"run as root on the host: `usermod -aG sudo {who}` (Debian) or `usermod -aG wheel {who}` (CentOS)",
        )
    if "not allowed" in why or "may not run" in why:
        raise _limited(host, who, "not /bin/sh")
    if not said.ok and re.search("Sorry, try again|incorrect password|no password was provided|is required", why):
        raise _unreachable(
            f"{host}: sudo rejects the password of {who}", "enter the right password with `--ask-sudo-password`"
        )
    raise _refused(host, who, why.splitlines()[-1].removeprefix("sudo: ") if why else f"user {said.out.strip()}")


def no_password(host: str, user: str) -> StackwrightError:
    """sudo asks for a password, and none was given."""
    who = user or "this user"
    return _unreachable(
        f"{host}: sudo needs the password of {who}, or does not allow that user to run /bin/sh as root",
        f"use `--ask-sudo-password`, or put this line into /etc/sudoers.d/stackwright on the host: {_rule(who)}",
    )


def _unreachable(message: str, hint: str) -> StackwrightError:
    return StackwrightError(message, hint, ExitCode.UNREACHABLE)


def _rule(who: str) -> str:
    return f"`{who if who != 'this user' else 'USER'} ALL=(ALL) NOPASSWD: ALL`"


def _shell_trouble(host: str, user: str, said: Result) -> StackwrightError:
    text = (said.out.partition(_MARK)[0] + said.err).strip()[:300]
    who = user or "this user"
    if re.search(r"password.{0,40}expired|expired.{0,40}password|change your password", text, re.I | re.S):
        return _unreachable(
            f"{host}: the password of {who} has expired",
            f"log in (`ssh {user or 'USER'}@{host}`) and set a new one",
        )
    if _MARK in said.out:
        return _unreachable(
            f"{host}: cannot run commands: the start-up files of the login shell printed {text!r}",
            "change the start-up files of the account (.bashrc, .cshrc, .profile) so that they print nothing when "
            "there is no terminal",
        )
    return _unreachable(
        f"{host}: the login shell of {who} does not run commands: "
        + (f"it printed {text!r}" if text else f"it ended with exit status {said.exit}"),
        f"give the account a shell that runs commands (`usermod -s /bin/bash {user or 'USER'}` as root on the host), "
        "or log in as another user with `--user`",
    )


def _limited(host: str, who: str, allowed: str) -> StackwrightError:
    return _unreachable(
        f"{host}: sudo does not allow {who} to run all commands as root; it allows: {allowed}",
        f"put this line into /etc/sudoers.d/stackwright on the host: {_rule(who)}; or log in as root",
    )


def _refused(host: str, who: str, why: str) -> StackwrightError:
    if "tty" in why or "terminal" in why:
        return _unreachable(
            f"{host}: sudo requires a terminal (`requiretty`)",
            f"add as root on the host, with `visudo`: `Defaults:{who} !requiretty`",
        )
    return _unreachable(
        f"{host}: sudo does not make {who} root: {why}",
        f"see that `sudo -n /bin/sh -c 'id -u'` prints 0 for {who} on the host, or log in as root",
    )


def _commands(line: str) -> str:
    """The commands of one line of `sudo -l`: "(root) NOPASSWD: /usr/bin/apt, /bin/true"."""
    return re.sub(r"\b[A-Z_]+: ?", "", re.sub(r"^\([^)]*\) *", "", line)).strip()


def _everything(allowed: list[str]) -> bool:
    """Whether one of these lines lets a user run every command as root."""
    for line in allowed:
        run_as = re.match(r"\(([^):]*)", line)
        users = {user.strip() for user in run_as[1].split(",")} if run_as else set()
        if users & {"root", "ALL"} and "ALL" in re.split(r"\s*,\s*", _commands(line)):
            return True
    return False
