"""Packages in a bundle: those of each archive that are in the lock, with the archive's signature.

For Debian this is a partial mirror: each archive's signed index (InRelease), the lists that it signs, and the packages
in their folders. apt checks it like any archive, with the keys that the host has for it. For dnf it is one repository
with the packages, which are signed themselves, and the keys that the host trusts.
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
    """A script for a host with the packages of a bundle: serves them over HTTP at the port of the package cache. Hosts
    that install them check their signatures."""
    return shell.fill("bundle/serve.sh", PORT=port, UNIT=_UNIT, OFFLINE=OFFLINE, APT_CONFIG=APT_CONFIG)


END_SERVING = f"systemctl stop {_UNIT} 2> /dev/null || true"
"""A script that ends serving; does nothing if nothing is served."""

IMAGES = f"{STATE_DIR}/images"

WORK = f"{STATE_DIR}/bundle"
"""The working folder on the host where packages are collected."""


def gather(words: Iterable[str], package_manager: str) -> str:
    """A script for a host: collects the packages (name=version, or NEVRAs for dnf) and the host's images in WORK, and
    prints each file with its size."""
    return shell.fill(
        f"bundle/gather_{package_manager}.sh",
        WANTED=Raw("\n".join(sorted(words))),
        PLACE=OFFLINE,
        WORK=WORK,
        IMAGES=IMAGES,
    )


def place(file: str) -> str:
    """The path on a host of a file that `gather` listed."""
    kind, _, name = file.partition("/")
    return f"{IMAGES}/{name}" if kind == "images" else f"{OFFLINE}/{file}"


def reached(address: str) -> str:
    """A script for another host: exits with 0 if it can reach the served files at an address."""
    return f"timeout 10 bash -c ': < /dev/tcp/{address}/{PORT}'"


def is_served(file: str) -> bool:
    """Whether a file that `gather` listed can be served over HTTP. Unsigned files must be copied to each host instead,
    because HTTP does not show whether they were changed."""
    return file.startswith(("mirror/", "rpms/"))


def led(file: str, content: bytes, address: str) -> bytes:
    """The content of such a file on a host that gets its packages from an address."""
    url = package_cache.url(address)
    if file.startswith("sources.d/"):
        return content.replace(f"file:{OFFLINE}/mirror/".encode(), f"{url}/mirror/".encode())
    if file.startswith("repos.d/"):
        there = f"proxy=_none_\nbaseurl={url}/rpms"
        return content.replace(f"baseurl=file://{OFFLINE}/rpms".encode(), there.encode())
    if file == "apt.conf":
        # The host's proxy is for other archives. Lists are served by name, not by checksum.
        own = "" if ":" in address else f'Acquire::http::Proxy::{address} "DIRECT";\n'
        return content + f'Acquire::http::Proxy "DIRECT";\n{own}Acquire::By-Hash "no";\n'.encode()
    return content


def listed(output: str) -> dict[str, int]:
    """The files that `gather` printed, with their sizes; empty if the output is incomplete."""
    lines = [line.partition("\t") for line in output.splitlines()]
    if ("end", "\t", "1") not in lines:
        return {}
    found = (value.partition(" ") for key, _, value in lines if key == "file")
    return {name: int(size) for size, _, name in found}
