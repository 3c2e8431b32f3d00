"""What a command works with, from its answers to its plan. Each value is computed once, when it is first used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from stackwright import planner
from stackwright.operations import lock as lock_operations
from stackwright.operations.options import CheckOptions
from stackwright.planner.steps import certificates as certificate_steps

if TYPE_CHECKING:
    from stackwright.lock import Lock
    from stackwright.model import Answers, Certificates, Facts, Plan
    from stackwright.planner.topology import Cloud
    from stackwright.ssh.pool import Hosts
    from stackwright.state.directory import StateDir


@dataclass(frozen=True)
class RunContext:
    """One run of a command on a cloud. (`model.Run` is something else: a script that a step runs.)

    Every property may raise StackwrightError.
    """

    answers: Answers
    facts: Mapping[str, Facts]
    """By host, as they were looked at when the command began."""
    state: StateDir
    hosts: Hosts
    """Connections; they are the caller's to close."""
    check: CheckOptions = field(default_factory=CheckOptions)
    lock: Lock | None = None
    """The lock whose packages are to be installed."""
    cloud_id: str = ""
    """The id that the hosts get; empty: it follows from the answers."""
    writes: bool = False
    """Whether certificates that are missing are generated and kept; only `apply` does that."""

    @cached_property
    def cloud(self) -> Cloud:
        """The cloud that the answers describe on these hosts, without its certificates."""
        return planner.cloud(self.answers, self.facts)

    @cached_property
    def certificates(self) -> Certificates:
        """What the cloud's servers show."""
        return certify(self.cloud, self.state, write=self.writes)

    @cached_property
    def exact(self) -> Mapping[str, Mapping[str, str]]:
        """By host: the versions of packages that the lock names."""
        return lock_operations.exact(self.lock, self.cloud, self.check.skip) if self.lock else {}

    @cached_property
    def plan(self) -> Plan:
        """Everything that has to be done, finished steps too."""
        whole = replace(self.cloud, certificates=self.certificates, id=self.cloud_id)
        return planner.plan(whole, self.exact, offline=self.check.offline)


def certify(whole: Cloud, state: StateDir, *, write: bool) -> Certificates:
    """What the cloud's servers show: generated, with `write`, where the answers name no files, and kept with the cloud,
    so that the next run has the same."""
    wanted = certificate_steps.wanted(whole)
    if not wanted:
        return planner.NO_CERTIFICATES
    # It takes a tenth of a second to load, and most clouds need none.
    from stackwright import certificates

    return certificates.gather(whole.answers, wanted, state, write=write)
