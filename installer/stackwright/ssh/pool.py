"""The hosts of a cloud, and the connections to them: made when they are first wanted, and kept."""

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
    """The addresses and names by which this machine itself may be called in an answer file."""
    names = {"localhost", "127.0.0.1", "::1", socket.gethostname(), socket.getfqdn()}
    try:
        shown = subprocess.run(["ip", "-o", "addr"], capture_output=True, text=True, check=False).stdout
    except OSError:  # a machine need not have iproute2 to work on others
        shown = ""
    names |= {line.split()[3].partition("/")[0] for line in shown.splitlines() if len(line.split()) > 3}
    return frozenset(names)


@dataclass
class Hosts:
    """Connections to the hosts of a cloud, made when they are first wanted; this machine needs no SSH."""

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
    """One of the person's that is let in as well, where a password was needed."""
    _open: dict[str, ssh.Connection] = field(default_factory=dict)
    _jumps: ssh.Jumps | None = None
    _asking: threading.Lock = field(default_factory=threading.Lock)
    _locks: dict[str, threading.Lock] = field(default_factory=dict)
    """One for each host, held while it is connected to."""
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
        if self.password:
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

    def leads_to(self, name: str) -> str:
        """What is dialled for a host: its address, with what tells apart hosts behind one address."""
        settings = self._settings(name)
        if settings.jump or settings.proxy:
            return f"{settings.dialled}:{settings.port} by {settings.jump.name if settings.jump else settings.proxy}"
        try:
            address = socket.getaddrinfo(settings.dialled, None, type=socket.SOCK_STREAM)[0][4][0]
        except OSError:
            address = settings.dialled
        return f"{address}:{settings.port}"

    def connect(self, name: str) -> ssh.Connection:
        """The connection to a host, kept; threads that ask for the same host get the same one. Raises
        StackwrightError(UNREACHABLE)."""
        with self._naming:
            lock = self._locks.setdefault(name, threading.Lock())
        with lock:
            if name not in self._open:
                self._open[name] = self._connect(name)
                if self._closed:  # meanwhile, while another thread was leaving
                    self._open.pop(name).close()
                    raise StackwrightError(f"{name}: the connections were closed", code=ExitCode.UNREACHABLE)
            return self._open[name]

    def _connect(self, name: str) -> ssh.Connection:
        if name in self._own:
            return ssh.LocalConnection(name)
        host = replace(self._settings(name), own_key=self._key)
        connection = ssh.connect(host, self._trust, jumps=self._jumps)
        self._let_keys_in(connection)
        return connection

    def remember(self) -> None:
        """Keeps how the hosts were reached, for later commands. To be called after a successful run only: a flag that
        was wrong must not come back by itself."""
        if self.access != directory.Access():
            self.state.write("access.json", self.access.to_json())

    def _let_keys_in(self, connection: ssh.Connection) -> None:
        """The password is asked for once: from then on the host lets in our own key, and the person's."""
        if not connection.by_password:
            return
        ssh.install_key(connection, self._key)
        if self.public_key:
            ssh.install_key(connection, self.public_key)

    def close(self) -> None:
        """Closes all connections; one that is still being made is closed when it is there."""
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
