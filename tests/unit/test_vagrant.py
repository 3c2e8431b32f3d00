"""vagrant/: Vagrant accepts what is there for both providers, and the machines are large enough for what they get."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import outcome
from stackwright import answers, bundle, planner, preflight
from stackwright.services import SERVICES

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "vagrant"
EXAMPLES = sorted(path.name for path in FOLDER.glob("*.answers"))
GIB = 1024**3

# It knows its version and nothing else: all that Vagrant wants to know of it in order to judge a file.
STAND_IN = """\
#!/bin/sh
case "$*" in
  --version|-v) echo 7.0.10r158379 ;;
  "showvminfo "*) exit 1 ;;
  *) echo "not told of: $*" >&2; exit 9 ;;
esac
"""

LIST = """\
module Vagrant; def self.configure(*); end; end
require 'json'
load ARGV[0]
puts JSON.generate(machines.map(&:to_h))
"""


def need(*programs: str) -> None:
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed; `make test` installs it")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy: a key is made beside the Vagrantfile, and an archive of the checkout that it is in."""
    for name in ("installer", "puppet-templates", "answer-files", "pyproject.toml", "README.md", "LICENSE"):
        (tmp_path / name).symlink_to(ROOT / name)
    return Path(shutil.copytree(FOLDER, tmp_path / "vagrant", ignore=shutil.ignore_patterns(".vagrant")))


def environment(folder: Path, example: str, **more: str) -> Mapping[str, str]:
    own = {"HOME": str(folder.parent), "VAGRANT_HOME": str(folder.parent / "home"), "STACKWRIGHT_ANSWERS": example}
    return {**os.environ, **own, **more}


