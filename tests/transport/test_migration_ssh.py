"""What compute hosts are given to reach each other, tried on a real sshd with the real ssh."""

from __future__ import annotations

import getpass
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from golden import CASES
from stackwright import planner
from stackwright.planner.steps import migration
from stackwright.planner.topology import Host

from .conftest import Sshd

SSH = shutil.which("ssh")


@pytest.fixture
def peer(sshd: Sshd) -> Host:
    """A compute host whose sshd this is."""
    case = CASES["roles-apart"]
    host = planner.cloud(case.answers(), case.facts()).having("nova-compute")[0]
    key = sshd.known_hosts_line.partition(" ")[2].strip()
    seen = replace(host.facts, host_keys=(key,), extra={"ssh-port": str(sshd.port)})
    return replace(host, address="127.0.0.1", fqdn="localhost", name="localhost", facts=seen)


def move(sshd: Sshd, home: Path, peers: tuple[Host, ...], command: str = "") -> subprocess.CompletedProcess[str]:
    """A command over ssh, with the files that a compute host gets; `home` is nova's folder, and nova is who tests.
    Without a command, it makes a folder for an instance."""
    assert SSH
    pair = migration.key_pair("a secret")
    home.mkdir(exist_ok=True)
    for name, text in (("id_ed25519", pair.private), ("known_hosts", migration.known_hosts(peers))):
        (home / name).write_text(text)
        (home / name).chmod(0o600)
    me = getpass.getuser()
    text = migration.config(peers).replace("/var/lib/nova/.ssh", str(home)).replace("root,nova", me)
    (home / "config").write_text(text.replace("user nova", f"user {me}"))
    script = sshd.folder / "allowed.sh"
    script.write_text(migration.command().replace("/var/lib/nova/instances", str(home / "instances")))
    allowed = migration.authorized_keys(pair.public, peers)
    assert f"/bin/sh {migration.COMMAND}" in allowed
    (sshd.folder / "authorized_keys").write_text(allowed.replace(migration.COMMAND, str(script)))
    return subprocess.run(
        [
            SSH,
            "-F",
            home / "config",
            "-o",
            "UserKnownHostsFile=/dev/null",
            f"{me}@127.0.0.1",
            command or f"mkdir -p {home}/instances/moved",
        ],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=120,
    )


def test_a_compute_host_reaches_another(sshd: Sshd, peer: Host, tmp_path: Path) -> None:
    done = move(sshd, tmp_path / "nova", (peer,))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "nova/instances/moved").is_dir()


@pytest.mark.parametrize("command", ["echo moved", "mkdir -p /tmp/elsewhere", "rm -rf @HOME@/instances/../x", "id;id"])
def test_the_key_runs_no_other_command(sshd: Sshd, peer: Host, tmp_path: Path, command: str) -> None:
    done = move(sshd, tmp_path / "nova", (peer,), command.replace("@HOME@", str(tmp_path / "nova")))
    assert (done.stdout, done.returncode) == ("", 126), done.stderr
    assert "this key moves instances only" in done.stderr


def test_a_host_that_shows_another_key_is_refused(sshd: Sshd, peer: Host, tmp_path: Path) -> None:
    other = replace(peer.facts, host_keys=(migration.key_pair("somebody else's").public.rpartition(" ")[0],))
    done = move(sshd, tmp_path / "nova", (replace(peer, facts=other),))
    assert done.returncode == 255
    assert "Host key verification failed" in done.stderr


def test_the_key_is_of_no_use_elsewhere(sshd: Sshd, peer: Host, tmp_path: Path) -> None:
    there = replace(peer, address="198.18.0.77", facts=replace(peer.facts))
    done = move(sshd, tmp_path / "nova", (there, replace(peer, address="198.18.0.78", fqdn="127.0.0.1")))
    assert done.returncode == 255
    assert "Permission denied" in done.stderr
