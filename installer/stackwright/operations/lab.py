"""Lab nodes for what an answer file or a bundle describes. The lab itself knows nothing of answers."""

from __future__ import annotations

import itertools
import os
import re
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stackwright import answers as answer_files
from stackwright import bundle, planner, platforms, preflight
from stackwright.lab import LEAST_MEMORY, RELEASES, Node, Size, check_room, up
from stackwright.model import Answers, ExitCode, Facts, StackwrightError
from stackwright.planner.choices import workers
from stackwright.state import directory

TRUST = "note: root in a node is root on this machine; run only what you trust there (docs/security.md)"
"""Shown to each person who creates nodes."""

_RELEASE_OF = {"debian-12": "bookworm", "debian-13": "trixie"}
_ANY = Size()
_NODE = re.compile(r"[a-z]([a-z0-9-]{0,30}[a-z0-9])?")


def node_names(hosts: Sequence[str]) -> list[str]:
    """Names for nodes that stand for these hosts: the first part of theirs where that can be one, else n1, n2..."""
    out: list[str] = []
    for number, host in enumerate(hosts, start=1):
        short = host.partition(".")[0].lower()
        out.append(short if _NODE.fullmatch(short) and short not in (*out, "localhost") else f"n{number}")
    return out


def up_for(
    hosts: Sequence[str],
    platforms: Mapping[str, str],
    sizes: Mapping[str, Size],
    names: Sequence[str],
    say: Callable[[str], None],
) -> list[Node]:
    """A node for each host, of its platform and size; in their order. Raises StackwrightError where the lab has no
    such platform."""
    strange = sorted({platforms.get(h, "") for h in hosts} - {*_RELEASE_OF, ""})
    if strange:
        raise StackwrightError(
            f"the lab has no nodes of {', '.join(strange)}",
            f"the lab supports {', '.join(_RELEASE_OF)}; for others use vagrant/, or your own hosts with --hosts",
            ExitCode.ENVIRONMENT,
        )
    chosen = list(names) or node_names(hosts)
    if len(chosen) != len(hosts):
        raise StackwrightError(
            f"there are {len(hosts)} hosts, but {len(chosen)} nodes were named",
            "name one node per host",
            ExitCode.USAGE,
        )
    say(TRUST)
    check_room([sizes.get(host, Size()) for host in hosts], say)
    size = {name: sizes.get(host, Size()) for host, name in zip(hosts, chosen, strict=True)}
    by_release: dict[str, list[str]] = {}
    for host, name in zip(hosts, chosen, strict=True):
        by_release.setdefault(_RELEASE_OF.get(platforms.get(host, ""), RELEASES[0]), []).append(name)
    made = {
        node.name: node
        for release, some in by_release.items()
        for node in up(some, release=release, size={name: size[name] for name in some}, say=say)
    }
    return [made[name] for name in chosen]


def sizes_told(about: Mapping[str, Any], asked: Size = _ANY) -> dict[str, Size]:
    """The sizes of a bundle's hosts, as it tells them; what is asked for goes before. Exactly theirs: the cloud ran
    there, and its answers say how many processes each service has. Older bundles tell no processors."""
    memory, cpus = about.get("memory", {}), about.get("cpus", {})
    return {
        host: Size(
            asked.memory or (max(memory.get(host, 0), LEAST_MEMORY) if memory.get(host, 0) > 0 else 0),
            asked.cpus or max(0, cpus.get(host, 0)),
        )
        for host in about.get("hosts", ())
    }


def fitting_memory(components: Sequence[str], answers: Answers, cpus: int) -> int:
    """Bytes for a node that stands for a host with these components and `cpus` processors: whole GiB.

    The estimate is what preflight lets pass, and beyond a limit processes are killed where a host would swap. So there
    is a quarter more for what is not estimated: further instances, what the installation itself takes, files in /run.
    Files that are read or written count as well, but give way. More memory makes the planner take more workers, so what
    is looked for is a size that also has room for the workers it leads to.
    """
    return next(
        size
        for size in itertools.count(2**30, 2**30)
        if preflight.estimate_memory(components, workers(answers, Facts("", memory=size, cpus=cpus))) * 5 <= size * 4
    )


def access(nodes: Sequence[Node]) -> directory.Access:
    """How the nodes are reached."""
    first = nodes[0]
    return directory.Access(user=first.user, keys=(str(first.key),), known_hosts=(str(first.known_hosts),))


def is_description(origin: str) -> bool:
    """Whether the value of --from is a file that describes a cloud, rather than a snapshot's name."""
    return Path(origin).is_file() or not _NODE.fullmatch(origin)


@dataclass(frozen=True)
class BroughtUp:
    """Nodes for the hosts of a description, in its order."""

    nodes: Mapping[str, Node]
    """By the name of the host that a node stands for."""
    command: str
    """What installs the description on them."""


def up_from(path: Path, names: Sequence[str], release: str, asked: Size, say: Callable[[str], None]) -> BroughtUp:
    """Brings up what a bundle or an answer file describes. For an answer file, another one for the nodes is written
    beside it. Raises StackwrightError."""
    if path.suffix == ".bundle" or (path.is_file() and zipfile.is_zipfile(path)):
        about = bundle.read(path).about
        hosts = [str(h) for h in about.get("hosts", ())]
        nodes = up_for(hosts, about.get("platforms", {}), sizes_told(about, asked), names, say)
        command = f"stackwright bundle reproduce {path} --lab {','.join(n.name for n in nodes)}"
        return BroughtUp(dict(zip(hosts, nodes, strict=True)), command)
    return _from_answers(path, names, release, asked, say)


def _from_answers(path: Path, names: Sequence[str], release: str, asked: Size, say: Callable[[str], None]) -> BroughtUp:
    given = answer_files.load([path], environ={}, run=False, files=False).answers
    placed = planner.place(given)
    hosts = planner.all_hosts(given)
    carried = str(given["CONFIG_OPENSTACK_RELEASE"] or "")
    known = [p for p in platforms.PLATFORMS if p.id in _RELEASE_OF]
    fitting = [p.id for p in known if not carried or carried in {n for r in p.releases for n in (r.name, r.series)}]
    system = next((p for p, own in _RELEASE_OF.items() if own == release), "") or (fitting[0] if fitting else carried)
    cpus = min(asked.cpus or sys.maxsize, os.cpu_count() or 1)
    sizes = {
        host: Size(asked.memory or fitting_memory([c.name for c in placed[host]], given, cpus), asked.cpus)
        for host in hosts
    }
    nodes = dict(zip(hosts, up_for(hosts, dict.fromkeys(hosts, system), sizes, names, say), strict=True))
    rename = bundle.renamer({host: node.address for host, node in nodes.items()})
    own, mark = path.with_name(f"{path.stem}-lab.answers"), f"# {path.name}, for nodes of the lab.\n"
    ours = own.exists() and own.read_text(encoding="utf-8", errors="replace").startswith(mark)
    answer_files.save(own, mark + rename(path.read_text(encoding="utf-8")), replace=ours)
    controller = str(rename(str(given["CONFIG_CONTROLLER_HOST"])))
    directory.state_dir(controller).write("access.json", access([*nodes.values()]).to_json())
    return BroughtUp(nodes, f"stackwright apply -a {own}")
