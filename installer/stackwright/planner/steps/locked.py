"""Installs packages in exactly the versions of a lock, and holds them at these versions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from stackwright import shell
from stackwright.model import Action, File, Run, Step, Upload
from stackwright.planner.steps import packages
from stackwright.platforms import Platform
from stackwright.shell import Raw

Exact = Mapping[str, str]
"""Version by package name, as the package manager writes them; on CentOS the name includes the architecture."""

OFFLINE = "/var/lib/stackwright/offline"
"""The folder on each host with the packages of a bundle."""

APT_CONFIG = f"{OFFLINE}/apt.conf"
"""apt's configuration for using that folder only, for the environment variable APT_CONFIG."""

VERSION_LOCK = "/etc/dnf/plugins/versionlock.list"


def words(platform: Platform, exact: Exact) -> tuple[str, ...]:
    """The packages as arguments of the package manager: name=version for apt, NEVRA for dnf."""
    if platform.package_manager == "apt":
        return tuple(f"{name}={version}" for name, version in sorted(exact.items()))
    return tuple(_nevra(name, version) for name, version in sorted(exact.items()))


def _nevra(name: str, version: str) -> str:
    bare, _, arch = name.rpartition(".")
    return f"{bare}-{version}.{arch}"


def actions(platform: Platform, exact: Exact, timeout: float, options: Sequence[str] = ()) -> tuple[Action, ...]:
    """Pins the versions, then installs them in one transaction. The pins stay until packages are installed without a
    lock. `options` are options of dnf."""
    asked = words(platform, exact)
    if platform.package_manager == "apt":
        script, pins = packages.apt_install(asked, exact=True), File(packages.PINS, _pins(exact).encode())
    else:
        lines = [f"{_nevra(name, version).rpartition('.')[0]}.*\n" for name, version in sorted(exact.items())]
        script = shell.fill(
            "planner/steps/locked_dnf.sh",
            WANTED=Raw("\n".join(asked)),
            OPTIONS=options,
            VERSION_LOCK=VERSION_LOCK,
        )
        pins = File(VERSION_LOCK, "".join(lines).encode())
    return (Upload((pins,)), Run("packages", script, timeout, retries=3))


def offline(script: str) -> str:
    """The same script, restricted to the packages of a bundle."""
    return shell.fill("planner/steps/locked_offline.sh", APT_CONFIG=APT_CONFIG, OFFLINE=OFFLINE) + script


def from_bundle(step: Step) -> Step:
    """The same step, with its package scripts restricted to the packages of a bundle."""
    known = {"lists", "packages"}
    return replace(
        step,
        actions=tuple(
            replace(a, script=offline(a.script)) if isinstance(a, Run) and a.name in known else a for a in step.actions
        ),
    )


def _pins(exact: Exact) -> str:
    """apt's preferences. A priority above 1000 replaces newer installed versions too."""
    names: dict[str, list[str]] = defaultdict(list)
    for name, version in sorted(exact.items()):
        names[version].append(name)
    stanzas = [f"Package: {' '.join(n)}\nPin: version {v}\nPin-Priority: 1001\n" for v, n in sorted(names.items())]
    return "# Stackwright: the versions of a lock; an installation without a lock removes this file.\n\n" + "\n".join(
        stanzas
    )
