"""The dashboard's static files on Debian. A step generates them in parallel with Puppet; `packages.apt_install` keeps
the package from generating them during the transaction."""

from __future__ import annotations

from stackwright import shell
from stackwright.model import Run, Step
from stackwright.planner.steps.packages import STATIC_DUE
from stackwright.planner.topology import Host
from stackwright.shell import Raw


def steps(host: Host) -> list[Step]:
    """The step that generates the static files of a host's dashboard if they are due or missing."""
    if "horizon" not in host.components or host.platform.package_manager != "apt":
        return []
    title = "Generate the dashboard's static files"
    make = Run("dashboard", shell.fill("planner/steps/dashboard.sh", STATIC_DUE=Raw(STATIC_DUE)), 900)
    return [Step(f"{host.name}:dashboard", host.name, title, (make,), (f"{host.name}:packages",))]
