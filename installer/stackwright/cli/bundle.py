"""The command `bundle`: a setup as one file, and the same setup again on other hosts."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackwright.cli import cloud
from stackwright.cli.flags import Parser, access_flags, answer_flags, refuse_foreign, run_flags, settings
from stackwright.model import ExitCode, StackwrightError

if TYPE_CHECKING:
    from stackwright.bundle import Index, Setup
    from stackwright.model import Facts


def add_arguments(parser: Parser) -> None:
    """Adds the subcommands to a parser."""
    commands = parser.add_subparsers(dest="bundle_command", metavar="COMMAND", required=True)
    create = commands.add_parser("create", help="write one of a cloud", description="Writes a bundle of a cloud.")
    answer_flags(create)
    access_flags(create)
    create.add_argument("-o", "--out", type=Path, default=None, metavar="FILE", help="its file (default: here)")
    create.add_argument("--offline", action="store_true", help="with all packages: it works without a mirror then")
    create.add_argument("--neutral", action="store_true", help="with other names and addresses of hosts")
    show = commands.add_parser("show", help="say what is in one", description="Checks a bundle, says what is in it.")
    again = commands.add_parser(
        "reproduce", help="the same on other hosts", description="Installs what a bundle describes on other hosts."
    )
    for one in (show, again):
        one.add_argument("file", type=Path, metavar="FILE")
        one.add_argument("--signer", default="", metavar="SHA256:...", help="refuse it if another key signed it")
    answer_flags(again)
    access_flags(again)
    run_flags(again)
    where = again.add_mutually_exclusive_group()
    where.add_argument("--hosts", default="", metavar="A,B,...", help="in the bundle's order, or as THEIRS=MINE")
    where.add_argument(
        "--lab", nargs="?", const="", default=None, metavar="A,B,...", help="on throw-away nodes of this machine"
    )
    again.add_argument("--offline", action="store_true", help="take the packages from the bundle, and no others")


def run(arguments: argparse.Namespace) -> int:
    """Carries out `arguments.bundle_command`."""
    match arguments.bundle_command:
        case "create":
            return _create(arguments)
        case "show":
            from stackwright import bundle

            print(_told(bundle.read(arguments.file, arguments.signer)))
            return ExitCode.OK
    return _reproduce(arguments)


def _root(arguments: argparse.Namespace) -> Path:
    from stackwright.state import directory

    return Path(arguments.state or directory.state_root())


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _create(arguments: argparse.Namespace) -> int:
    from stackwright.operations import apply
    from stackwright.operations import bundle as bundle_ops

    if not arguments.answer_file:
        raise StackwrightError("bundle create needs an answer file", "give it with --answer-file FILE", ExitCode.USAGE)
    answers = apply.read_answers(arguments.answer_file, settings(arguments), arguments.state).answers
    place = cloud.place_of(str(answers["CONFIG_CONTROLLER_HOST"]), arguments)
    called = "cloud" if arguments.neutral else place.folder.name
    out = arguments.out or Path(f"{called}-{time.strftime('%Y%m%d')}.bundle")
    refuse_foreign(out, b"PK\3\4")
    wanted = bundle_ops.BundleRequest(arguments.offline, arguments.neutral)
    with cloud.reach(arguments, place) as hosts:
        index = bundle_ops.create(out, answers, place, hosts, wanted, _root(arguments), _say)
    print(f"wrote {out} ({out.stat().st_size // 1024} KiB)\n{_told(index)}")
    print(f"to repeat it: stackwright bundle reproduce {out} --lab")
    return ExitCode.OK


def _told(index: Index) -> str:
    """A bundle in a few lines."""
    about = index.about
    hosts = [f"{name} ({about.get('platforms', {}).get(name, '?')})" for name in about.get("hosts", ())]
    rows = {
        "bundle": index.digest,
        "signed by": index.signer,
        "made by": f"Stackwright {index.version}",
        "OpenStack": str(about.get("release", "?")),
        "hosts": ", ".join(hosts),
        "plan": str(about.get("plan", "?"))[:16],
        "packages": f"for {', '.join(about['packages'])}" if about.get("packages") else "not in it",
        "unpacked": f"{index.size // 1024} KiB in {len(index.files)} files",
    }
    return "\n".join(f"{name + ':':<11} {value}" for name, value in rows.items())


# ------------------------------------------------------------------------------------------------------- on other hosts


def _reproduce(arguments: argparse.Namespace) -> int:
    from stackwright import bundle
    from stackwright.state.directory import StateDir

    index = bundle.read(arguments.file, arguments.signer)
    _say(_told(index))
    # For this run alone: the packages in it may be gigabytes.
    with tempfile.TemporaryDirectory(dir=StateDir(_root(arguments) / "bundles").make()) as work:
        folder = Path(work) / "unpacked"
        bundle.unpack(arguments.file, folder, arguments.signer)
        return _from(folder, index, arguments)


def _from(folder: Path, index: Index, arguments: argparse.Namespace) -> int:
    """Installs what an unpacked bundle describes."""
    from stackwright import bundle, lock, planner
    from stackwright.operations import apply
    from stackwright.operations import bundle as bundle_ops
    from stackwright.operations import lock as lock_ops
    from stackwright.planner.steps import package_cache
    from stackwright.services import SERVICES

    setup = bundle.load(folder, index)
    if why := bundle.same_plan(setup, index):
        _say(f"warning: this Stackwright makes another plan of it than the one in it: {why}")
    mine, extra = _hosts(arguments, index)
    rename = bundle.renamer(mine)
    path = _answers(arguments, rename(dict(setup.answers)), index)
    arguments.answer_file = [path]
    answers = apply.read_answers([path], settings(arguments), arguments.state).answers
    place = cloud.place_of(str(answers["CONFIG_CONTROLLER_HOST"]), arguments)
    renamed = lock.Lock(**{**vars(setup.lock), "hosts": {mine[n]: h for n, h in setup.lock.hosts.items()}})
    arguments.locked = place.write("reproduced.lock", lock.write(renamed))
    with cloud.reach(arguments, place, extra) as hosts:
        seen = apply.look(hosts, planner.all_hosts(answers, SERVICES), answers)
        lock_ops.exact(renamed, answers, seen, frozenset(arguments.skip_check))
        _say(_compared(folder, setup, seen, mine))
        if not arguments.offline or arguments.dry_run:
            return cloud.apply(arguments, hosts, place)
        arguments.from_bundle = True
        whole, kinds = planner.cloud(answers, seen), {name: renamed.hosts[name].platform for name in seen}
        shared = whole.hosts.get(package_cache.host_of(answers))
        cache = (shared.name, shared.address) if shared else None
        with bundle_ops.packages_there(hosts, kinds, folder, cache, _say):
            return cloud.apply(arguments, hosts, place)


def _hosts(arguments: argparse.Namespace, index: Index) -> tuple[dict[str, str], dict[str, Any]]:
    """From the bundle's hosts to mine, and how mine are reached."""
    from stackwright import bundle

    theirs = [str(name) for name in index.about.get("hosts", ())]
    if arguments.lab is None:
        given = [h.strip() for h in arguments.hosts.split(",") if h.strip()]
        if not given:
            raise StackwrightError(
                f"the bundle is of {len(theirs)} hosts ({', '.join(theirs)}), and none of yours are named",
                "name yours with --hosts A,B,...; or --lab makes throw-away nodes",
                ExitCode.USAGE,
            )
        return bundle.matched(theirs, given), {}
    from stackwright.cli import lab

    named = [n.strip() for n in arguments.lab.split(",") if n.strip()]
    nodes = lab.up_for(theirs, index.about.get("platforms", {}), lab.sizes_told(index.about), named, _say)
    return {name: node.address for name, node in zip(theirs, nodes, strict=True)}, lab.access(nodes)


