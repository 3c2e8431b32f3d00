"""The command `bundle`: packs a cloud into one file, and reproduces it on other hosts."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from stackwright.cli import streams
from stackwright.cli.flags import Parser, access_flags, answer_flags, refuse_foreign, run_flags
from stackwright.model import ExitCode


def add_arguments(parser: Parser) -> None:
    """Adds the subcommands to a parser."""
    commands = parser.add_subparsers(dest="bundle_command", metavar="COMMAND", required=True)
    create = commands.add_parser("create", help="write a bundle", description="Write a bundle of a cloud")
    answer_flags(create)
    access_flags(create)
    create.add_argument(
        "-o", "--out", type=Path, default=None, metavar="FILE", help="file to write (default: in this folder)"
    )
    create.add_argument("--offline", action="store_true", help="include all packages, so that no mirror is needed")
    create.add_argument("--neutral", action="store_true", help="replace names and addresses of hosts")
    show = commands.add_parser("show", help="show a bundle", description="Check a bundle, and show its content")
    again = commands.add_parser(
        "reproduce", help="install a bundle", description="Install the cloud of a bundle on other hosts"
    )
    trust = commands.add_parser(
        "trust", help="trust the signer of a bundle", description="Trust all bundles of the signer of this one"
    )
    trust.add_argument("what", metavar="FILE|SHA256:...", help="a bundle, or the fingerprint of a signing key")
    trust.add_argument("name", metavar="NAME", help="what to call the signer")
    trust.add_argument("--state", type=Path, default=None, metavar="DIR", help="state directory")
    for one in (show, again):
        one.add_argument("file", type=Path, metavar="FILE")
        one.add_argument("--signer", default="", metavar="SHA256:...", help="the key that must have signed it")
    answer_flags(again)
    access_flags(again)
    run_flags(again)
    where = again.add_mutually_exclusive_group()
    where.add_argument("--hosts", default="", metavar="A,B,...", help="in the bundle's order, or as THEIRS=MINE")
    where.add_argument(
        "--lab", nargs="?", const="", default=None, metavar="A,B,...", help="on disposable nodes of this machine"
    )
    again.add_argument("--offline", action="store_true", help="use only packages from the bundle")


def run(arguments: argparse.Namespace) -> int:
    """Carries out `arguments.bundle_command`."""
    match arguments.bundle_command:
        case "create":
            return _create(arguments)
        case "trust":
            return _trust(arguments)
        case "show":
            from stackwright import bundle
            from stackwright.operations.bundle import describe

            print(describe(bundle.read(arguments.file, arguments.signer)))
            return ExitCode.OK
    return _reproduce(arguments)


def _trust(arguments: argparse.Namespace) -> int:
    from stackwright import bundle
    from stackwright.operations import signers
    from stackwright.state import directory

    what = arguments.what
    fingerprint = what if what.startswith("SHA256:") else bundle.read(Path(what)).signer
    signers.trust(arguments.state or directory.state_root(), fingerprint, arguments.name)
    print(f"bundles signed by {fingerprint} are trusted from now on; the signer is called {arguments.name}")
    return ExitCode.OK


def _create(arguments: argparse.Namespace) -> int:
    from stackwright.cli.options import access_options, console, required_answers
    from stackwright.operations import access
    from stackwright.operations import bundle as bundle_operations
    from stackwright.operations.answers import read_answers, state_of
    from stackwright.state import directory

    given, note = required_answers(arguments, "bundle create"), console(arguments).note
    answers = read_answers(given).answers
    state = state_of(answers, given.state)
    name = "cloud" if arguments.neutral else state.folder.name
    out = arguments.out or Path(f"{name}-{time.strftime('%Y%m%d')}.bundle")
    refuse_foreign(out, b"PK\3\4")
    request = bundle_operations.BundleRequest(arguments.offline, arguments.neutral)
    root = given.state or directory.state_root()
    with access.connect(access_options(arguments), state, note=note) as hosts:
        index = bundle_operations.create(out, answers, state, hosts, request, root, note)
    streams.result({"file": str(out), "bytes": out.stat().st_size})
    print(f"wrote {out} ({out.stat().st_size // 1024} KiB)\n{bundle_operations.describe(index)}")
    print(f"to reproduce it: stackwright bundle reproduce {out} --lab")
    return ExitCode.OK


def _reproduce(arguments: argparse.Namespace) -> int:
    from stackwright.cli import cloud
    from stackwright.cli.options import access_options, answer_options, apply_options, console
    from stackwright.operations.options import ReproduceOptions
    from stackwright.operations.reproduce import reproduce

    options = ReproduceOptions(
        arguments.file,
        arguments.signer,
        _names(arguments.hosts),
        None if arguments.lab is None else _names(arguments.lab),
        arguments.offline,
    )
    out, how = console(arguments), apply_options(arguments)
    return cloud.show(reproduce(options, answer_options(arguments), access_options(arguments), how, out), out)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())
