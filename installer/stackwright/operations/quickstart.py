"""Installs a cloud for which there may be no answer file yet: `--allinone` and `--install-hosts`."""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from stackwright import answers as answer_files
from stackwright import lab, planner
from stackwright.model import Answers, ExitCode, StackwrightError
from stackwright.operations import access, apply, inspection
from stackwright.operations import lab as lab_operations
from stackwright.operations.answers import read_answers
from stackwright.operations.options import AccessOptions, AnswerOptions, ApplyOptions, Console, QuickStartOptions
from stackwright.platforms import PLATFORMS
from stackwright.ssh.pool import own_addresses
from stackwright.state import directory


@dataclass(frozen=True)
class Started:
    """The result, and the answer file of the cloud."""

    result: apply.Installed | apply.Preview
    file: Path


def install(
    options: QuickStartOptions, given: AnswerOptions, reach: AccessOptions, how: ApplyOptions, console: Console
) -> Started:
    """Generates the answer file, or uses the one of an earlier run, then installs what it describes. A generated file
    stays only if the installation began; a preview keeps nothing. Raises StackwrightError."""
    _refuse_contradictions(options, given)
    names, settings, extra = list(options.hosts), dict(given.settings), directory.Access()
    if options.lab is not None:
        node = _node(options, console, create=not how.dry_run)
        names, extra = [node.address], lab_operations.access([node])
        settings = {**_node_networks(node), **settings}
    names = names or [answer_files.local_address()]
    path = given.files[0] if given.files else Path.home() / f"stackwright-{options.lab or names[0]}.answers"
    here = not options.hosts and options.lab is None
    state = directory.state_dir(names[0], given.state)
    with contextlib.ExitStack() as cleanup, contextlib.ExitStack() as unused:
        if how.dry_run:
            state = cleanup.enter_context(directory.scratch(state))
        hosts = cleanup.enter_context(access.connect(reach, state, extra, console.note, preview=how.dry_run))
        if path.exists():
            file, origin = path, "of an earlier run"
        else:
            file, origin = (state.make() / path.name, "a preview, not saved") if how.dry_run else (path, "new")
            with console.busy(f"examining {names[0]}"):
                _, presets = inspection.presets(hosts, names[0])
            text = answer_files.generate(install_hosts=names, presets={**presets, **settings}, minimal=True)
            answer_files.save(file, text)
            unused.callback(_discard_unused, file, state, _runs(state), console)
        # The node's networks are in its answer file; those of an earlier run stay what they are.
        own = replace(given, files=(file,), state=state.folder.parent)
        reading = read_answers(own, how.check.locked, resolve=not how.dry_run)
        console.tell(f"answers: {path} ({origin})\nhosts: {', '.join(planner.all_hosts(reading.answers))}")
        _require_same(reading.answers, names, path, here=here)
        floating = str(reading.answers["CONFIG_PROVISION_DEMO_FLOATRANGE"])
        if options.lab is not None and ":" not in floating and not how.dry_run:
            lab.route(floating, names[0])
        result = apply.install(reading, hosts, state, how, console)
        if isinstance(result, apply.Installed):
            unused.pop_all()
        return Started(result, path)


def _refuse_contradictions(options: QuickStartOptions, given: AnswerOptions) -> None:
    if len(given.files) > 1:
        raise StackwrightError(
            f"--{'allinone' if options.allinone else 'install-hosts'} uses one answer file, but several were named",
            "name one; to install what several describe: stackwright apply -a A -a B",
            ExitCode.USAGE,
        )
    if options.allinone and options.hosts and options.lab is None:
        raise StackwrightError(
            "--allinone and --install-hosts contradict each other", "use only one of them", ExitCode.USAGE
        )
    if options.lab is not None and options.hosts:
        raise StackwrightError(
            "--lab creates its own host, but --install-hosts names others", "use only one of them", ExitCode.USAGE
        )


def _node(options: QuickStartOptions, console: Console, *, create: bool) -> lab.Node:
    """The lab node; creates it if it does not exist and `create` is true."""
    name = str(options.lab)
    if not create and name not in {node.name for node in lab.list_nodes()}:
        raise StackwrightError(
            f"--dry-run creates no node, and there is no node {name}",
            f"create it first: stackwright lab up {name}",
            ExitCode.USAGE,
        )
    return lab.up([name], release=options.debian, say=console.tell)[0]


def _runs(state: directory.StateDir) -> int:
    """How many installations of the cloud have begun."""
    return sum(1 for _ in (state.folder / "logs").glob("*.log"))


def _discard_unused(file: Path, state: directory.StateDir, runs: int, console: Console) -> None:
    """Removes a generated answer file if nothing was applied: it follows from the state of the hosts, so the next run
    generates one that fits them better."""
    if _runs(state) > runs:
        return
    file.unlink(missing_ok=True)
    if file.parent != state.folder:
        console.tell(f"answers: {file} was removed. `stackwright --gen-answer-file FILE` writes one to edit")


def _require_same(found: Answers, names: list[str], path: Path, *, here: bool) -> None:
    """Raises StackwrightError if an answer file of an earlier run is not for exactly the hosts that were asked for."""
    have = planner.all_hosts(found)
    if set(names) == set(have) or (here and own_addresses() & set(have)):
        return
    raise StackwrightError(
        f"{path} from an earlier run is for {', '.join(have)}, but these were requested: {', '.join(names)}",
        f"to install what the file describes: stackwright apply -a {path}\n"
        "for another cloud: move that file away, or choose another one with --answer-file",
        ExitCode.USAGE,
    )


def debian_and_release(asked: str, *, on_node: bool) -> tuple[str, str]:
    """What --release means: the code name of the Debian of a lab's node (empty: none), and the OpenStack release
    (empty: none was asked for). Raises StackwrightError for a name that nobody has."""
    debian = {p.codename: {n for r in p.releases for n in (r.name, r.series)} for p in PLATFORMS if p.codename}
    known = {"master", *debian, *(n for p in PLATFORMS for r in p.releases for n in (r.name, r.series))}
    name = asked.strip().lower()
    choice = ", ".join(f"{', '.join(sorted(names))} ({codename})" for codename, names in debian.items())
    if name and name not in known:
        near = difflib.get_close_matches(name, sorted(known), n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(sorted(known))}"
        raise StackwrightError(f"unknown release {name!r}", hint, ExitCode.USAGE)
    if name in debian:
        if not on_node:
            hint = "name an OpenStack release, or add --lab"
            raise StackwrightError(
                f"--release {name} is a Debian release, but the host is already installed", hint, ExitCode.USAGE
            )
        return name, ""
    found = [codename for codename, names in debian.items() if not name or name in names]
    if on_node and not found:
        raise StackwrightError(
            f"--release {name}: lab nodes have Debian, which does not contain that release",
            f"choose {choice}",
            ExitCode.USAGE,
        )
    return found[0] if found else "", asked


def _node_networks(node: lab.Node) -> Mapping[str, str]:
    """The demonstration's networks on a node: within the range that is set apart for tests (RFC 2544)."""
    third = (int(str(node.external_network).split(".")[2]) + 128) % 256
    return {
        "CONFIG_PROVISION_DEMO_FLOATRANGE": f"198.19.{third}.0/24",
        "CONFIG_PROVISION_DEMO_PRIVATE_SUBNET": f"198.18.{third}.0/24",
    }
