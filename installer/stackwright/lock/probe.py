"""Collects what is installed on a host: a read-only shell script, and the parser of its output.

The script needs root to read images and audit messages, and contacts no mirror. It prints one `key<TAB>value` per line,
and `end` last, so that incomplete output is detected.
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
from stackwright.untrusted import WORD, Refused, is_file_name

_MOST_LINE = 16 * 1024
_HEXADECIMAL = re.compile(r"[0-9a-f]{1,128}")
_PACKAGE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+:~-]{0,254}")
_VERSIONS = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+:~^,%=-]{0,2047}")


def script(package_manager: str, modulepath: str, images: str, since: float = 0.0) -> str:
    """The script for a host with apt or dnf. `modulepath` is the folder of the Puppet modules, `images` that of images
    for instances; SELinux denials count from `since` on, in seconds since the epoch."""
    return shell.fill(
        "lock/probe.sh",
        MANAGER=package_manager,
        MODULES=modulepath.rpartition(":")[2],
        IMAGES=images,
        SINCE=int(since),
    )


@dataclass(frozen=True)
class Seen:
    """The parsed output of a host."""

    host: HostLock
    denials: tuple[str, ...] = ()
    """SELinux denials, each with its count."""


def parse(output: str, host: str, platform: str, package_manager: str) -> Seen:
    """Parses the output of the script. Raises StackwrightError if it is incomplete."""
    values: dict[str, list[str]] = defaultdict(list)
    listed: list[dict[str, str]] = []
    for line in output.splitlines():
        if len(line) > _MOST_LINE or not line.replace("\t", " ").isprintable():
            raise Refused(host, "list of packages", line, f"printable lines of up to {_MOST_LINE} characters")
        key, tab, value = line.partition("\t")
        if key == "repo-id":
            listed.append({})
        if key.startswith("repo-") and listed:
            listed[-1][key] = value  # some repositories have only some of the keys
        elif tab:
            values[key].append(value)
    if "end" not in values or not values["package"]:
        raise StackwrightError(
            f"{host}: its list of packages is incomplete"
            if values["package"]
            else f"{host}: it has no list of packages",
            "try again; check the host's disk if this happens twice",
            ExitCode.UNREACHABLE,
        )
    versions = _versions(values["package"])
    _refuse_odd(values, versions, host)
    origins, repositories = _apt(values) if package_manager == "apt" else _dnf(values, listed)
    return Seen(
        HostLock(
            platform=platform,
            package_manager=package_manager,
            **{key: (values[key] or [""])[0] for key in ("arch", "kernel", "python", "puppet", "facter")},
            packages={name: Package(version, origins.get(name, "")) for name, version in versions.items()},
            modules=_pairs(values["module"]),
            repositories=repositories,
            images=_pairs(values["image"]),
        ),
        tuple(values["denial"]),
    )


def _refuse_odd(said: Mapping[str, list[str]], versions: Mapping[str, str], host: str) -> None:
    """Raises Refused for names and versions of packages that no package manager has: they become the arguments of one
    on other hosts."""
    for name, version in versions.items():
        if not (_PACKAGE.fullmatch(name) and _VERSIONS.fullmatch(version)):
            raise Refused(host, "package", f"{name} {version}", "a name and versions")
    for line in said.get("image", ()):
        name, _, checksum = line.partition(" ")
        if checksum and not (is_file_name(name) and _HEXADECIMAL.fullmatch(checksum)):
            raise Refused(host, "image", line, "a file name and a checksum")
    for key in ("arch", "kernel"):
        if any(text and not WORD.fullmatch(text) for text in said.get(key, ())):
            raise Refused(host, key, said[key][0], "letters, digits and . + : ~ ^ _ -")


def _pairs(lines: Iterable[str]) -> dict[str, str]:
    split = (line.partition(" ") for line in lines)
    return {name: value for name, _, value in split if value}


def _versions(lines: Iterable[str]) -> dict[str, str]:
    """Versions by package. Several versions (as of kernels) are separated by commas."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        name, _, version = line.partition(" ")
        found[name].append(version)
    return {name: ",".join(sorted(versions)) for name, versions in found.items()}


def _plain(url: str) -> str:
    """A URL without user name and password."""
    parts = urlsplit(url)
    if "@" not in parts.netloc:
        return url
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _word(text: str) -> str:
    """An origin or a suite without spaces."""
    return re.sub(r"\s+", "-", text.strip()) or "unnamed"


def _apt(values: dict[str, list[str]]) -> tuple[dict[str, str], dict[str, Repository]]:
    """Origins by package, and the archives: Debian/bookworm/main is the main component of one."""
    names: dict[tuple[str, str], str] = {}
    urls: dict[str, set[str]] = defaultdict(set)
    for line in values["source"]:
        url, place, fields = (*line.split(" ", 2), "", "")[:3]
        about = dict(part.partition("=")[::2] for part in fields.split(","))
        suite, _, component = place.partition("/")
        archive = f"{_word(about.get('o', ''))}/{_word(about.get('n') or about.get('a') or suite)}"
        names[url, place] = f"{archive}/{component}" if component else archive
        if "://" in url or url.startswith(("file:", "copy:")):
            urls[archive].add(_plain(url))
    origins = {}
    for line in values["from"]:
        name, url, place = (*line.split(" "), "", "")[:3]
        origins[name] = names.get((url, place), "")
    # apt omits the architecture of a package if it is that of the host.
    for line in values["package"]:
        full = line.partition(" ")[0]
        bare = full.partition(":")[0]
        if full not in origins and bare in origins:
            origins[full] = origins[bare]
    repositories = {archive: Repository(tuple(sorted(found))) for archive, found in urls.items()}
    for line in values["release"]:
        origin, codename, date, checksum = (*line.split("|"), "", "", "")[:4]
        archive = f"{_word(origin)}/{_word(codename)}"
        repositories[archive] = Repository(tuple(sorted(urls.get(archive, ()))), date, checksum)
    return origins, repositories


_HASH = re.compile(r"/([0-9a-f]{2})/([0-9a-f]{2})/(\1\2[0-9a-f]{28,36})")
"""The form of the revision of trunk's repositories."""


def _dnf(
    values: dict[str, list[str]], listed: Iterable[Mapping[str, str]]
) -> tuple[dict[str, str], dict[str, Repository]]:
    """Origins by package, and the repositories by id; `listed` has the data of dnf about each."""
    origins = {k: _word(v.removeprefix("@")) for k, v in _pairs(values["from"]).items()}
    checksums = _pairs(values["repomd"])
    repositories = {}
    for fields in listed:
        name = fields["repo-id"]
        url = fields.get("repo-baseurl", "").split(" ")[0].rstrip(",")
        found = _HASH.search(url)
        snapshot = found[3] if found else fields.get("repo-revision") or fields.get("repo-updated", "")
        repositories[name] = Repository((_plain(url),) if url else (), snapshot, checksums.get(name, ""))
    return origins, repositories
