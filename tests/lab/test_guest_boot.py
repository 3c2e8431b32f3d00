"""The guest image is built from the distribution's packages and boots under QEMU: address, metadata, key, volume."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from stackwright import guest

pytestmark = pytest.mark.lab

INSTANCE = "i-0000002a"
BOOT_SECONDS = 240


def apt_of(release: str, folder: Path) -> dict[str, str]:
    """An environment in which apt knows the packages of another Debian release, from this machine's own mirror."""
    sites = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(ORIGIN) $(LABEL) $(REPO_URI)"],
        capture_output=True,
        text=True,
        check=True,
    )
    mirror = next((line.split()[2] for line in sites.stdout.splitlines() if line.startswith("Debian Debian ")), "")
    if not mirror:
        pytest.skip("this machine's apt has no Debian mirror")
    for name in ("state/lists/partial", "cache/archives/partial", "parts"):
        (folder / name).mkdir(parents=True)
    (folder / "status").touch()
    keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
    (folder / "sources.list").write_text(f"deb [signed-by={keyring}] {mirror} {release} main\n")
    places = {"State": "state", "Cache": "cache", "State::status": "status", "Etc::sourcelist": "sources.list"}
    places |= {"Etc::sourceparts": "parts", "Etc::preferencesparts": "parts"}
    lines = [f'Dir::{key} "{folder / name}";\n' for key, name in places.items()]
    (folder / "apt.conf").write_text("".join(lines) + 'APT::Sandbox::User "root";\n')
    environment = dict(os.environ, APT_CONFIG=str(folder / "apt.conf"))
    subprocess.run(["apt-get", "update"], env=environment, check=True, capture_output=True)
    return environment


@dataclass
class Built:
    image: Path
    tools: str
    """The folder of mkfs.vfat and mcopy that the image was built with."""


@pytest.fixture(scope="module", params=["this release", "trixie"])
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A guest image, built here by the script that a node runs."""
    if shutil.which("apt-get") is None:
        pytest.skip("the guest is built from Debian's packages")
    folder = tmp_path_factory.mktemp("guest")
    environment = dict(os.environ) if request.param == "this release" else apt_of(request.param, folder / "apt")
    for file in guest.files(str(folder / "sources")):
        path = Path(file.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
        path.chmod(file.mode)

    def build(name: str) -> subprocess.CompletedProcess[str]:
        command = ["sh", str(folder / "sources" / "build.sh"), str(folder / name), str(folder / "work")]
        return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)

    done = build("guest.raw")
    assert done.returncode == 0, done.stderr
    assert "stackwright: changed" in done.stdout
    assert (folder / "guest.raw").stat().st_size < 40 << 20
    again = build("guest.raw")
    assert again.returncode == 0
    assert "changed" not in again.stdout
    assert build("second.raw").returncode == 0
    assert (folder / "second.raw").read_bytes() == (folder / "guest.raw").read_bytes(), (
        "the same packages gave other bytes"
    )
    return Built(folder / "guest.raw", str(folder / "work" / "tools"))


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("key") / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "guest test", "-f", str(path)], check=True)
    return path


# Answers one connection as Nova's metadata service does, and with 404 to everything that it was not told. QEMU starts
# it for each connection, with the guest on its input and output.
RESPONDER = """
import json, sys
answers = json.load(open(sys.argv[1]))
path = sys.stdin.readline().split()[1]
while sys.stdin.readline().strip():
    pass
body = answers.get(path)
status = "200 OK" if body is not None else "404 Not Found"
body = (body or "").encode()
head = f"HTTP/1.0 {status}\\r\\nContent-Length: {len(body)}\\r\\nConnection: close\\r\\n\\r\\n"
sys.stdout.buffer.write(head.encode() + body)
"""


@pytest.fixture
def metadata(key: Path, tmp_path: Path) -> str:
    """The command that answers for the metadata service."""
    answers = {
        "/latest/meta-data/instance-id": INSTANCE,
        "/latest/meta-data/local-hostname": "fresh.novalocal",
        "/latest/meta-data/public-keys/": "0=guest-test",
        "/latest/meta-data/public-keys/0/openssh-key": key.with_suffix(".pub").read_text().strip(),
        "/latest/user-data": "#!/bin/sh\necho user-data ran as $(id -un) > /dev/console\n",
        "/openstack/latest/meta_data.json": json.dumps({"uuid": "11111111-2222-3333-4444-555555555555"}),
    }
    (tmp_path / "answers.json").write_text(json.dumps(answers))
    (tmp_path / "responder.py").write_text(RESPONDER)
    return f"{sys.executable} {tmp_path}/responder.py {tmp_path}/answers.json"


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port: int = s.getsockname()[1]
        return port


class QmpError(Exception):
    """QEMU's monitor refused a command."""


