"""Simulated hosts: a real sshd for each on a loopback address, run by the user of the benchmark.

Each host has its own sshd, host key, address in 127.18.0.0/16, and a folder instead of a disk.
"""

from __future__ import annotations

import contextlib
import dataclasses
import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import cloud  # noqa: F401  # it adds the package to sys.path

from stackwright import ssh

SSHD = shutil.which("sshd", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


@dataclasses.dataclass(frozen=True)
class Farm:
    """The simulated hosts. A host's name determines its address and files."""

    folder: Path
    names: tuple[str, ...]
    port: int

    @property
    def key(self) -> Path:
        """The private key that all hosts accept."""
        return self.folder / "user_key"

    def address(self, name: str) -> str:
        """Where its sshd listens: 127.18.0.10 for 198.18.0.10."""
        return f"127.{name.partition('.')[2]}"

    def disk(self, name: str) -> Path:
        return self.folder / "hosts" / name

    def connect(self, name: str, trust: ssh.Trust) -> ssh.Connection:
        """A new connection to a host."""
        host = ssh.Host(
            name, address=self.address(name), port=self.port, user=getpass.getuser(), keys=(self.key,), become=False,
            agent=False, connect_timeout=120,
        )  # fmt: skip
        return ssh.connect(host, trust, base=str(self.disk(name) / "base"))

    def trust(self) -> ssh.Trust:
        """The pinned host keys."""
        return ssh.Trust(files=(self.folder / "known_hosts",))


@contextlib.contextmanager
def running(folder: Path, names: Sequence[str]) -> Iterator[Farm]:
    """Starts an sshd for each name; at the end, stops them and everything that still runs on their hosts."""
    if not SSHD:
        raise SystemExit("sshd is needed: install openssh-server")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd's privilege separation asks for it when run by root
    farm = Farm(folder, tuple(names), _free_port())
    ssh.own_key(farm.key)
    (folder / "authorized_keys").write_bytes(farm.key.with_suffix(".pub").read_bytes())
    known, processes = [], []
    try:
        for name in names:
            disk = farm.disk(name)
            disk.mkdir(parents=True)
            key = ssh.own_key(disk / "host_key")
            kind, text = key.with_suffix(".pub").read_text().split()[:2]
            known.append(f"[{farm.address(name)}]:{farm.port} {kind} {text}\n")
            (disk / "sshd_config").write_text(
                f"ListenAddress {farm.address(name)}:{farm.port}\nHostKey {key}\nSetEnv HOME={disk}\n"
                f"AuthorizedKeysFile {folder}/authorized_keys\nStrictModes no\nUsePAM no\nPidFile none\n"
                "PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\nLogLevel ERROR\n"
            )
            command = [SSHD, "-D", "-e", "-f", str(disk / "sshd_config")]
            with (disk / "sshd.log").open("ab") as log:
                processes.append(subprocess.Popen(command, stderr=log))
        (folder / "known_hosts").write_text("".join(known))
        for name, process in zip(names, processes, strict=True):
            _await(farm, name, process)
        yield farm
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()
        for pid in folder.glob("hosts/*/base/runs/*/pid"):
            if not (pid.parent / "rc").exists():
                with contextlib.suppress(OSError, ValueError):
                    os.killpg(int(pid.read_text()), signal.SIGKILL)


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.18.0.10", 0))
        return int(sock.getsockname()[1])


def _await(farm: Farm, name: str, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection((farm.address(name), farm.port), timeout=10):
            return
        time.sleep(0.05)
    raise SystemExit(f"sshd did not start: {(farm.disk(name) / 'sshd.log').read_text()}")
