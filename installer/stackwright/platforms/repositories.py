"""The package repositories that a host needs, as data and as dnf configuration. Pure: connects to no host.

The records in centos.py have RDO's release repositories. This module adds what the answers ask for: the administrator's
own repositories, RDO's testing repository, another mirror, and trunk (DLRN) by tag or by hash.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from stackwright.model import Answers, ExitCode, StackwrightError
from stackwright.platforms.record import Platform, Release, Repository

TRUNK = "https://trunk.rdoproject.org"
TRUNK_TAGS = ("current", "consistent", "puppet-passed-ci", "current-podified")
"""Upstream's CI uses `current`; `puppet-passed-ci` has been outdated at times."""

OFFLINE = "stackwright-offline"
"""ID of the repository that replaces all others."""

_TESTING = "https://buildlogs.centos.org/centos/{stream}-stream/cloud/$basearch/openstack-{release}/"


def repositories(
    platform: Platform, release: Release, answers: Answers, *, arch: str = "x86_64"
) -> tuple[Repository, ...]:
    """The repositories of this release on this platform, and those that the answers add, in order of use.

    With CONFIG_OFFLINE_REPO it is the only one. With CONFIG_RDO_TRUNK the release's own repository is left out; see
    `trunk`.
    """
    if platform.package_manager != "dnf":
        return ()
    keys = " ".join(_url(key) for key in answers["CONFIG_REPO_KEYS"])
    unsigned = "CONFIG_REPO_UNSIGNED" if answers["CONFIG_REPO_UNSIGNED"] else ""
    if folder := str(answers["CONFIG_OFFLINE_REPO"]):
        return (Repository(OFFLINE, "All packages, from one place", _url(folder), keys, unsigned=unsigned),)
    trunk_only = bool(answers["CONFIG_RDO_TRUNK"])
    wanted = [r for r in release.repositories if not (r.url and trunk_only)]
    if not release.released:
        wanted = [r for r in wanted if r.id != f"stackwright-openstack-{release.name}"]
    out = [replace(r, id=r.id.replace("{arch}", arch)) for r in wanted]
    out += release.preview if answers["CONFIG_SIG_PREVIEW"] else ()
    if mirror := str(answers["CONFIG_PACKAGE_MIRROR"]):
        out = [replace(r, url=_elsewhere(r.url, mirror)) for r in out]
    if folder := str(answers["CONFIG_MIRROR_KEYS"]):
        at = _url(folder).rstrip("/")
        out = [replace(r, key=f"{at}/{r.key.rpartition('/')[2]}") if r.key else r for r in out]
    if answers["CONFIG_ENABLE_RDO_TESTING"]:
        stream = "10" if platform.os_version == "10" else "9"
        out.append(
            Repository(
                f"stackwright-openstack-{release.name}-testing",
                f"OpenStack {release.name.capitalize()}, not released yet (unsigned)",
                _TESTING.format(stream=stream, release=release.name),
                module_hotfixes=True,
                unsigned="CONFIG_ENABLE_RDO_TESTING",
            )
        )
    for number, url in enumerate(answers["CONFIG_REPO"], start=1):
        out.append(
            Repository(f"stackwright-own-{number}", f"CONFIG_REPO, number {number}", _url(url), keys, unsigned=unsigned)
        )
    return tuple(out)


def unsigned(platform: Platform, release: Release, answers: Answers) -> tuple[str, ...]:
    """The answers because of which hosts of this platform install unsigned packages. RDO does not sign trunk."""
    asked = tuple(r.unsigned for r in repositories(platform, release, answers) if r.unsigned)
    trunk = platform.package_manager == "dnf" and answers["CONFIG_RDO_TRUNK"] and not answers["CONFIG_OFFLINE_REPO"]
    return tuple(dict.fromkeys((*(("CONFIG_RDO_TRUNK",) if trunk else ()), *asked)))


def _url(place: str) -> str:
    """The URL of a folder on the host, or the URL itself."""
    return place if "://" in place else f"file://{place}"


def _elsewhere(url: str, mirror: str) -> str:
    """The URL on another mirror. A URL that is not on a CentOS mirror is returned unchanged."""
    before, sigs, path = url.partition("/SIGs/")
    return f"{mirror.rstrip('/').removesuffix('/SIGs')}{sigs}{path}" if sigs and before else url


