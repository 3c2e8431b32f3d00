"""Storage made of files: our Puppet classes for Ceph, LVM and Swift, applied on a node, twice, and after a reboot."""

from __future__ import annotations

import base64
import io
import os
import struct
import subprocess
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import yaml

from stackwright import lab
from stackwright.planner import assets

pytestmark = [pytest.mark.lab, pytest.mark.long]

RELEASES = os.environ.get("STACKWRIGHT_TEST_RELEASES", "bookworm").split()
FSID = "4b5c8c0a-ff60-454b-a1b4-9747aa737d19"
GIB = 1024**3
PACKAGES = (
    "puppet-agent puppet-module-puppetlabs-stdlib ceph-mon ceph-mgr ceph-osd ceph-common qemu-utils qemu-block-extra "
    "lvm2 e2fsprogs xfsprogs libvirt-daemon-system libvirt-clients"
)


def ceph_key() -> str:
    """A new cephx key: type AES, time of creation, length, sixteen random bytes."""
    seconds, nanoseconds = divmod(time.time_ns(), 10**9)
    return base64.b64encode(struct.pack("<hiih", 1, seconds, nanoseconds, 16) + os.urandom(16)).decode()


KEY = ceph_key()


def brief(log: str) -> str:
    """A debug log without unimportant lines."""
    return "\n".join(line for line in log.splitlines() if not line.startswith("Debug: "))


@dataclass(frozen=True)
class Machine:
    """A node with the packages on it, and our module."""

    name: str
    address: str

    def sh(self, script: str, stdin: bytes = b"", check: bool = True) -> str:
        """Runs a shell script on the node and returns what it printed on both channels."""
        done = subprocess.run(
            [*lab.ssh_command(self.name), f"exec 2>&1; set -e; {script}"], input=stdin, capture_output=True, check=False
        )
        text = done.stdout.decode(errors="replace") + done.stderr.decode(errors="replace")
        assert done.returncode == 0 or not check, f"{script}\nexit {done.returncode}\n{text}"
        return text

    def apply(self, manifest: str, **data: object) -> tuple[int, str]:
        """Applies a manifest; returns Puppet's detailed exit code and its debug log, which has every command run."""
        self.sh("cat > /root/site.pp", f"Exec {{ logoutput => on_failure }}\n{manifest}\n".encode())
        self.sh("umask 077; cat > /root/data.yaml", yaml.safe_dump(data).encode())
        layer = {"name": "all", "data_hash": "yaml_data", "datadir": "/root", "path": "data.yaml"}
        layers = {"version": 5, "hierarchy": [layer]}
        self.sh("cat > /root/hiera.yaml", yaml.safe_dump(layers).encode())
        log = self.sh(
            "set +e; puppet apply --debug --color false --detailed-exitcodes --hiera_config /root/hiera.yaml "
            "--modulepath /root/modules:/usr/share/puppet/modules:/usr/share/puppet/modules.available /root/site.pp; "
            "echo exit=$?"
        )
        return int(log.rpartition("exit=")[2]), log

    def twice(self, manifest: str, **data: object) -> str:
        """Applies a manifest, then once more: the second run must change nothing. Returns the first run's log."""
        code, log = self.apply(manifest, **data)
        assert code == 2, brief(log)
        again, second = self.apply(manifest, **data)
        assert again == 0, brief(second)
        return log + second

    def reboot(self) -> None:
        """Shuts the node down properly and starts it again."""
        self.sh("systemctl poweroff", check=False)
        deadline = time.monotonic() + 60
        while next(n for n in lab.list_nodes() if n.name == self.name).state != "stopped":
            assert time.monotonic() < deadline, "the node does not shut down"
            time.sleep(0.5)
        lab.up([self.name])

    def until(self, script: str, patience: float = 60.0) -> str:
        """Repeats a script until it succeeds."""
        deadline = time.monotonic() + patience
        while True:
            text = self.sh(f"{{ {script}; }} && echo reached", check=False)
            if text.endswith("reached\n"):
                return text
            if time.monotonic() > deadline:
                state = self.sh("timeout 20 ceph status; timeout 20 ceph health detail", check=False)
                pytest.fail(f"{script}\n{text}{state}")
            time.sleep(1)


