"""The whole package transaction, resolved on the host without changing it: what could not be had, known before anything
is done.

Debian: package lists are brought up to date in a folder of their own, which goes away again. CentOS: dnf's metadata
cache is used and refreshed; repositories that are not set up yet are given in a folder of their own.
"""

from __future__ import annotations

import re
import shlex
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlsplit

from stackwright import shell
from stackwright.lock import nearest
from stackwright.lock.versions import dpkg, rpm
from stackwright.model import Problem
from stackwright.platforms import Platform
from stackwright.platforms.repositories import Sources
from stackwright.shell import Raw


def package_check_script(
    platform: Platform, packages: Sequence[str], sources: Sources | None = None, *, exact: bool = False
) -> str:
    """A POSIX shell script that resolves the installation of all these packages, for `parse_package_check`. With
    `exact` they are of certain versions, and what is installed in another one is exchanged.

    `sources` are what a host with dnf will have besides its own repositories. The script needs the network, but no
    root; on Debian it changes nothing, on CentOS it refreshes dnf's metadata cache.
    """
    if platform.package_manager == "apt":
        may = Raw("--allow-downgrades " if exact else "")
        return shell.fill("preflight/packages_apt.sh", PACKAGES=packages, MAY=may)
    sources = sources or Sources()
    fetch = [f"fetch {shlex.quote(url)} {name}\n" for name, url in sources.fetched.items()]
    fetch += [f'printf %s {shlex.quote(text)} > "$d/repos/{name}.repo"\n' for name, text in sources.kept.items()]
    proxy = shlex.quote(sources.proxy)
    return shell.fill(
        "preflight/packages_dnf.sh",
        FILE=Raw(sources.file),
        PROXY=Raw(f"export http_proxy={proxy} https_proxy={proxy}" if sources.proxy else ""),
        FETCH=Raw("".join(fetch)),
        OPTIONS=[*(f"--enablerepo={name}" for name in sources.enabled), *sources.options],
        PACKAGES=packages,
    )


def _read(output: str) -> dict[str, list[str]]:
    seen: dict[str, list[str]] = defaultdict(list)
    for line in output.splitlines():
        key, tab, value = line.partition("\t")
        if tab:
            seen[key].append(value)
    return seen


def parse_package_check(output: str, host: str = "") -> list[Problem]:
    """What `package_check_script` printed, as problems: each package that cannot be had, each repository that does not
    answer. Their names are `package` and `repository`."""
    seen = _read(output)
    if "end" not in seen:
        return [
            Problem(
                "package",
                "the check of packages was cut off"
                + (f" after: {output.strip().splitlines()[-1]}" if output.strip() else ""),
                "",
                "run it again; look at the disk of the host if it happens twice",
                host,
            )
        ]
    errors = seen["error"]
    repositories = _repositories([*seen["update"], *errors], host)
    missing = _missing(errors)
    problems = list(repositories)
    hint = "the repository above explains it" if repositories else "check the release and the repositories of the host"
    gone = _gone(seen, host)
    problems += gone
    for name in missing:
        if any(_NEVRA.fullmatch(name) for _ in gone):
            continue
        problems.append(Problem("package", f"no repository of the host has the package {name}", "", hint, host))
    for line in dict.fromkeys(_unmet(errors)):
        problems.append(Problem("package", line, "", _unmet_hint(line), host))
    if any("dpkg was interrupted" in e for e in errors):
        problems.append(
            Problem("package", "dpkg was interrupted", "its database is not in order", "dpkg --configure -a", host)
        )
    resolved = seen["exit"][:1] == ["0"] or bool(seen["resolved"])
    if not resolved and not problems:
        last = next((e for e in reversed(errors) if e.strip()), "no reason was given")
        problems.append(Problem("package", last, "", "", host))
    return problems


_VERSION_GONE = re.compile(r"^E: Version '(?P<version>[^']+)' for '(?P<name>[^']+)' was not found")
_NEVRA = re.compile(r"(?P<name>.+)-(?P<version>(?:\d+:)?[^-]+-[^-]+)\.[^.]+")


def _gone(seen: Mapping[str, Sequence[str]], host: str) -> list[Problem]:
    """Packages that a lock names and nobody has in that version any more, each with the nearest version there is."""
    told = (line.split() for line in seen.get("versions", ()))
    there = {words[0].partition(":")[0]: words[1:] for words in told if words}
    found = [(m["name"].partition(":")[0], m["version"], dpkg) for m in map(_VERSION_GONE.match, seen["error"]) if m]
    found += [(m["name"], m["version"], rpm) for m in map(_NEVRA.fullmatch, _missing(seen["error"])) if m]
    out = []
    for name, version, compare in dict.fromkeys(found):
        near = nearest(version, there.get(name, ()), compare)
        out.append(
            Problem(
                "package",
                f"{name} {version} is gone: no repository of the host has it",
                "the lock names exactly this version",
                f"the nearest version is {name} {near}" if near else f"no repository has any version of {name}",
                host,
            )
        )
    return out


