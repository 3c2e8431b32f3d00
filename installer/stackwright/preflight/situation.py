"""What all checks look at: answers, facts and placement, with the few questions that several of them ask."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from stackwright import platforms
from stackwright.model import Answers, Component, Facts, Problem, StackwrightError
from stackwright.platforms import Platform

GIB = 1024**3
MIB = 1024**2

Problems = Iterator[Problem]


@dataclass(frozen=True)
class Situation:
    """Everything a check may know."""

    answers: Answers
    facts: Mapping[str, Facts]
    placement: Mapping[str, tuple[Component, ...]]
    cloud_id: str = ""
    """The id of the cloud that is to be installed; empty: not known, and nothing is compared with it."""

    def components(self, host: str) -> frozenset[str]:
        """Names of the components that this host gets."""
        return frozenset(c.name for c in self.placement.get(host, ()))

    def having(self, *names: str) -> Iterator[Facts]:
        """The facts of the hosts that get any of these components."""
        return (f for h, f in self.facts.items() if self.components(h) & set(names))

    def ours(self, facts: Facts) -> bool:
        """Whether the host carries this cloud already, so that its packages and ports are to be expected."""
        return bool(facts.cloud) and (not self.cloud_id or facts.cloud.get("id") == self.cloud_id)

    def platform(self, facts: Facts) -> Platform | None:
        """The host's platform, or None where it is not supported."""
        try:
            return platforms.find(facts.os_id, facts.os_version)
        except StackwrightError:
            return None

    def agent(self) -> str:
        """What connects instances: ovn, openvswitch or linuxbridge."""
        return str(self.answers["CONFIG_NEUTRON_L2_AGENT"])


def gib(size: float) -> str:
    """A size for people: 7.6 GiB."""
    return f"{size / GIB:.1f} GiB"


def listing(names: Iterable[str]) -> str:
    """Names for people, sorted and with commas."""
    return ", ".join(sorted(names))
