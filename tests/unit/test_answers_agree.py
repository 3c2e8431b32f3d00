"""`answers check`, `answers migrate` and the plan agree about a file."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import outcome
from stackwright import answers, planner
from stackwright.answers import compare, migrate, reading, secrets, syntax, typed
from stackwright.cli import main
from stackwright.model import ExitCode, PuppetApply, Severity, StackwrightError

ROOT = Path(__file__).parents[2]
CORPUS = ROOT.parent / "shared" / "corpus"
FOLDERS = (ROOT / "answer-files", ROOT / "tests" / "data" / "answer-quirks", CORPUS)
"""The last one is an extra: it is not part of the project."""
FILES = [path for folder in FOLDERS for path in sorted(folder.glob("*.txt"))]
HOST = "198.18.0.10"

JUNO = """\
CONFIG_CONTROLLER_HOST=198.18.0.10
CONFIG_COMPUTE_HOSTS=198.18.0.11
CONFIG_NETWORK_HOSTS=198.18.0.10
CONFIG_NEUTRON_L2_AGENT=openvswitch
CONFIG_NEUTRON_ML2_TYPE_DRIVERS=vlan
CONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES=vlan
CONFIG_NEUTRON_ML2_VLAN_RANGES=physnet1:1000:1999
CONFIG_NEUTRON_OVS_BRIDGE_MAPPINGS=physnet1:br-eth1
CONFIG_NEUTRON_OVS_BRIDGE_IFACES=br-eth1:eth1
CONFIG_PROVISION_DEMO=n
"""


def read(text: str) -> answers.Reading:
    return answers.from_documents([syntax.parse(text, "f")], files=False, local_host="198.18.0.10", run=False)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_check_migrate_diff_and_plan_agree(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What passes the check is migrated with its meaning, and planned on fresh hosts; what does not is an error of the
    migration too."""
    monkeypatch.setattr(reading, "local_address", lambda: HOST)
    monkeypatch.setattr(typed, "local_address", lambda: HOST)
    old = answers.load([path], files=False, run=False)
    new = tmp_path / "new.txt"
    code = main(["answers", "migrate", str(path), "-o", str(new)])
    assert code == (ExitCode.ANSWERS if old.errors else ExitCode.OK), capsys.readouterr()
    if old.errors:
        return
    assert main(["answers", "diff", str(path), str(new)]) == ExitCode.OK, capsys.readouterr()
    assert "no differences" in capsys.readouterr().out
    migrated = answers.load([new], files=False, run=False)
    assert migrated.errors == ()
    assert outcome.plan(migrated.answers, outcome.facts(migrated.answers)).steps


def test_a_bridge_that_followed_from_vlans_is_written_down() -> None:
    done = migrate.migrate_document(syntax.parse(JUNO, "f"))
    assert "\nCONFIG_NEUTRON_OVS_BRIDGES_COMPUTE=br-eth1\n" in done.text
    assert compare.differences(read(JUNO).answers, read(done.text).answers) == []


def test_a_file_with_both_sides_of_a_conflict_is_not_migrated() -> None:
    text = "<<<<<<< HEAD\nCONFIG_NOVA_INSTALL=y\n=======\nCONFIG_NOVA_INSTALL=n\n>>>>>>> other\n"
    with pytest.raises(StackwrightError, match="conflict marker") as error:
        migrate.migrate_document(syntax.parse(text, "f"))
    assert error.value.code is ExitCode.ANSWERS


@pytest.mark.parametrize(
    "line", ["CONFIG_LBAAS_INSTALL=y", "CONFIG_KEYSTONE_ADMIN_PW=****", "CONFIG_KEYSTONE_ADMIN_PASWORD=x"]
)
def test_what_the_check_refuses_is_an_error_of_the_migration(line: str) -> None:
    refused = {(p.name, p.seen) for p in read(line).errors}
    assert refused
    done = migrate.migrate_document(syntax.parse(line, "f"))
    assert refused <= {(p.name, p.seen) for p in done.problems if p.severity is Severity.ERROR}


