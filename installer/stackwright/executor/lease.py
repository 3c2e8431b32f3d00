"""Keeps two operators apart on a host: a lease file, renewed over one open channel while a plan is carried out.

Each renewal is answered by the host, so this also tells a dead link from a slow command.
"""

from __future__ import annotations

import secrets
import shlex
import threading
import time
from collections.abc import Callable

from stackwright.model import ExitCode, StackwrightError
from stackwright.ssh import Channel, Connection, closing, disk_hint

BEAT = 10.0
"""Seconds between renewals."""
LAPSE = 120
"""Seconds after which a lease that nobody renewed may be taken. Counted by the host's uptime: its clock may jump."""
DEAD = 75.0
"""Seconds without an answer after which a link counts as dead. A cut one is noticed sooner, by the kernel: this is for
links whose other end is there and does nothing, and must not take a busy host for a dead one."""

# A lease of another boot is void: nothing of that run can still be going on.
_HOLD = """\
umask 077
base=@BASE@ token=@TOKEN@ who=@WHO@
mkdir -p "$base/runs" || exit 1
boot=$(cat /proc/sys/kernel/random/boot_id).$(cut -d' ' -f22 /proc/1/stat)
now() { read -r up _ </proc/uptime; echo "${up%%.*}"; }
put() {
  printf '%s\\n' "$token" "$$" "$boot" "$(now)" "$since" "$who" >"$base/lease.new" &&
    mv -f "$base/lease.new" "$base/lease"
}
get() {
  { read -r l_token; read -r l_pid; read -r l_boot; read -r l_beat; read -r l_since; read -r l_who; } <"$base/lease"
}
exec 8>>"$base/lease.guard"
flock 8
since=$(date '+%Y-%m-%d %H:%M:%S %Z')
if [ -f "$base/lease" ] && get; then
  if [ "$l_token" != "$token" ] && [ "$l_boot" = "$boot" ] && [ $(($(now) - l_beat)) -lt @LAPSE@ ]; then
    echo "busy $l_who, since $l_since"
    exit 0
  fi
  [ "$l_token" != "$token" ] || since=$l_since
fi
put || { cat /proc/version >"$base/lease.new"; exit 1; } # which says why: a shell's own printf does not
exec 8>&-
for alive in "$base"/runs/*/alive; do
  [ -f "$alive" ] || continue
  run=${alive%/alive}
  if ! [ -d "$run/in" ]; then :; elif (flock -n 9) 9>>"$alive"; then rm -rf "$run/in"; fi
done
echo held
while IFS= read -r _; do
  get && [ "$l_token" = "$token" ] && [ "$l_pid" = "$$" ] || { echo lost; exit 0; }
  put 2>/dev/null
  echo beat
done
get && [ "$l_token" = "$token" ] && [ "$l_pid" = "$$" ] && rm -f "$base/lease"
"""


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
        script = _HOLD
        for name, value in (("BASE", self._connection.base), ("TOKEN", self._token), ("WHO", self._who)):
            script = script.replace(f"@{name}@", shlex.quote(value))
        channel = self._connection.open(script.replace("@LAPSE@", str(LAPSE)))
        try:
            answer = _answer(channel, 120)
            if answer.startswith("busy "):
                raise StackwrightError(
                    f"{self._connection.host}: somebody else is working on this host: {answer.removeprefix('busy ')}",
                    f"Wait for them to finish. A run whose machine vanished gives the host free after {LAPSE} s.",
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
