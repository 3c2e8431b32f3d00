"""The command `lab`, and nodes for what an answer file or a bundle describes."""

from __future__ import annotations

import argparse
import itertools
import os
import re
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from stackwright.cli import lab_nodes
from stackwright.lab import LEAST_MEMORY, RELEASES, Node, Size, check_room, up
from stackwright.model import ExitCode, Facts, StackwrightError

_RELEASE_OF = {"debian-12": "bookworm", "debian-13": "trixie"}
_ANY = Size()
_NODE = re.compile(r"[a-z]([a-z0-9-]{0,30}[a-z0-9])?")


def run(arguments: argparse.Namespace) -> int:
    """Carries out a lab command; `up --from FILE` is done here, the lab knows nothing of answers."""
    if arguments.lab_command == "up" and arguments.origin and _is_file(arguments.origin):
        asked = Size(arguments.memory, arguments.cpus)
        return _from_file(Path(arguments.origin), arguments.names, arguments.release, asked)
    return lab_nodes.run_command(arguments)


def _is_file(origin: str) -> bool:
    """Whether what stands behind --from is a file rather than a snapshot's name."""
    return Path(origin).is_file() or not _NODE.fullmatch(origin)


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
            f"the lab makes no nodes of {', '.join(strange)}",
            f"it makes {', '.join(_RELEASE_OF)}; for others see vagrant/, or name hosts of your own with --hosts",
            ExitCode.ENVIRONMENT,
        )
    chosen = list(names) or node_names(hosts)
    if len(chosen) != len(hosts):
        raise StackwrightError(
            f"{len(hosts)} hosts are described, and {len(chosen)} nodes were named", "name as many", ExitCode.USAGE
        )
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


def fitting_memory(components: Sequence[str], answers: Mapping[str, Any], cpus: int) -> int:
    """Bytes for a node that stands for a host with these components and `cpus` processors: whole GiB.

    The estimate is what preflight lets pass, and beyond a limit processes are killed where a host would swap. So there
    is a quarter more for what is not estimated: further instances, what the installation itself takes, files in /run.
    Files that are read or written count as well, but give way. More memory makes the planner take more workers, so what
    is looked for is a size that also has room for the workers it leads to.
    """
    from stackwright import preflight
    from stackwright.planner.choices import workers

    return next(
        size
        for size in itertools.count(2**30, 2**30)
        if preflight.estimate_memory(components, workers(answers, Facts("", memory=size, cpus=cpus))) * 5 <= size * 4
    )


def access(nodes: Sequence[Node]) -> dict[str, Any]:
    """How the nodes are reached."""
    first = nodes[0]
    return {"user": first.user, "keys": (str(first.key),), "known_hosts": (str(first.known_hosts),)}


def _from_file(path: Path, names: Sequence[str], release: str, asked: Size) -> int:
    """Brings up what a bundle or an answer file describes."""
    if path.suffix == ".bundle" or (path.is_file() and zipfile.is_zipfile(path)):
        from stackwright import bundle

        about = bundle.read(path).about
        hosts = [str(h) for h in about.get("hosts", ())]
        nodes = up_for(hosts, about.get("platforms", {}), sizes_told(about, asked), names, lab_nodes.say)
        _show(hosts, nodes)
        print(f"\nnext: stackwright bundle reproduce {path} --lab {','.join(n.name for n in nodes)}")
        return ExitCode.OK
    return _from_answers(path, names, release, asked)


def _show(hosts: Sequence[str], nodes: Sequence[Node]) -> None:
    for host, node in zip(hosts, nodes, strict=True):
        print(f"{host} -> {lab_nodes.row(node)}")


def _from_answers(path: Path, names: Sequence[str], release: str, asked: Size) -> int:
    """Nodes for the hosts of an answer file, and beside it one for these nodes."""
    from stackwright import answers, bundle, planner, platforms
    from stackwright.services import SERVICES
    from stackwright.state import directory

    given = answers.load([path], environ={}, run=False, files=False).answers
    hosts = planner.all_hosts(given, SERVICES)
    placed = planner.place(given, SERVICES)
    carried = str(given.get("CONFIG_OPENSTACK_RELEASE") or "")
    known = [p for p in platforms.PLATFORMS if p.id in _RELEASE_OF]
    fitting = [p.id for p in known if not carried or carried in {n for r in p.releases for n in (r.name, r.series)}]
    system = next((p for p, own in _RELEASE_OF.items() if own == release), "") or (fitting[0] if fitting else carried)
    cpus = min(asked.cpus or sys.maxsize, os.cpu_count() or 1)
    sizes = {
        host: Size(asked.memory or fitting_memory([c.name for c in placed[host]], given, cpus), asked.cpus)
        for host in hosts
    }
    nodes = up_for(hosts, dict.fromkeys(hosts, system), sizes, names, lab_nodes.say)
    _show(hosts, nodes)
    rename = bundle.renamer({host: node.address for host, node in zip(hosts, nodes, strict=True)})
    own, mark = path.with_name(f"{path.stem}-lab.answers"), f"# {path.name}, for nodes of the lab.\n"
    ours = own.exists() and own.read_text(encoding="utf-8", errors="replace").startswith(mark)
    answers.save(own, mark + rename(path.read_text(encoding="utf-8")), replace=ours)
    controller = str(rename(str(given["CONFIG_CONTROLLER_HOST"])))
    directory.state_dir(controller).write("access.json", directory.Access(**access(nodes)).to_json())
    print(f"\nnext: stackwright apply -a {own}")
    return ExitCode.OK
