"""Records of platforms: complete, consistent, and found by what a host says of itself."""

from __future__ import annotations

import pytest

from stackwright import platforms
from stackwright.model import ExitCode, StackwrightError
from stackwright.platforms import PLATFORMS, Platform


@pytest.mark.parametrize(
    ("os_id", "version", "wanted"),
    [
        ("debian", "12", "debian-12"),
        ("debian", "13", "debian-13"),
        ("debian", "12.9", "debian-12"),
        ("centos", "9", "centos-stream-9"),
        ("centos", "10", "centos-stream-10"),
        ("rhel", "9.4", "rhel-9"),
        ("rocky", "9.5", "rocky-9"),
        ("almalinux", "9.3", "almalinux-9"),
    ],
)
def test_platforms_are_found_by_os_release(os_id: str, version: str, wanted: str) -> None:
    assert platforms.find(os_id, version).id == wanted
    assert platforms.by_id(wanted).id == wanted


@pytest.mark.parametrize(("os_id", "version"), [("ubuntu", "24.04"), ("debian", "11"), ("centos", "8"), ("", "")])
def test_unsupported_system_names_the_supported_ones(os_id: str, version: str) -> None:
    with pytest.raises(StackwrightError, match="is not supported") as caught:
        platforms.find(os_id, version)
    assert caught.value.code is ExitCode.PREFLIGHT
    for platform in PLATFORMS:
        assert platform.name in caught.value.hint
    assert "epoxy" in caught.value.hint


def test_unsupported_architecture() -> None:
    assert platforms.find("debian", "12", "aarch64").id == "debian-12"
    with pytest.raises(StackwrightError, match="on riscv64 is not supported"):
        platforms.find("debian", "12", "riscv64")


def test_releases() -> None:
    stream9 = platforms.by_id("centos-stream-9")
    names = [r.name for r in stream9.releases]
    assert names == ["zed", "antelope", "bobcat", "caracal", "dalmatian", "epoxy"]
    assert platforms.release_of(stream9).name == "epoxy"
    assert platforms.release_of(stream9, "Zed").name == "zed"
    assert platforms.release_of(stream9, "2024.1").name == "caracal"
    assert [r.name for r in platforms.by_id("debian-12").releases] == ["zed"]
    with pytest.raises(StackwrightError, match="epoxy cannot be installed on Debian 12") as caught:
        platforms.release_of(platforms.by_id("debian-12"), "epoxy")
    assert "choose one of: zed" in caught.value.hint
    assert "Debian 13" in caught.value.hint


def test_unknown_platform() -> None:
    with pytest.raises(StackwrightError, match="unknown platform: beos"):
        platforms.by_id("beos")


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda p: p.id)
def test_records_are_consistent(platform: Platform) -> None:
    assert platform.releases
    assert platform.arches
    assert platform.puppet.startswith("/")
    assert platform.modulepath.startswith("/")
    for release in platform.releases:
        for repository in release.repositories:
            assert not repository.url or (repository.url.startswith("https://") and repository.url.endswith("/"))
            assert not repository.url or repository.key.startswith("https://"), (
                "packages are checked by their signature"
            )
    twin = next(p for p in PLATFORMS if p.family != platform.family)
    assert set(platform.paths) == set(twin.paths), "a template may ask any platform for any path"
    assert set(platform.users) == set(twin.users)


def test_ids_are_unique() -> None:
    assert len({p.id for p in PLATFORMS}) == len(PLATFORMS)
    assert len({(p.os_id, p.os_version) for p in PLATFORMS}) == len(PLATFORMS)


def test_rdo_repositories() -> None:
    for platform in PLATFORMS:
        for release in platform.releases if platform.family == "redhat" else ():
            urls = [r.url for r in release.repositories if r.url]
            stream = f"/SIGs/{'10' if platform.os_version == '10' else '9'}-stream/"
            assert all(stream in url for url in urls)
            assert any(f"/cloud/$basearch/openstack-{release.name}/" in url for url in urls)
            assert {"messaging", "nfv", "storage"} <= {url.split(stream)[1].split("/")[0] for url in urls}
            builder = release.repositories[0]
            assert (builder.id, builder.url) == (
                "codeready-builder-for-rhel-9-{arch}-rpms" if platform.id == "rhel-9" else "crb",
                "",
            )