def vagrant(command: str, folder: Path, example: str, provider: str) -> subprocess.CompletedProcess[str]:
    need("vagrant", "ssh-keygen")
    programs = folder.parent / "bin"
    programs.mkdir()
    (programs / "VBoxManage").write_text(STAND_IN)
    (programs / "VBoxManage").chmod(0o755)
    env = environment(
        folder,
        example,
        VAGRANT_DEFAULT_PROVIDER=provider,
        PATH=f"{programs}:{os.environ['PATH']}",
        VAGRANT_NO_COLOR="1",
    )
    return subprocess.run(["vagrant", command], cwd=folder, env=env, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("example", EXAMPLES)
@pytest.mark.parametrize("provider", ["libvirt", "virtualbox"])
def test_vagrant_accepts_it(folder: Path, example: str, provider: str) -> None:
    done = vagrant("validate", folder, example, provider)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "validated successfully" in done.stdout
    assert (folder / ".vagrant/stackwright_ed25519").stat().st_mode & 0o777 == 0o600


@pytest.mark.slow
def test_a_vagrant_that_would_leave_the_disks_small_says_so(folder: Path) -> None:
    """Debian 12's Vagrant: without this it makes machines with the box's disk, and the check before the run fails."""
    need("vagrant")
    version = subprocess.run(["vagrant", "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    if tuple(int(part) for part in version.split(".")[:2]) < (2, 4):
        done = vagrant("up", folder, EXAMPLES[0], "virtualbox")
        assert done.returncode != 0
        assert "VAGRANT_EXPERIMENTAL=disks" in done.stdout + done.stderr


def machines(folder: Path, example: str) -> list[dict[str, object]]:
    need("ruby", "ssh-keygen")
    done = subprocess.run(
        ["ruby", "-e", LIST, str(folder / "Vagrantfile")],
        env=environment(folder, example), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return list(json.loads(done.stdout))


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_machines_are_those_of_the_answers_and_large_enough(folder: Path, example: str) -> None:
    given = answers.read([folder / example], {}, {})
    found = {str(m["address"]): m for m in machines(folder, example)}
    assert set(found) == set(planner.all_hosts(given, SERVICES))
    assert list(found)[-1] == given["CONFIG_CONTROLLER_HOST"], "it is made last, and installs the others"
    seen = {}
    for host, facts in outcome.facts(given, "centos", "9").items():
        machine = found[host]
        # The kernel keeps a part of the memory, the system some of the disk.
        memory = int(float(str(machine["memory"])) * 1024**2 * 0.96)
        free = (int(str(machine["disk"])) - 3) * GIB
        seen[host] = replace(facts, cpus=int(str(machine["cpus"])), memory=memory, disk_free={"/": free})
    problems = preflight.check(given, seen, planner.place(given, SERVICES))
    assert [p for p in problems if p.name in ("memory", "disk", "interface")] == []


def test_sizes_follow_from_the_answers(folder: Path) -> None:
    text = (folder / "all-in-one.answers").read_text().replace("VOLUMES_SIZE=10G", "VOLUMES_SIZE=100G")
    (folder / "mine.answers").write_text(text + "CONFIG_SWIFT_INSTALL=n\n")
    (usual,), (mine,) = machines(folder, "all-in-one.answers"), machines(folder, "mine.answers")
    assert int(str(mine["disk"])) == int(str(usual["disk"])) + 90 - 2
    assert int(str(mine["memory"])) < int(str(usual["memory"]))


def test_odd_ways_of_writing_answers(folder: Path) -> None:
    """As the installer reads them: blanks between hosts, CRLF, a key without a value."""
    text = (folder / "four-hosts.answers").read_text()
    text = text.replace(".31,192", ".31, 192").replace("VOLUMES_SIZE=10G", "VOLUMES_SIZE=")
    (folder / "mine.answers").write_bytes(text.replace("\n", "\r\n").encode())
    (folder / "plain.answers").write_text(text.replace("VOLUMES_SIZE=", "VOLUMES_SIZE=20G"))
    assert machines(folder, "mine.answers") == machines(folder, "plain.answers")
    (folder / "mine.answers").write_text(text.replace("VOLUMES_SIZE=", "VOLUMES_SIZE=large"))
    done = subprocess.run(
        ["ruby", "-e", LIST, str(folder / "Vagrantfile")],
        env=environment(folder, "mine.answers"), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.strip().endswith("CONFIG_CINDER_VOLUMES_SIZE is a size, such as 20G")


def bundled(folder: Path, platform: str) -> dict[str, str]:
    """A bundle of three hosts beside the Vagrantfile, and the environment that names it."""
    hosts = {"ctl.a.example": (16, 8), "net.a.example": (4, 1), "c1.a.example": (32, 4)}
    text = "[general]\nCONFIG_CONTROLLER_HOST=ctl.a.example\nCONFIG_NETWORK_HOSTS=net.a.example\n"
    about = {
        "hosts": ["net.a.example", "ctl.a.example", "c1.a.example"],
        "platforms": dict.fromkeys(hosts, platform),
        "memory": {name: memory * GIB for name, (memory, _) in hosts.items()},
    }
    files = {
        f"facts/{name}.json": json.dumps({"cpus": cpus, "disk_free": {"/": 57 * GIB}}).encode()
        for name, (_, cpus) in hosts.items()
    }
    key = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
    bundle.write(folder / "x.bundle", about, {"answers.txt": text.encode(), **files}, key)
    return {**environment(folder, "all-in-one.answers"), "STACKWRIGHT_BUNDLE": "x.bundle"}


def listed(folder: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    need("ruby", "ssh-keygen", "vagrant")  # which brings zip for Ruby
    words = ["ruby", "-e", LIST, str(folder / "Vagrantfile")]
    return subprocess.run(words, env=env, capture_output=True, text=True, check=False)


def test_the_machines_are_those_of_a_bundle(folder: Path) -> None:
    done = listed(folder, bundled(folder, "centos-stream-9"))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [(m["name"], m["theirs"]) for m in found] == [
        ("node0", "net.a.example"), ("node2", "c1.a.example"), ("controller", "ctl.a.example"),
    ]  # fmt: skip
    assert [m["address"] for m in found] == ["192.168.56.10", "192.168.56.12", "192.168.56.11"]
    assert [m["outside"] for m in found] == [True, False, False]
    assert [m["cpus"] for m in found] == [2, 4, 8]
    assert all(int(m["memory"]) * 0.96 >= gib * 1024 for m, gib in zip(found, (4, 32, 16), strict=True))
    assert [m["disk"] for m in found] == [60, 60, 60]


def test_a_bundle_of_another_system_or_a_damaged_one_makes_no_machines(folder: Path) -> None:
    env = bundled(folder, "debian-12")
    done = listed(folder, env)
    assert done.returncode != 0
    assert "it is of debian-12, and the machines here have centos-stream-9" in done.stderr
    (folder / "x.bundle").write_bytes(b"PK nothing")
    done = listed(folder, env)
    assert done.returncode != 0
    assert "x.bundle cannot be read" in done.stderr


@pytest.mark.slow
def test_vagrant_accepts_a_bundle(folder: Path) -> None:
    need("vagrant", "ssh-keygen")
    env = {**bundled(folder, "centos-stream-9"), "VAGRANT_DEFAULT_PROVIDER": "libvirt", "VAGRANT_NO_COLOR": "1"}
    done = subprocess.run(["vagrant", "validate"], cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("script", ["prepare.sh", "install.sh"])
def test_scripts_are_sound_shell(script: str) -> None:
    subprocess.run(["sh", "-n", FOLDER / script], check=True)


def test_user_data() -> None:
    text = (FOLDER / "user-data.yaml").read_text(encoding="utf-8")
    assert text.startswith("#cloud-config\n")
    data = yaml.safe_load(text)
    assert "python3.11" in data["packages"]
    (unit,) = data["write_files"]
    assert "ExecStart=/opt/stackwright/bin/stackwright --allinone\n" in unit["content"]
    assert any("systemctl start --no-block" in line for line in data["runcmd"])
