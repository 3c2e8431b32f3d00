"""What the lab says about the machine it is on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stackwright.cli import lab as lab_nodes
from stackwright.lab import machine, network, supervisor
from stackwright.lab.layout import Lab
from stackwright.model import ExitCode, StackwrightError


def test_all_missing_programs_are_reported_at_once() -> None:
    there = {"ip", "ssh", "ssh-keygen", "losetup", "mount", "setsid"}
    with pytest.raises(StackwrightError) as error:
        machine.require(which=lambda program: program if program in there else None, uid=1000)
    assert error.value.code == ExitCode.ENVIRONMENT
    assert "needs root" in error.value.message
    assert "mmdebstrap, systemd-nspawn, nft" in error.value.message
    assert error.value.hint.splitlines() == [
        "run the command with sudo",
        "install them: apt-get install --yes --no-install-recommends mmdebstrap nftables systemd-container",
    ]


def test_nothing_is_said_when_nothing_is_missing() -> None:
    machine.require(which=lambda program: program, uid=0)


def test_a_program_that_fails_is_quoted() -> None:
    with pytest.raises(StackwrightError, match="ended with 3:\nno such thing") as error:
        machine.run(["sh", "-c", "echo no such thing >&2; exit 3"])
    assert error.value.hint
    assert machine.run(["sh", "-c", "echo seen; exit 3"], check=False) == "seen\n"


UNDER_A_LOCK = """\
import sys
from pathlib import Path
from stackwright.lab import machine
with machine.locked(Path(sys.argv[1])):
    machine.run(["sh", "-c", "echo $$ >$0; exec sleep 1000", sys.argv[2]])
"""


def test_a_lock_outlives_a_crash_until_the_programs_under_it_have_ended(tmp_path: Path) -> None:
    lock, there = tmp_path / "lock", tmp_path / "there"
    words = [sys.executable, "-c", UNDER_A_LOCK, str(lock), str(there)]
    with subprocess.Popen(words, env={**os.environ, "PYTHONPATH": str(Path(machine.__file__).parents[2])}) as crashing:
        while not (there.is_file() and there.read_text()):
            assert crashing.poll() is None
            time.sleep(0.01)
        crashing.kill()
    waited: list[str] = []

    def waiting() -> None:
        waited.append("so it is held")
        os.kill(int(there.read_text()), signal.SIGKILL)

    with machine.locked(lock, waiting):
        assert waited


def test_loop_devices_on_loop_devices_come_first() -> None:
    entries = [
        ("/dev/loop0", "0:77", "7:0"),
        ("/dev/loop1", "8:1", "7:1"),
        ("/dev/loop2", "7:0", "7:2"),
        ("/dev/loop3", "7:1", "7:3"),
        ("/dev/loop4", "0:77", "7:4"),
    ]
    found = machine.stacked_loops("0:77", entries)
    assert set(found) == {"/dev/loop0", "/dev/loop2", "/dev/loop4"}
    assert found.index("/dev/loop2") < found.index("/dev/loop0")


HYBRID = """\
24 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 24 0:25 / /sys/fs/cgroup rw - tmpfs tmpfs rw
31 30 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu
32 30 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
33 30 0:28 / /sys/fs/cgroup/systemd rw shared:9 - cgroup cgroup rw,xattr,name=systemd
34 30 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
35 30 0:29 /a /mnt/part rw - cgroup2 cgroup2 rw
"""


def test_control_groups_of_old_and_new_machines() -> None:
    assert [p.name for p in supervisor.hierarchies(HYBRID)] == ["memory", "systemd", "unified"]
    pure = "29 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
    assert supervisor.hierarchies(pure) == [Path("/sys/fs/cgroup")]


def test_nodes_get_a_resolver_that_they_can_reach() -> None:
    stub = "nameserver 127.0.0.53\noptions edns0\n"
    real = "# real\nnameserver 203.0.113.1\nnameserver 127.0.0.1\nsearch example.test\n"
    assert network.nameservers([stub, real]) == "nameserver 203.0.113.1\nsearch example.test\n"
    assert network.nameservers([stub]) == ""


def test_the_world_does_not_reach_nodes() -> None:
    text = network.ruleset(Lab(Path("/x"), 4))
    assert "table ip stackwright_lab4 {" in text
    assert "ip saddr { 198.18.4.0/24, 198.19.4.0/24 }" in text
    assert 'iifname != { "swlab4", "swext4" } oifname { "swlab4", "swext4" } ct state new drop' in text


def test_a_mistake_on_the_command_line_is_reported_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert lab_nodes.main(["up", "N1"]) == ExitCode.USAGE
    said = capsys.readouterr().err
    assert said.startswith("error: 'N1' is not a valid name of a node")
    assert "\n\nhint: " in said
    assert "Traceback" not in said


def test_an_unknown_command_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as leaving:
        lab_nodes.main(["upp"])
    assert leaving.value.code == ExitCode.USAGE
    assert "upp" in capsys.readouterr().err