def test_hidden_secrets_are_one_problem() -> None:
    keys = [f"CONFIG_{name}_KS_PW" for name in ("NOVA", "GLANCE", "CINDER", "NEUTRON", "PLACEMENT")]
    (found,) = read("".join(f"{key}=********\n" for key in keys)).errors
    assert (found.name, found.where) == ("hidden-secret", "f:1")
    assert all(key in found.wanted for key in keys)


def test_a_file_without_a_known_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "values.yaml"
    path.write_text("replicas: 3\nimage: nginx\n")
    reading = answers.load([path], local_host="198.18.0.10")
    assert [p.name for p in reading.errors] == ["empty"]
    assert main(["answers", "check", str(path)]) == ExitCode.ANSWERS


def test_the_ranges_that_are_told_are_those_that_are_used() -> None:
    text = "CONFIG_NEUTRON_L2_AGENT=openvswitch\nCONFIG_NEUTRON_ML2_TYPE_DRIVERS=gre,flat\n"
    reading = read(f"{text}CONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES=gre\nCONFIG_NEUTRON_ML2_TUNNEL_ID_RANGES=\n")
    (told,) = [p for p in reading.problems if p.name == "no-range"]
    (used,) = planner.cloud(reading.answers, outcome.facts(reading.answers)).network.tunnel_ranges
    assert f"{used} is used until then" in told.hint


OVER = """\
CONFIG_NEUTRON_L2_AGENT=openvswitch
CONFIG_NEUTRON_OVS_BRIDGE_IFACES=br-ex:eth2
CONFIG_NEUTRON_OVS_TUNNEL_IF=eth2
CONFIG_CONTROLLER_HOST=198.18.0.10
CONFIG_COMPUTE_HOSTS=198.18.0.11
"""


def test_tunnels_over_an_interface_in_a_bridge_are_planned() -> None:
    reading = read(OVER)
    assert reading.errors == ()
    seen = outcome.facts(reading.answers)
    whole = planner.cloud(reading.answers, seen)
    at = {i.name: i.addresses[0].partition("/")[0] for i in seen["198.18.0.10"].interfaces}
    assert whole.hosts["198.18.0.10"].tunnel_address == at["eth2"]


@pytest.mark.parametrize("agent", ["ovn", "openvswitch", "linuxbridge"])
def test_a_compute_host_is_added_to_a_controller_that_is_left_alone(agent: str) -> None:
    given = {
        "CONFIG_CONTROLLER_HOST": "198.18.0.10",
        "CONFIG_COMPUTE_HOSTS": "198.18.0.10,198.18.0.11",
        "EXCLUDE_SERVERS": "198.18.0.10",
        "CONFIG_NEUTRON_L2_AGENT": agent,
    }
    reading = answers.from_documents([], given, files=False, local_host="198.18.0.10")
    assert reading.errors == ()
    plan = outcome.plan(reading.answers, outcome.facts(reading.answers))
    assert set(plan.hosts) == {"198.18.0.11"}
    (run,) = [a for step in plan.steps for a in step.actions if isinstance(a, PuppetApply)]
    assert "@198.18.0.10:5672/" in run.hieradata
    assert "http://198.18.0.10:5000" in run.hieradata
    assert plan.summary["endpoints"]["keystone"].startswith("http://198.18.0.10:5000")


# ------------------------------------------------------------------------------------------- secrets from elsewhere


def test_a_secret_comes_from_a_regular_file_only(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "long").write_text("x" * (secrets.MOST_BYTES + 1))
    for name, reason in (
        ("/dev/zero", "not a regular file"),
        ("pipe", "not a regular file"),
        (".", "cannot be read|not a regular file"),
        ("long", "longer than 64 KiB"),
    ):
        with pytest.raises(ValueError, match=reason):
            secrets.fetch(f"!file: {name}", tmp_path)


