"""Commands about a cloud that is there: `clouds`, `openrc`, `credentials`, `dashboard`, `launch`."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from stackwright.cli import streams
from stackwright.cli.flags import Parser
from stackwright.model import ExitCode, StackwrightError


def add_arguments(made: dict[str, Parser]) -> None:
    """Adds the flags of these commands to their parsers."""
    made["clouds"].add_argument("--state", type=Path, default=None, metavar="DIR", help="state directory")
    made["openrc"].add_argument(
        "--project", choices=("admin", "demo"), default="admin", help="whose credentials (default: admin)"
    )
    made["launch"].add_argument(
        "name", metavar="NAME", nargs="?", default="first", help="name of the instance (default: first)"
    )
    made["launch"].add_argument("--image", default="", metavar="NAME", help="image to boot (default: the demo image)")
    made["launch"].add_argument(
        "--flavor", default="m1.tiny", metavar="NAME", help="size of the instance (default: m1.tiny)"
    )
    made["launch"].add_argument("--delete", action="store_true", help="remove the instance, its address and its key")


def run(arguments: argparse.Namespace) -> int:
    """Runs one of the commands; returns the exit status. Raises StackwrightError."""
    match arguments.command:
        case "clouds":
            return _clouds(arguments)
        case "launch":
            return _launch(arguments)
    return _account(arguments)


def _clouds(arguments: argparse.Namespace) -> int:
    from stackwright.operations import clouds

    found = clouds.known(arguments.state)
    if arguments.json:
        rows = [
            {"name": c.name, "state": str(c.folder), "answers": [*map(str, c.files)], "applied": c.applied,
             "verified": c.verified}
            for c in found
        ]  # fmt: skip
        streams.result({"clouds": rows})
    elif not found:
        print("no clouds yet; `stackwright --allinone` installs one")
    words = {True: "verified", False: "verification failed", None: "not verified"}
    for cloud in () if arguments.json else found:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(cloud.applied))
        files = " ".join(map(str, cloud.files)) or "answer file unknown"
        print(f"{cloud.name:<24} {when}  {words[cloud.verified]:<20} {files}")
    return ExitCode.OK


def _account(arguments: argparse.Namespace) -> int:
    """Prints what one logs in with, as the last run wrote it. No host is contacted."""
    import yaml

    from stackwright.cli.options import required_answers
    from stackwright.operations import clouds
    from stackwright.operations.answers import read_answers, state_of

    given = required_answers(arguments, arguments.command)
    state = state_of(read_answers(given, resolve=False).answers, given.state)
    name = f"keystonerc_{getattr(arguments, 'project', 'admin')}"
    text = state.read(name if arguments.command == "openrc" else "clouds.yaml")
    if not text:
        raise StackwrightError(
            f"there is no {name} of this cloud: it was not installed yet, or has no such project",
            "install it with `stackwright apply`",
            ExitCode.USAGE,
        )
    if arguments.command == "openrc":
        print(text, end="")
        return ExitCode.OK
    dashboard = clouds.read(state).dashboard
    streams.result({"dashboard": dashboard})
    print(f"dashboard: {dashboard or 'not installed'}")
    for project, entry in yaml.safe_load(text)["clouds"].items():
        auth = entry["auth"]
        password = auth["password"] if arguments.command == "credentials" else "shown by `stackwright credentials`"
        print(f"{project:<6} user {auth['username']}, domain Default, password: {password}")
    return ExitCode.OK


def _launch(arguments: argparse.Namespace) -> int:
    from stackwright.cli.options import access_options, console, required_answers
    from stackwright.operations import access, inspection, launch
    from stackwright.operations.answers import read_answers, state_of
    from stackwright.operations.options import LaunchOptions

    launch.check_name(arguments.name)
    given, out = required_answers(arguments, "launch"), console(arguments)
    answers = read_answers(given).answers
    state = state_of(answers, given.state)
    options = LaunchOptions(arguments.name, arguments.image, arguments.flavor)
    with access.connect(access_options(arguments), state, note=out.note) as hosts:
        cloud = inspection.begin(answers, hosts, state)
        if arguments.delete:
            launch.delete(cloud, options)
            print(f"removed: instance {options.name}, its floating address and its key")
            return ExitCode.OK
        made = launch.launch(cloud, options, out)
    streams.result({"name": made.name, "address": made.address, "ssh": made.ssh})
    print(f"instance {made.name} has the floating address {made.address}; log in when it has booted:\n  {made.ssh}")
    print(f"remove it: stackwright launch {made.name} --delete")
    return ExitCode.OK
