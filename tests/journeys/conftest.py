"""Recorded hosts behind a real sshd, and terminals whose screens are kept in test-results/journeys/."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from stackwright.lab import Lab, down, lab_from, list_snapshots, remove_snapshot

from .terminal import Terminal

RESULTS = Path(__file__).resolve().parents[2] / "test-results" / "journeys"
RECORD = Path(__file__).resolve().parents[1] / "data" / "facts" / "debian-12.txt"
RECORDED_ADDRESS, RECORDED_NAME = "198.18.41.10", "f1"

SSHD = shutil.which("sshd", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


@pytest.fixture
def home() -> Iterator[Path]:
    """A short home folder, as people have: with a long one, every line with a file would be too long."""
    with tempfile.TemporaryDirectory(prefix="j", dir="/tmp", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


Opens = Callable[..., Terminal]

LAB_NUMBER = 246
"""The lab of the journeys on nodes, which no other test has."""


@pytest.fixture
def terminal(home: Path) -> Iterator[Opens]:
    """Opens a terminal; gets the name of the journey, and the number of its lab."""
    opened: list[Terminal] = []

    def open_one(journey: str, lab: int = 0) -> Terminal:
        shutil.rmtree(RESULTS / journey, ignore_errors=True)
        opened.append(Terminal(home, RESULTS / journey, lab))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


@pytest.fixture
def lab_number() -> Iterator[int]:
    """An empty lab, whose nodes and snapshots are removed at the end."""
    fresh = Lab(lab_from(os.environ).directory, LAB_NUMBER)
    _empty(fresh)
    yield LAB_NUMBER
    _empty(fresh)


def _empty(lab: Lab) -> None:
    down(lab=lab)
    for tag in list_snapshots(lab):
        remove_snapshot(tag, lab=lab)


def record(number: int, *, tunnels: bool) -> str:
    """The facts of a host 198.18.41.1NUMBER, called fNUMBER: those of a recorded one, with all kernel modules. With
    `tunnels`, its second interface has an address, too."""
    address, name = f"{RECORDED_ADDRESS[:-1]}{number - 1}", f"f{number}"
    text = RECORD.read_text().replace(RECORDED_ADDRESS, address)
    for word in (f"{RECORDED_NAME}.", f"{RECORDED_NAME} ", f"{RECORDED_NAME}\n"):
        text = text.replace(word, word.replace(RECORDED_NAME, name))
    text = text.replace("3ca06037676c43b5b7c34576d67ba9f1", f"{number:032x}").replace(":0a ", f":1{number} ")
    modules = ["dm_mod", "dm_thin_pool", "geneve", "kvm", "openvswitch", "target_core_mod", "nfs", "nfsd"]
    text += "".join(f"module\t{module} loaded\n" for module in modules)
    if tunnels:
        text += f"address\t3: eth1    inet 198.18.43.1{number - 1}/24 scope global eth1\n"
    return text.replace("AAAAC3NzaC1lZDI1NTE5AAAAIMrm", f"AAAAC3NzaC1lZDI1NTE5AAAAIMr{number}")


@contextlib.contextmanager
def recorded_hosts(home: Path, numbers: Sequence[int], *, known: bool) -> Iterator[None]:
    """A real sshd for each host, which answers as recorded_host.py does; ~/.ssh/config leads to them. With `known`, the
    person was on the hosts before."""
    assert SSHD, "openssh-server is not installed"
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    ssh = home / ".ssh"
    ssh.mkdir(mode=0o700)
    _keygen(ssh / "id_ed25519")
    answers = Path(__file__).with_name("recorded_host.py")
    processes, config, lines = [], [], []
    with contextlib.ExitStack() as cleanup:
        for number in numbers:
            address, local, folder = f"198.18.41.1{number - 1}", f"127.18.41.1{number - 1}", home / f".host{number}"
            folder.mkdir()
            with socket.socket() as sock:
                sock.bind((local, 0))
                port = sock.getsockname()[1]
            _keygen(folder / "key")
            (folder / "facts").write_text(record(number, tunnels=len(numbers) > 1))
            (folder / "config").write_text(
                f"ListenAddress {local}:{port}\nHostKey {folder}/key\nAuthorizedKeysFile {ssh}/id_ed25519.pub\n"
                "StrictModes no\nUsePAM no\nPidFile none\nPasswordAuthentication no\n"
                "KbdInteractiveAuthentication no\nPermitRootLogin yes\nLogLevel ERROR\n"
                f"ForceCommand {sys.executable} {answers} {folder}/facts\n"
            )
            process = subprocess.Popen([SSHD, "-D", "-e", "-f", str(folder / "config")], stderr=subprocess.DEVNULL)
            cleanup.callback(_end, process)
            processes.append((process, local, port))
            user = getpass.getuser()
            config.append(
                f"Host {address}\n  HostName {local}\n  Port {port}\n  User {user}\n  HostKeyAlias {address}\n"
            )
            kind, text = (folder / "key.pub").read_text().split()[:2]
            lines.append(f"{address} {kind} {text}\n")
        (ssh / "config").write_text("".join(config))
        if known:
            (ssh / "known_hosts").write_text("".join(lines))
        for process, local, port in processes:
            _await(process, local, port)
        yield


def _keygen(path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)


def _await(process: subprocess.Popen[bytes], address: str, port: int) -> None:
    for _ in range(3000):
        with contextlib.suppress(OSError), socket.create_connection((address, port), timeout=1):
            return
        assert process.poll() is None, "sshd did not start"
        time.sleep(0.02)
    raise AssertionError("sshd does not listen")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait()
