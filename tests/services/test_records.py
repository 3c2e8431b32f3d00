"""Service records: complete, consistent, and the same kind of facts on every platform."""

from __future__ import annotations

import pytest

from stackwright import platforms, services, verify
from stackwright.planner import assets
from stackwright.platforms import PLATFORMS, Platform
from stackwright.records import Component, Names

COMPONENTS = {component.name: component for component in services.all_components()}
SETS = {found.name: found for found in services.package_sets()}
EVERYTHING = (*COMPONENTS, *SETS)
ON_EVERY_RELEASE = [(platform, release) for platform in PLATFORMS for release in platform.releases]


def test_names_are_unique() -> None:
    assert len(COMPONENTS) == sum(len(service.components) for service in services.all_services())
    assert len(SETS) == sum(len(service.package_sets) for service in services.all_services())
    assert not COMPONENTS.keys() & SETS.keys()


FACTS = ("packages", "units", "memory", "logs")


def lacking(component: Component) -> set[str]:
    """The facts that a component's record neither has nor gives a reason for."""
    there = {fact for fact in FACTS if getattr(component, fact)}
    proof = {"proof"} if component.probe else set()
    return {*FACTS, "proof"} - there - proof - set(component.without)


@pytest.mark.parametrize("component", COMPONENTS.values(), ids=COMPONENTS)
def test_every_component_is_complete_or_says_why_not(component: Component) -> None:
    assert lacking(component) == set()
    assert set(component.without) <= {*FACTS, "proof"}
    assert all(component.without.values()), "a reason is a sentence"
    needless = {fact for fact in component.without if fact != "proof" and getattr(component, fact)}
    assert not needless, "a reason for what is there"
    assert not component.memory or component.memory.source, "a figure says where it comes from"
    assert not component.disk or component.disk.source, "a figure says where it comes from"


def test_an_incomplete_component_is_found() -> None:
    bare = Component("vault", role="controller")
    assert lacking(bare) == {"packages", "units", "memory", "logs", "proof"}
    assert lacking(Component("vault", role="controller", without={"units": "it has none"})) == lacking(bare) - {"units"}


@pytest.mark.parametrize(("platform", "release"), ON_EVERY_RELEASE, ids=lambda v: getattr(v, "id", v.name))
def test_packages_and_units_are_plausible_on_every_platform(platform: Platform, release: platforms.Release) -> None:
    for name, found in {**COMPONENTS, **SETS}.items():
        packages = services.names_on(found.packages, platform, release)
        units = services.names_on(found.units, platform, release)
        for names in (packages, units):
            assert len(set(names)) == len(names), name
            assert all(part == part.strip() and " " not in part for part in names), name
        assert not any(unit.endswith(".service") for unit in units), name
        assert bool(units) == bool(found.units), f"{name} has units on another platform"
        if name in COMPONENTS:
            assert bool(packages) == bool(found.packages), f"{name} has packages on another platform"


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda p: p.id)
def test_every_probe_of_units_finds_its_units(platform: Platform) -> None:
    asked = [c.name for c in COMPONENTS.values() if f"units('{c.name}')" in c.probe]
    assert "nova-compute" in asked
    for name in asked:
        assert services.units(name, platform), name


def test_names_by_family_platform_and_release() -> None:
    names = Names(debian=("a",), redhat=("b",)) + Names(debian=("c",))
    assert names.on("debian", "debian-12", "2022.2") == ("a", "c")
    newer = names.but("debian", "d", since="2025.1").also("redhat", "e", since="2023.1").but("debian-13", "f")
    assert newer.on("debian", "debian-12", "2022.2") == ("a", "c")
    assert newer.on("debian", "debian-12", "2025.1") == ("d",)
    assert newer.on("debian", "debian-13", "2025.1") == ("f",)
    assert newer.on("redhat", "rhel-9", "2022.2") == ("b",)
    assert newer.on("redhat", "rhel-9", "2024.1") == ("b", "e")


