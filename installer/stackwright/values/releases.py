"""Releases of OpenStack, and builds of RDO's trunk."""

from __future__ import annotations

import re

from stackwright.platforms import PLATFORMS
from stackwright.platforms.repositories import TRUNK_TAGS


def release(value: str) -> str:
    """a release by its name (epoxy) or its number (2025.1), or master.

    It is one that some platform carries. Whether the hosts' own does is known once they have been looked at.
    """
    wanted = value.strip().lower()
    known = {(r.series, r.name) for p in PLATFORMS for r in p.releases}
    if wanted and wanted != "master" and not any(wanted in one for one in known):
        listed = ", ".join(f"{name} ({series})" for series, name in sorted(known))
        raise ValueError(f"a release that some platform carries is allowed: {listed}; or master, with trunk")
    return wanted


def trunk(value: str) -> str:
    """current, consistent, puppet-passed-ci or current-podified, or a hash (32 hexadecimal digits), or tag/hash."""
    wanted = value.strip().lower()
    tag = f"({'|'.join(TRUNK_TAGS)})"
    if wanted and not re.fullmatch(rf"{tag}|({tag}/)?[0-9a-f]{{32}}", wanted):
        raise ValueError(f"a tag ({', '.join(TRUNK_TAGS)}), a hash of 32 hexadecimal digits, or tag/hash is allowed")
    return wanted
