"""`answers check`, `answers migrate` and the plan agree about a file."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import outcome
from stackwright import answers, planner, values
from stackwright.answers import compare, migrate, reading, secrets, syntax, typed
from stackwright.cli import main
from stackwright.model import ExitCode, PuppetApply, Severity, StackwrightError
from stackwright.services import options

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
    migration too, or is switched off because this version cannot install it."""
    monkeypatch.setattr(reading, "local_address", lambda: HOST)
    monkeypatch.setattr(typed, "local_address", lambda: HOST)
    old = answers.load([path], files=False, run=False)
    new = tmp_path / "new.txt"
    code = main(["answers", "migrate", str(path), "-o", str(new)])
    off = {problem.where for problem in old.errors if problem.name == "not-installable"}
    others = [problem for problem in old.errors if problem.where not in off]
    assert code == (ExitCode.ANSWERS if others else ExitCode.OK), capsys.readouterr()
    if others:
        return
    if old.errors:
        assert main(["answers", "check", str(new)]) == ExitCode.OK, capsys.readouterr()
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
    text = f"CONFIG_NOVA_INSTALL=y\n{line}\n"
    refused = {(p.name, p.seen) for p in read(text).errors}
    assert refused
    done = migrate.migrate_document(syntax.parse(text, "f"))
    assert refused <= {(p.name, p.seen) for p in done.problems if p.severity is Severity.ERROR}


@pytest.mark.parametrize("text", ["replicas: 3\nimage: nginx\n", "\n\n", "# nothing yet\n"])
def test_a_file_without_a_known_key_is_not_migrated(text: str, tmp_path: Path) -> None:
    path, new = tmp_path / "old.txt", tmp_path / "new.txt"
    path.write_text(text)
    assert main(["answers", "check", str(path)]) == ExitCode.ANSWERS
    assert main(["answers", "migrate", str(path), "-o", str(new)]) == ExitCode.ANSWERS
    assert not new.exists()


