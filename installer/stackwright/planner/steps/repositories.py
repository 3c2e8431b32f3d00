"""Where a host's packages come from: its repositories as one file, and how its package transaction is told of them.

Debian's archive carries everything, and its package lists are brought up to date. For CentOS and its kin the
repositories of the release, and those that the answers add, become files in /etc/yum.repos.d.
"""

from __future__ import annotations

import shlex

from stackwright import shell
from stackwright.model import File, Run, Step, Upload
from stackwright.planner.steps import packages, registration
from stackwright.planner.topology import Cloud, Host
from stackwright.platforms import Platform, repositories
from stackwright.platforms.repositories import TRUNK_FILES, TRUNK_TAGS, Sources
from stackwright.shell import Raw

FILE = "/etc/yum.repos.d/stackwright.repo"


def options(whole: Cloud, platform: Platform) -> tuple[str, ...]:
    """What dnf is told besides in a transaction on any host of that platform."""
    found = repositories.repositories(platform, whole.release, whole.answers)
    proxy = str(whole.answers["CONFIG_PACKAGE_PROXY"])
    return repositories.transaction_options(platform, found, proxy)


def of(whole: Cloud, host: Host) -> Sources:
    """The sources of a host with dnf. Raises StackwrightError for a trunk tag that there is none of."""
    answers = whole.answers
    found = repositories.repositories(host.platform, whole.release, answers, arch=host.facts.arch or "x86_64")
    proxy = str(answers["CONFIG_PACKAGE_PROXY"])
    trunk = None
    tag = str(answers["CONFIG_RDO_TRUNK"])
    if tag and not answers["CONFIG_OFFLINE_REPO"]:
        # What the tag meant when the hosts were first looked at.
        pinned = host.facts.extra.get("trunk", "")
        trunk = repositories.trunk(
            host.platform, whole.release.name, f"{tag}/{pinned}" if pinned and tag in TRUNK_TAGS else tag
        )
    return Sources(found, options(whole, host.platform), proxy, trunk, host.facts.extra.get("trunk_deps", ""))


def unsigned(whole: Cloud) -> tuple[str, ...]:
    """The answers because of which hosts install packages that nobody signed."""
    systems = {host.platform.id: host.platform for host in whole.hosts.values()}
    asked = (repositories.unsigned(platform, whole.release, whole.answers) for platform in systems.values())
    return tuple(dict.fromkeys(key for keys in asked for key in keys))


def step(whole: Cloud, host: Host) -> Step:
    """What has to be done before the package transaction."""
    if host.platform.package_manager == "apt":
        lists = Run("lists", packages.apt_lists(), 600, retries=3)
        return Step(f"{host.name}:lists", host.name, "Update package lists", (lists,))
    sources = of(whole, host)
    kept = (File(f"/etc/yum.repos.d/{name}.repo", text.encode()) for name, text in sources.kept.items())
    upload = Upload((File(FILE, sources.file.encode()), *kept))
    setup = Run("repositories", script(sources, host), 900, retries=3)
    registered = registration.action(whole.answers, host.platform)
    names = [r.title for r in sources.repositories if r.url]
    title = f"Package repositories: {len(names)}" if len(names) > 1 else f"Package repository: {', '.join(names)}"
    actions = (upload, *([registered] if registered else ()), setup)
    return Step(f"{host.name}:repositories", host.name, title, actions)


def script(sources: Sources, host: Host) -> str:
    """Enables what the system has, fetches trunk's files, keeps EPEL's packages behind everybody else's."""
    proxy = f"export http_proxy={shlex.quote(sources.proxy)} https_proxy={shlex.quote(sources.proxy)}"
    parts = [f"enable {shlex.quote(name)}\n" for name in sources.enabled]
    # A lower priority than the usual 99: what anybody else has is never taken from there.
    parts += [f"behind {shlex.quote(name)}\n" for name in host.platform.conflicts]
    if sources.proxy:
        parts.append(f"main proxy {shlex.quote(sources.proxy)}\n")
    parts += [f"fetch {shlex.quote(url)} {name}\n" for name, url in sources.fetched.items()]
    old = [f"/etc/yum.repos.d/{name}.repo" for name in TRUNK_FILES if name not in {*sources.fetched, *sources.kept}]
    parts.append(f"rm -f {' '.join(old)}\n" if old else "")
    return shell.fill(
        "planner/steps/repositories.sh",
        PROXY=Raw(proxy if sources.proxy else ""),
        OPTIONS=sources.options,
        CALLS=Raw("".join(parts)),
    )
