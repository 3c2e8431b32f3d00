"""`stackwright lab` on this machine: nodes that behave like hosts, and a `down` that leaves nothing behind."""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from shell import Shell

from stackwright import facts
from stackwright import lab as rooms
from stackwright.lab import Lab, machine, supervisor
from stackwright.model import StackwrightError

pytestmark = pytest.mark.lab

FORWARD = Path("/proc/sys/net/ipv4/ip_forward")


def output(*words: str) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def until(true: Callable[[], object], what: str, patience: float = 60.0) -> None:
    deadline = time.monotonic() + patience
    while not true():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.02)


def shells(lab: Lab, *names: str, release: str = "") -> list[Shell]:
    return [Shell(lab, node) for node in rooms.up(names, lab=lab, release=release)]


def other_labs(lab: Lab) -> bool:
    links = json.loads(output("ip", "-json", "link", "show", "type", "bridge"))
    ours = {lab.bridge, lab.external_bridge}
    return any(link["ifname"] not in ours and "stackwright-lab:" in link.get("ifalias", "") for link in links)


def remains(lab: Lab) -> list[str]:
    """Everything on this machine that belongs to a node of the lab, or to its network."""
    found = []
    prefix = lab.namespace("")
    found += [f"namespace {p.name}" for p in Path("/run/netns").glob(f"{prefix}*")]
    found += [
        f"mount {line}" for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(lab.home) in line
    ]
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if str(lab.home) in words and int(process.name) != os.getpid():
            found.append(f"process {process.name}: {words}")
    links = [link["ifname"] for link in json.loads(output("ip", "-json", "link", "show"))]
    starts = (f"sw{lab.number}i", f"sw{lab.number}e")
    found += [f"link {n}" for n in links if n in (lab.bridge, lab.external_bridge) or n.startswith(starts)]
    found += [
        f"rules {line}" for line in output("nft", "list", "tables").splitlines() if line.endswith(f" {lab.table}")
    ]
    found += [f"group {p}" for p in Path("/sys/fs/cgroup").rglob(f"{prefix}*")]
    found += [f"nspawn {p}" for p in Path("/run/systemd/nspawn").rglob(f"{prefix}*")]
    found += [f"folder {p}" for p in lab.nodes.glob("*")]
    return found


# -------------------------------------------------------------------------------------------- a node is like a host


def test_nodes_behave_like_hosts(scratch_lab: Lab) -> None:
    one, two = shells(scratch_lab, "n1", "n2")

    assert one("hostname -f").strip() == "n1.lab.stackwright.test"
    assert one(f"getent hosts {two.node.address}").split()[1:] == ["n2.lab.stackwright.test", "n2"]
    assert one("getent ahostsv4 n2.lab.stackwright.test").split()[0] == two.node.address
    assert one("systemctl is-system-running --wait", check=False).strip() == "running", one("systemctl --failed")
    assert set(one("ls /sys/class/net").split()) == {"lo", "eth0", "eth1"}
    assert one("cat /etc/machine-id") != two("cat /etc/machine-id")

    one(f"ping -c 1 -W 5 {two.node.name}")
    one("apt-get update --error-on=any")
    one("test -w /proc/sys/net/ipv4/ip_forward && test -c /dev/net/tun && test -c /dev/fuse && test -b /dev/loop0")
    one("test ! -e /dev/kvm")

    # The machine's clock is not the node's to set.
    assert "not permitted" in one("LC_ALL=C date -s @0", check=False)


def test_the_second_interface_reaches_the_machine(scratch_lab: Lab) -> None:
    (one,) = shells(scratch_lab, "n1")
    (link,) = json.loads(one("ip -json address show dev eth1"))
    assert link["operstate"] == "UP"
    assert [a for a in link["addr_info"] if a["family"] == "inet"] == []

    prefix = scratch_lab.external_gateway.rpartition(".")[0]
    one(f"ip address add {prefix}.50/24 dev eth1; ping -c 1 -W 5 -I eth1 {scratch_lab.external_gateway}")
    with socket.create_connection((f"{prefix}.50", 22), timeout=5) as sock:
        assert sock.recv(4) == b"SSH-"

    # Packets with open checksums would die in Open vSwitch's userspace datapath: ETHTOOL_GTXCSUM must say 0.
    for interface in (scratch_lab.external_bridge, scratch_lab.links(one.node.index)[1]):
        value = ctypes.create_string_buffer(struct.pack("II", 0x16, 9), 8)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            fcntl.ioctl(sock, 0x8946, struct.pack("16sP16x", interface.encode(), ctypes.addressof(value)))
        assert struct.unpack("II", value.raw)[1] == 0, interface


