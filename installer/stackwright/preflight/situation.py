"""What all checks look at: answers, facts and placement, with the few questions that several of them ask."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stackwright import platforms
from stackwright.model import Component, Facts, Problem, StackwrightError
from stackwright.platforms import Platform

GIB = 1024**3
MIB = 1024**2

Problems = Iterator[Problem]


@dataclass(frozen=True)
class Situation:
    """Everything a check may know."""

    answers: Mapping[str, Any]
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

    def on(self, key: str) -> bool:
        """Whether a y/n answer is y."""
        return self.answers.get(key) in (True, "y")

    def text(self, key: str) -> str:
        """An answer as text; empty when there is none."""
        value = self.answers.get(key)
        return "" if value is None or isinstance(value, bool) else str(value)

    def agent(self) -> str:
        """What connects instances: ovn, openvswitch or linuxbridge."""
        return self.text("CONFIG_NEUTRON_L2_AGENT") or "ovn"

    def listed(self, key: str) -> tuple[str, ...]:
        """An answer that is a list, as texts."""
        value = self.answers.get(key)
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return tuple(str(v) for v in value) if isinstance(value, Iterable) else ()

    def pairs(self, key: str) -> tuple[tuple[str, str], ...]:
        """An answer that is a list of pairs, such as (bridge, interface)."""
        value = self.answers.get(key)
        items = value.split(",") if isinstance(value, str) else value or ()
        split = (i.strip().partition(":")[::2] if isinstance(i, str) else (str(i[0]), str(i[1])) for i in items)
        return tuple((left, right) for left, right in split if right)

    def size(self, key: str) -> int:
        """An answer that is a size, in bytes; 0 when there is none."""
        value = self.answers.get(key)
        return int(value) if isinstance(value, int | float) else 0


def gib(size: float) -> str:
    """A size for people: 7.6 GiB."""
    return f"{size / GIB:.1f} GiB"


def listing(names: Iterable[str]) -> str:
    """Names for people, sorted and with commas."""
    return ", ".join(sorted(names))
