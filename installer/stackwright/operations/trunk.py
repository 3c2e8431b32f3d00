"""A tag of RDO's trunk becomes the hash that it means now, once, for all hosts and for later runs; and what trunk needs
besides stays what it was then."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypedDict

from stackwright import platforms, shell
from stackwright.model import Answers, ExitCode, Facts, StackwrightError
from stackwright.platforms.repositories import TRUNK_TAGS, trunk
from stackwright.shell import Raw
from stackwright.ssh import parallel

if TYPE_CHECKING:
    from stackwright.ssh import Result
    from stackwright.ssh.pool import Hosts
    from stackwright.state.directory import StateDir

_KEPT = "trunk.json"
"""In the cloud's folder."""

_DEPENDENCIES = "trunk-deps.json"
"""In the cloud's folder: by its address, the file of trunk's dependencies as it was found, and what was in the
repositories that it names and that lie beside it: the SHA-256 of each one's repomd.xml, by its address."""


class _Dependencies(TypedDict):
    file: str
    repomd: dict[str, str]


def pinned(hosts: Hosts, answers: Answers, seen: dict[str, Facts]) -> dict[str, Facts]:
    """With trunk: the same facts with what a tag of it means now, `extra["trunk"]`, and when that was moved last,
    `extra["trunk_moved"]`, in seconds since the epoch; and the file of its dependencies, `extra["trunk_deps"]`, with
    the addresses of those that are no longer what they were, `extra["trunk_deps_moved"]`. It is looked up on one host,
    and kept with the cloud: trunk moves on within hours, and all hosts are to get the same, today and in the next run.
    Raises StackwrightError."""
    tag = str(answers["CONFIG_RDO_TRUNK"])
    if not tag or answers["CONFIG_OFFLINE_REPO"] or not seen:
        return seen
    name, first = next(iter(seen.items()))
    system = platforms.find(first.os_id, first.os_version)
    release = platforms.release_of(system, str(answers["CONFIG_OPENSTACK_RELEASE"]), trunk=True)
    proxy = str(answers["CONFIG_PACKAGE_PROXY"])
    at = trunk(system, release.name, tag)
    found = {}
    if where := at.hash_at:
        known = _known(hosts.state)
        if where not in known:
            known[where] = _look_up(hosts, name, tag, where, proxy)
            hosts.state.write(_KEPT, json.dumps(known, indent=1, sort_keys=True) + "\n")
        found = {"trunk": known[where]["hash"], "trunk_moved": known[where]["moved"]}
    found |= _dependencies(hosts, tuple(seen), at.dependencies, proxy)
    return {name: replace(facts, extra={**facts.extra, **found}) for name, facts in seen.items()}


def _known(state: StateDir) -> dict[str, dict[str, str]]:
    """What tags meant when they were looked up, by the address of their hash."""
    text = state.read(_KEPT)
    with contextlib.suppress(ValueError, AttributeError, KeyError, TypeError):
        known = {
            str(w): {"hash": str(t["hash"]), "moved": str(t["moved"])} for w, t in json.loads(text or "{}").items()
        }
        if all(re.fullmatch(r"[0-9a-f]{32}", t["hash"]) and re.fullmatch(r"\d*", t["moved"]) for t in known.values()):
            return known
    raise StackwrightError(
        f"{state.folder / _KEPT} is damaged; it contains the builds of trunk that this cloud uses",
        "restore it from a backup, or remove it and name the hash from `stackwright.lock`: --trunk HASH",
        ExitCode.ENVIRONMENT,
    )


