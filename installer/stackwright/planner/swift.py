"""Swift's disks: the host and the zone of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stackwright.model import Answers
from stackwright.planner import placement
from stackwright.values import ring_name

LOOPBACK = "swiftloopback"
"""Name in the rings of a file that is used instead of a disk."""


@dataclass(frozen=True)
class SwiftDevice:
    """A disk in Swift's rings."""

    host: str
    at: str
    """The host's address, in brackets if it is IPv6."""
    name: str
    zone: int
    device: str = ""
    """The block device to use; empty for a file behind a loop device."""

    @property
    def loopback(self) -> bool:
        return not self.device


def devices(answers: Answers, addresses: Mapping[str, str]) -> dict[str, tuple[SwiftDevice, ...]]:
    """The disks of Swift's hosts, which are the keys of `addresses`, in the order of the answers.

    Swift stores the replicas of an object in different zones. So a zone consists of whole hosts if there are enough of
    them: the failure of one host must not affect two zones.
    """
    named = answers["CONFIG_SWIFT_STORAGES"]
    zones: int = answers["CONFIG_SWIFT_STORAGE_ZONES"]
    storage = placement.hosts(answers, "volume")
    by_host = len(addresses) >= zones
    out: dict[str, tuple[SwiftDevice, ...]] = {}
    before = 0
    for number, (host, at) in enumerate(addresses.items()):
        mine = [device for where, device in named if where == host or (not where and host in storage)]
        mine = mine if named else [""]
        bracketed = f"[{at}]" if ":" in at else at
        out[host] = tuple(
            SwiftDevice(
                host, bracketed, ring_name(device) or LOOPBACK, (number if by_host else before + i) % zones + 1, device
            )
            for i, device in enumerate(mine)
        )
        before += len(mine)
    return out
