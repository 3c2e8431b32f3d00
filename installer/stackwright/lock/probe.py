"""What a host consists of: a read-only shell script, and what it prints as a `HostLock`.

The script needs root to see images and audit messages, and asks no mirror. It prints one `key<TAB>value` per line and
`end` last, so that a cut-off answer is noticed.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from stackwright import shell
from stackwright.lock.record import HostLock, Package, Repository
from stackwright.model import ExitCode, StackwrightError


def script(package_manager: str, modulepath: str, images: str, since: float = 0.0) -> str:
    """The script, for a host with apt or dnf. `modulepath` is the folder of Puppet's modules, `images` that of images
    for instances; denials of SELinux count from `since` on, in seconds since the epoch."""
    return shell.fill(
        "lock/probe.sh",
        MANAGER=package_manager,
        MODULES=modulepath.rpartition(":")[2],
        IMAGES=images,
        SINCE=int(since),
    )


@dataclass(frozen=True)
class Seen:
    """What a host said."""

    host: HostLock
    denials: tuple[str, ...] = ()
    """SELinux's, each with how often it was said."""


def parse(output: str, host: str, platform: str, package_manager: str) -> Seen:
    """What the script printed. Raises StackwrightError where it was cut off."""
    said: dict[str, list[str]] = defaultdict(list)
    listed: list[dict[str, str]] = []
    for line in output.splitlines():
        key, tab, value = line.partition("\t")
        if key == "repo-id":
            listed.append({})
        if key.startswith("repo-") and listed:
            listed[-1][key] = value  # not each repository says everything
        elif tab:
            said[key].append(value)
    if "end" not in said or not said["package"]:
        raise StackwrightError(
            f"{host}: its list of packages is incomplete" if said["package"] else f"{host}: it has no list of packages",
            "try again; check the host's disk if this happens twice",
            ExitCode.UNREACHABLE,
        )
    versions = _versions(said["package"])
    origins, repositories = _apt(said) if package_manager == "apt" else _dnf(said, listed)
    return Seen(
        HostLock(
            platform=platform,
            package_manager=package_manager,
            **{key: (said[key] or [""])[0] for key in ("arch", "kernel", "python", "puppet", "facter")},
            packages={name: Package(version, origins.get(name, "")) for name, version in versions.items()},
            modules=_pairs(said["module"]),
            repositories=repositories,
            images=_pairs(said["image"]),
        ),
        tuple(said["denial"]),
    )


def _pairs(lines: Iterable[str]) -> dict[str, str]:
    split = (line.partition(" ") for line in lines)
    return {name: value for name, _, value in split if value}


def _versions(lines: Iterable[str]) -> dict[str, str]:
    """By package; of kernels and the like several versions are kept, with commas."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        name, _, version = line.partition(" ")
        found[name].append(version)
    return {name: ",".join(sorted(versions)) for name, versions in found.items()}


def _plain(url: str) -> str:
    """A URL without a name and password that may stand in it."""
    parts = urlsplit(url)
    if "@" not in parts.netloc:
        return url
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _word(text: str) -> str:
    """An origin or a suite without blanks."""
    return re.sub(r"\s+", "-", text.strip()) or "unnamed"


def _apt(said: dict[str, list[str]]) -> tuple[dict[str, str], dict[str, Repository]]:
    """Origins by package, and the archives: Debian/bookworm/main is the main component of one."""
    names: dict[tuple[str, str], str] = {}
    urls: dict[str, set[str]] = defaultdict(set)
    for line in said["source"]:
        url, place, told = (*line.split(" ", 2), "", "")[:3]
        about = dict(part.partition("=")[::2] for part in told.split(","))
        suite, _, component = place.partition("/")
        archive = f"{_word(about.get('o', ''))}/{_word(about.get('n') or about.get('a') or suite)}"
        names[url, place] = f"{archive}/{component}" if component else archive
        if "://" in url or url.startswith(("file:", "copy:")):
            urls[archive].add(_plain(url))
    origins = {}
    for line in said["from"]:
        name, url, place = (*line.split(" "), "", "")[:3]
        origins[name] = names.get((url, place), "")
    # apt leaves out the architecture of a package that is of the host's own.
    for line in said["package"]:
        full = line.partition(" ")[0]
        bare = full.partition(":")[0]
        if full not in origins and bare in origins:
            origins[full] = origins[bare]
    repositories = {archive: Repository(tuple(sorted(found))) for archive, found in urls.items()}
    for line in said["release"]:
        origin, codename, date, checksum = (*line.split("|"), "", "", "")[:4]
        archive = f"{_word(origin)}/{_word(codename)}"
        repositories[archive] = Repository(tuple(sorted(urls.get(archive, ()))), date, checksum)
    return origins, repositories


_HASH = re.compile(r"/([0-9a-f]{2})/([0-9a-f]{2})/(\1\2[0-9a-f]{28,36})")
"""How trunk's repositories name theirs."""


def _dnf(
    said: dict[str, list[str]], listed: Iterable[Mapping[str, str]]
) -> tuple[dict[str, str], dict[str, Repository]]:
    """Origins by package, and the repositories by id; `listed` has what dnf says of each."""
    origins = {k: _word(v.removeprefix("@")) for k, v in _pairs(said["from"]).items()}
    checksums = _pairs(said["repomd"])
    repositories = {}
    for told in listed:
        name = told["repo-id"]
        url = told.get("repo-baseurl", "").split(" ")[0].rstrip(",")
        found = _HASH.search(url)
        snapshot = found[3] if found else told.get("repo-revision") or told.get("repo-updated", "")
        repositories[name] = Repository((_plain(url),) if url else (), snapshot, checksums.get(name, ""))
    return origins, repositories