def test_a_route_through_a_node_is_removed_with_it(scratch_lab: Lab) -> None:
    (one,) = shells(scratch_lab, "n1")
    beyond = f"198.19.{(scratch_lab.number + 128) % 256}"
    one(f"ip link add inner type bridge; ip address add {beyond}.1/24 dev inner; ip link set inner up")
    rooms.route(f"{beyond}.0/24", one.node.address)
    with socket.create_connection((f"{beyond}.1", 22), timeout=5) as sock:
        assert sock.recv(4) == b"SSH-"
    shells(scratch_lab, "n2")
    rooms.down(["n1"], lab=scratch_lab)
    assert output("ip", "route", "show", f"{beyond}.0/24") == ""


def test_each_node_has_control_groups_of_its_own(scratch_lab: Lab) -> None:
    for shell in shells(scratch_lab, "n1", "n2"):
        name = scratch_lab.namespace(shell.node.name)
        pids = output("ip", "netns", "pids", name).split()
        assert len(pids) >= 5
        for pid in pids:
            (unified,) = [x for x in Path(f"/proc/{pid}/cgroup").read_text().splitlines() if x.startswith("0::")]
            assert f"/{name}/" in unified


def test_host_keys_are_known_and_a_wrong_one_is_refused(scratch_lab: Lab) -> None:
    (one,) = shells(scratch_lab, "n1")
    assert scratch_lab.home.stat().st_mode & 0o777 == 0o700
    assert scratch_lab.key.stat().st_mode & 0o777 == 0o600
    assert "StrictHostKeyChecking yes" in scratch_lab.ssh_config.read_text()
    one(
        "rm /etc/ssh/ssh_host_*; ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key; systemctl restart ssh"
    )
    assert "REMOTE HOST IDENTIFICATION HAS CHANGED" in one("true", check=False)


# --------------------------------------------------------------------------------------------------- it goes on living


def reboot(shell: Shell) -> None:
    boot = shell("cat /proc/sys/kernel/random/boot_id")
    shell("systemctl reboot", check=False)
    until(
        lambda: len(now := shell("cat /proc/sys/kernel/random/boot_id", check=False)) == len(boot) and now != boot,
        "reboot",
    )


def test_a_node_reboots_like_a_host(scratch_lab: Lab) -> None:
    (one,) = shells(scratch_lab, "n1")
    one("touch /root/kept /run/lost")
    reboot(one)
    one("test -e /root/kept && test ! -e /run/lost")
    assert set(one("ls /sys/class/net").split()) == {"lo", "eth0", "eth1"}
    one(f"ping -c 1 -W 5 {scratch_lab.gateway}")


def test_a_stopped_node_starts_again_with_its_disk(scratch_lab: Lab) -> None:
    (one,) = shells(scratch_lab, "n1")
    one("touch /root/kept; systemctl poweroff", check=False)
    until(lambda: rooms.list_nodes(scratch_lab)[0].state == "stopped", "poweroff")
    with pytest.raises(StackwrightError, match="n1 is stopped") as error:
        rooms.ssh_command("n1", scratch_lab)
    assert error.value.hint == "start it: stackwright lab up n1"
    (again,) = shells(scratch_lab, "n1")
    again("test -e /root/kept")


