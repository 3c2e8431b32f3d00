"""A person's first instance: boots one in the demo project, and says how to log in to it."""

from __future__ import annotations

import re
import shlex
import socket
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from stackwright import shell
from stackwright.model import ExitCode, StackwrightError
from stackwright.operations import verify
from stackwright.ssh import own_key

if TYPE_CHECKING:
    from stackwright.operations.context import RunContext
    from stackwright.operations.options import Console, LaunchOptions
    from stackwright.ssh import Connection
    from stackwright.state.directory import StateDir

_LIMIT = 600.0
"""Seconds for an instance to boot: emulation is slow."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


@dataclass(frozen=True)
class Instance:
    """An instance that can be logged in to."""

    name: str
    address: str
    user: str
    key: Path
    jump: str = ""
    """The host to go through: USER@HOST where this machine does not reach the address itself."""

    @property
    def ssh(self) -> str:
        """The command that logs in to it."""
        jump = f"-J {shlex.quote(self.jump)} " if self.jump else ""
        return f"ssh {jump}-i {shlex.quote(str(self.key))} {self.user}@{self.address}"


def check_name(name: str) -> None:
    """Raises StackwrightError for what cannot be the name of an instance and of its files."""
    if not _NAME.fullmatch(name):
        raise StackwrightError(
            f"{name!r} is not a name for an instance", "use letters, digits, dots and dashes", ExitCode.USAGE
        )


def launch(run: RunContext, options: LaunchOptions, console: Console) -> Instance:
    """Boots an instance, or finds the one of that name. Raises StackwrightError."""
    connection = _host(run)
    key = own_key(_key(run.state, options.name), f"stackwright-{options.name}")
    script = shell.fill(
        "operations/launch.sh",
        NAME=options.name,
        IMAGE=options.image or str(run.answers["CONFIG_PROVISION_IMAGE_NAME"]),
        FLAVOR=options.flavor,
        NETWORK="private",
        EXTERNAL="public",
    )
    console.note(f"instance {options.name}: booting on {verify.host_of(run.cloud)}'s cloud, at most 10 minutes")
    lines = _run(connection, script, key.with_suffix(".pub").read_bytes()).splitlines()
    address = str(ip_address(lines[-1])) if lines else ""
    host = verify.host_of(run.cloud)
    jump = "" if _reached(address) else f"{run.hosts.access.user or 'root'}@{host}"
    return Instance(options.name, address, verify.image_user(run.cloud), key, jump)


def delete(run: RunContext, options: LaunchOptions) -> None:
    """Removes an instance that `launch` made, its floating address and its key. Raises StackwrightError."""
    _run(_host(run), shell.fill("operations/launch_delete.sh", NAME=options.name))
    key = _key(run.state, options.name)
    for path in (key, key.with_suffix(".pub")):
        path.unlink(missing_ok=True)


def _key(state: StateDir, name: str) -> Path:
    return state.folder / "instances" / f"{name}.key"


def _host(run: RunContext) -> Connection:
    """The host with the clients. Raises StackwrightError where the cloud has no demo project to boot in."""
    cloud, answers = run.cloud, run.answers
    missing = [key for key in ("CONFIG_PROVISION_DEMO", "CONFIG_CLIENT_INSTALL") if not answers[key]]
    if missing or not (cloud.has("nova-compute") and cloud.has("clients")):
        raise StackwrightError(
            f"launch uses the demo project and the clients, which this cloud does not have: {', '.join(missing)}",
            "set these answers to y and apply, or use `stackwright openrc` and the openstack command",
            ExitCode.USAGE,
        )
    return run.hosts.connect(next(iter(cloud.having("clients"))).name)


def _run(connection: Connection, script: str, data: bytes = b"") -> str:
    result = connection.run(script, timeout=_LIMIT, data=data)
    if result.exit:
        lines = (result.err or result.out).strip().splitlines() or [f"exit status {result.exit}"]
        raise StackwrightError(
            f"{connection.host}: {lines[-1]}",
            "see what failed with `stackwright verify`, then run the same command again",
            ExitCode.FAILED,
        )
    return result.out


def _reached(address: str) -> bool:
    """Whether SSH at the address answers this machine; an instance that is still booting refuses, which counts."""
    try:
        with socket.create_connection((address, 22), timeout=10):
            return True
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