@pytest.fixture(scope="module", params=RELEASES)
def machine(request: pytest.FixtureRequest) -> Iterator[Machine]:
    name = f"ceph-{request.param}"
    (node,) = lab.up([name], release=request.param)
    try:
        machine = Machine(name, node.address)
        machine.sh(
            "export DEBIAN_FRONTEND=noninteractive; apt-get -qq update; "
            f"apt-get -qq -y --no-install-recommends install {PACKAGES} >/dev/null"
        )
        # What the OpenStack packages bring.
        machine.sh("useradd --system cinder; useradd --system swift; mkdir -p /root/modules")
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            archive.add(assets.puppet_module(), "stackwright")
        machine.sh("tar -C /root/modules --no-same-owner -xf -", packed.getvalue())
        yield machine
    finally:
        lab.down([name])


@pytest.fixture(scope="module")
def ceph(machine: Machine) -> Machine:
    """The machine with Ceph on it; that the second run changes nothing was seen."""
    log = machine.twice("include stackwright::ceph", **ceph_data(machine.address))
    assert "ceph auth import -i" in log, "the debug log is expected to have the commands"
    assert not shown(log)
    return machine


def shown(log: str) -> list[str]:
    """The lines of a debug log in which the key stands, besides those with which Hiera tells what it has read."""
    return [line for line in log.splitlines() if KEY in line and "Found key: " not in line]


def ceph_data(address: str) -> dict[str, object]:
    return {
        "stackwright::ceph::client::fsid": FSID,
        "stackwright::ceph::client::address": address,
        "stackwright::ceph::client::key": KEY,
        "stackwright::ceph::osd_size": 4 * GIB,
    }


LOOP_DEVICES = "losetup --noheadings -O NAME --associated /var/lib/cinder/cinder-volumes"
# Debian 13's python3-bcrypt refuses to be loaded by the manager's modules (PyO3 and subinterpreters). Volumes do not
# need those modules; the warning is true, and is left to be seen.
HEALTH = {"trixie": "HEALTH_OK|HEALTH_WARN [0-9]+ mgr modules have failed dependencies"}


def healthy(machine: Machine) -> str:
    """A script that succeeds when Ceph is well, and every placement group can be used."""
    wanted = HEALTH.get(machine.name.removeprefix("ceph-"), "HEALTH_OK")
    return f"ceph health | grep -qxE '{wanted}' && ceph pg stat | grep -qE '^([0-9]+) pgs: \\1 active.clean;'"


def test_ceph_is_healthy_and_requires_keys(ceph: Machine) -> None:
    ceph.until(healthy(ceph))
    assert ceph.sh("ceph fsid").strip() == FSID
    assert ceph.sh("ceph osd metadata 0 --format json | grep -o bluestore | head -1").strip() == "bluestore"
    assert ceph.sh("stat -c '%a %U %G' /etc/ceph/ceph.client.cinder.keyring").split() == ["640", "root", "cinder"]
    assert ceph.sh("stat -c '%a %U' /etc/ceph/ceph.client.admin.keyring").split() == ["600", "root"]
    # Nobody is let in without a key, with another one, or to more than the pool.
    wrong = f"[client.cinder]\n\tkey = {ceph_key()}\n"
    ceph.sh("umask 077; cat > /root/wrong.keyring", wrong.encode())
    for keyring in ("/root/wrong.keyring", "/dev/null"):
        seen = ceph.sh(f"timeout 30 rbd --id cinder -k {keyring} ls volumes || echo refused", check=False)
        assert seen.endswith("refused\n"), seen
    assert "EACCES" in ceph.sh("ceph --id cinder osd pool create other", check=False)


def test_an_image_is_written_and_read_as_cinder(ceph: Machine) -> None:
    ceph.sh("head -c 33554432 /dev/urandom > /root/written")
    ceph.sh("rbd --id cinder create --size 64M volumes/one")
    ceph.sh("qemu-img convert -n -f raw -O raw /root/written rbd:volumes/one:id=cinder")
    ceph.sh("runuser -u cinder -- rbd --id cinder ls volumes | grep -qx one")
    assert "identical" in ceph.sh("qemu-img compare -f raw -F raw /root/written rbd:volumes/one:id=cinder")
    ceph.sh("rbd --id cinder snap create --no-progress volumes/one@then; rbd --id cinder snap protect volumes/one@then")
    ceph.sh("rbd --id cinder clone volumes/one@then volumes/two")
    assert "identical" in ceph.sh("qemu-img compare -f raw -F raw /root/written rbd:volumes/two:id=cinder")


