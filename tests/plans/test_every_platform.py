"""A plan for each operating system, OpenStack release and architecture in the records."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml

import golden
import outcome
from stackwright import answers, planner, preflight, services
from stackwright.model import Upload
from stackwright.platforms import PLATFORMS, Platform, Release

HOSTS = {
    "CONFIG_CONTROLLER_HOST": "198.18.0.10",
    "CONFIG_NETWORK_HOSTS": "198.18.0.20",
    "CONFIG_COMPUTE_HOSTS": "198.18.0.31,198.18.0.32",
    "CONFIG_HEAT_INSTALL": "y",
    "CONFIG_CINDER_BACKEND": "lvm,nfs,ceph",
    "CONFIG_CINDER_NFS_MOUNTS": "198.18.0.9:/srv/volumes",
}

ALL = [
    pytest.param(platform, release, arch, id=f"{platform.id}-{release.name}-{arch}")
    for platform in PLATFORMS
    for release in platform.releases
    for arch in platform.arches
]


@pytest.mark.parametrize(("platform", "release", "arch"), ALL)
def test_every_platform_and_release_is_planned(platform: Platform, release: Release, arch: str) -> None:
    settings = {**HOSTS, "CONFIG_OPENSTACK_RELEASE": release.name}
    if not release.released:
        settings["CONFIG_ENABLE_RDO_TESTING"] = "y"
    given = answers.read([], settings, {}, local_host="198.18.0.10", remembered=golden.secrets())
    seen = {
        host: replace(facts, arch=arch)
        for host, facts in outcome.facts(given, platform.os_id, platform.os_version).items()
    }
    problems = preflight.check(given, seen, planner.place(given, services.SERVICES))
    assert [p for p in problems if p.name in ("os", "release", "package-source")] == []
    whole, plan = planner.cloud(given, seen), outcome.plan(given, seen)
    assert whole.release == release
    runs = golden.last_runs(plan)
    assert set(runs) == set(seen)
    for host, run in runs.items():
        assert yaml.safe_load(run.hieradata)
        wanted = planner.packages(whole, whole.hosts[host])
        edk2 = {"edk2-ovmf", "edk2-aarch64"} & set(wanted)
        if platform.family == "redhat" and host.startswith("198.18.0.3"):
            assert edk2 == {"edk2-ovmf" if arch == "x86_64" else "edk2-aarch64"}
        else:
            assert not edk2
        if platform.package_manager == "dnf":
            repositories = "".join(
                file.content.decode()
                for action in plan.step(f"{host}:repositories").actions if isinstance(action, Upload)
                for file in action.files
            )  # fmt: skip
            assert f"/openstack-{release.name}/\n" in repositories
            assert f"/{platform.os_version}-stream/" in repositories
    rpc = "openstack-neutron-rpc-server" in planner.packages(whole, whole.hosts["198.18.0.10"])
    assert rpc == (platform.family == "redhat" and release.series >= "2025.1")
