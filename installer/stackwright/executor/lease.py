"""Keeps two operators apart on a host: a lease file, renewed over one open channel while a plan is carried out.

The host answers each renewal. A missing answer shows a dead connection; a slow command alone does not.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable

from stackwright import shell, untrusted
from stackwright.model import ExitCode, StackwrightError
from stackwright.ssh import Channel, Connection, closing, disk_hint

BEAT = 10.0
"""Seconds between renewals."""
LAPSE = 120
"""Seconds after which a lease without renewal expires. Measured by the host's uptime, because its clock may jump."""
DEAD = 75.0
"""Seconds without an answer after which a connection counts as dead. The kernel notices a cut connection sooner. This
limit is for hosts that hang; it must be long enough for hosts that are only busy."""


class Lease:
    """A host's lease. Raises StackwrightError(BUSY) when another operator has it.

    When the host stops answering, the connection is dropped, so that all readers notice.
    `release` ends the lease. If the process dies, its channel closes, which ends the lease too.
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
        """Ends the lease; never raises."""
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
                    f"{self._connection.host}: cannot use {self._connection.base}: {answer}", disk_hint(answer)
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
                    pass  # the host does not answer: the lease expires


def _answer(channel: Channel, timeout: float) -> str:
    """The first whole line of output; if the script ended without one, its last line on stderr. Raises StackwrightError
    if there is no answer in time."""
    until = time.monotonic() + timeout
    out, err = b"", b""
    while (got := channel.receive(min(1.0, max(0.01, until - time.monotonic())))) is not None:
        out += got[0]
        err += got[1]
        if len(out) + len(err) > 2**16:
            raise StackwrightError("the host says far too much", code=ExitCode.UNREACHABLE)
        if b"\n" in out:
            return untrusted.printable(out.partition(b"\n")[0].decode(errors="replace"))
        if time.monotonic() > until:
            raise StackwrightError(f"no answer for {timeout:.0f} s", code=ExitCode.UNREACHABLE)
    return untrusted.printable(err.decode(errors="replace")).strip().rpartition("\n")[2]
