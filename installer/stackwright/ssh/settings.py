"""How a host is reached: flags first, then ~/.ssh/config, then defaults."""

from __future__ import annotations

import getpass
import os
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from stackwright.model import ExitCode, StackwrightError

from .config import lookup


@dataclass(frozen=True)
class Host:
    """How one host is reached. Passwords are never printed."""

    name: str
    """The name in the answers."""
    address: str = ""
    """The address to connect to; if empty, the name."""
    user: str = "root"
    port: int = 22
    keys: tuple[Path, ...] = ()
    """Private keys; if empty, the agent's keys and the default ones in ~/.ssh."""
    own_key: Path | None = None
    """The cloud's own key, tried before all others if the file exists."""
    password: str = field(default="", repr=False)
    sudo_password: str = field(default="", repr=False)
    """If empty, the login password."""
    jump: Host | None = None
    become: bool = True
    """Use sudo if the user is not root. False only for jump hosts, which need no root."""
    alias: str = ""
    """The name of the host in known_hosts files (HostKeyAlias)."""
    agent: bool = True
    agent_socket: str = ""
    """The agent's socket (IdentityAgent); if empty, SSH_AUTH_SOCK."""
    only_keys: bool = False
    """Use only those of the agent's keys that are in `keys` (IdentitiesOnly)."""
    passphrase: Callable[[Path], str] | None = field(default=None, repr=False, compare=False)
    """Asks a person for the passphrase of a key."""
    proxy: str = ""
    """A command whose input and output are connected to the host's sshd (ProxyCommand)."""
    connect_timeout: float = 15.0
    known_hosts: tuple[Path, ...] = ()
    """Additional known_hosts files for this host (UserKnownHostsFile)."""

    @property
    def dialled(self) -> str:
        """The address or name to connect to."""
        return self.address or self.name

    @property
    def known_as(self) -> str:
        """The name of the host in known_hosts files."""
        if self.alias:
            return self.alias
        return self.dialled if self.port == 22 else f"[{self.dialled}]:{self.port}"


def settings(
    name: str,
    *,
    user: str = "",
    port: int = 0,
    keys: tuple[Path, ...] = (),
    password: str = "",
    sudo_password: str = "",
    jump: str = "",
    config: Path | None = None,
    passphrase: Callable[[Path], str] | None = None,
) -> Host:
    """The settings of a host. The arguments (from flags) override `config` (default: ~/.ssh/config), which overrides
    the defaults: root, port 22. Raises StackwrightError if the configuration cannot be read."""
    path = config if config is not None else Path.home() / ".ssh" / "config"
    host = Host(name, user=user, port=port, keys=keys, password=password, sudo_password=sudo_password)
    return _settings(replace(host, passphrase=passphrase), path, jump, "root", depth=0)


def _settings(given: Host, path: Path, jump: str, usual_user: str, depth: int) -> Host:
    """`given`, with settings of the configuration where `given` has none."""
    name = given.name
    found = lookup(path, name, user=given.user, port=given.port)
    if "user" not in found:
        found = lookup(path, name, user=usual_user, port=given.port)  # conditions may depend on it

    def text(option: str, default: str = "") -> str:
        value = found.get(option, default)
        return value if isinstance(value, str) else value[0]

    address = text("hostname", name)
    identities = found.get("identityfile", [])
    agent = text("identityagent")
    host = replace(
        given,
        address="" if address == name else address,
        user=given.user or text("user"),
        port=given.port or _port(text("port", "22"), f"{path}: Port of {name}"),
        keys=given.keys or tuple(Path(p).expanduser() for p in identities if p.lower() != "none"),
        alias=text("hostkeyalias"),
        agent=agent.lower() != "none",
        agent_socket=_socket(agent),
        only_keys=text("identitiesonly").lower() == "yes",
        connect_timeout=_seconds(text("connecttimeout")) or given.connect_timeout,
        known_hosts=tuple(Path(p).expanduser() for p in _words(text("userknownhostsfile")) if p != "/dev/null"),
    )
    via = jump or text("proxyjump")
    if not via or via.lower() == "none" or _leads_to(via, host):
        command = text("proxycommand")
        return host if jump or not command or command.lower() == "none" else replace(host, proxy=command)
    if depth > 8:
        raise StackwrightError(f"the jump hosts of {name} form a loop", "check ProxyJump in ~/.ssh/config")
    # a,b,c: a is the first hop, c the last before the host.
    first, _, last = via.rpartition(",")
    jump_user, jump_name, jump_port = _spec(last)
    # Passwords are only for the target; jump hosts need a key.
    hop = Host(jump_name, user=jump_user, port=jump_port, keys=given.keys, passphrase=given.passphrase)
    return replace(host, jump=replace(_settings(hop, path, first, getpass.getuser(), depth + 1), become=False))


def _leads_to(via: str, host: Host) -> bool:
    """Whether a jump host would be reached through itself, as with ProxyJump in `Host *`."""
    _, name, port = _spec(via)
    return name in (host.name, host.dialled) and port in (0, host.port)


def _spec(text: str) -> tuple[str, str, int]:
    """(user, host, port) of `user@host:port`, `[v6]:port` or a bare name; port 0 where none is given."""
    text = text.strip().removeprefix("ssh://").rstrip("/")
    user, _, rest = text.rpartition("@")
    if rest.startswith("["):
        name, _, port = rest[1:].partition("]")
    elif rest.count(":") == 1:
        name, _, port = rest.partition(":")
    else:
        name, port = rest, ""  # an IPv6 address without brackets has several colons
    if not name:
        raise StackwrightError(
            f"{text!r} is not a jump host",
            "write it as [user@]host[:port]",
            ExitCode.ENVIRONMENT,
        )
    port = port.removeprefix(":")
    return user, name, _port(port, f"the port of the jump host {name}") if port else 0


def _port(text: str, what: str) -> int:
    if text.isdecimal() and 0 < int(text) < 65536:
        return int(text)
    raise StackwrightError(f"{what} is {text!r}", "use a port number from 1 to 65535", ExitCode.ENVIRONMENT)


_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def _seconds(text: str) -> float:
    """A time in the format of OpenSSH (90, 1m30s) in seconds; 0 if there is none, or for an invalid one."""
    if not re.fullmatch(r"(\d+[smhdw]?)+", text.lower()):
        return 0.0
    return float(sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+)([smhdw]?)", text.lower())))


def _socket(text: str) -> str:
    """The socket in IdentityAgent; empty for the default one."""
    if text.lower() in ("", "none", "ssh_auth_sock"):
        return ""
    return os.environ.get(text[1:], "") if text.startswith("$") else str(Path(text).expanduser())


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()
