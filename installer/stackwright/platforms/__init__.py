"""Operating systems as data: one record per system and release.

Templates and the planner branch on a record's fields, never on a distribution's name. A new platform is one record; a
new OpenStack release is one entry in a record.
"""

from __future__ import annotations

from dataclasses import replace

from stackwright.model import ExitCode, StackwrightError
from stackwright.platforms import centos, debian
from stackwright.platforms.record import Family, Platform, Release, Repository

__all__ = [
    "PLATFORMS",
    "Family",
    "Platform",
    "Release",
    "Repository",
    "by_id",
    "find",
    "release_of",
    "supported",
]

PLATFORMS: tuple[Platform, ...] = (*debian.PLATFORMS, *centos.PLATFORMS)


def supported() -> str:
    """One line per platform with its OpenStack releases, for messages and documentation."""
    return "\n".join(f"{p.name} ({', '.join(p.arches)}): {', '.join(r.name for r in p.releases)}" for p in PLATFORMS)


def by_id(platform_id: str) -> Platform:
    """The record of that id (debian-12); StackwrightError if there is none."""
    for platform in PLATFORMS:
        if platform.id == platform_id:
            return platform
    raise StackwrightError(
        f"unknown platform: {platform_id}", f"choose one of: {', '.join(p.id for p in PLATFORMS)}", ExitCode.USAGE
    )


def find(os_id: str, os_version: str, arch: str = "") -> Platform:
    """The record for ID and VERSION_ID of /etc/os-release; minor versions do not matter (rhel 9.4 is rhel-9).

    Raises StackwrightError, which lists the supported systems.
    """
    major = os_version.partition(".")[0]
    for platform in PLATFORMS:
        if platform.os_id == os_id and platform.os_version == major:
            if arch and arch not in platform.arches:
                raise StackwrightError(
                    f"{platform.name} on {arch} is not supported",
                    f"use one of: {', '.join(platform.arches)}",
                    ExitCode.PREFLIGHT,
                )
            return platform
    seen = f"{os_id} {os_version}".strip() or "a system without /etc/os-release"
    raise StackwrightError(
        f"{seen} is not supported", f"use one of these systems and releases:\n{supported()}", ExitCode.PREFLIGHT
    )


def release_of(platform: Platform, name: str = "", trunk: bool = False) -> Release:
    """The OpenStack release of that name (epoxy, or 2025.1) on the platform; the platform's default when empty.

    With `trunk`, master is accepted too: the development branch. Raises StackwrightError, which lists the platform's
    releases and other platforms that have the requested one.
    """
    if not name:
        return platform.default_release
    wanted = name.strip().lower()
    if wanted == "master" and trunk and platform.package_manager == "dnf":
        return replace(platform.default_release, name="master")
    for release in platform.releases:
        if wanted in (release.name, release.series):
            return release
    elsewhere = [p.name for p in PLATFORMS if any(wanted in (r.name, r.series) for r in p.releases)]
    hint = f"choose one of: {', '.join(r.name for r in platform.releases)}"
    if elsewhere:
        hint += f"; {wanted} can be installed on {', '.join(elsewhere)}"
    if wanted == "master" and platform.package_manager == "dnf":
        hint += "; for master, add --trunk"
    raise StackwrightError(f"OpenStack {name} cannot be installed on {platform.name}", hint, ExitCode.ANSWERS)