def test_a_command_that_writes_without_end_is_stopped(tmp_path: Path) -> None:
    started = time.monotonic()
    with pytest.raises(ValueError, match="more than 64 KiB"):
        secrets.fetch("!cmd: yes", tmp_path)
    assert time.monotonic() - started < 10


def test_a_command_that_does_not_end_is_stopped_with_what_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrets, "SECONDS", 1)
    script = tmp_path / "slow"
    script.write_text("#!/bin/sh\nsleep 300 & echo $! >child\nwait\n")
    script.chmod(0o700)
    with pytest.raises(ValueError, match="did not end within 1 s"):
        secrets.fetch("!cmd: ./slow", tmp_path)
    child = int((tmp_path / "child").read_text())
    for _ in range(50):
        if not Path(f"/proc/{child}").exists() or "(sleep) Z" in Path(f"/proc/{child}/stat").read_text():
            return
        time.sleep(0.1)
    pytest.fail("what the command started goes on")


# -------------------------------------------------------------------------------------------------- files of 4 MB

BIG = 4 * 1024 * 1024 - 64
SHAPES = {
    "one long value": lambda: "CONFIG_NTP_SERVERS=" + "a," * (BIG // 2),
    "one long word": lambda: "CONFIG_KEYSTONE_REGION=" + "a" * BIG,
    "one key again": lambda: "CONFIG_NOVA_INSTALL=y\nCONFIG_NOVA_INSTALL=n\n" * (BIG // 44),
    "unknown keys": lambda: "".join(f"CONFIG_NOVA_INSTAL{n}=y\n" for n in range(BIG // 30)),
    "indented lines": lambda: "CONFIG_COMPUTE_HOSTS=a\n" + " b,\n" * (BIG // 4),
    "comments": lambda: "# remark\n" * (BIG // 9) + "CONFIG_NOVA_INSTALL=y\n",
    "no keys": lambda: "word\n" * (BIG // 5),
    "hosts": lambda: "CONFIG_COMPUTE_HOSTS=" + ",".join(f"n{n}" for n in range(BIG // 8)),
    "zero bytes": lambda: "CONFIG_NOVA_INSTALL=y\n" + "\0\n" * 19 + "\0" * (BIG // 2),
    "pairs": lambda: "CONFIG_NEUTRON_OVN_BRIDGE_MAPPINGS=" + ",".join(f"n{n}:b{n}" for n in range(BIG // 16)),
    "networks": lambda: "CONFIG_NEUTRON_OVN_TUNNEL_SUBNETS=" + "10.0.0.0/8," * (BIG // 11),
    "blanks": lambda: "CONFIG_NTP_SERVERS=a" + " " * (BIG - 50) + "b",
    "pools": lambda: "CONFIG_PROVISION_DEMO_ALLOCATION_POOLS=" + "start=1" * (BIG // 7),
    "records": lambda: "CONFIG_NOVA_PCI_ALIAS=" + "[" * BIG,
    "properties": lambda: "CONFIG_PROVISION_IMAGE_PROPERTIES=" + "a=b," * (BIG // 4),
    "ranges": lambda: "CONFIG_NEUTRON_ML2_VLAN_RANGES=" + ",".join(f"n:{n % 4000 + 1}:4000" for n in range(BIG // 14)),
}


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_any_file_is_checked_within_seconds(shape: str, tmp_path: Path) -> None:
    """Processor time, because other tests run at the same time."""
    path = tmp_path / "big.txt"
    path.write_text(SHAPES[shape](), encoding="utf-8")
    assert path.stat().st_size <= syntax.MOST_BYTES
    code = (
        "import resource, sys; sys.path.insert(0, sys.argv.pop(1)); from stackwright.cli import main\n"
        "resource.setrlimit(resource.RLIMIT_CPU, (5, 5)); sys.exit(main(['answers', 'check', sys.argv[1]]))"
    )
    command = [sys.executable, "-c", code, str(ROOT / "installer"), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in (ExitCode.OK, ExitCode.ANSWERS), done.stderr[-2000:]