def test_a_node_cannot_use_more_than_its_size(scratch_lab: Lab) -> None:
    size, said = rooms.Size(512 * 2**20, 1), list[str]()
    (node,) = rooms.up(["n1"], lab=scratch_lab, size={"n1": size}, say=said.append)
    if any("not enforced" in line for line in said):
        pytest.skip("this machine has no control groups that limit memory and processors")
    assert node.size == size
    one, name = Shell(scratch_lab, node), scratch_lab.namespace("n1")

    def holds() -> None:
        """Checks inside the node: it cannot use 700 MiB or two processors, and its system reports these limits."""
        take = "python3 -c 'x = bytearray({} << 20)'; echo $?"
        assert one(take.format(300)).split() == ["0"]
        assert "137" in one(take.format(700)).splitlines(), "killed"
        if (os.cpu_count() or 1) > 1:
            path, unified = supervisor.hierarchy(supervisor.mountinfo(), "cpu")
            assert path is not None
            group = supervisor.group(path, name)
            files = ["cpu.max"] if unified else ["cpu.cfs_quota_us", "cpu.cfs_period_us"]
            assert " ".join((group / file).read_text().strip() for file in files) == "100000 100000"
            before = throttled(group)

            def held_back() -> bool:
                one("for n in 1 2 3; do timeout 1 sh -c 'while :; do :; done' & done; wait")
                return throttled(group) > before

            # Beside other work it may get less than its size in any case.
            until(held_back, "the node's processors are limited", patience=180)
        seen = facts.parse(one(facts.probe()), "n1", time.time())
        assert (seen.memory, seen.cpus, seen.swap) == (size.memory, 1, 0)

    holds()
    reboot(one)
    holds()
    rooms.reset("n1", lab=scratch_lab)
    holds()

    one("systemctl poweroff", check=False)
    until(lambda: rooms.list_nodes(scratch_lab)[0].state == "stopped", "poweroff")
    (node,) = rooms.up(["n1"], lab=scratch_lab, size={"n1": rooms.Size(2**30)})
    assert node.size == rooms.Size(2**30, 1), "what was not said stays"
    one("python3 -c 'x = bytearray(700 << 20)'")

    rooms.up(["n2"], lab=scratch_lab)
    Shell(scratch_lab, rooms.list_nodes(scratch_lab)[1])("test ! -e /etc/stackwright-lab-limits")
    assert any(line.startswith("group ") for line in remains(scratch_lab))
    rooms.down(lab=scratch_lab)
    assert remains(scratch_lab) == []


def throttled(group: Path) -> int:
    """How often the node had to wait because it had used up its processors' time."""
    (line,) = [x for x in (group / "cpu.stat").read_text().splitlines() if x.startswith("nr_throttled ")]
    return int(line.split()[1])


def test_up_returns_a_node_that_runs_and_says_so(scratch_lab: Lab) -> None:
    (first,) = rooms.up(["n1"], lab=scratch_lab)
    said: list[str] = []
    (second,) = rooms.up(["n1"], lab=scratch_lab, say=said.append)
    assert second == first
    assert f"n1: already running at {first.address}" in said
    with pytest.raises(StackwrightError, match="runs bookworm, not trixie"):
        rooms.up(["n1"], lab=scratch_lab, release="trixie")


def test_two_concurrent_commands_do_not_interfere(scratch_lab: Lab) -> None:
    both = [start_up(scratch_lab, name) for name in ("n1", "n2")]
    assert [process.wait(120) for process in both] == [0, 0]
    nodes = rooms.list_nodes(scratch_lab)
    assert [n.state for n in nodes] == ["running", "running"]
    assert len({n.address for n in nodes}) == 2


def test_the_second_node_downloads_nothing(scratch_lab: Lab) -> None:
    for package in scratch_lab.packages.glob("bookworm/tzdata_*.deb"):
        package.unlink()
    (one,) = shells(scratch_lab, "n1")
    one("apt-get update -qq && apt-get install --yes --no-install-recommends --reinstall -qq tzdata")
    (two,) = shells(scratch_lab, "n2")
    plan = two("apt-get update -qq; apt-get install --yes --no-install-recommends --reinstall --print-uris tzdata")
    assert ".deb" not in plan
    two("apt-get install --yes --no-install-recommends --reinstall -qq --no-download tzdata")


def test_debian_13(scratch_lab: Lab) -> None:
    (one,) = shells(scratch_lab, "n1", release="trixie")
    assert "VERSION_CODENAME=trixie" in one("cat /etc/os-release")
    one("apt-get update --error-on=any")
    assert one("systemctl is-system-running --wait", check=False).strip() == "running", one("systemctl --failed")


