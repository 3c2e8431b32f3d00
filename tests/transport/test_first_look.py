"""Hosts are looked at while a person names them: by a real sshd, without an answer file."""

from __future__ import annotations

import getpass
from pathlib import Path

import pytest

from stackwright.model import Facts, StackwrightError
from stackwright.operations.first_look import first_look
from stackwright.state import directory

from .conftest import Sshd, free_port


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sshd: Sshd) -> Path:
    """A home folder in which `node` leads to the sshd, and `nowhere` to a port where nobody listens."""
    (tmp_path / ".ssh").mkdir(mode=0o700)
    known = tmp_path / ".ssh" / "known_hosts"
    known.write_text(sshd.known_hosts_line)
    at = f"HostName 127.0.0.1\n User {getpass.getuser()}\n IdentityFile {sshd.key}\n UserKnownHostsFile {known}\n"
    (tmp_path / ".ssh" / "config").write_text(
        f"Host node new\n {at} Port {sshd.port}\nHost nowhere\n {at} Port {free_port()}\n"
    )
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_a_host_is_looked_at_and_nothing_is_kept(home: Path) -> None:
    before = sorted(home.rglob("*"))
    found = first_look(["node", "nowhere"])
    node, nowhere = found["node"], found["nowhere"]
    assert isinstance(node, Facts)
    assert node.interface("lo")
    assert node.cpus
    assert isinstance(nowhere, StackwrightError)
    assert "refuses connections" in nowhere.message
    assert sorted(home.rglob("*")) == before
    assert not directory.state_root().exists()


def test_an_unknown_host_key_is_no_reason_against_a_host(home: Path) -> None:
    """The first command that uses the answers shows it and asks."""
    (home / ".ssh" / "known_hosts").write_text("")
    assert isinstance(first_look(["new"])["new"], Facts)
    assert (home / ".ssh" / "known_hosts").read_text() == ""


def test_a_changed_host_key_is(home: Path, sshd: Sshd) -> None:
    known = home / ".ssh" / "known_hosts"
    kind, text = sshd.key.with_suffix(".pub").read_text().split()[:2]
    known.write_text(f"[127.0.0.1]:{sshd.port} {kind} {text}\n")
    found = first_look(["node"])["node"]
    assert isinstance(found, StackwrightError)
    assert "key" in found.message
