"""Looks at hosts before there is an answer file. Keeps nothing, and changes nothing on them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

from stackwright.model import Facts, StackwrightError
from stackwright.operations import inspection
from stackwright.ssh import parallel
from stackwright.ssh.pool import Hosts
from stackwright.state.directory import Access, StateDir


def first_look(names: Iterable[str]) -> dict[str, Facts | StackwrightError]:
    """By host its facts, or why it cannot be used: it cannot be reached, nobody can log in with a key, or the installer
    does not know its system.

    No password is sent, and unknown host keys are not kept: the first command that uses the answers asks for both.
    """
    with tempfile.TemporaryDirectory(prefix="stackwright-interview-") as folder:
        state = StateDir(Path(folder))
        with Hosts(Access(), state, accept_new=True) as hosts:

            def one(name: str) -> Facts | StackwrightError:
                try:
                    return inspection.facts_of(hosts, name)
                except StackwrightError as error:
                    return error

            return parallel.map(tuple(names), one)
