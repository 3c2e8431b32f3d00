"""How a host is reached: flags first, then ~/.ssh/config, then what SSH takes for granted."""

from __future__ import annotations

import getpass
from dataclasses import dataclass, field, replace
from pathlib import Path

import paramiko

from stackwright.model import ExitCode, StackwrightError


@dataclass(frozen=True)
class Host:
    """How one host is reached. Passwords are never printed."""

    name: str
    """As the answers call it."""
    address: str = ""
    """What is dialled; the name where empty."""
    user: str = "root"
    port: int = 22
    keys: tuple[Path, ...] = ()
    """Private keys; where empty, the agent's and the usual ones in ~/.ssh."""
    own_key: Path | None = None
    """A key of our own, tried before all others if it is there."""
    password: str = field(default="", repr=False)
    sudo_password: str = field(default="", repr=False)
    """The log-in password where empty."""
    jump: Host | None = None
    become: bool = True
    """Get root through sudo where the user is not root. Off only where no root is needed."""
    alias: str = ""
    """The name its key is known under (HostKeyAlias)."""
    agent: bool = True
    connect_timeout: float = 15.0
    known_hosts: tuple[Path, ...] = ()
    """Files that name its key, besides those that are looked at for every host (UserKnownHostsFile)."""

    @property
    def dialled(self) -> str:
        """The address or name that is dialled."""
        return self.address or self.name

    @property
    def known_as(self) -> str:
        """How known_hosts files call it."""
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
) -> Host:
    """The settings for a host of that name. What a flag gives wins over `config` (~/.ssh/config where None), and that
    over the defaults: root, port 22. Raises StackwrightError when the configuration cannot be read."""
    path = config if config is not None else Path.home() / ".ssh" / "config"
    return _settings(name, _load(path), user, port, keys, password, sudo_password, jump, depth=0)


def _load(path: Path) -> paramiko.SSHConfig:
    try:
        text = path.read_text() if path.is_file() else ""
        return paramiko.SSHConfig.from_text(text)
    except (OSError, UnicodeDecodeError, paramiko.ssh_exception.ConfigParseError) as error:
        raise StackwrightError(
            f"{path} cannot be read: {error}", "Correct that line, or name another file.", ExitCode.ENVIRONMENT
        ) from None


def _settings(
    name: str,
    config: paramiko.SSHConfig,
    user: str,
    port: int,
    keys: tuple[Path, ...],
    password: str,
    sudo_password: str,
    jump: str,
    depth: int,
) -> Host:
    try:
        found = config.lookup(name)
    except Exception as error:  # paramiko raises what its optional parts raise (Match exec, canonicalisation)
        raise StackwrightError(f"~/.ssh/config cannot be used for {name}: {error}", "", ExitCode.ENVIRONMENT) from None
    address = found.get("hostname", name)
    known = found.get("userknownhostsfile", "").split()
    via = jump or found.get("proxyjump", "")
    host = Host(
        name=name,
        address="" if address == name else address,
        user=user or found.get("user", "root"),
        port=port or int(found.get("port", 22)),
        keys=keys or tuple(Path(p).expanduser() for p in found.get("identityfile", [])),
        password=password,
        sudo_password=sudo_password,
        alias=found.get("hostkeyalias", ""),
        agent=found.get("identityagent", "") != "none",
        connect_timeout=float(found.get("connecttimeout", 15)),
        known_hosts=tuple(Path(p).expanduser() for p in known if p != "/dev/null"),
    )
    if not via or via == "none":
        return host
    if depth > 8:
        raise StackwrightError(f"the jump hosts of {name} lead in a circle", "Look at ProxyJump in ~/.ssh/config.")
    # a,b,c: a is dialled first. The last one is the direct neighbour of the host.
    first, _, last = via.rpartition(",")
    jump_user, jump_name, jump_port = _spec(last)
    # Passwords are the target's; a jump host is reached by key.
    hop = _settings(jump_name, config, jump_user, jump_port, keys, "", "", first, depth + 1)
    if not jump_user and "user" not in config.lookup(jump_name):
        hop = replace(hop, user=getpass.getuser())
    return replace(host, jump=replace(hop, become=False))


def _spec(text: str) -> tuple[str, str, int]:
    """(user, host, port) of `user@host:port`, `[v6]:port` or a bare name; port 0 where none is given."""
    text = text.strip().removeprefix("ssh://")
    user, _, rest = text.rpartition("@")
    if rest.startswith("["):
        name, _, port = rest[1:].partition("]")
        return user, name, int(port.removeprefix(":") or 0)
    name, colon, port = rest.partition(":")
    if colon and port.isdigit():
        return user, name, int(port)
    return user, rest, 0
