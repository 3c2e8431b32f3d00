"""The shell scripts of a plan: short, POSIX, safe to run twice. Each runs as root on a host."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from stackwright import shell
from stackwright.shell import Raw

PINS = "/etc/apt/preferences.d/stackwright-lock"
"""apt's preferences with the package versions of a lock."""

STATIC_DUE = "dashboard-static-due"
"""A file in Stackwright's folder on a host: while it exists, the dashboard's static files must be generated."""


def apt_lists() -> str:
    """Updates Debian's package lists. A source that never answers is ignored, as apt does by itself."""
    return shell.fill("planner/steps/apt_lists.sh")


def apt_install(packages: Sequence[str], *, exact: bool = False) -> str:
    """Installs packages in one transaction, without starting their services. With `exact`, `packages` are
    name=version, and packages that are installed in another version are replaced."""
    # Versions can contain a tilde and are not quoted; the reader of locks accepts only versions that need no quoting.
    names = " ".join(packages if exact else (shlex.quote(p) for p in packages))
    if exact:
        select = shell.fill("planner/steps/apt_exact.sh")
    else:
        select = shell.fill("planner/steps/apt_missing.sh", PINS=PINS)
    return shell.fill(
        "planner/steps/apt_install.sh", PACKAGES=Raw(names), SELECT=Raw(select), STATIC_DUE=Raw(STATIC_DUE)
    )


def dnf_install(packages: Sequence[str], options: Sequence[str] = (), *, lock: bool = False) -> str:
    """Installs packages in one transaction.

    `options` are options of dnf for this transaction. With `lock`, packages from the cloud's own repositories are held
    at their versions afterwards. In any case the packages that are then installed are listed in packages.txt.
    """
    return shell.fill(
        "planner/steps/dnf_install.sh",
        PACKAGES=packages,
        OPTIONS=options,
        VERSION_LOCK=Raw(shell.fill("planner/steps/version_lock.sh") if lock else ""),
    )


def fetch_image(url: str, checksum: str, path: str) -> str:
    """Gets the demo image from a URL or a file on the host, and checks its SHA-256 if one is given. An image from the
    same source is not fetched again."""
    check = f"echo {shlex.quote(checksum)}' ' \"$new\" | sha256sum -c --quiet || exit 1" if checksum else ""
    origin = f"{url} {checksum}".strip()
    return shell.fill("planner/steps/fetch_image.sh", URL=url, PATH=path, ORIGIN=origin, CHECK=Raw(check))
