"""The dashboard's static files on Debian: made beside Puppet, and not in the transaction that brings its package, as
`scripts.apt_install` sees to."""

from __future__ import annotations

from stackwright import shell
from stackwright.model import Run, Step
from stackwright.planner.steps.packages import STATIC_DUE
from stackwright.planner.topology import Host
from stackwright.shell import Raw


def steps(host: Host) -> list[Step]:
    """Makes the static files of a host's dashboard where they are due or missing, beside Puppet."""
    if "horizon" not in host.components or host.platform.package_manager != "apt":
        return []
    title = "the dashboard's style sheets and scripts"
    make = Run("dashboard", shell.fill("planner/steps/dashboard.sh", STATIC_DUE=Raw(STATIC_DUE)), 900)
    return [Step(f"{host.name}:dashboard", host.name, title, (make,), (f"{host.name}:packages",))]
