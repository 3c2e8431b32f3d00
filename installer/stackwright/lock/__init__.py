"""The lock: what a finished setup consists of, exactly. Written as a file, read again, and compared in words.

Nothing here reaches a host: `probe.script` is to be run on it, `probe.parse` makes a `HostLock` of what it prints.
"""

from stackwright.lock.compare import Section, differences, packages, pairs, printable, text
from stackwright.lock.probe import Seen, parse, script
from stackwright.lock.record import NAME, HostLock, Lock, Package, Repository
from stackwright.lock.toml import FORMAT, load, read, write
from stackwright.lock.versions import compare_for, nearest

__all__ = [
    "FORMAT",
    "NAME",
    "HostLock",
    "Lock",
    "Package",
    "Repository",
    "Section",
    "Seen",
    "compare_for",
    "differences",
    "load",
    "nearest",
    "packages",
    "pairs",
    "parse",
    "printable",
    "read",
    "script",
    "text",
    "write",
]
