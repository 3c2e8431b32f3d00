"""Packages that a bundle carries: the part of each archive that the lock names, with its own signature.

On Debian that is a mirror with few packages: each archive's signed index (InRelease), the lists that it signs, and the
packages at their places. apt checks it as it checks any archive, with the keys that the host had for it. With dnf it is
one repository of the packages, which are signed themselves, and the keys that the host trusts.
"""

from __future__ import annotations

from collections.abc import Iterable

from stackwright import shell
from stackwright.planner import STATE_DIR
from stackwright.planner.steps import package_cache
from stackwright.planner.steps.locked import APT_CONFIG, OFFLINE
from stackwright.planner.steps.package_cache import PORT
from stackwright.shell import Raw

_UNIT = "stackwright-packages"


def serve(port: int = PORT) -> str:
    """A script for a host that has a bundle's packages: serves them over HTTP, at the package cache's port, to hosts
    that install them and check their signatures."""
    return shell.fill("bundle/serve.sh", PORT=port, UNIT=_UNIT, OFFLINE=OFFLINE, APT_CONFIG=APT_CONFIG)


END_SERVING = f"systemctl stop {_UNIT} 2> /dev/null || true"
"""For the same host; where nothing is served it does nothing."""

IMAGES = f"{STATE_DIR}/images"

WORK = f"{STATE_DIR}/bundle"
"""On the host that packages are gathered on."""


def gather(words: Iterable[str], package_manager: str) -> str:
    """A script for a host: puts the packages (name=version, or dnf's NEVRAs), and the images that it has, into WORK,
    and prints each file with its size."""
    return shell.fill(
        f"bundle/gather_{package_manager}.sh",
        WANTED=Raw("\n".join(sorted(words))),
        PLACE=OFFLINE,
        WORK=WORK,
        IMAGES=IMAGES,
    )


def place(file: str) -> str:
    """Where a file of those that `gather` listed belongs on a host."""
    kind, _, name = file.partition("/")
    return f"{IMAGES}/{name}" if kind == "images" else f"{OFFLINE}/{file}"


def reached(address: str) -> str:
    """A script for another host: exits with 0 where it reaches what is served at an address."""
    return f"timeout 10 bash -c ': < /dev/tcp/{address}/{PORT}'"


def is_served(file: str) -> bool:
    """Whether one of those that `gather` listed need not be on a host that is served. What nobody signed has to be:
    http would not tell that it was changed on its way."""
    return file.startswith(("mirror/", "rpms/"))


def led(file: str, content: bytes, address: str) -> bytes:
    """What such a file has in it on a host that is served from an address."""
    url = package_cache.url(address)
    if file.startswith("sources.d/"):
        return content.replace(f"file:{OFFLINE}/mirror/".encode(), f"{url}/mirror/".encode())
    if file.startswith("repos.d/"):
        there = f"proxy=_none_\nbaseurl={url}/rpms"
        return content.replace(f"baseurl=file://{OFFLINE}/rpms".encode(), there.encode())
    if file == "apt.conf":
        # A proxy of the host's is for other archives. Lists are served under their names, not under their checksums.
        own = "" if ":" in address else f'Acquire::http::Proxy::{address} "DIRECT";\n'
        return content + f'Acquire::http::Proxy "DIRECT";\n{own}Acquire::By-Hash "no";\n'.encode()
    return content


def listed(output: str) -> dict[str, int]:
    """The files that `gather` printed, with their sizes; empty where it was cut off."""
    lines = [line.partition("\t") for line in output.splitlines()]
    if ("end", "\t", "1") not in lines:
        return {}
    found = (value.partition(" ") for key, _, value in lines if key == "file")
    return {name: int(size) for size, _, name in found}
