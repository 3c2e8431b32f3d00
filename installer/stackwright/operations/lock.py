"""Collects what is installed on the hosts as the lock of the cloud, and checks hosts against a given lock."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackwright import __version__, answers, lock, planner, preflight, report, untrusted
from stackwright.model import ExitCode, Problem, StackwrightError
from stackwright.operations import trunk
from stackwright.planner import assets
from stackwright.planner.steps import locked, repositories
from stackwright.ssh import parallel as side_by_side

if TYPE_CHECKING:
    from stackwright.planner.topology import Cloud
    from stackwright.ssh.pool import Hosts
    from stackwright.state.directory import StateDir

AFTERWARDS = "afterwards.json"
"""In the cloud's folder: what the hosts said after the run, for the report."""

_MOST = 16 * 1024**2
"""Bytes that a host may print of its packages; 3,000 of them make 400 kB."""

_LIBRARIES = ("cryptography", "Jinja2", "netaddr", "paramiko", "PyYAML", "rich")


@dataclass(frozen=True)
class Taken:
    """A lock, and what else the hosts said when it was taken."""

    lock: lock.Lock
    denials: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """SELinux's, by host."""

    @property
    def unrepeatable(self) -> dict[str, list[str]]:
        """By host: packages that no repository has in the version that is installed."""
        found = {
            name: sorted(n for n, p in host.packages.items() if not p.origin and n in host.installable)
            for name, host in self.lock.hosts.items()
        }
        return {name: packages for name, packages in found.items() if packages}


def control() -> dict[str, str]:
    """The controlling machine: Python, and the libraries that we stand on."""
    found = {"Python": platform.python_version(), "system": f"{platform.system()} {platform.release()}"}
    for name in _LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def take(whole: Cloud, hosts: Hosts, *, since: float = 0.0, plan: str = "", parallel: int = 32) -> Taken:
    """Asks all hosts, side by side. Denials of SELinux count from `since` on; `plan` is the plan's digest. Raises
    StackwrightError where a host does not answer."""

    def one(name: str) -> lock.Seen:
        system = whole.hosts[name].platform
        script = lock.script(system.package_manager, system.modulepath, f"{planner.STATE_DIR}/images", since)
        said = hosts.connect(name).run(script, timeout=300, most=_MOST)
        with untrusted.judged(name, "list of packages"):
            return lock.parse(said.out, name, system.id, system.package_manager)

    found = side_by_side.map(whole.hosts, one, parallel)
    made = lock.Lock(
        version=__version__,
        templates=assets.digest(),
        release=whole.release.name,
        plan=plan,
        trunk=trunk.meaning(whole.answers, {name: host.facts for name, host in whole.hosts.items()}),
        control=control(),
        answers=answers.public(whole.answers),
        hosts={name: one.host for name, one in found.items()},
    )
    return Taken(made, {name: one.denials for name, one in found.items() if one.denials})


def keep(taken: Taken, state: StateDir, against: lock.Lock | None, called: str) -> Path:
    """Writes the cloud's lock, and for the report what the hosts said and how they differ from the lock `against`,
    which is `called` so; without one, from the cloud's own of before. Returns the lock's path."""
    locked = against is not None
    if against is None and (text := state.read(lock.NAME)):
        try:
            against, called = lock.read(text), "the previous lock"
        except StackwrightError:
            against = None
    found = lock.differences(against, taken.lock) if against else []
    record: dict[str, Any] = {
        "at": time.time(),
        "against": called if against else "",
        "locked": bool(locked),
        "differences": [{"title": s.title, "lines": list(s.lines)} for s in found],
        "packages": {name: len(host.packages) for name, host in taken.lock.hosts.items()},
        "unrepeatable": taken.unrepeatable,
        "denials": taken.denials,
    }
    path = state.write(lock.NAME, lock.write(taken.lock))
    state.write(AFTERWARDS, json.dumps(record, indent=1) + "\n")
    report.refresh(state)
    return path


# ----------------------------------------------------------------------------------------------- a lock that is given


def exact(wanted: lock.Lock, whole: Cloud, skip: frozenset[str] = frozenset()) -> dict[str, dict[str, str]]:
    """By host of the cloud: the versions that the lock names. Raises StackwrightError where the lock is of other hosts,
    of another system, or lacks what the answers want."""
    own_answers = (wanted.answers, answers.public(whole.answers))
    matched = {mine: theirs for theirs, mine in lock.pairs(wanted.hosts, whole.hosts, own_answers)}
    problems = [
        Problem("lock", f"the lock does not contain {name}", f"its hosts are {', '.join(wanted.hosts)}", host=name)
        for name in whole.hosts
        if name not in matched
    ]
    if wanted.release != whole.release.name:
        problems.append(
            Problem("lock", f"the lock is for OpenStack {wanted.release}", f"the answers ask for {whole.release.name}")
        )
    found = {}
    for name, theirs in matched.items():
        host, own = whole.hosts[name], wanted.hosts[theirs]
        if (own.platform, own.arch) != (host.platform.id, host.facts.arch or own.arch):
            seen_as = f"the lock is for {own.platform} on {own.arch}"
            problems.append(
                Problem("lock", seen_as, f"the host has {host.platform.id} on {host.facts.arch}", host=name)
            )
            continue
        found[name] = own.installable
        bare = {n.partition(":")[0] if own.package_manager == "apt" else n.rpartition(".")[0] for n in own.packages}
        lacking = [p for p in planner.packages(whole, host) if p not in bare]
        if lacking:
            seen_as = f"the answers need {', '.join(lacking)}, which the lock does not contain"
            problems.append(Problem("lock", seen_as, "it was written for other answers", host=name))
    if problems and "lock" not in skip:
        raise StackwrightError(
            "\n".join(f"{p.host + ': ' if p.host else ''}{p.message} [lock]" for p in problems),
            "nothing was changed. To install the cloud on other hosts, use `stackwright bundle reproduce`",
            ExitCode.PREFLIGHT,
        )
    return found


def problems(
    hosts: Hosts,
    whole: Cloud,
    wanted: Mapping[str, Mapping[str, str]],
    skip: frozenset[str] = frozenset(),
    parallel: int = 32,
    *,
    offline: bool = False,
) -> list[Problem]:
    """Whether every host can get exactly these versions in one transaction; each that is gone, with the nearest there
    is. With `offline` a bundle brought the packages. Nothing is changed by it."""

    def one(name: str) -> list[Problem]:
        system = whole.hosts[name].platform
        words = locked.words(system, wanted[name])
        sources = repositories.of(whole, whole.hosts[name]) if system.package_manager == "dnf" else None
        script = preflight.package_check_script(system, words, sources, exact=True)
        said = hosts.connect(name).run(locked.offline(script) if offline else script, timeout=300, most=_MOST)
        with untrusted.judged(name, "package check"):
            return [p for p in preflight.parse_package_check(said.out + said.err, name) if p.name not in skip]

    return [p for found in side_by_side.map(wanted, one, parallel).values() for p in found]
