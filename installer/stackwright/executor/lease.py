"""Keeps two operators apart on a host: a lease file, renewed over one open channel while a plan is carried out.

Each renewal is answered by the host, so this also tells a dead link from a slow command.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable

from stackwright import shell
from stackwright.model import ExitCode, StackwrightError
from stackwright.ssh import Channel, Connection, closing, disk_hint

BEAT = 10.0
"""Seconds between renewals."""
LAPSE = 120
"""Seconds after which a lease that nobody renewed may be taken. Counted by the host's uptime: its clock may jump."""
DEAD = 75.0
"""Seconds without an answer after which a link counts as dead. A cut one is noticed sooner, by the kernel: this is for
links whose other end is there and does nothing, and must not take a busy host for a dead one."""


class Lease:
    """A host's lease. Raises StackwrightError(BUSY) when another operator has it.

    When the host stops answering, the connection is dropped, so that whoever reads from it notices.
    `release` gives it back; a process that dies gives it back too, since its channel closes.
    """

    def __init__(self, connection: Connection, who: str, *, on_lost: Callable[[str], None]) -> None:
        self._connection = connection
        self._who = " ".join(who.split())
        self._token = secrets.token_hex(8)
        self._on_lost = on_lost
        self._ended = threading.Event()
        self._channel = self._take()
        self._thread = threading.Thread(target=self._keep, daemon=True, name=f"lease-{connection.host}")
        self._thread.start()

    def release(self) -> None:
        """Gives the lease back; never raises."""
        self._ended.set()
        self._thread.join(5)

    def _take(self) -> Channel:
        script = shell.fill(
            "executor/lease.sh", BASE=self._connection.base, TOKEN=self._token, WHO=self._who, LAPSE=LAPSE
        )
        channel = self._connection.open(script)
        try:
            answer = _answer(channel, 120)
            if answer.startswith("busy "):
                raise StackwrightError(
                    f"{self._connection.host}: another operator works on this host: {answer.removeprefix('busy ')}",
                    f"Wait for them to finish. If that machine is gone, the lease expires after {LAPSE} s.",
                    ExitCode.BUSY,
                )
            if answer != "held":
                raise StackwrightError(
                    f"{self._connection.host}: {self._connection.base} cannot be used: {answer}", disk_hint(answer)
                )
        except BaseException:
            channel.close()
            raise
        return channel

    def _keep(self) -> None:
        channel: Channel | None = self._channel
        while not self._ended.wait(BEAT if channel else 1.0):
            try:
                if channel is None:
                    channel = self._take()
                    continue
                channel.send(b"\n")
                if (answer := _answer(channel, DEAD - BEAT)) != "beat":
                    if answer == "lost":
                        self._on_lost("another operator has taken the host over")
                    raise StackwrightError(answer)
            except StackwrightError as error:
                if channel is not None:
                    channel.close()
                    channel = None
                    self._connection.drop()
                elif error.code == ExitCode.BUSY:
                    self._on_lost(error.message)
                    return
        if channel is not None:
            with closing(channel):
                try:
                    channel.end()
                    _answer(channel, 3)
                except StackwrightError:
                    pass  # nobody there: the lease lapses by itself


def _answer(channel: Channel, timeout: float) -> str:
    """The first whole line that comes, or what came on stderr when it ended without one. Raises StackwrightError when
    nothing came in time."""
    until = time.monotonic() + timeout
    out, err = b"", b""
    while (got := channel.receive(min(1.0, max(0.01, until - time.monotonic())))) is not None:
        out += got[0]
        err += got[1]
        if b"\n" in out:
            return out.partition(b"\n")[0].decode(errors="replace")
        if time.monotonic() > until:
            raise StackwrightError(f"no answer for {timeout:.0f} s", code=ExitCode.UNREACHABLE)
    return err.decode(errors="replace").strip().rpartition("\n")[2]