def _dependencies(hosts: Hosts, names: Sequence[str], url: str, proxy: str) -> dict[str, str]:
    """The facts about trunk's dependencies; they are kept where they were not known. All hosts are to get what the
    first one says, so all are asked then: a host must not choose the repositories of the others."""
    name = names[0]
    kept = _kept_dependencies(hosts.state)
    if url in kept:
        then = kept[url]
        # Where they cannot be looked at now, nothing is said of them: packages themselves are checked for elsewhere.
        now = _look_up_dependencies(hosts, name, url, proxy)
        moved = [b for b, digest in sorted(then["repomd"].items()) if now and now["repomd"].get(b, digest) != digest]
        return {"trunk_deps": then["file"], **({"trunk_deps_moved": " ".join(moved)} if moved else {})}
    found = _look_up_dependencies(hosts, name, url, proxy)
    if not found:
        raise StackwrightError(
            f"{name}: cannot fetch the dependencies of RDO trunk: {url}",
            "check that the host reaches trunk.rdoproject.org",
            ExitCode.UNREACHABLE,
        )
    others = parallel.map(names[1:], lambda other: _look_up_dependencies(hosts, other, url, proxy))
    for other, said in others.items():
        if said is None or said["file"] != found["file"]:
            raise StackwrightError(
                f"{name} and {other} get different files from {url}" + ("" if said else f" ({other} gets none)"),
                "run the command again; if they still differ, find out who answers for trunk.rdoproject.org there",
                ExitCode.PREFLIGHT,
            )
    hosts.state.write(_DEPENDENCIES, json.dumps({**kept, url: found}, indent=1, sort_keys=True) + "\n")
    return {"trunk_deps": found["file"]}


def _kept_dependencies(state: StateDir) -> dict[str, _Dependencies]:
    text = state.read(_DEPENDENCIES)
    with contextlib.suppress(ValueError, AttributeError, KeyError, TypeError):
        return {
            str(url): {"file": str(d["file"]), "repomd": {str(b): str(s) for b, s in d["repomd"].items()}}
            for url, d in json.loads(text or "{}").items()
        }
    raise StackwrightError(
        f"{state.folder / _DEPENDENCIES} is damaged; it contains the repositories of trunk's dependencies",
        "restore it from a backup, or remove it to use the current dependencies",
        ExitCode.ENVIRONMENT,
    )


def _look_up_dependencies(hosts: Hosts, name: str, url: str, proxy: str) -> _Dependencies | None:
    """What is there now; None where it cannot be had."""
    result = _ask(hosts, name, "operations/trunk_dependencies.sh", url, proxy, 180)
    said = [line.partition("\t") for line in result.out.splitlines()]
    file = "".join(f"{text}\n" for key, _, text in said if key == "file")
    digests = (text.split(" ") for key, _, text in said if key == "repomd")
    return {"file": file, "repomd": dict(d for d in digests if len(d) == 2)} if "[" in file else None


def meaning(answers: Answers, seen: Mapping[str, Facts]) -> str:
    """What the answers take of trunk, as TAG/HASH: for a lock, or a bundle. Empty where they take nothing of it."""
    tag = str(answers["CONFIG_RDO_TRUNK"])
    if not tag or answers["CONFIG_OFFLINE_REPO"]:
        return ""
    if "/" in tag:
        return tag
    if tag not in TRUNK_TAGS:
        return f"{TRUNK_TAGS[0]}/{tag}"  # a hash
    found = next((f.extra["trunk"] for f in seen.values() if f.extra.get("trunk")), "")
    return f"{tag}/{found}" if found else ""


def held(answers: Answers, trunk: str) -> Answers:
    """The same answers with what trunk meant when a lock was written, where they have only a tag of it."""
    entry = answers.entries.get("CONFIG_RDO_TRUNK")
    if not trunk or entry is None or entry.value not in TRUNK_TAGS:
        return answers
    return replace(answers, entries={**answers.entries, "CONFIG_RDO_TRUNK": replace(entry, value=trunk, text=trunk)})


def _look_up(hosts: Hosts, name: str, tag: str, where: str, proxy: str) -> dict[str, str]:
    result = _ask(hosts, name, "operations/trunk_hash.sh", where, proxy, 90)
    found = re.fullmatch(r"([0-9a-f]{32})\b.*?(?: (\d+))?\s*", result.out)
    if not found:
        raise StackwrightError(
            f"{name}: cannot resolve the tag {tag} of RDO trunk: "
            + (result.err.strip().splitlines() or [f"{where} returned {result.out.strip()[:40]!r}"])[-1],
            "check that the host reaches trunk.rdoproject.org, or give a hash: --trunk HASH",
            ExitCode.UNREACHABLE,
        )
    return {"hash": found[1], "moved": found[2] or ""}


def _ask(hosts: Hosts, name: str, file: str, url: str, proxy: str, timeout: float) -> Result:
    """What one of the scripts above says on a host."""
    through = f"--proxy {shlex.quote(proxy)} " if proxy else ""
    script = shell.fill(file, PROXY=Raw(through), URL=url)
    return hosts.connect(name).run(script, timeout=timeout)