def _answers(arguments: argparse.Namespace, texts: Mapping[str, str], index: Index) -> Path:
    """An answer file for my hosts, with secrets of its own; that of an earlier run of the same bundle is used again."""
    from stackwright import answers

    mark = f"# From the bundle {index.digest}.\n"
    given = arguments.answer_file[0] if arguments.answer_file else None
    path = Path(given or Path.home() / f"stackwright-{texts['CONFIG_CONTROLLER_HOST']}.answers")
    if path.exists() and path.read_text(encoding="utf-8", errors="replace").startswith(mark):
        print(f"answers: {path} (of an earlier run)")
        return path
    answers.save(path, mark + answers.generate(presets={**texts, **settings(arguments)}))
    print(f"answers: {path} (new; only you can read it)")
    return path


def _compared(folder: Path, setup: Setup, seen: Mapping[str, Facts], mine: Mapping[str, str]) -> str:
    """My plan against the bundle's, with its names: the same to the byte, or what differs."""
    from stackwright import bundle

    theirs = {own: name for name, own in mine.items()}
    rename = bundle.renamer(bundle.between(seen, setup.facts, theirs.items()))
    own = bundle.plan_files(setup.plan(bundle.rename_facts(seen, rename, theirs)))
    given = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted((folder / "plan").rglob("*"))
        if path.is_file()
    }
    different = bundle.compare(given, own)
    if not different:
        return "the plan for these hosts is that of the bundle, to the byte (names, addresses and secrets aside)"
    return "the plan for these hosts differs from that of the bundle:\n" + "\n".join(f"  {line}" for line in different)
