"""The connections to the hosts of a cloud; opened at the first use, and reused."""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from stackwright import ssh
from stackwright.model import ExitCode, StackwrightError
from stackwright.ssh import parallel
from stackwright.state import directory


def own_addresses() -> frozenset[str]:
    """The addresses and names under which answer files may refer to this machine."""
    names = {"localhost", "127.0.0.1", "::1", socket.gethostname(), socket.getfqdn()}
    try:
        shown = subprocess.run(["ip", "-o", "addr"], capture_output=True, text=True, check=False).stdout
    except OSError:  # iproute2 is not required here
        shown = ""
    names |= {line.split()[3].partition("/")[0] for line in shown.splitlines() if len(line.split()) > 3}
    return frozenset(names)


@dataclass
class Hosts:
    """Connections to the hosts of a cloud, opened at the first use; this machine is used without SSH."""

    access: directory.Access
    state: directory.StateDir
    accept_new: bool = False
    confirm: Callable[[str, str, str], bool] | None = None
    password: str = field(default="", repr=False)
    sudo_password: str = field(default="", repr=False)
    over_ssh: bool = False
    """Use SSH for this machine too."""
    passphrase: Callable[[Path], str] | None = None
    """Asks a person for the passphrase of a key; each is asked for once."""
    public_key: Path | None = None
    """A public key of the user. It is installed on hosts where a password was needed, beside the cloud's own key."""
    installs_keys: bool = True
    """Whether keys are installed on hosts where a password was needed."""
    _open: dict[str, ssh.Connection] = field(default_factory=dict)
    _jumps: ssh.Jumps | None = None
    _asking: threading.Lock = field(default_factory=threading.Lock)
    _locks: dict[str, threading.Lock] = field(default_factory=dict)
    """One lock per host, held while connecting."""
    _naming: threading.Lock = field(default_factory=threading.Lock)
    _closed: bool = False
    _phrases: dict[Path, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        parallel.allow_many_files()
        self._jumps = ssh.Jumps()
        files = tuple(Path(p) for p in self.access.known_hosts)
        usual = ssh.Trust().files
        self._trust = ssh.Trust(
            pins=self.state.make() / "known_hosts",
            files=(*files, *usual),
            accept_new=self.accept_new,
            confirm=self.confirm,
        )
        self._own = frozenset() if self.over_ssh else own_addresses()
        self._key = self.state.folder / "id_ed25519"
        if self.password and self.installs_keys:
            ssh.own_key(self._key, f"stackwright@{socket.gethostname()}")

    def _settings(self, name: str) -> ssh.Host:
        return ssh.settings(
            name,
            user=self.access.user,
            port=self.access.port,
            keys=tuple(Path(k) for k in self.access.keys),
            password=self.password,
            sudo_password=self.sudo_password,
            jump=self.access.jump,
            passphrase=self._phrase if self.passphrase else None,
        )

    def _phrase(self, key: Path) -> str:
        with self._asking:
            if key not in self._phrases and self.passphrase:
                self._phrases[key] = self.passphrase(key)
            return self._phrases[key]

    def reached(self, name: str) -> str:
        """How a host is reached, for people."""
        return "this machine, without SSH" if name in self._own else f"SSH as {self._settings(name).user}"

    def leads_to(self, name: str) -> str:
        """A text that identifies the machine behind a host name: address and port, with jump host or proxy."""
        settings = self._settings(name)
        if settings.jump or settings.proxy:
            return f"{settings.dialled}:{settings.port} by {settings.jump.name if settings.jump else settings.proxy}"
        try:
            address = socket.getaddrinfo(settings.dialled, None, type=socket.SOCK_STREAM)[0][4][0]
        except OSError:
            address = settings.dialled
        return f"{address}:{settings.port}"

    def connect(self, name: str) -> ssh.Connection:
        """The connection to a host; all threads get the same one. Raises StackwrightError(UNREACHABLE)."""
        with self._naming:
            lock = self._locks.setdefault(name, threading.Lock())
        with lock:
            if name not in self._open:
                self._open[name] = self._connect(name)
                if self._closed:  # by another thread in the meantime
                    self._open.pop(name).close()
                    raise StackwrightError(f"{name}: the connections were closed", code=ExitCode.UNREACHABLE)
            return self._open[name]

    def _connect(self, name: str) -> ssh.Connection:
        if name in self._own:
            return ssh.LocalConnection(name)
        host = replace(self._settings(name), own_key=self._key)
        connection = ssh.connect(host, self._trust, jumps=self._jumps)
        self._install_keys(connection)
        return connection

    def remember(self) -> None:
        """Saves how the hosts were reached, for later commands. Call it only after a successful run, so that wrong
        flags are not saved."""
        if self.access != directory.Access():
            self.state.write("access.json", self.access.to_json())

    def _install_keys(self, connection: ssh.Connection) -> None:
        """After a login with a password, installs the cloud's key and the user's key; the password is needed once."""
        if not connection.by_password or not self.installs_keys:
            return
        ssh.install_key(connection, self._key)
        if self.public_key:
            ssh.install_key(connection, self.public_key)

    def close(self) -> None:
        """Closes all connections; one that is being opened is closed as soon as it is open."""
        self._closed = True
        for connection in list(self._open.values()):
            connection.close()
        self._open.clear()
        if self._jumps:
            self._jumps.close()

    def __enter__(self) -> Hosts:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
