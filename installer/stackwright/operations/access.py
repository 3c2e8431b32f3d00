"""Opens the connections to a cloud's hosts."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from stackwright.operations.options import AccessOptions
from stackwright.ssh.pool import Hosts
from stackwright.state.directory import Access, StateDir

if TYPE_CHECKING:
    from collections.abc import Callable

    from stackwright.model import Answers


def connect(
    options: AccessOptions,
    state: StateDir,
    extra: Access | None = None,
    note: Callable[[str], None] = lambda _: None,
    *,
    preview: bool = False,
) -> Hosts:
    """Connections with the settings of the options; those that they leave out come from `extra`, then from the last
    successful run of the same cloud. `note` reports the latter. For a `preview`, no key is installed on a host."""
    given = options.access.over(extra or Access())
    access = given.over(Access.from_json(state.read("access.json")))
    if remembered := [f"{key.replace('_', ' ')} {_text(value)}" for key, value in access.differences(given)]:
        note(f"SSH as in the last successful run: {', '.join(remembered)}")
    return Hosts(
        access,
        state,
        accept_new=options.accept_new_host_keys,
        confirm=options.confirm,
        password=options.password() if options.password else "",
        sudo_password=options.sudo_password() if options.sudo_password else "",
        over_ssh=options.over_ssh,
        passphrase=options.passphrase,
        installs_keys=not preview,
    )


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def public_key(answers: Answers, options: AccessOptions, note: Callable[[str], None]) -> Path | None:
    """The user's public key to install on the hosts, if there is one."""
    if not answers["CONFIG_SSH_KEY"] or not options.password:
        return None
    given = Path(str(answers["CONFIG_SSH_KEY"]))
    with contextlib.suppress(RuntimeError):  # the home folder of an account that is not there
        given = given.expanduser()
    given = given.with_suffix(".pub")
    if not given.is_file():
        note(f"CONFIG_SSH_KEY: {given} does not exist on this machine; no key of yours is installed")
        return None
    return given
