"""Compute hosts can move instances to each other: the key, the lists, and who gets them."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import paramiko
import pytest

import golden
from golden import CASES
from stackwright import answers, facts, planner
from stackwright.executor.redact import redactor
from stackwright.model import Answers, File, Plan, PuppetApply, Upload
from stackwright.planner.steps import migration
from stackwright.planner.topology import Host

APART = CASES["roles-apart"]
COMPUTES = ("compute1.lab.stackwright.test", "gpu-compute1.lab.stackwright.test")


def given(*lines: str) -> Answers:
    """The answers of roles-apart with some of them changed."""
    flags = dict(line.split("=", 1) for line in lines)
    files = [golden.FOLDER / "base.txt", APART.folder / "answers.txt"]
    return answers.read(files, flags, environ={}, local_host="198.18.0.10", remembered=golden.secrets())


def uploads(plan: Plan) -> dict[tuple[str, str], File]:
    """By host and path."""
    return {(s.host, f.path): f for s in plan.steps for a in s.actions if isinstance(a, Upload) for f in a.files}


def peers(**extra: str) -> tuple[Host, ...]:
    whole = planner.cloud(APART.answers(), APART.facts())
    found = whole.having("nova-compute")
    return tuple(replace(h, facts=replace(h.facts, extra={**h.facts.extra, **extra})) for h in found)


def test_the_key_follows_from_the_secret_to_the_byte() -> None:
    """The second plan has the same one; a library that writes OpenSSH's format puts random bytes into it."""
    assert migration.key_pair("a secret") == migration.key_pair("a secret") != migration.key_pair("another")
    assert "a secret" not in repr(migration.key_pair("a secret"))


@pytest.mark.parametrize("secret", ["a", "another secret", "ü" * 40])
def test_openssh_and_paramiko_read_the_key(tmp_path: Path, secret: str) -> None:
    pair = migration.key_pair(secret)
    key = paramiko.Ed25519Key.from_private_key(io.StringIO(pair.private))
    assert f"ssh-ed25519 {key.get_base64()} nova" == pair.public
    keygen = shutil.which("ssh-keygen")
    if keygen is None:
        pytest.skip("openssh-client is not installed")
    path = tmp_path / "key"
    path.write_text(pair.private)
    path.chmod(0o600)
    done = subprocess.run([keygen, "-y", "-f", path], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == pair.public, done.stderr


def test_only_compute_hosts_get_the_key() -> None:
    plan = APART.plan()
    pair = migration.key_pair(golden.secrets()["CONFIG_NOVA_MIGRATION_SECRET"])
    with_key = {where: f for where, f in uploads(plan).items() if pair.private.encode() in f.content}
    assert set(with_key) == {(host, "/var/lib/nova/.ssh/id_ed25519") for host in COMPUTES}
    assert all((f.mode, f.owner, f.secret) == (0o600, "nova:nova", True) for f in with_key.values())
    for step in plan.steps:
        for action in step.actions:
            if isinstance(action, PuppetApply):
                assert pair.private not in action.hieradata + action.manifest
                assert golden.secrets()["CONFIG_NOVA_MIGRATION_SECRET"] not in action.hieradata + action.manifest


def test_no_line_of_the_key_is_ever_shown() -> None:
    plan = APART.plan()
    private = migration.key_pair(golden.secrets()["CONFIG_NOVA_MIGRATION_SECRET"]).private
    redact = redactor(plan.secrets)
    for line in private.splitlines():
        assert line not in redact(f"it says {line} here")


def test_the_others_host_keys_are_known_under_every_name() -> None:
    found = uploads(APART.plan())[COMPUTES[0], "/var/lib/nova/.ssh/known_hosts"].content.decode()
    seen = APART.facts()
    assert found == (
        f"198.18.0.11,compute1.lab.stackwright.test {seen[COMPUTES[0]].host_keys[0]}\n"
        f"198.18.0.12,gpu-compute1.lab.stackwright.test {seen[COMPUTES[1]].host_keys[0]}\n"
    )


def test_the_key_is_accepted_from_compute_hosts_and_for_commands_only() -> None:
    line = uploads(APART.plan())[COMPUTES[1], "/var/lib/nova/.ssh/authorized_keys"].content.decode()
    command = "/etc/ssh/stackwright-nova.sh"
    assert line.startswith(f'restrict,command="/bin/sh {command}",from="198.18.0.11,198.18.0.12" ssh-ed25519 AAAA')
    script = uploads(APART.plan())[COMPUTES[1], command]
    assert (script.content.decode(), script.mode, script.owner) == (migration.command(), 0o755, "root:root")


def test_nova_cannot_change_who_may_log_in_as_nova() -> None:
    """Whoever can write files as nova through the key could give himself another one."""
    found = uploads(APART.plan())[COMPUTES[1], "/var/lib/nova/.ssh/authorized_keys"]
    assert (found.owner, found.mode) == ("root:nova", 0o640)
    assert "install -d -o root -g nova -m 0750 /var/lib/nova/.ssh" in "".join(
        getattr(a, "script", "") for s in APART.plan().steps if s.id.endswith(":migration") for a in s.actions
    )


LIBVIRT = (
    "sh -c 'which virt-ssh-helper 1>/dev/null 2>&1; if test $? = 0; then     "
    "virt-ssh-helper '\"'\"'qemu:///system'\"'\"'; "
    "else     if '\"'\"'nc'\"'\"' -q 2>&1 | grep \"requires an argument\" >/dev/null 2>&1; then ARG=-q0;else ARG=;fi;"
    "'\"'\"'nc'\"'\"' $ARG -U /var/run/libvirt/libvirt-sock; fi'"
)
"""What libvirt's client runs (virNetClientSSHHelperCommand)."""


def _asked(tmp_path: Path, command: str) -> tuple[int, str]:
    """What the forced command does with it: its exit status, and what was run."""
    for name in ("mkdir", "rm", "touch", "scp", "virt-ssh-helper", "sftp-server"):
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\necho {name} "$@"\n')
        program.chmod(0o755)
    script = migration.command().replace("/usr/lib/openssh/sftp-server", f"{tmp_path}/sftp-server")
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "SSH_ORIGINAL_COMMAND": command}
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, env=environment, cwd=tmp_path)
    return done.returncode, done.stdout.strip()