@dataclass
class Machine:
    process: subprocess.Popen[bytes]
    log: Path
    port: int
    monitor: Path
    key: Path

    def console(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def wait_for(self, what: Callable[[], bool], limit: float = BOOT_SECONDS) -> None:
        end = time.monotonic() + limit
        while not what():
            assert self.process.poll() is None, "QEMU ended: " + self.console()
            assert time.monotonic() < end, "waited in vain; the console said:\n" + self.console()
            time.sleep(0.5)

    def ssh(self, command: str, user: str = "cirros") -> subprocess.CompletedProcess[str]:
        options = [
            "BatchMode=yes",
            "StrictHostKeyChecking=no",
            "UserKnownHostsFile=/dev/null",
            "LogLevel=ERROR",
            "ConnectTimeout=20",
        ]
        words = ["ssh", "-F", "/dev/null", "-i", str(self.key), "-p", str(self.port)]
        for option in options:
            words += ["-o", option]
        return subprocess.run(
            [*words, f"{user}@127.0.0.1", command], capture_output=True, text=True, check=False, timeout=90
        )

    def out(self, command: str) -> str:
        done = self.ssh(command)
        assert done.returncode == 0, f"{command}: {done.returncode} {done.stderr}"
        return done.stdout.strip()

    def qmp(self, command: str, **arguments: object) -> object:
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(self.monitor))
            stream = s.makefile("rw")
            stream.readline()
            for request in ({"execute": "qmp_capabilities"}, {"execute": command, "arguments": arguments}):
                stream.write(json.dumps(request) + "\n")
                stream.flush()
                while True:
                    answer = json.loads(stream.readline())
                    if "event" not in answer:
                        break
                if "error" in answer:
                    raise QmpError(str(answer))
            return answer["return"]


@pytest.fixture
def boot(built: Built, key: Path, tmp_path: Path) -> Iterator[Callable[..., Machine]]:
    """Starts a guest the way Nova's defaults do: BIOS, i440fx, virtio disk and network, serial console to a file."""
    if shutil.which("qemu-system-x86_64") is None:
        pytest.skip("qemu-system-x86 is not installed")
    started: list[Machine] = []

    def start(metadata: str = "", *extra: str) -> Machine:
        disk = tmp_path / f"disk{len(started)}"
        shutil.copyfile(built.image, disk)
        port = free_port()
        network = "user,id=n,restrict=on,net=169.254.169.0/24,host=169.254.169.2,dhcpstart=169.254.169.15"
        network += f",hostfwd=tcp:127.0.0.1:{port}-:22"
        if metadata:
            network += f",guestfwd=tcp:169.254.169.254:80-cmd:{metadata}"
        log, monitor = tmp_path / f"console{len(started)}.log", tmp_path / f"qmp{len(started)}"
        command = ["qemu-system-x86_64", "-accel", "tcg", "-m", "192", "-nodefaults", "-display", "none", "-vga", "std"]
        command += [
            "-drive",
            f"file={disk},format=raw,if=virtio",
            "-netdev",
            network,
            "-device",
            "virtio-net-pci,netdev=n",
        ]
        command += ["-serial", f"file:{log}", "-qmp", f"unix:{monitor},server=on,wait=off", *extra]
        machine = Machine(subprocess.Popen(command, stdin=subprocess.DEVNULL), log, port, monitor, key)
        started.append(machine)
        return machine

    yield start
    for machine in started:
        machine.process.kill()
        machine.process.wait()


