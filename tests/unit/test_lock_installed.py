"""The script that installs a lock, with a real apt and dpkg in a folder of their own: exactly these versions, older
ones too, and nothing the second time. tests/lab/test_lock_node.py does the same on nodes, through the executor."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import archive
from stackwright import platforms
from stackwright.model import Run, Upload
from stackwright.planner.steps import locked
from stackwright.planner.steps import packages as package_steps

pytestmark = pytest.mark.slow

DEBIAN = platforms.by_id("debian-12")


class Root(archive.Root):
    def install(self, exact: dict[str, str]) -> bool:
        """As the plan does it; whether something was changed."""
        upload, run = locked.actions(DEBIAN, exact, 60)
        assert isinstance(upload, Upload)
        assert isinstance(run, Run)
        for file in upload.files:
            (self.folder / file.path.lstrip("/")).write_bytes(file.content)
        done = self.run(run.script)
        assert done.returncode == 0, done.stdout + done.stderr
        return "stackwright: changed" in done.stdout


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> archive.Archive:
    made = archive.make(tmp_path_factory.mktemp("archive"))
    for version in ("1.0~rc1-1", "1.0-1", "1.0-2"):
        made.package("tool", version, depends="lib")
    for version in ("2:2.0-1", "2:2.0-2"):
        made.package("lib", version)
    made.package("stranded", "1-1", depends="no-such-package")
    made.publish()
    return made


@pytest.fixture
def root(tmp_path: Path, packages: archive.Archive) -> Root:
    if os.geteuid():
        pytest.skip("dpkg installs as root only")
    return Root.make(tmp_path, packages)


def test_exactly_the_locked_versions_are_there_afterwards(root: Root) -> None:
    assert root.run(package_steps.apt_install(["tool"])).returncode == 0
    assert root.versions() == {"tool": "1.0-2", "lib": "2:2.0-2"}
    wanted = {"tool": "1.0~rc1-1", "lib": "2:2.0-1"}
    assert root.install(wanted), "both are older than what is there"
    assert root.versions() == wanted
    assert not root.install(wanted), "nothing is left to do"
    assert (root.folder / "usr/share/tool/version").read_text() == "1.0~rc1-1\n"
    assert not (root.folder / "usr/sbin/policy-rc.d").exists()


def test_what_is_locked_is_held_until_packages_are_installed_without(root: Root) -> None:
    assert root.install({"lib": "2:2.0-1"})
    pins = root.folder / package_steps.PINS.lstrip("/")
    assert "Package: lib\nPin: version 2:2.0-1\nPin-Priority: 1001\n" in pins.read_text()
    assert root.run("apt-get -q -y dist-upgrade").returncode == 0
    assert root.versions() == {"lib": "2:2.0-1"}
    assert root.run(package_steps.apt_install(["tool"])).returncode == 0
    assert not pins.exists()
    assert root.versions()["tool"] == "1.0-2"


@pytest.mark.parametrize(
    ("names", "exact"), [(["tool", "no-such-package"], False), (["tool=9.9-9"], True), (["stranded"], False)]
)
def test_what_is_not_to_be_had_is_not_tried_again(root: Root, names: list[str], exact: bool) -> None:
    done = root.run(package_steps.apt_install(names, exact=exact))
    assert done.returncode == 100, done.stdout + done.stderr
    assert root.versions() == {}


def test_what_a_mirror_does_not_give_now_may_be_tried_again(root: Root, packages: archive.Archive) -> None:
    (file,) = packages.folder.rglob("tool_1.0-2_*.deb")
    away = file.rename(file.with_suffix(".away"))
    try:
        assert root.run(package_steps.apt_install(["tool"])).returncode == 75
    finally:
        away.rename(file)
    assert root.run(package_steps.apt_install(["tool"])).returncode == 0