def test_new_nodes_can_start_from_a_snapshot(scratch_lab: Lab) -> None:
    shells(scratch_lab, "n0")
    (one,) = shells(scratch_lab, "n1")
    one("echo cloud > /root/kept; rm /usr/share/common-licenses/GPL-3")
    rooms.take_snapshot("n1", "tried", lab=scratch_lab)
    try:
        one("echo spoilt > /root/kept")
        with pytest.raises(StackwrightError, match="in use by node n1"):
            rooms.remove_snapshot("tried", lab=scratch_lab)
        rooms.down(["n0", "n1"], lab=scratch_lab)

        (node,) = rooms.up(["n1"], snapshot="tried", lab=scratch_lab)
        assert node.address == one.node.address
        again = Shell(scratch_lab, node)
        assert again("cat /root/kept").strip() == "cloud"
        again("test ! -e /usr/share/common-licenses/GPL-3")
        again("echo tried something > /root/kept; touch /root/new")
        assert rooms.reset("n1", lab=scratch_lab) == "tried"
        assert again("cat /root/kept; ls /root/new 2>/dev/null", check=False).strip() == "cloud"
        assert again("hostname").strip() == "n1", "it has its own name and key again"
        rooms.down(["n1"], lab=scratch_lab)
    finally:
        rooms.down(lab=scratch_lab)
        rooms.remove_snapshot("tried", lab=scratch_lab)
    with pytest.raises(StackwrightError, match="no snapshot named tried"):
        rooms.up(["n1"], snapshot="tried", lab=scratch_lab)


# ---------------------------------------------------------------------------------------------------------- and it goes


def test_down_leaves_nothing(scratch_lab: Lab) -> None:
    before = FORWARD.read_text()
    one, two = shells(scratch_lab, "n1", "n2")
    loop = one(
        "set -e; truncate -s 64M /root/disk; disk=$(losetup --find --show /root/disk); echo $disk; "
        "systemd-run --quiet --unit=stubborn sh -c 'trap \"\" TERM INT HUP; while :; do sleep 1; done'; "
        "ip netns add inner; ip netns exec inner sleep 1000 >/dev/null 2>&1 </dev/null & "
    ).strip()
    assert loop in output("losetup", "--list", "--noheadings", "--output", "NAME")
    assert len(remains(scratch_lab)) > 10
    assert "n1" in two("cat /etc/hosts")

    assert rooms.down(["n1"], lab=scratch_lab) == ["n1"]
    assert loop not in output("losetup", "--list", "--noheadings", "--output", "NAME")
    assert "n1" not in two("cat /etc/hosts")
    assert two("echo lives").strip() == "lives"

    assert rooms.down(lab=scratch_lab) == ["n2"]
    assert remains(scratch_lab) == []
    if not other_labs(scratch_lab):
        assert FORWARD.read_text() == before
    assert rooms.down(lab=scratch_lab) == []


def start_up(lab: Lab, *words: str, program: Sequence[str] = ("-m", "stackwright", "lab")) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "STACKWRIGHT_LAB_DIR": str(lab.directory),
        "STACKWRIGHT_LAB_NUMBER": str(lab.number),
        "PYTHONPATH": str(Path(rooms.__file__).parents[2]),
    }
    return subprocess.Popen([sys.executable, *program, "up", *words], env=environment)


