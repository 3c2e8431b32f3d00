"""The shell scripts of a plan: short, POSIX, safe to run twice. Each runs as root on a host."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from stackwright import shell
from stackwright.shell import Raw

PINS = "/etc/apt/preferences.d/stackwright-lock"
"""Where apt is told which versions of packages are wanted, for what is installed from a lock."""

STATIC_DUE = "dashboard-static-due"
"""In Stackwright's folder on a host: a file that says that the dashboard's static files are still to be made."""


def apt_lists() -> str:
    """Brings Debian's package lists up to date. A source that never answers is left out, as apt does by itself."""
    return shell.fill("planner/steps/apt_lists.sh")


def apt_install(packages: Sequence[str], *, exact: bool = False) -> str:
    """Installs packages in one transaction, without starting the services that they bring. With `exact`, `packages`
    are name=version: a package that is there in another version is replaced."""
    # Versions hold a tilde, which means nothing inside quotes; a lock is read only if its versions are sound.
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

    `options` are dnf's, for this transaction. With `lock`, packages from the cloud's own repositories are held at their
    versions afterwards. The packages that are installed then are listed in packages.txt in any case.
    """
    return shell.fill(
        "planner/steps/dnf_install.sh",
        PACKAGES=packages,
        OPTIONS=options,
        VERSION_LOCK=Raw(shell.fill("planner/steps/version_lock.sh") if lock else ""),
    )


def fetch_image(url: str, checksum: str, path: str) -> str:
    """Gets the demo image from a URL or a file of the host, and checks its SHA-256 where one is given. An image that
    came from the same place is left as it is."""
    check = f"echo {shlex.quote(checksum)}' ' \"$new\" | sha256sum -c --quiet || exit 1" if checksum else ""
    origin = f"{url} {checksum}".strip()
    return shell.fill("planner/steps/fetch_image.sh", URL=url, PATH=path, ORIGIN=origin, CHECK=Raw(check))
