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

from stackwright.lock import nearest
from stackwright.lock.versions import dpkg, rpm
from stackwright.model import Problem
from stackwright.platforms import Platform
from stackwright.platforms.repositories import Sources

_APT = r"""
LC_ALL=C; export LC_ALL
d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT
p() { printf '%s\t%s\n' "$1" "$2"; }
lines() { while IFS= read -r l; do p "$1" "$l"; done; }
# As it was: what is there already need not be downloaded again.
mkdir -p "$d/lists/partial"
cp -a /var/lib/apt/lists/*_* "$d/lists/" 2>/dev/null
chmod 755 "$d" "$d/lists"
chown _apt "$d/lists/partial" 2>/dev/null
apt() { apt-get -q -o Dir::State::lists="$d/lists" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= \
  -o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 "$@"; }
apt update > "$d/out" 2>&1
grep -E '^[WE]: ' "$d/out" | lines update
awk '/^Err:/ {sub(/^Err:[0-9]+ /, ""); at = $0; getline; sub(/^ +/, ""); print "update\tErr: " at ": " $0}' "$d/out"
resolve() { apt -y --no-install-recommends @MAY@--print-uris install "$@" > "$d/out" 2> "$d/err"; }
versions() {
  apt-cache -o Dir::State::lists="$d/lists" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= policy "$1" |
    sed -n 's/^ \(\*\*\*\|   \) \([^ ]*\) .*/\2/p' | tr '\n' ' '
}
set -- @PACKAGES@
resolve "$@"
p exit $?
grep -v '^N: ' "$d/err" | lines error
# Names that nobody has hide whether the rest can be had together: ask again without them.
missing=" $(sed -n "s/^E: Unable to locate package //p; s/^E: Package '\(.*\)' has no .*/\1/p
  s/^E: Version '.*' for '\(.*\)' was not found/\1/p" "$d/err" | tr '\n' ' ') "
if [ -n "${missing# }" ]; then
  for n in "$@"; do
    shift
    m=${n%%=*}
    case "$missing" in *" $m "* | *" ${m%%:*} "*) p versions "$m $(versions "$m")" ;; *) set -- "$@" "$n" ;; esac
  done
  [ $# = 0 ] || resolve "$@" || grep -v '^N: ' "$d/err" | lines error
fi
sed -n '/unmet dependencies/,$p' "$d/out" | grep '^ ' | lines error
sed -n "s/^'[^']*' [^ ]* \([0-9]*\) .*/\1/p" "$d/out" |
  awk '{n++; s += $1} END {printf "download\t%d\ncount\t%d\n", s, n}'
sed -n 's/^After this operation, \(.*\) of additional.*/\1/p' "$d/out" | lines disk
# A dpkg that is at work, as when an earlier run was cut off from the host, was not interrupted: it is waited for.
at_work() { grep -q ":$(stat -c %i /var/lib/dpkg/lock-frontend) " /proc/locks; }
[ "$(id -u)" != 0 ] || [ -z "$(dpkg --audit 2>/dev/null)" ] || at_work || p error 'dpkg was interrupted'
p end 1
"""