_AT = "/var/lib/nova/instances/7c1d"


@pytest.mark.parametrize(
    ("command", "run"),
    [
        (f"mkdir -p {_AT}", f"mkdir -p {_AT}"),
        (f"rm -rf {_AT}_resize", f"rm -rf {_AT}_resize"),
        (f"touch {_AT}.tmp", f"touch {_AT}.tmp"),
        (f"rm {_AT}.tmp", f"rm {_AT}.tmp"),
        (f"scp -r -t {_AT}/disk", f"scp -r -t {_AT}/disk"),
        (LIBVIRT, "virt-ssh-helper qemu:///system"),
        ("sh -c 'virt-ssh-helper '\"'\"'qemu:///system'\"'\"''", "virt-ssh-helper qemu:///system"),
        ("/usr/lib/openssh/sftp-server", "sftp-server -P remove,rmdir,rename,posix-rename,symlink,hardlink"),
        (
            "/usr/libexec/openssh/sftp-server -l INFO",
            "sftp-server -P remove,rmdir,rename,posix-rename,symlink,hardlink",
        ),
    ],
)
def test_the_key_runs_what_moves_instances(tmp_path: Path, command: str, run: str) -> None:
    assert _asked(tmp_path, command) == (0, run)


@pytest.mark.parametrize(
    "command",
    [
        "", "id", "sh", "bash -i", f"mkdir -p {_AT}; touch {{here}}/evil", f"touch {_AT}/../../.ssh/rc",
        f"rm -rf {_AT}/..", "rm -rf /var/lib/nova/instances/", "rm -rf /etc", f"touch {_AT} {{here}}/evil",
        f"rm -rf {_AT}$(touch {{here}}/evil)",
        f"mkdir -p {_AT}\ntouch {{here}}/evil", "scp -t /var/lib/nova/.ssh/authorized_keys", "scp",
        "sh -c 'touch {here}/evil'", "rsync --server . /", f"touch {_AT}`touch {{here}}/evil`",
    ],
)  # fmt: skip
def test_the_key_runs_nothing_else(tmp_path: Path, command: str) -> None:
    status, run = _asked(tmp_path, command.replace("{here}", str(tmp_path)))
    assert (status, run) == (126, "")
    assert not (tmp_path / "evil").exists()


def test_the_text_of_a_command_for_libvirt_is_not_run(tmp_path: Path) -> None:
    status, run = _asked(tmp_path, f"sh -c 'touch {tmp_path}/evil; virt-ssh-helper x'; touch {tmp_path}/evil")
    assert (status, run) == (0, "virt-ssh-helper qemu:///system")
    assert not (tmp_path / "evil").exists()


def test_another_port_of_sshd_is_used() -> None:
    odd = peers(**{"ssh-port": "2222"})
    assert "Match user nova host 198.18.0.11,compute1.lab.stackwright.test\n  Port 2222\n" in migration.config(odd)
    assert migration.known_hosts(odd).startswith("[198.18.0.11]:2222,[compute1.lab.stackwright.test]:2222 ssh-ed25519")
    assert "Port" not in migration.config(peers())


def test_one_compute_host_gets_no_key() -> None:
    plan = planner.plan(planner.cloud(given(f"CONFIG_COMPUTE_HOSTS={COMPUTES[0]}"), APART.facts()))
    assert not [s.id for s in plan.steps if "migration" in s.id]
    assert not [path for _, path in uploads(plan) if ".ssh/" in path]


def test_a_new_compute_host_does_not_change_catalogs_of_the_others() -> None:
    seen = APART.facts()
    third = "compute3.lab.stackwright.test"
    record = json.loads(facts.to_json(seen[COMPUTES[0]]))
    record |= {"host": third, "fqdn": third, "hostname": "compute3", "address": "198.18.0.40"}
    joined = {**seen, third: facts.from_json(json.dumps(record))}
    for before_hosts in (COMPUTES[:1], COMPUTES):
        before = planner.plan(planner.cloud(given(f"CONFIG_COMPUTE_HOSTS={','.join(before_hosts)}"), seen))
        after = planner.plan(planner.cloud(given(f"CONFIG_COMPUTE_HOSTS={','.join((*before_hosts, third))}"), joined))
        for host in before_hosts:
            was, now = golden.last_runs(before)[host], golden.last_runs(after)[host]
            assert (was.manifest, was.hieradata) == (now.manifest, now.hieradata)


def test_tcp_is_opened_only_where_there_is_a_second_compute_host() -> None:
    """Whoever reaches that port is root there."""
    tcp = "CONFIG_NOVA_COMPUTE_MIGRATE_PROTOCOL=tcp"
    several = golden.last_runs(planner.plan(planner.cloud(given(tcp), APART.facts())))[COMPUTES[0]].hieradata
    alone = golden.last_runs(
        planner.plan(planner.cloud(given(tcp, f"CONFIG_COMPUTE_HOSTS={COMPUTES[0]}"), APART.facts()))
    )
    assert "nova::migration::libvirt::transport: tcp" in several
    assert "nova::migration::libvirt::transport: ssh" in alone[COMPUTES[0]].hieradata