def test_boots_with_metadata_key_volume_and_power_button(
    boot: Callable[..., Machine], metadata: str, tmp_path: Path
) -> None:
    machine = boot(metadata)
    machine.wait_for(lambda: "stackwright-guest:" in machine.console() and "] up" in machine.console())
    console = machine.console()
    assert f"metadata: from metadata, instance-id {INSTANCE}, hostname fresh, 1 key(s)" in console
    assert "dhcp: eth0 has 169.254.169.15/24" in console
    assert "user-data ran as root" in console

    assert machine.out("id -un; hostname") == "cirros\nfresh"
    assert machine.out("sudo -n id -u") == "0"
    assert machine.out("sudo sh -c 'echo \"$0 $1\"' 'a b' c") == "a b c"
    assert machine.ssh("touch /etc/x").returncode != 0, "an ordinary user wrote to /etc"
    machine.out("ping -c 1 -w 5 169.254.169.2")
    assert machine.out("curl -s http://169.254.169.254/latest/meta-data/instance-id") == INSTANCE
    assert machine.ssh("curl -s http://169.254.169.254/latest/nothing").returncode != 0
    assert "11111111-2222" in machine.out("wget -q -O - http://169.254.169.254/openstack/latest/meta_data.json")
    hostkey = next(line for line in console.splitlines() if "host key ssh-ed25519" in line).split()[-1]
    scan = subprocess.run(
        ["ssh-keyscan", "-T", "20", "-t", "ed25519", "-p", str(machine.port), "127.0.0.1"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert scan.stdout.split()[-1] == hostkey, "the console shows another host key than SSH does"

    volume = tmp_path / "volume"
    volume.write_bytes(bytes(64 << 20))
    machine.qmp(
        "blockdev-add", **{"node-name": "v", "driver": "raw", "file": {"driver": "file", "filename": str(volume)}}
    )
    machine.qmp("device_add", driver="virtio-blk-pci", drive="v", id="vol")
    machine.wait_for(lambda: machine.ssh("test -b /dev/vdb").returncode == 0, 30)
    machine.out("echo written | sudo dd of=/dev/vdb conv=fsync 2>/dev/null")
    assert volume.read_bytes().startswith(b"written\n")
    # Tempest finds the type of a disk in its column.
    head, *disks = machine.out("lsblk -lb --nodeps").splitlines()
    column = head.index("TYPE")
    assert [disk.split()[0] for disk in disks if disk[column:].startswith("disk")] == ["vda", "vdb"]
    # A guest may miss the request while it is still busy with the device; Nova, too, asks again every few seconds.
    end = time.monotonic() + 60
    while machine.ssh("test -e /dev/vdb").returncode == 0:
        assert time.monotonic() < end, "the volume stayed; the console said:\n" + machine.console()
        with contextlib.suppress(QmpError):
            machine.qmp("device_del", id="vol")
        time.sleep(2)

    machine.qmp("system_powerdown")
    machine.process.wait(60)


def test_config_drive_is_used_without_a_metadata_service(
    boot: Callable[..., Machine], built: Built, key: Path, tmp_path: Path
) -> None:
    drive, document = tmp_path / "drive", tmp_path / "openstack" / "latest" / "meta_data.json"
    public = key.with_suffix(".pub").read_text()
    meta = {"uuid": "99999999-2222-3333-4444-555555555555", "hostname": "driven", "public_keys": {"k": public}}
    document.parent.mkdir(parents=True)
    document.write_text(json.dumps(meta))
    drive.write_bytes(bytes(4 << 20))
    environment = dict(os.environ, MTOOLS_SKIP_CHECK="1", PATH=f"{built.tools}:{os.environ['PATH']}")
    for command in (["mkfs.vfat", "-n", "config-2", "drive"], ["mcopy", "-s", "-i", "drive", "openstack", "::"]):
        subprocess.run(command, check=True, env=environment, cwd=tmp_path, stdout=subprocess.DEVNULL)
    machine = boot("", "-drive", f"file={drive},format=raw,if=virtio")
    machine.wait_for(lambda: "] up" in machine.console())
    console = machine.console()
    assert f"metadata: from config drive /dev/vdb, instance-id {meta['uuid']}, hostname driven, 1 key(s)" in console
    assert machine.out("hostname") == "driven"
    assert machine.out("blkid -t LABEL=config-2 -o device") == "/dev/vdb"
    assert machine.ssh("blkid -t LABEL=none -o device").returncode == 2


def test_a_late_address_is_logged_and_used(boot: Callable[..., Machine], metadata: str) -> None:
    machine = boot(metadata)
    machine.wait_for(machine.monitor.exists)
    machine.qmp("set_link", name="n", up=False)
    machine.wait_for(lambda: "dhcp: no answer on eth0 yet" in machine.console())
    assert "eth0 has" not in machine.console()
    machine.qmp("set_link", name="n", up=True)
    machine.wait_for(lambda: "dhcp: eth0 has 169.254.169.15/24" in machine.console())
    machine.wait_for(lambda: "] up" in machine.console())
    assert f"metadata: from metadata, instance-id {INSTANCE}" in machine.console()
    assert machine.out("hostname") == "fresh"