def dnf_file(wanted: Iterable[Repository], proxy: str = "") -> str:
    """The text of a file for /etc/yum.repos.d. Repositories that the system already has are omitted.

    Packages are checked, unless an answer allows them to be unsigned: with the repository's key, or with those that the
    system knows. A mirror that does not answer is an error, and not a reason to go on with less.
    """
    sections = []
    for repository in wanted:
        if not repository.url:
            continue
        lines = [f"[{repository.id}]", f"name={repository.title}", f"baseurl={repository.url}", "enabled=1"]
        lines += ["gpgcheck=0"] if repository.unsigned else ["gpgcheck=1"]
        lines += [f"gpgkey={repository.key}"] if repository.key else []
        lines += ["skip_if_unavailable=0"]
        lines += ["module_hotfixes=1"] if repository.module_hotfixes else []
        lines += [f"excludepkgs={','.join(repository.exclude)}"] if repository.exclude else []
        lines += [f"proxy={proxy}"] if proxy and not repository.url.startswith("file:") else []
        sections.append("\n".join(lines) + "\n")
    return "\n".join(sections)


def transaction_options(platform: Platform, wanted: Iterable[Repository], proxy: str = "") -> tuple[str, ...]:
    """Additional options of dnf for our own transactions: repositories to disable, and the proxy."""
    if any(r.id == OFFLINE for r in wanted):
        return ("--disablerepo=*", f"--enablerepo={OFFLINE}")
    # dnf accepts unknown repository names here, so no facts are needed.
    options = [f"--disablerepo={name}" for name in platform.conflicts]
    return (*options, *([f"--setopt=proxy={proxy}"] if proxy else ()))


@dataclass(frozen=True)
class Trunk:
    """RDO's builds of every upstream commit."""

    repository: str
    """URL of the file for /etc/yum.repos.d."""
    dependencies: str
    """URL of the file with the repositories of dependencies. Their contents change, so a hash alone does not reproduce
    an installation: the file is saved with the state of its repositories (pinning.py), and a lock has exact
    versions."""
    hash_at: str = ""
    """URL of the hash that the tag currently refers to; empty if a hash is given."""


def trunk(platform: Platform, release: str, tag: str = "current") -> Trunk:
    """RDO trunk for a release (or `master`) by one of TRUNK_TAGS, by a hash (32 hex digits), or by TAG/HASH.

    Raises StackwrightError for another tag, and for platforms that RDO does not build for.
    """
    if platform.family != "redhat":
        raise StackwrightError(
            f"there is no RDO trunk for {platform.name}",
            "use hosts with CentOS Stream or a rebuild of RHEL",
            ExitCode.ANSWERS,
        )
    stream = "10" if platform.os_version == "10" else "9"
    base = f"{TRUNK}/centos{stream}-{release}"
    name, _, digest = tag.partition("/")
    if re.fullmatch(r"[0-9a-f]{32}", name) and not digest:
        name, digest = TRUNK_TAGS[0], name
    if name not in TRUNK_TAGS or (digest and not re.fullmatch(r"[0-9a-f]{32}", digest)):
        raise StackwrightError(
            f"no trunk tag or hash: {tag}",
            f"tags are {', '.join(TRUNK_TAGS)}; a hash has 32 hexadecimal digits",
            ExitCode.ANSWERS,
        )
    dependencies = f"{base}/delorean-deps.repo"
    if digest:
        return Trunk(f"{base}/{name}/{digest[:2]}/{digest[2:4]}/{digest}/delorean.repo", dependencies)
    return Trunk(f"{base}/{name}/delorean.repo", dependencies, f"{base}/{name}/delorean.repo.md5")


TRUNK_FILES = ("stackwright-trunk", "stackwright-trunk-deps")
"""Names of the two trunk files on a host, without .repo."""


@dataclass(frozen=True)
class Sources:
    """The package repositories that dnf on one host gets, in addition to its own."""

    repositories: tuple[Repository, ...] = ()
    options: tuple[str, ...] = ()
    """Options of dnf for our transactions."""
    proxy: str = ""
    trunk: Trunk | None = None
    dependencies: str = ""
    """The file of trunk's dependencies, saved when the cloud was first planned; empty if there is none."""

    @property
    def file(self) -> str:
        """The text of our file for /etc/yum.repos.d."""
        return dnf_file(self.repositories, self.proxy)

    @property
    def enabled(self) -> tuple[str, ...]:
        """IDs of repositories that the system has and that must be enabled: CodeReady Builder."""
        return tuple(r.id for r in self.repositories if not r.url)

    @property
    def fetched(self) -> Mapping[str, str]:
        """Names and URLs of more files for /etc/yum.repos.d, which the host downloads."""
        if not self.trunk:
            return {}
        urls = dict(zip(TRUNK_FILES, (self.trunk.repository, self.trunk.dependencies), strict=True))
        return {name: url for name, url in urls.items() if name not in self.kept}

    @property
    def kept(self) -> Mapping[str, str]:
        """Names and contents of more files for /etc/yum.repos.d, which are uploaded."""
        return {TRUNK_FILES[1]: self.dependencies} if self.trunk and self.dependencies else {}
