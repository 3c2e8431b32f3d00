"""Preflight checks: (answers, facts, placement) -> every problem that would make an installation fail, at once.

Pure: it reads recorded facts and opens no connection. Each check has a name, which its problems carry and which
`--skip-check` accepts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping

from stackwright.model import Answers, Component, ExitCode, Facts, Problem, Severity, StackwrightError
from stackwright.preflight import capacity, existing, host, names, network, ranges
from stackwright.preflight.capacity import estimate_disk, estimate_download, estimate_memory
from stackwright.preflight.packages import package_check_script, parse_package_check, parse_package_sizes
from stackwright.preflight.situation import Problems, Situation

__all__ = [
    "CHECKS",
    "check",
    "estimate_disk",
    "estimate_download",
    "estimate_memory",
    "format_problems",
    "names_of_checks",
    "package_check_script",
    "parse_package_check",
    "parse_package_sizes",
    "table",
]

CHECKS: Mapping[str, Callable[[Situation], Problems]] = {
    "facts": host.seen_all,
    "os": host.system,
    "release": host.release,
    "sudo": host.access,
    "systemd": host.systemd,
    "other-cloud": host.other_cloud,
    "earlier-installation": host.leftovers,
    "accounts": existing.accounts,
    "existing-data": existing.data,
    "apache": existing.web_sites,
    "memory": capacity.memory,
    "disk": capacity.disk,
    "host-name": names.host_name,
    "fqdn": names.fqdn,
    "resolution": names.resolution,
    "ovs-hostname": names.ovs_hostname,
    "distinct": names.distinct,
    "short-name": names.short_names,
    "own-address": names.own_address,
    "ssh-host-key": names.host_keys,
    "clock": names.clocks,
    "proxy": names.proxy,
    "port-in-use": network.ports,
    "server": network.servers,
    "interface": network.interfaces,
    "tunnel-interface": network.userspace_tunnels,
    "tunnel-address": network.tunnel_addresses,
    "bridge-interface": network.bridge_takes_route,
    "ranges": ranges.ranges,
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
"""Every check by its name, in the order in which problems are reported."""

_BY_PACKAGES = ("package", "repository")
"""Names of the problems that `parse_package_check` finds; they can be waived like the others."""

_BY_LOCK = ("lock",)
"""The name of the problems with a lock of other hosts (`operations.lock`)."""

_BY_ANSWERS = ("fixed-answer",)
"""Names of the problems with answers that changed (`answers.changes`); they can be waived like the others."""

_SHOWN = 3
"""Hosts that are named where many have the same problem."""


def table() -> tuple[tuple[str, str], ...]:
    """(name, what it looks for) of every check, for documentation and `--help`."""
    return tuple((name, (run.__doc__ or "").strip().splitlines()[0]) for name, run in CHECKS.items())


def check(
    answers: Answers,
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


def names_of_checks() -> tuple[str, ...]:
    """All names that `--skip-check` accepts."""
    return (*CHECKS, *_BY_PACKAGES, *_BY_LOCK, *_BY_ANSWERS)


def require_known(skip: Iterable[str]) -> None:
    """Raises StackwrightError when one of these is not the name of a check."""
    known = names_of_checks()
    wrong = sorted(set(skip) - set(known))
    if wrong:
        raise StackwrightError(f"no such check: {', '.join(wrong)}", f"checks are: {', '.join(known)}", ExitCode.USAGE)


def format_problems(problems: Iterable[Problem]) -> str:
    """The problems as plain text, in the order of their first hosts. A problem that several hosts share is one entry
    that names them."""
    alike: dict[tuple[str, ...], list[Problem]] = {}
    for one in problems:
        plain = [_without(one.host, words) for words in (one.message, one.hint)]
        alike.setdefault((one.name, str(one.severity), *plain), []).append(one)
    return "\n".join(_one(found) for found in alike.values())


def _without(host: str, words: str) -> str:
    return re.sub(rf"(?<![\w.-]){re.escape(host)}(?![\w-]|\.\w)", "", words) if host else words


def _one(found: list[Problem]) -> str:
    problem = found[0]
    hosts = list(dict.fromkeys(one.host for one in found if one.host))
    at = ", ".join(hosts[:_SHOWN]) + (f" and {len(hosts) - _SHOWN} more hosts" if len(hosts) > _SHOWN else "")
    hint = f"\n    hint: {problem.hint}" if problem.hint else ""
    return f"{at}{': ' if at else ''}{problem.severity}: {problem.message} [{problem.name}]{hint}"
