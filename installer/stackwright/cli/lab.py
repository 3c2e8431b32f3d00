"""The command `lab`: up, list, ssh, down, snapshot, reset, forget."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from stackwright.cli import streams
from stackwright.lab import nodes, records, sizes, snapshots
from stackwright.lab.layout import RELEASES, Node, Size
from stackwright.model import ExitCode, StackwrightError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the lab's subcommands to a parser; `run_command` carries out what was parsed."""
    commands = parser.add_subparsers(dest="lab_command", metavar="COMMAND", required=True)
    up = commands.add_parser("up", help="create nodes in seconds", description="Create disposable nodes")
    up.add_argument("names", nargs="*", metavar="NAME")
    up.add_argument(
        "--release", choices=RELEASES, default="", help=f"Debian release of new nodes (default: {RELEASES[0]})"
    )
    up.add_argument(
        "--from", dest="origin", default="", metavar="TAG|FILE",
        help="start from a snapshot; or create nodes for an answer file or a bundle, each as large as the "
        "host it stands for",
    )  # fmt: skip
    up.add_argument(
        "--memory", type=_memory, default=0, metavar="SIZE",
        help="memory limit of each node, such as 8G (default: from FILE or the snapshot, else no limit)",
    )  # fmt: skip
    up.add_argument("--cpus", type=_cpus, default=0, metavar="N", help="limit of processors of each node, likewise")
    commands.add_parser("list", help="show the nodes", description="Show the lab's nodes and snapshots")
    ssh = commands.add_parser(
        "ssh", help="log in to a node, or run a command on it", description="Log in to a node, or run a command on it"
    )
    ssh.add_argument("name", metavar="NAME")
    ssh.add_argument("words", nargs=argparse.REMAINDER, metavar="COMMAND")
    down = commands.add_parser("down", help="remove nodes completely", description="Remove nodes completely")
    down.add_argument("names", nargs="*", metavar="NAME", help="default: all nodes, after a question")
    down.add_argument("--all", action="store_true", help="remove all nodes without asking")
    snapshot = commands.add_parser(
        "snapshot", help="save the disk of a node, to create nodes from it", description="Save the disk of a node"
    )
    snapshot.add_argument("name", metavar="NAME")
    snapshot.add_argument("tag", metavar="TAG", nargs="?", default="", help="its name (default: NAME-1, NAME-2...)")
    reset = commands.add_parser(
        "reset", help="reset a node to its snapshot in seconds", description="Reset a node to its snapshot"
    )
    reset.add_argument("name", metavar="NAME")
    reset.add_argument("tag", metavar="TAG", nargs="?", default="", help="snapshot (default: its newest)")
    forget = commands.add_parser("forget", help="remove a snapshot", description="Remove a snapshot")
    forget.add_argument("tag", metavar="TAG")


def _memory(text: str) -> int:
    from stackwright.values.single import size

    try:
        found = size(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if found < sizes.LEAST_MEMORY:
        raise argparse.ArgumentTypeError(f"{text} is too small; a node needs {sizes.LEAST_MEMORY // 2**20}M")
    return found


def _cpus(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 10_000:
        raise argparse.ArgumentTypeError("must be a whole number of processors, such as 2")
    return int(text)


def say(line: str) -> None:
    """Prints a message for people."""
    print(line, file=sys.stderr, flush=True)


def row(node: Node) -> str:
    """A node as a line of a table."""
    size = f"  {node.size}" if node.size != Size() else ""
    return f"{node.name:<16} {node.state:<8} {node.release:<9} {node.address:<15} {node.fqdn}{size}"


def run_command(arguments: argparse.Namespace) -> int:
    """Carries out a parsed lab command and returns the exit status. Raises StackwrightError."""
    from stackwright.operations.lab import TRUST, is_description, up_from

    match arguments.lab_command:
        case "up" if arguments.origin and is_description(arguments.origin):
            asked = Size(arguments.memory, arguments.cpus)
            there = up_from(Path(arguments.origin), arguments.names, arguments.release, asked, say)
            print("\n".join(f"{host} -> {row(node)}" for host, node in there.nodes.items()))
            print(f"\nnext: {there.command}")
        case "up":
            size = dict.fromkeys(arguments.names, Size(arguments.memory, arguments.cpus))
            sizes.check_room(size.values(), say)
            made = nodes.up(arguments.names, release=arguments.release, snapshot=arguments.origin, size=size, say=say)
            print("\n".join(row(node) for node in made))
            say(TRUST)
            print(f"\nlog in: stackwright lab ssh {arguments.names[0]}")
        case "list":
            found = records.list_nodes()
            as_json = getattr(arguments, "json", False)
            if as_json:
                streams.result({"nodes": [asdict(n) for n in found], "snapshots": records.list_snapshots()})
            elif not found:
                print("no nodes; create one with `stackwright lab up n1`")
            else:
                print("\n".join(row(node) for node in found))
            if not as_json and (tags := records.list_snapshots()):
                print(f"snapshots: {', '.join(tags)}")
        case "ssh":
            if getattr(arguments, "json", False):
                raise StackwrightError(
                    "lab ssh runs another program, which prints no JSON", "omit --json", ExitCode.USAGE
                )
            words = records.ssh_command(arguments.name) + arguments.words
            os.execvp(words[0], words)
        case "down":
            _confirm_removal(arguments.names, everything=arguments.all)
            removed = nodes.down(arguments.names, say=say)
            print(f"removed: {', '.join(removed)}" if removed else "nothing to remove")
        case "snapshot":
            tag = arguments.tag or snapshots.next_tag(arguments.name, records.chosen(None))
            snapshots.take_snapshot(arguments.name, tag, say=say)
            print(f"snapshot {tag} created\nreset to it: stackwright lab reset {arguments.name}")
        case "reset":
            tag = snapshots.reset(arguments.name, arguments.tag, say=say)
            print(f"{arguments.name} was reset to " + (f"snapshot {tag}" if tag else "its first state"))
        case "forget":
            snapshots.remove_snapshot(arguments.tag)
    return ExitCode.OK


def _confirm_removal(names: Sequence[str], *, everything: bool) -> None:
    """Asks for confirmation before all nodes are removed. Raises StackwrightError if the answer is not yes, or if
    standard input is not a terminal."""
    if names and everything:
        raise StackwrightError(
            "lab down: names and --all contradict each other", "use only one of them", ExitCode.USAGE
        )
    if names or everything or not (there := [node.name for node in records.list_nodes()]):
        return
    if not sys.stdin.isatty():
        raise StackwrightError(
            f"lab down without a name removes all nodes: {', '.join(there)}",
            "name the nodes, or add --all",
            ExitCode.USAGE,
        )
    print(f"Remove all nodes ({', '.join(there)})? (yes/no) ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise StackwrightError("nothing was removed", code=ExitCode.USAGE)


def main(argv: Sequence[str]) -> int:
    """`stackwright lab ARGV`: returns the exit status; errors are printed on standard error, without a traceback."""
    parser = argparse.ArgumentParser(prog="stackwright lab", description="Manage disposable nodes on this machine.")
    add_arguments(parser)
    try:
        return run_command(parser.parse_args(argv))
    except StackwrightError as error:
        print(f"error: {error.message}" + (f"\n\nhint: {error.hint}" if error.hint else ""), file=sys.stderr)
        return error.code
    except KeyboardInterrupt:
        print("\ninterrupted; `stackwright lab down NAME` removes unfinished nodes", file=sys.stderr)
        return ExitCode.INTERRUPTED