def test_libvirt_gets_the_key_secretly(machine: Machine) -> None:
    data = {"stackwright::ceph::libvirt_secret::uuid": FSID, "stackwright::ceph::libvirt_secret::key": KEY}
    log = machine.twice("include stackwright::ceph::libvirt_secret", **data)
    assert "virsh -q secret-set-value" in log
    assert not shown(log)
    assert machine.sh(f"virsh -q secret-get-value {FSID}").strip() == KEY
    # A changed key is put in place of the old one.
    other = ceph_key()
    data["stackwright::ceph::libvirt_secret::key"] = other
    code, log = machine.apply("include stackwright::ceph::libvirt_secret", **data)
    assert code == 2, brief(log)
    assert machine.sh(f"virsh -q secret-get-value {FSID}").strip() == other


def test_a_changed_key_replaces_the_clients_key(ceph: Machine) -> None:
    data = ceph_data(ceph.address)
    other = ceph_key()
    code, log = ceph.apply("include stackwright::ceph", **{**data, "stackwright::ceph::client::key": other})
    assert code == 2, brief(log)
    ceph.sh("rbd --id cinder ls volumes")
    assert ceph.sh("ceph auth get-key client.cinder").strip() == other
    code, log = ceph.apply("include stackwright::ceph", **data)
    assert code == 2, brief(log)


@pytest.mark.parametrize("fstype", ["ext4", "xfs"])
def test_swift_has_a_disk_of_its_own(machine: Machine, fstype: str) -> None:
    name = f"disk{fstype}"
    data = {
        "stackwright::swift_loopback::device": name,
        "stackwright::swift_loopback::size": GIB,
        "stackwright::swift_loopback::fstype": fstype,
    }
    machine.twice("include stackwright::swift_loopback", **data)
    assert machine.sh(f"findmnt -no FSTYPE /srv/node/{name}").strip() == fstype
    machine.sh(f"runuser -u swift -- cp /etc/os-release /srv/node/{name}/kept")
    # The file is sparse: far less than its size is taken from the disk.
    assert int(machine.sh(f"stat -c %b /srv/loopback-device/{name}")) * 512 < GIB // 4


def test_a_disk_with_data_is_never_formatted(machine: Machine) -> None:
    machine.sh("truncate -s 400M /root/disk; mkfs.ext4 -q -F -L PRECIOUS /root/disk")
    disk = machine.sh("losetup --find --show /root/disk").strip()
    try:
        code, log = machine.apply(f"stackwright::swift_disk {{ 'precious': source => '{disk}', fstype => 'xfs' }}")
        assert code in (4, 6), brief(log)
        assert machine.sh(f"blkid -p -o value -s LABEL {disk}").strip() == "PRECIOUS"
    finally:
        machine.sh(f"losetup --detach {disk}; systemctl disable --now srv-node-precious.mount", check=False)


def test_a_volume_group_is_created_on_a_file(machine: Machine) -> None:
    # The nodes share a kernel without device-mapper, so volumes themselves cannot be tried here.
    data = {"stackwright::cinder_lvm::volume_group": "cinder-volumes", "stackwright::cinder_lvm::size": 3 * GIB}
    machine.twice("include stackwright::cinder_lvm", **data)
    assert "cinder-volumes" in machine.sh("vgs --noheadings -o vg_name,vg_size 2>/dev/null")
    assert machine.sh(LOOP_DEVICES).count("/dev/loop") == 1


def test_all_storage_is_available_after_a_reboot(ceph: Machine) -> None:
    disks = ceph.sh("ls /srv/node").split()
    groups = ceph.sh("test -e /var/lib/cinder/cinder-volumes && echo yes", check=False).strip()
    ceph.reboot()
    ceph.until(healthy(ceph), 120)
    assert "identical" in ceph.sh("qemu-img compare -f raw -F raw /root/written rbd:volumes/one:id=cinder")
    for disk in disks:
        ceph.until(f"mountpoint -q /srv/node/{disk}")
        assert ceph.sh(f"stat -c %U /srv/node/{disk}; cat /srv/node/{disk}/kept").startswith("swift\n")
    if groups:
        ceph.sh("vgs cinder-volumes")
        assert ceph.sh(LOOP_DEVICES).count("/dev/loop") == 1
    code, log = ceph.apply("include stackwright::ceph", **ceph_data(ceph.address))
    assert code == 0, brief(log)
