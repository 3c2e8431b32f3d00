"""Releases of OpenStack, and builds of RDO's trunk."""

from __future__ import annotations

import re

from stackwright.platforms import PLATFORMS
from stackwright.platforms.repositories import TRUNK_TAGS


def names() -> tuple[str, ...]:
    """The names of all releases, by age, and master."""
    return (*(name for _, name in sorted({(r.series, r.name) for p in PLATFORMS for r in p.releases})), "master")


def release(value: str) -> str:
    """a release by name (epoxy) or number (2025.1), or master.

    Any platform's release is accepted here; the preflight checks it against the hosts' platform.
    """
    wanted = value.strip().lower()
    known = {(r.series, r.name) for p in PLATFORMS for r in p.releases}
    if wanted and wanted != "master" and not any(wanted in one for one in known):
        listed = ", ".join(f"{name} ({series})" for series, name in sorted(known))
        raise ValueError(f"unknown release; use one of {listed}, or master with CONFIG_RDO_TRUNK")
    return wanted


def trunk(value: str) -> str:
    """current, consistent, puppet-passed-ci or current-podified, or a hash (32 hexadecimal digits), or tag/hash."""
    wanted = value.strip().lower()
    tag = f"({'|'.join(TRUNK_TAGS)})"
    if wanted and not re.fullmatch(rf"{tag}|({tag}/)?[0-9a-f]{{32}}", wanted):
        raise ValueError(f"must be a tag ({', '.join(TRUNK_TAGS)}), a hash of 32 hexadecimal digits, or tag/hash")
    return wanted