MOMENTS: dict[str, Callable[[Lab], bool]] = {
    "recorded": lambda lab: (lab.disk("n1") / "node.json").exists(),
    "mounted": lambda lab: lab.root("n1").is_mount(),
    "connected": lambda lab: Path("/run/netns", lab.namespace("n1")).exists(),
    "second cable": lambda lab: Path("/sys/class/net", lab.links(10)[1]).exists(),
    "booting": lambda lab: any("nspawn" in line and "--boot" in line for line in remains(lab)),
    "second node": lambda lab: lab.root("n2").is_mount(),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_down_cleans_up_after_a_crash_of_up(scratch_lab: Lab, moment: str) -> None:
    shells(scratch_lab, "base-is-there")
    rooms.down(lab=scratch_lab)
    for remedy in ("down", "up"):
        process = start_up(scratch_lab, "n1", "n2", "--memory", "1G", "--cpus", "1")
        until(lambda: MOMENTS[moment](scratch_lab), moment)
        process.send_signal(signal.SIGKILL)
        process.wait()
        if remedy == "up":
            one, _ = shells(scratch_lab, "n1", "n2")
            one("ping -c 1 -W 5 n2")
        rooms.down(lab=scratch_lab)
        assert remains(scratch_lab) == []


SLOW = """\
import sys
from stackwright.cli import lab
from stackwright.lab import machine
machine._PATH = f"{sys.argv.pop(1)}:{machine._PATH}"
sys.exit(lab.main(sys.argv[1:]))
"""


def test_a_supervisor_of_a_killed_up_does_not_start_a_node_after_down(scratch_lab: Lab, tmp_path: Path) -> None:
    """`down` finds supervisors by their command line, which they have only once setsid has started them."""
    shells(scratch_lab, "base-is-there")
    rooms.down(lab=scratch_lab)
    there = tmp_path / "there"
    slow = tmp_path / "setsid"
    slow.write_text(
        "#!/usr/bin/python3\nimport os, sys, time\n"
        f"open({str(there)!r}, 'w')\ntime.sleep(3)\nos.execv('/usr/bin/setsid', sys.argv)\n"
    )
    slow.chmod(0o755)
    process = start_up(scratch_lab, "n1", program=("-c", SLOW, str(tmp_path)))
    until(there.exists, "the setsid of the supervisor")
    process.send_signal(signal.SIGKILL)
    process.wait()
    rooms.down(lab=scratch_lab)
    time.sleep(4)
    assert remains(scratch_lab) == []


def test_down_works_without_any_record(scratch_lab: Lab) -> None:
    shells(scratch_lab, "n1", "n2")
    (scratch_lab.disk("n1") / "node.json").write_text('{"name": "n1", "ind')
    (scratch_lab.disk("n2") / "node.json").unlink()
    rooms.down(lab=scratch_lab)
    assert remains(scratch_lab) == []


def test_down_finds_a_node_by_its_processes_or_its_groups_alone(scratch_lab: Lab) -> None:
    root, name = scratch_lab.root("n1"), scratch_lab.namespace("n1")
    with subprocess.Popen(["sh", "-c", "read word", "sh", f"--directory={root}"], stdin=subprocess.PIPE) as left:
        assert rooms.down(lab=scratch_lab) == ["n1"]
        assert left.wait() == -signal.SIGKILL
    for group in supervisor.groups(name):
        (group / "supervisor").mkdir(parents=True)
    assert rooms.down(lab=scratch_lab) == ["n1"]
    assert remains(scratch_lab) == []


def test_a_node_is_recreated_after_the_machine_restarted(scratch_lab: Lab) -> None:
    (one,) = shells(scratch_lab, "n1")
    one("touch /root/kept")
    record = scratch_lab.disk("n1") / "node.json"
    earlier = {**json.loads(record.read_text()), "boot_id": "of another time"}
    record.write_text(json.dumps(earlier))
    assert [n.state for n in rooms.list_nodes(scratch_lab)] == ["lost"]

    said: list[str] = []
    rooms.up(["n1"], lab=scratch_lab, say=said.append)
    assert "n1: removing what was left after a crash or a restart of the machine" in said
    one("test ! -e /root/kept")

    # A restart leaves the names of namespaces behind where /run is on a disk.
    rooms.down(lab=scratch_lab)
    Path("/run/netns", scratch_lab.namespace("n3")).touch()
    (three,) = shells(scratch_lab, "n3")
    three("true")


def test_unknown_names_change_nothing(scratch_lab: Lab) -> None:
    shells(scratch_lab, "n1")
    with pytest.raises(StackwrightError, match="no node named n7"):
        rooms.down(["n1", "n7"], lab=scratch_lab)
    assert [n.state for n in rooms.list_nodes(scratch_lab)] == ["running"]


def test_a_second_lab_in_the_same_network_is_refused(scratch_lab: Lab, tmp_path: Path) -> None:
    shells(scratch_lab, "n1")
    rival = Lab(tmp_path, scratch_lab.number)
    (tmp_path / "base").symlink_to(scratch_lab.bases)
    with pytest.raises(StackwrightError, match="belongs to") as error:
        rooms.up(["n9"], lab=rival)
    assert "STACKWRIGHT_LAB_NUMBER" in error.value.hint
    assert [n.state for n in rooms.list_nodes(scratch_lab)] == ["running"]


def test_what_is_mounted_in_a_nodes_folder_is_not_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if it could not be unmounted: it may contain data of a user."""
    deep = tmp_path / "node" / "upper/usr/lib/python3/dist-packages"
    for point in (deep / "mounted", deep.parent):
        point.mkdir(parents=True, exist_ok=True)
        (deep / "removed").mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "none", point], check=True)
        try:
            (point / "kept").write_text("data")
            with monkeypatch.context() as patch:
                patch.setattr(machine, "unmount_under", lambda _: None)
                with pytest.raises(StackwrightError):
                    machine.remove_tree(tmp_path / "node")
            assert (point / "kept").read_text() == "data"
            assert not (deep / "removed").exists()
        finally:
            subprocess.run(["umount", point], check=True)
    machine.remove_tree(tmp_path / "node")
    assert list(tmp_path.iterdir()) == []
