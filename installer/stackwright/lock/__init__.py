"""The lock: exact versions of everything that is installed. Reads, writes and compares lock files.

Nothing here connects to a host: `probe.script` must be run there; `probe.parse` creates a `HostLock` from its output.
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