def test_packages_are_sorted_and_once() -> None:
    debian = platforms.by_id("debian-12")
    found = services.packages_for(debian, ["keystone", "glance-api", "keystone", "keystone-database"])
    assert list(found) == sorted(set(found))
    assert {"keystone", "glance-api", "puppet-agent", "puppet-module-keystone", "sudo"} <= set(found)
    assert "nova-api" not in found
    without = services.packages_for(debian, ["keystone"], modules=False)
    assert not [p for p in without if p.startswith("puppet")]


def test_release_changes_packages() -> None:
    trixie = platforms.by_id("debian-13")
    assert "neutron-periodic-workers" in services.packages_for(trixie, ["neutron-server"])
    assert "neutron-periodic-workers" not in services.packages_for(platforms.by_id("debian-12"), ["neutron-server"])
    stream9 = platforms.by_id("centos-stream-9")
    zed, epoxy = platforms.release_of(stream9, "zed"), platforms.release_of(stream9, "epoxy")
    assert zed.linuxbridge
    assert not epoxy.linuxbridge
    assert "openstack-neutron-rpc-server" in services.packages_for(stream9, ["neutron-server"], epoxy)
    assert "openstack-neutron-rpc-server" not in services.packages_for(stream9, ["neutron-server"], zed)


@pytest.mark.parametrize("platform", [p for p in PLATFORMS if p.family == "redhat"], ids=lambda p: p.id)
def test_nothing_conflicts_with_what_a_minimal_system_has(platform: Platform) -> None:
    """Minimal installations and cloud images have curl-minimal; dnf refuses a transaction with the other one."""
    for release in platform.releases:
        assert "curl" not in services.packages_for(platform, EVERYTHING, release)


def test_unknown_component_is_an_error() -> None:
    with pytest.raises(KeyError, match="no-such"):
        services.packages_for(platforms.by_id("debian-12"), ["no-such"])


def test_hypervisors_are_separate_package_sets() -> None:
    """On Debian their packages conflict, so a component must not bring both."""
    debian = platforms.by_id("debian-12")
    plain = set(services.packages_for(debian, ["nova-compute"]))
    assert not plain & {"nova-compute-kvm", "nova-compute-qemu"}
    assert "nova-compute-kvm" in services.packages_for(debian, ["nova-compute", "nova-compute-qemu"])


@pytest.mark.parametrize("platform", [p.id for p in platforms.PLATFORMS])
@pytest.mark.parametrize("component", ["external-bridge", "linuxbridge-agent"])
def test_what_makes_bridges_has_the_program_for_their_masquerading(platform: str, component: str) -> None:
    assert "nftables" in services.packages_for(platforms.by_id(platform), [component])


def test_every_api_is_asked_or_is_not_the_first_of_its_service() -> None:
    asked = {service.name for service, _, api in services.apis() if api.ask}
    assert {service.name for service, _, api in services.apis() if not api.ask} <= asked
    types = [api.type for _, _, api in services.apis()]
    assert len(types) == len(set(types))


def test_every_service_with_checks_has_their_module() -> None:
    named = [service.checks for service in services.all_services() if service.checks]
    assert named
    for name in named:
        assert "\ndef checks(context: Context) -> list[Check]:\n" in (verify.program() / f"{name}.py").read_text(), name


def test_every_configuration_type_has_its_cached_provider() -> None:
    named = {kind for s in services.all_services() if s.puppet for kind in s.puppet.config_types}
    folder = assets.puppet_module() / "lib" / "puppet" / "provider"
    assert named == {path.parent.name for path in folder.glob("*/cached.rb")}


def test_every_role_is_defined_once_and_named_by_answers() -> None:
    names = [role.name for role in services.roles()]
    assert len(names) == len(set(names))
    assert {component.role for component in COMPONENTS.values()} <= set(names)
    for role in services.roles():
        assert role.hosts or role.keys, role.name
        assert set(role.keys) <= set(services.options()), role.name


def test_records_refer_only_to_existing_names() -> None:
    known = services.options()
    for service in services.all_services():
        for key, _, needed, why in service.needs:
            assert {key, needed} <= set(known), service.name
            assert why, service.name
        for package_set in service.package_sets:
            assert set(package_set.of) <= set(COMPONENTS), package_set.name
    for component in COMPONENTS.values():
        assert set(component.tls.keys if component.tls else ()) <= set(known), component.name
        assert {growth.key for growth in component.growth} <= set(known), component.name