@pytest.mark.parametrize(
    ("text", "reason"),
    [("<<<<<<< HEAD\nCONFIG_NOVA_INSTALL=y\n", "conflict marker"), ("replicas: 3\n", "no known key")],
)
def test_files_that_say_nothing_certain_are_not_compared(
    text: str, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, good = tmp_path / "odd.txt", tmp_path / "good.txt"
    path.write_text(text)
    good.write_text("CONFIG_NOVA_INSTALL=y\n")
    for sides in ((path, good), (good, path)):
        assert main(["answers", "diff", *map(str, sides)]) == ExitCode.ANSWERS
        assert reason in capsys.readouterr().err


def test_a_comparison_says_that_values_cannot_be_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "odd.txt"
    path.write_text("CONFIG_NOVA_INSTALL=maybe\n")
    assert main(["answers", "diff", str(path), str(path)]) == ExitCode.OK
    assert f"{path} has 1 error" in capsys.readouterr().err


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


def test_a_file_that_waits_for_data_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As some files of the kernel do, which are regular files."""
    empty, writing = os.pipe()
    os.set_blocking(empty, False)
    monkeypatch.setattr(secrets.os, "open", lambda *_: empty)
    monkeypatch.setattr(secrets.stat, "S_ISREG", lambda _: True)
    with pytest.raises(ValueError, match="waits for data"):
        secrets.fetch("!file: log", tmp_path)
    os.close(writing)


def test_the_home_folder_of_an_account_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        secrets.fetch("!file: ~no-such-account/secret", tmp_path)
    keys = "CONFIG_HORIZON_SSL=y\nCONFIG_HORIZON_SSL_CERT=~no-such-account/c\nCONFIG_HORIZON_SSL_KEY=/dev/null\n"
    path = tmp_path / "f.txt"
    path.write_text(f"CONFIG_KEYSTONE_ADMIN_PW=!file: ~no-such-account/secret\n{keys}")
    names = {p.name for p in answers.load([path], local_host=HOST, run=False).errors}
    assert {"secret-elsewhere", "no-file"} <= names


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
LINES = syntax.MOST_LINES - 10
LONG = syntax.MOST_CHARACTERS - 8
"""The longest file, number of lines and value that are read."""


def lines(line: str, count: int = LINES) -> str:
    """So many lines, of which `line` may hold the number, within the longest file."""
    found, size = [], 0
    for number in range(count):
        text = line.format(number) + "\n"
        size += len(text)
        if size > BIG:
            break
        found.append(text)
    return "".join(found)


def items(item: str, most: int = LONG) -> str:
    """A list of such items, of which each may hold its number, within the longest value."""
    found, size, number = [], 0, 0
    while size + len(item) + 6 < most:
        found.append(item.format(number))
        size += len(found[-1]) + 1
        number += 1
    return ",".join(found)


def every_key(value: str) -> str:
    """The value for each key."""
    most = BIG // len(options()) - 60
    return "".join(f"{key}={value[:most]}\n" for key in options())


ADDRESSES = ",".join(f"10.0.{n // 250}.{n % 250 + 1}" for n in range(4500))
VLANS = (
    "CONFIG_NEUTRON_L2_AGENT=openvswitch\nCONFIG_NEUTRON_ML2_TYPE_DRIVERS=vlan\n"
    "CONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES=vlan\nCONFIG_NETWORK_HOSTS=m[0-9998]\nCONFIG_COMPUTE_HOSTS=n[0-9998]\n"
)
SHAPES: dict[str, Callable[[], str | bytes]] = {
    "one line": lambda: "a" * BIG,
    "one long value": lambda: "CONFIG_NTP_SERVERS=" + "a," * (BIG // 2),
    "one long word": lambda: "CONFIG_KEYSTONE_REGION=" + "a" * BIG,
    "a long word and another character": lambda: every_key("a" * BIG + "!"),
    "one key again": lambda: lines("CONFIG_NOVA_INSTALL=y\nCONFIG_NOVA_INSTALL=n", LINES // 2),
    "one key with other values": lambda: lines("CONFIG_NTP_SERVERS=n{}"),
    "one secret again": lambda: lines("CONFIG_KEYSTONE_ADMIN_PW=!file: x{}"),
    "an old name and a new one": lambda: lines("CONFIG_NEUTRON_L3_HOSTS=a\nCONFIG_NEUTRON_L3_HOST=b", LINES // 2),
    "retired keys": lambda: lines("# {}\nCONFIG_LBAAS_INSTALL=y", LINES // 2),
    "unknown keys": lambda: lines("CONFIG_NOVA_INSTAL{}=y"),
    "long unknown keys": lambda: lines("CONFIG_" + "A" * 160_000 + "{}=y"),
    "lines without =": lambda: lines("CONFIG_NOVA_INSTALL"),
    "lines without letters": lambda: "\n" * BIG,
    "short lines": lambda: "a\n" * (BIG // 2),
    "indented lines": lambda: "CONFIG_COMPUTE_HOSTS=a\n" + lines(" b{},"),
    "indented lines of many keys": lambda: lines("CONFIG_COMPUTE_HOSTS=a\n" + " b\n" * 20, LINES // 22),
    "comments": lambda: lines("# remark", LINES - 5000) + "CONFIG_NOVA_INSTALL=y\n",
    "long comments": lambda: ("# " + "remark " * 20_000 + "\n") * 29 + "CONFIG_NOVA_INSTALL=y\n",
    "comments with blanks": lambda: "# [a]" + " " * (BIG - 400_000) + "x\nCONFIG_NOVA_INSTALL=y\n",
    "comments of many keys": lambda: lines("# remark {}\n# more\n# and more\nCONFIG_NOVA_INSTALL=y", LINES // 4),
    "comments and sections": lambda: lines("# remark\n[general]", LINES // 2) + "CONFIG_NOVA_INSTALL=y\n",
    "sections": lambda: lines("[a{}]\nCONFIG_NOVA_INSTALL=y", LINES // 2),
    "rulers": lambda: lines("-----"),
    "conflict markers": lambda: lines("<<<<<<< HEAD"),
    "no keys": lambda: lines("word"),
    "hosts": lambda: f"CONFIG_COMPUTE_HOSTS={items('n{}')}",
    "hosts of all roles": lambda: every_key("n[0-9998]"),
    "hosts by address": lambda: f"CONFIG_COMPUTE_HOSTS={ADDRESSES}",
    "ranges of hosts": lambda: f"CONFIG_COMPUTE_HOSTS={items('n{}-[0-9998]')}",
    "a range of long names": lambda: f"CONFIG_COMPUTE_HOSTS={'n' * 60_000}[0-9998]",
    "hosts that are left alone": lambda: "EXCLUDE_SERVERS=m[0-9998]\nCONFIG_COMPUTE_HOSTS=n[0-9998]\n",
    "zero bytes": lambda: "CONFIG_NOVA_INSTALL=y\n" + "\0\n" * 19 + "\0" * (BIG // 2),
    "pairs": lambda: f"CONFIG_NEUTRON_OVN_BRIDGE_MAPPINGS={items('n{0}:b{0}')}",
    "bridges": lambda: (
        f"CONFIG_NEUTRON_OVN_BRIDGE_MAPPINGS={items('n{0}:b{0}')}\nCONFIG_NEUTRON_OVN_BRIDGE_IFACES={items('c{0}:b{0}')}\n"
        f"CONFIG_NEUTRON_OVN_BRIDGES_COMPUTE={items('b{}')}\n"
    ),
    "an interface of many bridges": lambda: f"CONFIG_NEUTRON_OVN_BRIDGE_IFACES={items('b{}:e1')}",
    "VLANs of many networks": lambda: (
        f"{VLANS}CONFIG_NEUTRON_ML2_VLAN_RANGES={items('n{}:1:9')}\n"
        f"CONFIG_NEUTRON_OVS_BRIDGE_MAPPINGS={items('n{0}:b{0}')}\nCONFIG_NEUTRON_OVS_BRIDGES_COMPUTE={items('c{}')}\n"
    ),
    "VLANs of one network": lambda: (
        f"{VLANS}CONFIG_NEUTRON_ML2_VLAN_RANGES={','.join(f'n:{n}:{n}' for n in range(1, 4094))}"
    ),
    "flat networks": lambda: f"CONFIG_NEUTRON_ML2_FLAT_NETWORKS={items('n{}')}",
    "networks": lambda: "CONFIG_NEUTRON_OVN_TUNNEL_SUBNETS=" + "10.0.0.0/8," * (LONG // 11),
    "blanks": lambda: "CONFIG_NTP_SERVERS=a" + " " * (LONG - 50) + "b",
    "blanks everywhere": lambda: every_key("1" + " " * BIG),
    "pools": lambda: "CONFIG_PROVISION_DEMO_ALLOCATION_POOLS=" + "start=1" * (LONG // 7),
    "pools and hosts": lambda: (
        f"CONFIG_PROVISION_DEMO_FLOATRANGE=10.0.0.0/8\nCONFIG_PROVISION_DEMO_ALLOCATION_POOLS={items('10.0.0.9-10.0.9.9')}\n"
        f"CONFIG_COMPUTE_HOSTS={ADDRESSES}"
    ),
    "records": lambda: "CONFIG_NOVA_PCI_ALIAS=" + "[" * LONG,
    "quoted records": lambda: "CONFIG_NOVA_PCI_ALIAS=" + "\\" * (LONG - 1) + '"',
    "deep records": lambda: "CONFIG_NOVA_PCI_ALIAS=" + '[{"a":' * (LONG // 9) + "1" + "}]" * (LONG // 9),
    "signs": lambda: "CONFIG_NTP_SERVERS=[" + "-" * (LONG - 3) + "1]",
    "sums": lambda: "CONFIG_NTP_SERVERS=[1" + "+1" * (LONG // 2 - 4) + "]",
    "brackets": lambda: every_key("[" * 30_000 + "]" * 30_000),
    "commas": lambda: every_key("a," * BIG),
    "choices": lambda: f"CONFIG_NEUTRON_ML2_TYPE_DRIVERS={items('geneve{}')}",
    "properties": lambda: f"CONFIG_PROVISION_IMAGE_PROPERTIES={items('a{}=b')}",
    "ranges": lambda: "CONFIG_NEUTRON_ML2_VLAN_RANGES=" + ",".join(f"n:{n % 4000 + 1}:4000" for n in range(LONG // 14)),
    "long commands": lambda: every_key("!cmd: " + "a" * 65_000),
    "quotes": lambda: every_key('"' + "x'" * 30_000),
    "percent signs": lambda: every_key("%{" * 30_000),
    "CR and LF": lambda: b"CONFIG_NTP_SERVERS=a\r\n" * LINES,
    "UTF-16": lambda: ("CONFIG_NTP_SERVERS=a\n" * (LINES - 1000)).encode("utf-16"),
    "half characters": lambda: b"\xff\xfe" + b"\x00\xd8" * (BIG // 2),
    "marks": lambda: "\ufeff" * (BIG // 3),
    "blanks without width": lambda: "CONFIG_NTP_SERVERS=a" + "\u200b " * (BIG // 5),
    "YAML": lambda: "".join(" " * n + f"k{n}:\n" for n in range(2500)),
    "JSON": lambda: '{"a":' * (BIG // 5),
    "any bytes": lambda: random.Random(1).randbytes(BIG),
}

MEASURED = """\
import contextlib, io, resource, sys, time
sys.path.insert(0, sys.argv[1])
from stackwright.cli import main
resource.setrlimit(resource.RLIMIT_CPU, (30, 30))
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
for command in (["check"], ["migrate"], ["diff", sys.argv[2]]):
    before = time.process_time()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        code = main(["answers", *command, sys.argv[2]])
    print(command[0], int(code), time.process_time() - before)
"""


@pytest.mark.long
@pytest.mark.parametrize("shape", SHAPES)
def test_any_file_is_read_within_seconds(shape: str, tmp_path: Path) -> None:
    """Processor time, because other tests run at the same time."""
    path = tmp_path / "big.txt"
    content = SHAPES[shape]()
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert path.stat().st_size <= syntax.MOST_BYTES
    command = [sys.executable, "-c", MEASURED, str(ROOT / "installer"), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    for line in done.stdout.splitlines():
        name, code, seconds = line.split()
        assert int(code) in (ExitCode.OK, ExitCode.ANSWERS), line
        assert float(seconds) < 5, line
        if name == "check":
            checked = code
        elif name == "migrate":
            assert code == checked


# ------------------------------------------------------------------------------------------- what bounds their work


def test_a_file_of_too_many_lines_is_refused() -> None:
    assert syntax.parse("#\n" * syntax.MOST_LINES, "f").lines == ()
    with pytest.raises(StackwrightError, match="expected at most"):
        syntax.parse("#\r\n" * (syntax.MOST_LINES + 1), "f")


def test_warnings_leave_room_for_errors() -> None:
    """Of a file of noise, many warnings of a name are left out, and no error after them is."""
    found = syntax.parse("-----\n" * 2000 + "no key\n" + "[other]\n" * 2000, "f").problems
    assert [p.where for p in found if p.severity is Severity.ERROR] == ["f:2001"]
    assert len(found) == 2001


def test_hosts_are_counted_before_ranges_are_written_out() -> None:
    assert len(values.hosts("a[1-5000],b[1-5000]")) == 10_000
    assert len(values.hosts(",".join(["a[0-9999]"] * 9000))) == 10_000
    for text in ("a[1-5000],b[1-5001]", "n" * 60_000 + "[0-9999]"):
        with pytest.raises(ValueError, match=r"at most 10,000 hosts|too long") as error:
            values.hosts(text)
        assert len(str(error.value)) < 200


def test_objects_may_be_quoted_a_few_times_only() -> None:
    record = '[{"a": "1"}]'
    for backslashes in (1, 3, 7):
        assert values.records(record.replace('"', "\\" * backslashes + '"')) == ((("a", "1"),),)
    for _ in range(3):
        record = json.dumps([record])
    assert values.records(record) == ((("a", "1"),),)
    for text in ("\\" * 5000 + '"', "[" * 5000):
        with pytest.raises(ValueError, match="JSON list"):
            values.records(text)


def test_each_problem_of_networks_is_told_once() -> None:
    hosts = ",".join(f"172.24.4.{n}" for n in range(20, 60))
    pools = ",".join(["172.24.4.10-172.24.4.90"] * 50)
    reading = read(f"CONFIG_COMPUTE_HOSTS={hosts}\nCONFIG_PROVISION_DEMO_ALLOCATION_POOLS={pools}\n")
    inside = [p for p in reading.problems if p.wanted.startswith("it contains 172.24.4.")]
    assert len(inside) == 40
    bridges = ",".join(f"b{n}:e1" for n in range(9))
    told = [p for p in read(f"CONFIG_NEUTRON_OVN_BRIDGE_IFACES={bridges}\n").problems if "is in b0 and" in p.wanted]
    assert len(told) == 1


def test_a_bridge_is_not_its_own_interface() -> None:
    (told,) = [p for p in read("CONFIG_NEUTRON_OVN_BRIDGE_IFACES=br-ex:br-ex\n").errors if p.name == "bridge-interface"]
    assert "br-ex, which is itself the bridge" in told.wanted


def test_pools_and_vlans_that_overlap_are_named() -> None:
    key = "CONFIG_PROVISION_DEMO_ALLOCATION_POOLS"
    pools = "172.24.4.60-172.24.4.70,172.24.4.10-172.24.4.40,172.24.4.20-172.24.4.30,172.24.4.40-172.24.4.50"
    told = [p.wanted.split(" overlaps")[0] for p in read(f"{key}={pools}\n").errors if "another pool" in p.wanted]
    assert told == ["172.24.4.20 to 172.24.4.30", "172.24.4.40 to 172.24.4.50"]
    ranges = "p:1:10,q:5:6,p:11:20,p:20:30,q:6:6"
    text = f"CONFIG_NEUTRON_L2_AGENT=openvswitch\nCONFIG_NEUTRON_ML2_VLAN_RANGES={ranges}\n"
    told = [p.wanted.split(" overlaps")[0] for p in read(text).errors if "another range" in p.wanted]
    assert told == ["p:20:30", "q:6:6"]


def test_all_bridges_that_compute_hosts_lack_are_one_problem() -> None:
    text = JUNO.replace("physnet1:1000:1999", "physnet1:1000:1999,physnet2:1:9").replace(
        "physnet1:br-eth1", "physnet1:br-eth1,physnet2:br-eth2"
    )
    (found,) = [p for p in read(f"{text}CONFIG_NEUTRON_OVS_BRIDGES_COMPUTE=\n").problems if "as well" in p.wanted]
    assert found.wanted.startswith("must have br-eth1, br-eth2 as well")
    assert found.hint.endswith("=br-eth1,br-eth2")
