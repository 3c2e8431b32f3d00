"""Converts parsed arguments to the typed options of operations, and asks the user questions."""

from __future__ import annotations

import argparse
import atexit
import os
import shlex
import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import cast

from stackwright.cli import streams
from stackwright.model import ExitCode, StackwrightError
from stackwright.operations.options import AccessOptions, AnswerOptions, ApplyOptions, CheckOptions, Console
from stackwright.state.directory import Access


def console(arguments: argparse.Namespace) -> Console:
    """Standard output for results, standard error for remarks."""
    from stackwright.output.machine import Output

    out = cast(object, sys.stdout)
    verbosity = int(arguments.verbosity)
    given = Console(
        show=partial(print, flush=True),
        note=partial(_print_error, flush=True) if verbosity >= 0 else _silent,
        busy=streams.busy if verbosity >= 0 else _not_shown,
        verbosity=verbosity,
    )
    if not isinstance(out, Output):
        return given
    return replace(given, as_json=True, result=out.result, problems=out.problems, event=out.event)


def _not_shown(_: str) -> AbstractContextManager[None]:
    """Takes what --quiet does not show."""
    return nullcontext()


def _silent(_: str) -> None:
    """Takes remarks that --quiet suppresses."""


def _print_error(text: str, *, flush: bool) -> None:
    print(text, file=sys.stderr, flush=flush)


def _release(name: str) -> str:
    """The name of an OpenStack release. Raises StackwrightError for another one, before any host is asked."""
    from stackwright.values.releases import names, release

    try:
        return release(name)
    except ValueError:
        raise StackwrightError(
            f"unknown release {name!r}", f"choose one of {', '.join(names())}", ExitCode.USAGE
        ) from None


def settings(arguments: argparse.Namespace, release: str | None = None) -> dict[str, str]:
    """Answers given as flags and with --set, by key; `release` replaces what --release says. Raises StackwrightError
    for an unknown key."""
    from stackwright.answers.flags import settings as from_flags

    out = from_flags(arguments.presets, arguments.settings)
    asked = _release(arguments.release) if release is None else release
    for key, value in (("CONFIG_OPENSTACK_RELEASE", asked), ("CONFIG_RDO_TRUNK", arguments.trunk)):
        if value:
            out.setdefault(key, value)
    return out


def answer_options(arguments: argparse.Namespace, release: str | None = None) -> AnswerOptions:
    """Answer files, single answers, and where state is kept."""
    return AnswerOptions(tuple(arguments.answer_file), settings(arguments, release), arguments.state)


def required_answers(arguments: argparse.Namespace, command: str, besides: str = "") -> AnswerOptions:
    """The same for a command that needs an answer file; if none was given, finds one and reports it. Raises
    StackwrightError if that is not possible."""
    from stackwright.operations import clouds

    given, why = clouds.choose(answer_options(arguments), command, os.environ, besides)
    if why:
        console(arguments).note(f"answers: {', '.join(map(str, given.files))} ({why})")
    return given


_PUBLIC = (b"ssh-", b"ecdsa-", b"sk-", b"---- BEGIN SSH2 PUBLIC")
"""What a file with a public key begins with."""


def _private_key(given: Path) -> Path:
    """The file of --ssh-key. Raises StackwrightError if it cannot be read or has a public key."""
    path = given.expanduser()
    try:
        with path.open("rb") as file:
            begin = file.read(40)
    except OSError as error:
        raise StackwrightError(
            f"--ssh-key {given}: {(error.strerror or str(error)).lower()}",
            "name the file of a private key, such as ~/.ssh/id_ed25519",
            ExitCode.USAGE,
        ) from None
    if begin.startswith(_PUBLIC):
        hint = f"use the private key: {given.with_suffix('')}" if given.suffix == ".pub" else "use the private key"
        raise StackwrightError(f"--ssh-key {given} is a public key", hint, ExitCode.USAGE)
    return path.resolve()


def access_options(arguments: argparse.Namespace) -> AccessOptions:
    """How the hosts are reached. Questions are asked only on a terminal, except for passwords that flags request."""
    terminal = sys.stdin.isatty()
    return AccessOptions(
        Access(
            user=arguments.user,
            port=arguments.port,
            keys=tuple(str(_private_key(k)) for k in arguments.ssh_key),
            known_hosts=tuple(str(k.resolve()) for k in arguments.known_hosts),
            jump=arguments.jump,
        ),
        accept_new_host_keys=arguments.accept_new_host_keys,
        over_ssh=arguments.over_ssh,
        password=partial(streams.secret, "SSH password: ") if arguments.ask_password else None,
        sudo_password=partial(streams.secret, "sudo password: ") if arguments.ask_sudo_password else None,
        confirm=ConfirmHostKey() if terminal else None,
        passphrase=_passphrase if terminal else None,
    )


def access_words(arguments: argparse.Namespace) -> str:
    """The flags of `access_options`, as they are typed."""
    words = [f"--{name}={value}" for name in ("user", "port", "jump") if (value := getattr(arguments, name))]
    words += [f"--ssh-key={path}" for path in arguments.ssh_key] + [f"--known-hosts={p}" for p in arguments.known_hosts]
    switches = ("accept_new_host_keys", "ask_password", "ask_sudo_password", "over_ssh")
    return shlex.join([*words, *(f"--{name.replace('_', '-')}" for name in switches if getattr(arguments, name))])


def check_options(arguments: argparse.Namespace) -> CheckOptions:
    """What is checked before anything is changed."""
    return CheckOptions(frozenset(arguments.skip_check), arguments.locked)


def apply_options(arguments: argparse.Namespace) -> ApplyOptions:
    """How a plan is carried out."""
    return ApplyOptions(
        check_options(arguments),
        dry_run=arguments.dry_run,
        again=arguments.again,
        timeout=arguments.timeout,
        parallel=arguments.parallel,
        verify=not arguments.no_verify,
    )


class ConfirmHostKey:
    """Asks the user whether to accept a host key. The answer `all` accepts this one and the keys of all other hosts,
    which are only shown, so that many hosts do not mean many questions."""

    def __init__(self) -> None:
        self.all = False

    def __call__(self, host: str, kind: str, fingerprint: str) -> bool:
        unknown = f"The host key of {host} is unknown:\n  {kind} {fingerprint}\n"
        if self.all:
            print(unknown, end="", flush=True, file=sys.stderr)
            return True
        # On standard error, because a program may read standard output.
        print(f"{unknown}Accept it? (yes/no/all) ", end="", flush=True, file=sys.stderr)
        # Not with input(): this is not the main thread, and input() would prevent the program from ending.
        with streams.asking():
            reply = os.read(sys.stdin.fileno(), 1000).decode(errors="replace").strip().lower()
        self.all = reply in {"a", "all"}
        return self.all or reply in {"y", "yes"}


def _passphrase(key: Path) -> str:
    import getpass
    import termios

    # Ctrl-C interrupts the main thread, not this one, which has disabled the terminal's echo.
    atexit.register(termios.tcsetattr, sys.stdin, termios.TCSADRAIN, termios.tcgetattr(sys.stdin))
    with streams.asking():
        return getpass.getpass(f"passphrase of {key}: ")
