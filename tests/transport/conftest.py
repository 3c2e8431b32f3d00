"""A real sshd on loopback, run by the user who runs the tests, and a cable to it that can be cut or held."""

from __future__ import annotations

import contextlib
import getpass
import os
import select
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from stackwright.ssh import Connection, Host, LocalConnection, Trust, connect

SSHD = shutil.which("sshd", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
KEYGEN = shutil.which("ssh-keygen")


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def keygen(path: Path, kind: str = "ed25519", passphrase: str = "") -> Path:
    """A new private key."""
    assert KEYGEN
    subprocess.run([KEYGEN, "-q", "-t", kind, "-N", passphrase, "-f", str(path)], check=True)
    return path


_ADDRESSES = Path("/proc/net/if_inet6")
HAS_IPV6 = _ADDRESSES.exists() and f"{1:032x}" in _ADDRESSES.read_text()


def _ipv6(port: int) -> str:
    return f"ListenAddress [::1]:{port}\n" if HAS_IPV6 else ""


@dataclass
class Sshd:
    """A running sshd with its own host key and authorized_keys."""

    port: int
    key: Path
    """A private key that is let in."""
    host_key: Path
    folder: Path
    process: subprocess.Popen[bytes]
    start: Callable[[], subprocess.Popen[bytes]]

    @property
    def known_hosts_line(self) -> str:
        kind, text = self.host_key.with_suffix(".pub").read_text().split()[:2]
        return f"[127.0.0.1]:{self.port} {kind} {text}\n"

    def known(self, port: int | None = None) -> Trust:
        """A trust that knows this sshd, at its own port or behind a cable's."""
        path = self.folder / f"known_hosts-{port or self.port}"
        path.write_text(self.known_hosts_line.replace(f":{self.port}", f":{port or self.port}"))
        return Trust(files=(path,))

    def host(self, port: int | None = None) -> Host:
        return Host(
            "node",
            address="127.0.0.1",
            user=getpass.getuser(),
            port=port or self.port,
            keys=(self.key,),
            become=False,
            agent=False,
            connect_timeout=60,  # a busy machine is no reason to fail
        )

    def restart(self) -> None:
        """Ends it with all of its sessions, and starts it on the same port."""
        self.stop()
        self.process = self.start()

    def stop(self) -> None:
        for pid in [*_descendants(self.process.pid), self.process.pid]:
            # sessions only: what they started detached is in sessions of its own, and lives on
            if pid == self.process.pid or b"sshd" in _comm(pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self.process.wait()


def _comm(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/comm").read_bytes()
    except OSError:
        return b""


def _descendants(pid: int) -> list[int]:
    found = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += [int(child), *_descendants(int(child))]
    return found


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    if not SSHD or not KEYGEN:
        pytest.skip("openssh-server is not installed")
    folder = tmp_path / "sshd"
    folder.mkdir(mode=0o700)
    host_key, key, port = keygen(folder / "host_key"), keygen(folder / "user_key"), free_port()
    (folder / "authorized_keys").write_text(key.with_suffix(".pub").read_text())
    (folder / "config").write_text(
        f"ListenAddress 127.0.0.1:{port}\n{_ipv6(port)}HostKey {host_key}\n"
        f"AuthorizedKeysFile {folder}/authorized_keys\n"
        "StrictModes no\nUsePAM no\nPidFile none\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
        "PermitRootLogin yes\nMaxStartups 100\nLogLevel ERROR\n"
        f"SetEnv HOME={folder}\n"  # not the start-up files of whoever runs the tests
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd's privilege separation asks for it when run by root

    def start() -> subprocess.Popen[bytes]:
        with (folder / "log").open("ab") as log:
            process = subprocess.Popen([str(SSHD), "-D", "-e", "-f", str(folder / "config")], stderr=log)
        for _ in range(3000):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                return process
            assert process.poll() is None, (folder / "log").read_text()
            time.sleep(0.02)
        raise AssertionError((folder / "log").read_text())

    server = Sshd(port, key, host_key, folder, start(), start)
    yield server
    server.stop()


class Cable:
    """A TCP proxy to a port: `cut` closes what runs over it and lets nothing new through, `mend` undoes that, `hold`
    leaves connections open but passes nothing on."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._whole = threading.Event()
        self._whole.set()
        self._held = False
        self._ended = False
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        self._whole.clear()
        for pair in self._pairs:
            for sock in pair:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
        self._pairs.clear()

    def mend(self) -> None:
        self._held = False
        self._whole.set()

    def hold(self) -> None:
        self._held = True

    def close(self) -> None:
        self._ended = True
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while not self._ended:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if not self._whole.is_set():
                near.close()
                continue
            try:
                far = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                near.close()
                continue
            self.connections += 1
            self._pairs.append((near, far))
            threading.Thread(target=self._pass_on, args=(near, far), daemon=True).start()

    def _pass_on(self, near: socket.socket, far: socket.socket) -> None:
        with near, far:
            while True:
                if self._held:
                    time.sleep(0.05)
                    continue
                ready, _, _ = select.select([near, far], [], [], 0.1)
                for sock in ready:
                    if self._held:
                        break
                    try:
                        data = sock.recv(65536)
                        if not data:
                            return
                        (far if sock is near else near).sendall(data)
                    except OSError:
                        return


@pytest.fixture
def cable(sshd: Sshd) -> Iterator[Cable]:
    proxy = Cable(sshd.port)
    yield proxy
    proxy.close()


@pytest.fixture
def base(tmp_path: Path) -> str:
    """Where the connection keeps its things on the "host"."""
    return str(tmp_path / "state on the host")


@pytest.fixture(params=["ssh", "local"])
def connection(request: pytest.FixtureRequest, base: str) -> Iterator[Connection]:
    """One of each kind: what holds for one has to hold for the other."""
    if request.param == "local":
        made = LocalConnection("node", become=False, base=base)
    else:
        server: Sshd = request.getfixturevalue("sshd")
        made = connect(server.host(), server.known(), base=base)
    with made:
        yield made
