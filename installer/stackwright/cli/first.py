"""What a newcomer starts with: `--gen-answer-file`, `--allinone` and `--install-hosts`."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stackwright.cli import cloud
from stackwright.cli.flags import settings
from stackwright.model import Answers, ExitCode, StackwrightError


def generate(arguments: argparse.Namespace) -> int:
    """--gen-answer-file: writes an answer file, and nothing else."""
    from stackwright.cli import answers as answers_cli

    if arguments.lab is not None:
        raise StackwrightError(
            "--lab makes a node, --gen-answer-file only writes a file", "leave one of them away", ExitCode.USAGE
        )
    path = arguments.gen_answer_file
    here = "" if arguments.allinone else None
    answers_cli.generate(path, here, arguments.install_hosts or "", settings(arguments), minimal=arguments.minimal)
    print(f"edit it, then: stackwright --answer-file {path}")
    return ExitCode.OK


def allinone(arguments: argparse.Namespace) -> int:
    """--allinone and --install-hosts: makes the answer file, or uses the one of an earlier run, then applies it."""
    from stackwright import answers
    from stackwright.answers.reading import local_address
    from stackwright.operations import apply

    names = [h.strip() for h in (arguments.install_hosts or "").split(",") if h.strip()]
    if len(arguments.answer_file) > 1:
        raise StackwrightError(
            f"--{'allinone' if arguments.allinone else 'install-hosts'} makes one answer file, and several were named",
            "name one; to install what several describe: stackwright apply -a A -a B",
            ExitCode.USAGE,
        )
    extra: dict[str, Any] = {}

    def say(line: str) -> None:
        """Standard output is the machine's where it asked for JSON."""
        print(line, file=sys.stderr if arguments.json else sys.stdout, flush=True)

    debian = _release(arguments)
    presets = settings(arguments)
    if arguments.allinone and names and arguments.lab is None:
        raise StackwrightError(
            "--allinone and --install-hosts contradict each other", "leave one of them away", ExitCode.USAGE
        )
    if arguments.lab is not None:
        if names:
            raise StackwrightError(
                "--lab makes its own host; --install-hosts names others", "leave one of them away", ExitCode.USAGE
            )
        node = _lab_node(arguments.lab, debian, say)
        names = [node.address]
        extra = {"user": "root", "keys": (str(node.key),), "known_hosts": (str(node.known_hosts),)}
        for key, value in _lab_presets(node).items():
            presets.setdefault(key, value)
    elif not names:
        names = [local_address()]
    path = (
        arguments.answer_file[0]
        if arguments.answer_file
        else Path.home() / f"stackwright-{arguments.lab or names[0]}.answers"
    )
    place = cloud.place_of(names[0], arguments)
    with cloud.reach(arguments, place, extra) as hosts:
        made = not path.exists()
        if not made:
            say(f"answers: {path} (of an earlier run)")
        else:
            _, found = apply.presets(hosts, names[0])
            text = answers.generate(install_hosts=names, presets={**found, **presets})
            answers.save(path, text)
            say(f"answers: {path} (new; only you can read it)")
        arguments.answer_file = [path]
        try:
            reading = cloud.read(arguments)
            _require(reading.answers, names, path, here=not arguments.install_hosts and arguments.lab is None)
            return cloud.apply(arguments, hosts, place, reading)
        except StackwrightError as error:
            if made and error.code in (ExitCode.PREFLIGHT, ExitCode.ANSWERS):
                path.unlink(missing_ok=True)  # it follows from what the host was; the next one will fit better
                say(f"answers: {path} was not kept. `stackwright --gen-answer-file FILE` makes one to be edited")
            raise


def _require(found: Answers, names: list[str], path: Path, *, here: bool) -> None:
    """Raises StackwrightError where an answer file that was there leaves out a host that was asked for: it would be
    passed over in silence."""
    from stackwright import planner
    from stackwright.services import SERVICES
    from stackwright.ssh.pool import own_addresses

    have = planner.all_hosts(found, SERVICES)
    missing = [name for name in names if name not in have]
    if not missing or (here and own_addresses() & set(have)):
        return
    raise StackwrightError(
        f"{path} was there already, and is for {', '.join(have)}; asked for: {', '.join(missing)}",
        f"write it into that file (CONFIG_COMPUTE_HOSTS...), and then: stackwright --answer-file {path}\n"
        "for another cloud: move that file away, or name a new one with --answer-file",
        ExitCode.USAGE,
    )


def _release(arguments: argparse.Namespace) -> str:
    """The Debian of a lab's node, by --release: its own name (which is no answer then), or the OpenStack release that
    it is to carry. Raises StackwrightError for a name that nobody has.
    """
    from stackwright.platforms import PLATFORMS

    debian = {p.codename: {n for r in p.releases for n in (r.name, r.series)} for p in PLATFORMS if p.codename}
    known = {"master", *debian, *(n for p in PLATFORMS for r in p.releases for n in (r.name, r.series))}
    asked = str(arguments.release).strip().lower()
    choice = ", ".join(f"{', '.join(sorted(names))} ({codename})" for codename, names in debian.items())
    if asked and asked not in known:
        near = difflib.get_close_matches(asked, sorted(known), n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(sorted(known))}"
        raise StackwrightError(f"--release {asked}: there is no such release", hint, ExitCode.USAGE)
    if asked in debian:
        if arguments.lab is None:
            hint = "name an OpenStack release, or add --lab"
            raise StackwrightError(f"--release {asked}: this host has its system already", hint, ExitCode.USAGE)
        arguments.release = ""
        return asked
    found = [codename for codename, names in debian.items() if not asked or asked in names]
    if arguments.lab is not None and not found:
        raise StackwrightError(
            f"--release {asked}: a lab's node has Debian, which does not carry it", f"choose {choice}", ExitCode.USAGE
        )
    return found[0] if found else ""


def _lab_node(name: str, release: str, say: Callable[[str], None]) -> Any:
    from stackwright import lab

    return lab.up([name], release=release, say=say)[0]


def _lab_presets(node: Any) -> dict[str, str]:
    """The demonstration's networks on a node: within the range that is set apart for tests (RFC 2544)."""
    third = (int(str(node.external_network).split(".")[2]) + 128) % 256
    return {
        "CONFIG_PROVISION_DEMO_FLOATRANGE": f"198.19.{third}.0/24",
        "CONFIG_PROVISION_DEMO_PRIVATE_SUBNET": f"198.18.{third}.0/24",
    }
