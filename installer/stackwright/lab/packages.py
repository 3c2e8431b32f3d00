"""Shares downloaded packages between nodes, so that each is downloaded once."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from stackwright.lab import records
from stackwright.lab.layout import Lab, Record

_APT_USER = 42
"""The uid of _apt in every Debian release."""


def _archives(lab: Lab, record: Record) -> Path:
    return lab.disk(record.name) / "upper/var/cache/apt/archives"


def seed(lab: Lab, record: Record) -> None:
    """Creates hard links to all packages that any node has downloaded in the node's layer, before it is mounted.

    A shared folder would be simpler, but apt locks its folder: two nodes could not install at the same time.
    """
    for other in records.read_all(lab).values():
        harvest(lab, other)
    target = _archives(lab, record)
    for folder in (*list(target.parents)[:3][::-1], target):
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)
    (target / "partial").mkdir(exist_ok=True)
    shutil.chown(target / "partial", _APT_USER)
    (target / "partial").chmod(0o700)
    for package in (lab.packages / record.release).glob("*.deb"):
        if not (target / package.name).exists():
            os.link(package, target / package.name)


def harvest(lab: Lab, record: Record) -> None:
    """Collects the packages that a node has downloaded, as hard links."""
    store = lab.packages / record.release
    store.mkdir(mode=0o755, exist_ok=True)
    for package in _archives(lab, record).glob("*.deb"):
        if package.is_file() and not package.is_symlink() and not (store / package.name).exists():
            os.link(package, store / package.name)
