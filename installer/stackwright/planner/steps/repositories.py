"""A host's package repositories: their files, and the options for its package transaction.

Debian's archive has everything, so only the package lists are updated. On CentOS and the rebuilds of RHEL, the
repositories of the release and of the answers are written to /etc/yum.repos.d.
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
    """Additional options of dnf for transactions on hosts of that platform."""
    found = repositories.repositories(platform, whole.release, whole.answers)
    proxy = str(whole.answers["CONFIG_PACKAGE_PROXY"])
    return repositories.transaction_options(platform, found, proxy)


def of(whole: Cloud, host: Host) -> Sources:
    """The package sources of a host with dnf. Raises StackwrightError for an unknown trunk tag."""
    answers = whole.answers
    found = repositories.repositories(host.platform, whole.release, answers, arch=host.facts.arch or "x86_64")
    proxy = str(answers["CONFIG_PACKAGE_PROXY"])
    trunk = None
    tag = str(answers["CONFIG_RDO_TRUNK"])
    if tag and not answers["CONFIG_OFFLINE_REPO"]:
        # The hash that the tag referred to when the hosts were first inspected.
        pinned = host.facts.extra.get("trunk", "")
        trunk = repositories.trunk(
            host.platform, whole.release.name, f"{tag}/{pinned}" if pinned and tag in TRUNK_TAGS else tag
        )
    return Sources(found, options(whole, host.platform), proxy, trunk, host.facts.extra.get("trunk_deps", ""))


def unsigned(whole: Cloud, *, bundle: bool = False) -> tuple[str, ...]:
    """The answers that let hosts install packages without a signature; with `bundle`, packages of a bundle."""
    systems = {host.platform.id: host.platform for host in whole.hosts.values()}
    if bundle:
        asked_for = whole.answers["CONFIG_REPO_UNSIGNED"] and any(p.package_manager == "dnf" for p in systems.values())
        return ("CONFIG_REPO_UNSIGNED",) if asked_for else ()
    asked = (repositories.unsigned(platform, whole.release, whole.answers) for platform in systems.values())
    return tuple(dict.fromkeys(key for keys in asked for key in keys))


def step(whole: Cloud, host: Host) -> Step:
    """The step before the package transaction: updates package lists, or sets up repositories."""
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
    """Enables repositories of the system, fetches trunk's files, and gives EPEL a lower priority than all others."""
    proxy = f"export http_proxy={shlex.quote(sources.proxy)} https_proxy={shlex.quote(sources.proxy)}"
    parts = [f"enable {shlex.quote(name)}\n" for name in sources.enabled]
    # A lower priority than the default 99: packages that another repository has are never installed from there.
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
