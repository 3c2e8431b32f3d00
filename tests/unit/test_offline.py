"""A bundle's packages: gathered from a signed archive by a real apt, and had from what was gathered, checked again."""

from __future__ import annotations

import functools
import http.server
import os
import subprocess
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

import archive
from stackwright.bundle import offline
from stackwright.model import File, StackwrightError
from stackwright.operations import bundle
from stackwright.planner.steps import package_cache
from stackwright.planner.steps.locked import APT_CONFIG, OFFLINE
from stackwright.ssh import LocalConnection, Result


@dataclass
class Apt:
    """An apt of its own."""

    root: Path
    config: Path

    def run(self, script: str, **more: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "APT_CONFIG": str(self.config), "LC_ALL": "C", **more}
        return subprocess.run(["sh", "-c", script], capture_output=True, text=True, env=environment, check=False)


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> archive.Archive:
    made = archive.make(tmp_path_factory.mktemp("archive"))
    for version in ("1.0-1", "1.0-2"):
        made.package("tool", version, depends="lib")
    made.package("lib", "2:2.0-1")
    made.package("unused", "1")
    made.publish()
    return made


@pytest.fixture
def apt(tmp_path: Path, packages: archive.Archive) -> Apt:
    made = Apt(tmp_path / "root", archive.own_root(tmp_path / "root", packages))
    done = made.run("apt-get -q update --error-on=any")
    assert done.returncode == 0, done.stdout + done.stderr
    return made


def gather(apt: Apt, *words: str) -> subprocess.CompletedProcess[str]:
    """What the script does on a host, with folders of the test in the place of the host's."""
    script = offline.gather(words, "apt")
    for host, here in {
        offline.WORK: str(apt.root / "work"),
        "/var/cache/apt": str(apt.root / "var/cache/apt"),
        "/etc/apt/": f"{apt.root}/etc/apt/",
        offline.IMAGES: str(apt.root / "images"),
    }.items():
        script = script.replace(host, here)
    return apt.run(script)


def test_exactly_the_named_versions_are_gathered_with_their_archives_signature(apt: Apt) -> None:
    (apt.root / "images").mkdir()
    (apt.root / "images/cirros.raw").write_text("an image")
    done = gather(apt, "tool=1.0-1", "lib:amd64=2:2.0-1")
    files = offline.listed(done.stdout, "node")
    assert {n.rpartition("/")[2] for n in files if n.endswith(".deb")} == {
        "tool_1.0-1_amd64.deb", "lib_2%3a2.0-1_amd64.deb",
    }, done.stderr  # fmt: skip
    assert {"images/cirros.raw", "apt.conf", "sources.d/offline.sources"} <= set(files)
    assert "mirror/1/dists/stable/InRelease" in files
    assert "mirror/1/dists/stable/main/binary-amd64/Packages" in files
    assert all((apt.root / "work" / name).stat().st_size == size for name, size in files.items())
    assert offline.place("images/cirros.raw") == f"{offline.IMAGES}/cirros.raw"
    assert offline.place("apt.conf") == APT_CONFIG


def test_a_version_that_is_gone_is_named(apt: Apt) -> None:
    done = gather(apt, "tool=0.9-1", "lib=2:2.0-1")
    assert done.returncode == 3
    assert "no archive has these any more: tool=0.9-1" in done.stderr
    assert offline.listed(done.stdout, "node") == {}