_DNF = r"""
LC_ALL=C.UTF-8; export LC_ALL
d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT
p() { printf '%s\t%s\n' "$1" "$2"; }
lines() { while IFS= read -r l; do p "$1" "$l"; done; }
@PROXY@# The repositories as they will be, beside those that the host has.
mkdir "$d/repos"
cat > "$d/repos/stackwright.repo" <<'REPOSITORIES'
@FILE@REPOSITORIES
fetch() {
  curl -fsSL --retry 1 --max-time 20 -o "$d/repos/$2.repo" "$1" 2> "$d/curl" && return
  p error "  - Curl error: $(sed -n 's/^curl: //p' "$d/curl") for $1"
  rm -f "$d/repos/$2.repo"
}
@FETCH@rm -f "$d/have"
mkdir "$d/have"
for f in /etc/yum.repos.d/*.repo; do
  case ${f##*/} in stackwright*) ;; *) [ -e "$f" ] && ln -s "$f" "$d/have/" ;; esac
done
dnf -y --assumeno --setopt=reposdir="$d/repos,$d/have" --setopt=install_weak_deps=False \
  --setopt=*.skip_if_unavailable=True --setopt=timeout=20 --setopt=retries=2 @OPTIONS@ \
  install @PACKAGES@ > "$d/out" 2> "$d/err"
p exit $?
# --assumeno ends with 1 and these words when everything could be had.
grep -q '^Operation aborted\|^Nothing to do' "$d/out" "$d/err" && p resolved yes
grep -v '^Operation aborted\|^$' "$d/err" | lines error
grep -E '^(Error|  - |No match|Problem)' "$d/out" | lines error
sed -n 's/^No match for argument: //p' "$d/out" "$d/err" | sort -u | while read -r n; do
  b=${n%-*-*}
  p versions "$b $(dnf -qC --setopt=reposdir="$d/repos,$d/have" @OPTIONS@ repoquery --qf '%{evr} ' "$b" 2>/dev/null |
    tr '\n' ' ')"
done
sed -n 's/^Total download size: //p; s/^Total size: //p' "$d/out" | lines download-text
sed -n 's/^Installed size: //p' "$d/out" | lines disk
p end 1
"""


def package_check_script(
    platform: Platform, packages: Sequence[str], sources: Sources | None = None, *, exact: bool = False
) -> str:
    """A POSIX shell script that resolves the installation of all these packages, for `parse_package_check`. With
    `exact` they are of certain versions, and what is installed in another one is exchanged.

    `sources` are what a host with dnf will have besides its own repositories. The script needs the network, but no
    root; on Debian it changes nothing, on CentOS it refreshes dnf's metadata cache.
    """
    names = " ".join(shlex.quote(p) for p in packages)
    if platform.package_manager == "apt":
        return _APT.replace("@PACKAGES@", names).replace("@MAY@", "--allow-downgrades " if exact else "")
    sources = sources or Sources()
    fetch = [f"fetch {shlex.quote(url)} {name}\n" for name, url in sources.fetched.items()]
    fetch += [f'printf %s {shlex.quote(text)} > "$d/repos/{name}.repo"\n' for name, text in sources.kept.items()]
    options = [*(f"--enablerepo={name}" for name in sources.enabled), *sources.options]
    proxy = shlex.quote(sources.proxy) if sources.proxy else ""
    return (
        _DNF.replace("@FILE@", sources.file)
        .replace("@PROXY@", f"export http_proxy={proxy} https_proxy={proxy}\n" if proxy else "")
        .replace("@FETCH@", "".join(fetch))
        .replace("@OPTIONS@", " ".join(shlex.quote(o) for o in options))
        .replace("@PACKAGES@", names)
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
                "the check was cut off" + (f" after: {output.strip().splitlines()[-1]}" if output.strip() else ""),
                "the whole transaction resolved",
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
        problems.append(Problem("package", f"{name} cannot be had", f"{name} in a repository of the host", hint, host))
    for line in dict.fromkeys(_unmet(errors)):
        problems.append(Problem("package", line, "dependencies that can be met", _unmet_hint(line), host))
    if any("dpkg was interrupted" in e for e in errors):
        problems.append(
            Problem("package", "dpkg was interrupted", "a package database in order", "dpkg --configure -a", host)
        )
    resolved = seen["exit"][:1] == ["0"] or bool(seen["resolved"])
    if not resolved and not problems:
        last = next((e for e in reversed(errors) if e.strip()), "no reason was given")
        problems.append(Problem("package", last, "the whole transaction resolved", "", host))
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
                "exactly the versions of the lock",
                f"the nearest there is: {name} {near}" if near else f"nobody has any {name}",
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
            "a package repository that answers and whose signature holds",
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
