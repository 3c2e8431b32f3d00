"""Packages in a bundle: those of each archive that are in the lock, with the archive's signature.

For Debian this is a partial mirror: each archive's signed index (InRelease), the lists that it signs, and the packages
in their folders. apt checks it like any archive, with the keys that the host has for it. For dnf it is one repository
with the packages, which are signed themselves; it checks them with keys of the host and of the cloud's repositories.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from stackwright import shell
from stackwright.planner import STATE_DIR
from stackwright.planner.steps import package_cache
from stackwright.planner.steps.locked import APT_CONFIG, OFFLINE
from stackwright.planner.steps.package_cache import PORT
from stackwright.shell import Raw
from stackwright.untrusted import Refused, is_file_name, judged, number

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


_APT_CONF = f"""\
Dir::Etc::SourceList "/dev/null";
Dir::Etc::SourceParts "{OFFLINE}/sources.d";
Dir::Etc::Trusted "/dev/null";
Dir::Etc::TrustedParts "{OFFLINE}/keys";
Acquire::Check-Valid-Until "false";
APT::Sandbox::User "root";
Acquire::IndexTargets::deb::Packages::CompressionTypes "uncompressed";
"""

_REPO = """\
[stackwright-bundle-{kind}]
name=packages of a bundle ({kind})
baseurl=file://{place}/{kind}
module_hotfixes=1
gpgcheck={check}
gpgkey=file://{place}/keys/trusted.asc

"""

_LIST = re.compile(r"mirror/(\d{1,4})/dists/(?P<at>[A-Za-z0-9_./+~-]+)/InRelease")


def carried(file: str) -> bool:
    """Whether a file of a bundle is copied to hosts. Packages, signed package lists and images are; configuration is
    not, because `configuration` generates it."""
    return file.startswith(("mirror/", "rpms/", "unsigned/", "images/"))


def configuration(names: Iterable[str], package_manager: str) -> dict[str, bytes]:
    """What tells a host's package manager of the packages of a bundle, made from the names of the bundle's files: what
    the bundle itself says is not asked, for it may be somebody else's."""
    known = sorted(names)
    if package_manager != "apt":
        kinds = [kind for kind in ("rpms", "unsigned") if any(name.startswith(f"{kind}/") for name in known)]
        text = "".join(_REPO.format(kind=kind, place=OFFLINE, check=int(kind == "rpms")) for kind in kinds)
        return {"repos.d/offline.repo": text.encode()}
    stanzas = []
    for name in known:
        if not (found := _LIST.fullmatch(name)):
            continue
        number, suite = found[1], found["at"]
        lists = re.compile(rf"mirror/{number}/dists/{re.escape(suite)}/(.+)/binary-([a-z0-9-]+)/Packages")
        parts = [match.groups() for match in map(lists.fullmatch, known) if match]
        components, archs = ({part[n] for part in parts} for n in (0, 1))
        if parts:
            stanzas.append(
                f"Types: deb\nURIs: file:{OFFLINE}/mirror/{number}\nSuites: {suite}\n"
                f"Components: {' '.join(sorted(components))}\nArchitectures: {' '.join(sorted(archs))}\n\n"
            )
    return {"apt.conf": _APT_CONF.encode(), "sources.d/offline.sources": "".join(stanzas).encode()}


@dataclass(frozen=True)
class Checks:
    """How a host checks the packages of a bundle. Nothing of this comes from the bundle."""

    keys: tuple[str, ...] = ()
    """URLs of keys that it trusts in addition to those that it knows (dnf): those of the cloud's repositories."""
    proxy: str = ""
    """By which it gets these."""
    unsigned: bool = False
    """Whether packages without a signature are installed as well: CONFIG_REPO_UNSIGNED."""


NO_CHECKS = Checks()
"""Keys that the host knows, and no others."""


def own_keys(package_manager: str, checks: Checks = NO_CHECKS) -> str:
    """A script for a host: lets it check a bundle's packages with the keys that it trusts itself. Fails if there are
    none, or if one of the cloud's repositories cannot be had."""
    if package_manager == "apt":
        return shell.fill("bundle/own_keys_apt.sh", OFFLINE=OFFLINE)
    return shell.fill("bundle/own_keys_dnf.sh", OFFLINE=OFFLINE, KEYS=checks.keys, PROXY=checks.proxy)


def unsigned(names: Iterable[str]) -> int:
    """How many of a bundle's files are packages without a signature."""
    return sum(name.startswith("unsigned/") and name.endswith(".rpm") for name in names)


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


_PLACES = frozenset({"images", "keys", "mirror", "repos.d", "rpms", "sources.d", "unsigned"})
_MOST_FILES = 20_000
_MOST_BYTES = 64 * 1024**3


def listed(output: str, host: str) -> dict[str, int]:
    """The files that `gather` printed, with their sizes; empty where it was cut off. Raises Refused for a name that is
    outside of the places where `gather` puts files, and for too many or too large ones."""
    lines = [line.partition("\t") for line in output.splitlines()]
    if ("end", "\t", "1") not in lines:
        return {}
    found: dict[str, int] = {}
    for size, _, name in (value.partition(" ") for key, _, value in lines if key == "file"):
        if not (is_file_name(name) and (name == "apt.conf" or ("/" in name and name.partition("/")[0] in _PLACES))):
            raise Refused(host, "name of a file", name, "a file in one of " + ", ".join(sorted(_PLACES)))
        with judged(host, f"size of {name}"):
            found[name] = number(size, _MOST_BYTES)
    if len(found) > _MOST_FILES or sum(found.values()) > _MOST_BYTES:
        raise Refused(
            host, "list of files", f"{len(found)} files", f"at most {_MOST_FILES} with {_MOST_BYTES} bytes in all"
        )
    for name in found:
        if any(parent in found for parent in _parents(name)):
            raise Refused(host, "name of a file", name, "no file that is a folder as well")
    return found


def _parents(name: str) -> Iterator[str]:
    while "/" in name:
        name = name.rpartition("/")[0]
        yield name