@pytest.mark.parametrize(("there", "free", "fits"), [(0, 2**21, True), (0, 2**20, False), (3 * 2**20, 2**20, True)])
def test_a_host_without_room_gets_no_packages(
    there: int, free: int, fits: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a df and a du that say what the test wants; what was brought before needs no room again."""
    (tmp_path / "bin").mkdir()
    for name, said in (("df", f"head\\nfs 1 1 {free} 1%% /"), ("du", f"{there}\\t/x")):
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\nprintf '{said}\\n'\n")
        (tmp_path / "bin" / name).chmod(0o755)
    monkeypatch.setattr(bundle, "OFFLINE", str(tmp_path))
    folder = tmp_path / "bundle/packages/debian-12/mirror"
    folder.mkdir(parents=True)
    (folder / "a.deb").write_bytes(b"x" * (2 * 2**20))
    put: list[str] = []

    class Hosts:
        def connect(self, name: str) -> Hosts:
            assert name == "h"
            return self

        def run(self, script: str, timeout: float) -> Result:
            if script == offline.own_keys("apt"):
                return Result(0, "", "")
            script = f"PATH={tmp_path / 'bin'}:$PATH\n{script}"
            return LocalConnection("h", become=False, base=str(tmp_path)).run(script, timeout=timeout)

        def put(self, files: Iterable[File]) -> None:
            put.extend(file.path for file in files)

    def bring() -> None:
        bundle.bring_packages(Hosts(), "h", tmp_path / "bundle", "debian-12", lambda _: None)  # type: ignore[arg-type]

    if fits:
        bring()
        assert put == [f"{OFFLINE}/{name}" for name in ("mirror/a.deb", "apt.conf", "sources.d/offline.sources")]
    else:
        with pytest.raises(StackwrightError, match="the bundle has 2 MiB of packages, but /var/lib has 1024 MiB free"):
            bring()
        assert not put


@pytest.fixture
def elsewhere(apt: Apt, tmp_path: Path) -> Apt:
    """Another host, which has what was gathered, and no other archive."""
    assert gather(apt, "tool=1.0-1", "lib=2:2.0-1").returncode == 0
    place = tmp_path / "offline"
    (apt.root / "work").rename(place)
    for path in (place / "apt.conf", place / "sources.d/offline.sources"):
        path.write_text(path.read_text().replace(OFFLINE, str(place)))
    nothing = archive.Archive(tmp_path / "nothing")
    config = archive.own_root(tmp_path / "other", nothing)
    config.write_text(config.read_text() + (place / "apt.conf").read_text())
    return Apt(place, config)


def test_they_can_be_had_elsewhere_without_any_mirror(elsewhere: Apt) -> None:
    done = elsewhere.run("apt-get -q update --error-on=any && apt-get -s install tool=1.0-1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Inst lib (2:2.0-1 Testers:stable [amd64])" in done.stdout
    done = elsewhere.run("apt-get -s install tool=1.0-2")
    assert done.returncode == 0, "the list has it"
    done = elsewhere.run(f"cd {elsewhere.root} && apt-get -q download tool=1.0-2")
    assert done.returncode != 0, "and the package is not there"


def test_a_host_has_them_from_another_one_that_has_them(
    elsewhere: Apt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over http, although the host knows a proxy; and what was changed on its way is refused as well."""
    own = tmp_path / "own"
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(elsewhere.root))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        monkeypatch.setattr(package_cache, "PORT", server.server_address[1])
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for path in elsewhere.root.rglob("*"):
            file = path.relative_to(elsewhere.root).as_posix()
            if path.is_file() and not offline.is_served(file):
                (own / file).parent.mkdir(parents=True, exist_ok=True)
                as_gathered = path.read_bytes().replace(str(elsewhere.root).encode(), OFFLINE.encode())
                led = offline.led(file, as_gathered, "127.0.0.1")
                (own / file).write_bytes(led.replace(OFFLINE.encode(), str(own).encode()))
        assert not (own / "mirror").exists()
        config = archive.own_root(tmp_path / "another", archive.Archive(tmp_path / "nothing"))
        proxy = 'Acquire::http::Proxy "http://127.0.0.1:9";\n'
        config.write_text(config.read_text() + proxy + (own / "apt.conf").read_text())
        host = Apt(own, config)
        done = host.run(f"cd {own} && apt-get -q update --error-on=any && apt-get -q download tool=1.0-1 lib")
        assert done.returncode == 0, done.stdout + done.stderr
        assert sorted(p.name for p in own.glob("*.deb")) == ["lib_2%3a2.0-1_amd64.deb", "tool_1.0-1_amd64.deb"]
        (deb,) = elsewhere.root.glob("mirror/1/pool/tool_*.deb")
        deb.write_bytes(bytes(reversed(deb.read_bytes())))
        done = host.run(f"cd {own} && rm *.deb && apt-get -q download tool=1.0-1")
        assert "Hash Sum mismatch" in done.stderr
        server.shutdown()


def test_dnf_takes_what_is_signed_from_the_other_host_and_the_rest_from_its_own_folder() -> None:
    repositories = (
        f"[a]\nbaseurl=file://{OFFLINE}/rpms\ngpgcheck=1\ngpgkey=file://{OFFLINE}/keys/trusted.asc\n\n"
        f"[b]\nbaseurl=file://{OFFLINE}/unsigned\ngpgcheck=0\n"
    )
    assert offline.led("repos.d/offline.repo", repositories.encode(), "fd00::1").decode() == repositories.replace(
        f"baseurl=file://{OFFLINE}/rpms", "proxy=_none_\nbaseurl=http://[fd00::1]:3128/rpms"
    )
    files = ("rpms/a.rpm", "unsigned/b.rpm", "keys/trusted.asc", "repos.d/offline.repo", "images/cirros.raw")
    assert [file for file in files if offline.is_served(file)] == ["rpms/a.rpm"]


def test_packages_changed_in_transit_are_rejected(elsewhere: Apt) -> None:
    assert elsewhere.run("apt-get -q update --error-on=any").returncode == 0
    (deb,) = elsewhere.root.glob("mirror/1/pool/tool_*.deb")
    content = deb.read_bytes()
    deb.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    done = elsewhere.run(f"cd {elsewhere.root} && apt-get -q download tool=1.0-1")
    assert done.returncode != 0
    assert "Hash Sum mismatch" in done.stderr
    index = elsewhere.root / "mirror/1/dists/stable/main/binary-amd64/Packages"
    index.write_text(index.read_text().replace("1.0-1", "1.0-7"))
    done = elsewhere.run(f"rm -rf {elsewhere.config.parent}/var/lib/apt/lists/*; apt-get -q update --error-on=any")
    assert done.returncode != 0
    keys = elsewhere.root / "keys"
    for key in keys.iterdir():
        key.unlink()
    done = elsewhere.run("apt-get -q update --error-on=any")
    assert "NO_PUBKEY" in done.stdout + done.stderr or "not signed" in done.stdout + done.stderr
