"""Records of platforms: complete, consistent, and found by what a host says of itself."""

from __future__ import annotations

import pytest

from stackwright import platforms
from stackwright.model import ExitCode, StackwrightError
from stackwright.platforms import PLATFORMS, Platform
from stackwright.services import SERVICES

COMPONENTS = sorted({c.name for s in SERVICES for c in s.components})
BARE = ("-database", "-identity")


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
def test_found(os_id: str, version: str, wanted: str) -> None:
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
@pytest.mark.parametrize("component", COMPONENTS)
def test_every_component_has_its_packages(platform: Platform, component: str) -> None:
    for release in platform.releases:
        assert platforms.packages_for(platform, [component], release)


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda p: p.id)
def test_every_probe_of_units_finds_its_units(platform: Platform) -> None:
    for service in SERVICES:
        for component in service.components:
            if f"platform.services['{component.name}']" in component.probe:
                assert platform.services[component.name], component.name


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda p: p.id)
def test_records_are_consistent(platform: Platform) -> None:
    assert platform.releases
    assert platform.arches
    assert platform.puppet.startswith("/")
    assert platform.modulepath.startswith("/")
    for units in platform.services.values():
        assert all(not unit.endswith(".service") for unit in units)
    for packages in (*platform.packages.values(), *(p for r in platform.releases for p in r.packages.values())):
        assert len(set(packages)) == len(packages)
        assert all(name == name.strip() and " " not in name for name in packages)
    for release in platform.releases:
        assert set(release.packages) <= set(platform.packages)
        for repository in release.repositories:
            assert not repository.url or (repository.url.startswith("https://") and repository.url.endswith("/"))
            assert not repository.url or repository.key.startswith("https://"), (
                "packages are checked by their signature"
            )
    twin = next(p for p in PLATFORMS if p.family != platform.family)
    assert set(platform.paths) == set(twin.paths), "a template may ask any platform for any path"
    assert set(platform.users) == set(twin.users)
    assert set(platform.packages) == set(twin.packages)
    assert set(platform.services) == set(twin.services)
    assert set(platform.services) - {"libvirt"} <= set(platform.packages)


def test_ids_are_unique() -> None:
    assert len({p.id for p in PLATFORMS}) == len(PLATFORMS)
    assert len({(p.os_id, p.os_version) for p in PLATFORMS}) == len(PLATFORMS)


def test_packages_are_sorted_and_once() -> None:
    debian = platforms.by_id("debian-12")
    found = platforms.packages_for(debian, ["keystone", "glance-api", "keystone", "keystone-database"])
    assert list(found) == sorted(set(found))
    assert {"keystone", "glance-api", "puppet-agent", "puppet-module-keystone", "sudo"} <= set(found)
    assert "nova-api" not in found
    without = platforms.packages_for(debian, ["keystone"], modules=False)
    assert not [p for p in without if p.startswith("puppet")]


def test_release_changes_packages() -> None:
    trixie = platforms.by_id("debian-13")
    assert "neutron-periodic-workers" in platforms.packages_for(trixie, ["neutron-server"])
    assert "neutron-periodic-workers" not in platforms.packages_for(platforms.by_id("debian-12"), ["neutron-server"])
    stream9 = platforms.by_id("centos-stream-9")
    zed, epoxy = platforms.release_of(stream9, "zed"), platforms.release_of(stream9, "epoxy")
    assert zed.linuxbridge
    assert not epoxy.linuxbridge
    assert "openstack-neutron-rpc-server" in platforms.packages_for(stream9, ["neutron-server"], epoxy)
    assert "openstack-neutron-rpc-server" not in platforms.packages_for(stream9, ["neutron-server"], zed)


@pytest.mark.parametrize("platform", [p for p in PLATFORMS if p.family == "redhat"], ids=lambda p: p.id)
def test_nothing_conflicts_with_what_a_minimal_system_has(platform: Platform) -> None:
    """Minimal installations and cloud images have curl-minimal; dnf refuses a transaction with the other one."""
    for release in platform.releases:
        assert "curl" not in platforms.packages_for(platform, platform.packages, release)


def test_unknown_component_is_an_error() -> None:
    with pytest.raises(KeyError, match="no-such"):
        platforms.packages_for(platforms.by_id("debian-12"), ["no-such"])


def test_hypervisors_are_apart() -> None:
    """On Debian their packages conflict, so a component must not bring both."""
    debian = platforms.by_id("debian-12")
    plain = set(platforms.packages_for(debian, ["nova-compute"]))
    assert not plain & {"nova-compute-kvm", "nova-compute-qemu"}
    assert "nova-compute-kvm" in platforms.packages_for(debian, ["nova-compute", "nova-compute-qemu"])


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


@pytest.mark.parametrize("platform", [p.id for p in platforms.PLATFORMS])
@pytest.mark.parametrize("component", ["external-bridge", "linuxbridge-agent"])
def test_what_makes_bridges_has_the_program_for_their_masquerading(platform: str, component: str) -> None:
    assert "nftables" in platforms.packages_for(platforms.by_id(platform), [component])
