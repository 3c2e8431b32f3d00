"""Are these hosts fit for what they are asked to do? (answers, facts, placement) -> every problem at once.

Pure: it sees recorded facts and no connection. Each check has a name, which its problems carry and `--skip-check`
takes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from stackwright.model import Component, ExitCode, Facts, Problem, Severity, StackwrightError
from stackwright.preflight import capacity, host, names, network
from stackwright.preflight.capacity import estimate_disk, estimate_memory
from stackwright.preflight.packages import package_check_script, parse_package_check
from stackwright.preflight.situation import Problems, Situation
from stackwright.preflight.telling import told

__all__ = [
    "CHECKS",
    "check",
    "estimate_disk",
    "estimate_memory",
    "package_check_script",
    "parse_package_check",
    "table",
    "told",
]

CHECKS: Mapping[str, Callable[[Situation], Problems]] = {
    "facts": host.seen_all,
    "os": host.system,
    "release": host.release,
    "sudo": host.access,
    "systemd": host.systemd,
    "other-cloud": host.other_cloud,
    "earlier-installation": host.leftovers,
    "memory": capacity.memory,
    "disk": capacity.disk,
    "fqdn": names.fqdn,
    "resolution": names.resolution,
    "ovs-hostname": names.ovs_hostname,
    "distinct": names.distinct,
    "ssh-host-key": names.host_keys,
    "clock": names.clocks,
    "proxy": names.proxy,
    "port-in-use": network.ports,
    "server": network.servers,
    "interface": network.interfaces,
    "tunnel-interface": network.userspace_tunnels,
    "bridge-interface": network.bridge_takes_route,
    "ranges": network.ranges,
    "image": host.image,
    "kvm": host.virtualization,
    "kernel-module": host.kernel,
    "volume-group": host.volume_group,
    "other-ceph": host.other_ceph,
    "conflicts": host.conflicting_software,
    "epel": host.epel,
    "package-source": host.package_sources,
    "trunk-age": host.trunk_age,
    "trunk-dependencies": host.trunk_dependencies,
    "locale": host.locale,
}
"""Every check by its name, in the order in which problems are told."""

_BY_PACKAGES = ("package", "repository")
"""Names of the problems that `parse_package_check` finds; they can be waived like the others."""


def table() -> tuple[tuple[str, str], ...]:
    """(name, what it looks for) of every check, for documentation and `--help`."""
    return tuple((name, (run.__doc__ or "").strip().splitlines()[0]) for name, run in CHECKS.items())


def check(
    answers: Mapping[str, Any],
    facts: Mapping[str, Facts],
    placement: Mapping[str, tuple[Component, ...]],
    *,
    cloud_id: str = "",
    skip: Collection[str] = (),
) -> list[Problem]:
    """Everything that is in the way, errors before warnings, otherwise in the order of CHECKS and of the hosts.

    `cloud_id` tells the cloud to be installed from one that a host already carries. `skip` are names of checks whose
    problems are waived. Raises StackwrightError for a name that is no check.
    """
    require_known(skip)
    situation = Situation(answers, facts, placement, cloud_id)
    found = [problem for name, run in CHECKS.items() if name not in skip for problem in run(situation)]
    return sorted(found, key=lambda problem: problem.severity is not Severity.ERROR)


def require_known(skip: Iterable[str]) -> None:
    """Raises StackwrightError when one of these is not the name of a check."""
    known = (*CHECKS, *_BY_PACKAGES)
    wrong = sorted(set(skip) - set(known))
    if wrong:
        raise StackwrightError(f"no such check: {', '.join(wrong)}", f"checks are: {', '.join(known)}", ExitCode.USAGE)