def parse_package_sizes(output: str) -> tuple[int, int, int]:
    """(number of packages to get, bytes to download, bytes on disk afterwards); 0 where nothing was said of it."""
    seen = _read(output)
    count = int(seen["count"][0]) if seen["count"] else 0
    download = int(seen["download"][0]) if seen["download"] else _bytes((seen["download-text"] or [""])[0])
    return count, download, _bytes((seen["disk"] or [""])[0])


_UNITS = {"B": 1, "k": 1000, "M": 1000**2, "G": 1000**3}


def _bytes(text: str) -> int:
    """A size as apt and dnf write it: 1,234 MB, 325 M."""
    match = re.match(r"([0-9][0-9,.]*)\s*([BkMG]?)", text)
    return int(float(match[1].replace(",", "")) * _UNITS[match[2] or "B"]) if match else 0


_UNREACHABLE = (
    re.compile(r"^Err: (?P<url>\S+ \S+) (?:\S+ )*(?:InRelease|Release|Packages): (?P<why>.+)"),
    re.compile(r"^[WE]: GPG error: (?P<url>\S+ \S+) \S+: (?P<why>.+)"),
    re.compile(r"^E: The repository '(?P<url>\S+ \S+)[^']*' (?P<why>.+)"),
    re.compile(r"^\s*- (?P<why>(?:Curl error|Status code)[^:]*: .*?) for (?P<url>\S+)"),
    re.compile(r"^Error: Failed to download metadata for repo '(?P<url>[^']+)': (?P<why>.+)"),
    re.compile(r"^Error: Unknown repo: '(?P<url>[^']+)'(?P<why>)"),
)


def _repositories(lines: Sequence[str], host: str) -> list[Problem]:
    by_repository: dict[str, str] = {}
    for line in lines:
        for pattern in _UNREACHABLE:
            if match := pattern.match(line):
                why = match["why"].strip().rstrip(".") or "the host has no such repository"
                by_repository.setdefault(match["url"], why)
                break
    # dnf tells the same twice: by address, and by the repository's name.
    if any("://" in url for url in by_repository):
        by_repository = {url: why for url, why in by_repository.items() if "All mirrors were tried" not in why}
    # A server that does not answer has the same to say for each of its repositories.
    by_server: dict[tuple[str, str], list[str]] = defaultdict(list)
    for url, why in by_repository.items():
        by_server[(urlsplit(url.partition(" ")[0]).netloc or url, why)].append(url)
    return [
        Problem(
            "repository",
            f"{', '.join(urls)}: {why}",
            "",
            _repository_hint(why),
            host,
        )
        for (_, why), urls in by_server.items()
    ]


def _repository_hint(text: str) -> str:
    lower = text.lower()
    if "no such repository" in lower:
        return "the system has it under another name, or does not have it: register the host, or name a mirror"
    if "resolve" in lower:
        return "check the host's name server (/etc/resolv.conf), or set the proxy of its package manager"
    if "gpg" in lower or "sign" in lower or "pubkey" in lower:
        return "install the repository's key; do not switch the check off"
    if "404" in lower or "does not have a release file" in lower:
        return "the address is wrong, or the mirror no longer carries this release"
    return "check the way there from the host (route, firewall, proxy), or use another mirror"


_MISSING = (
    re.compile(r"^E: Unable to locate package (\S+)"),
    re.compile(r"^E: Package '([^']+)' has no installation candidate"),
    re.compile(r"^(?:Error: )?No match for argument: (\S+)"),
)


def _missing(errors: Iterable[str]) -> list[str]:
    found: set[str] = set()
    for line in errors:
        for pattern in _MISSING:
            if match := pattern.match(line):
                found.add(match[1])
        if line.startswith("Error: Unable to find a match: "):
            found.update(line.partition("match: ")[2].split())
    return sorted(found)


def _unmet(errors: Iterable[str]) -> Iterable[str]:
    for line in errors:
        apt = re.match(r"^ (\S+) : (?:Pre)?(Depends|Conflicts|Breaks): (.+)", line)
        if apt:
            verb = {"Depends": "needs", "Conflicts": "conflicts with", "Breaks": "breaks"}[apt[2]]
            yield f"{apt[1]} {verb} {apt[3]}"
        dnf = re.match(r"^\s*(?:Problem(?: \d+)?: |- )+(.*(?:nothing provides|conflicts with|requires).*)", line)
        if dnf and "Curl error" not in line:
            yield dnf[1].strip()


def _unmet_hint(line: str) -> str:
    if "held" in line:
        return "apt-mark showhold lists what is held back"
    return "a package from another repository, or held back, is in the way: look at where it comes from"
