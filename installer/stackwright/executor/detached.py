"""Runs a script on a host detached from the SSH session, and follows its output. Following survives lost connections,
and a later process can attach to the run.

On the host each run has a private folder BASE/runs/NAME: `in/` (its input, removed when it ends), `log`, `pid`, `boot`,
`digest`, `token`, `rc` (its exit status), `alive` (locked while it runs) and `collected` (its result was read).
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stackwright import shell, untrusted
from stackwright.model import ExitCode, StackwrightError
from stackwright.ssh import Connection, closing, disk_hint, pack


@dataclass(frozen=True)
class Ended:
    """How a detached run ended. `exit` is None if there is no exit status: it died, or the host was `rebooted`."""

    exit: int | None
    lines: tuple[str, ...]
    """Its output, the last 5,000 lines."""
    rebooted: bool = False
    seconds: float = 0.0


@dataclass(frozen=True)
class Patience:
    """Time limits, in seconds."""

    timeout: float
    """For the whole run. While the run writes output, it may take up to `ceiling` times as long."""
    quiet: float = 300.0
    """A run past its timeout is ended when it has written nothing for this time."""
    ceiling: float = 4.0
    gone: float = 600.0
    """How long a host may be unreachable before the run fails; must be longer than a reboot."""
    every: float = 0.2
    """Between two reads of the run's log on the host."""


class HostGone(StackwrightError):
    """A host was unreachable for longer than `Patience.gone`."""


class RunTimeout(StackwrightError):
    """A run exceeded its time limit, and was ended."""


def run_name(text: str) -> str:
    """A folder name for a run: readable, and without characters that are special to shells or file systems."""
    safe = re.sub(r"[^A-Za-z0-9._:-]+", "-", text).strip("-.")[:100]
    return safe if safe == text else f"{safe}-{hashlib.sha256(text.encode()).hexdigest()[:6]}"


def run_detached(
    connection: Connection,
    name: str,
    digest: str,
    inputs: Sequence[tuple[str, bytes, int]],
    patience: Patience,
    *,
    on_line: Callable[[str], None],
    on_note: Callable[[str, str], None],
    on_idle: Callable[[], None] = lambda: None,
    again: bool = False,
    direct: Sequence[str] = (),
) -> Ended:
    """Runs `script`, one of the inputs (name, content, mode), as root and detached, and follows it to its end.

    If a run of the same digest is still going on, attaches to it instead. If one succeeded and its result was not read
    yet, returns that result, unless `again`. The kinds of `on_note(kind, text)` are: started, attached, resumed,
    waiting, lost, back. `on_idle` is called for each second without output. If the host has a proxy, names and
    addresses in `direct` are added to no_proxy.
    Raises HostGone, RunTimeout, and StackwrightError if the run cannot be started.
    """
    folder = f"{connection.base}/runs/{run_name(name)}"
    wrapper = shell.fill("executor/detached_wrapper.sh", DIR=folder, BASE=connection.base, DIRECT=",".join(direct))
    payload = pack([("wrapper", wrapper.encode(), 0o600), *inputs])
    token = secrets.token_hex(8)
    follower = _Follower(patience, on_line)
    lost_at: float | None = None
    waited = False
    while True:
        script = shell.fill(
            "executor/detached_follow.sh",
            DIR=folder,
            DIGEST=digest,
            TOKEN=token,
            AGAIN="1" if again else "",
            OFFSET=follower.offset,
            EVERY=patience.every,
        )
        try:
            with closing(connection.open(script)) as channel:
                channel.send(payload)
                channel.end()
                while (got := channel.receive(1.0)) is not None:
                    if lost_at is not None:
                        lost_at = None
                        on_note("back", "the connection is back")
                    for word in follower.feed(*got):
                        if word in ("started", "attached", "resumed"):
                            on_note(word, _NOTES[word])
                    if not any(got):
                        on_idle()
                    follower.check(connection.host)
        except RunTimeout:
            connection.run(shell.fill("executor/detached_stop.sh", DIR=folder), timeout=30)
            raise
        except StackwrightError as error:
            if error.code != ExitCode.UNREACHABLE:
                raise
            now = time.monotonic()
            if lost_at is None:
                lost_at = now
                on_note("lost", error.message)
            if now - lost_at > patience.gone:
                raise HostGone(
                    f"{connection.host}: the host has not answered for {now - lost_at:.0f} s: {error.message}",
                    "Check its console. When it is back, run `stackwright apply` again: it attaches to this step.",
                    ExitCode.UNREACHABLE,
                ) from None
            connection.drop()
            time.sleep(min(5.0, 0.5 + (now - lost_at) / 4))
            continue
        if follower.verdict == "other":
            if not waited:
                waited = True
                on_note("waiting", "an earlier version of this step is still running there; waiting for it to end")
            follower.check(connection.host)
            follower.verdict = ""
            time.sleep(2)
            continue
        if not follower.verdict:
            if channel.status() == 0:
                follower.check(connection.host)
                time.sleep(0.5)  # the follower was ended, the run was not
                continue
            text = follower.errors()
            raise StackwrightError(f"{connection.host}: a run could not be started: {text}", disk_hint(text))
        return follower.ended()


_NOTES = {
    "started": "started",
    "attached": "a step from an earlier run is still running; attaching to it",
    "resumed": "the step ended while no connection was open",
}


class _Follower:
    """The output of a run that was read so far: whole lines, the offset, and the state that the host reported."""

    def __init__(self, patience: Patience, on_line: Callable[[str], None]) -> None:
        self.offset = 0
        self.verdict = ""
        self._patience = patience
        self._on_line = on_line
        self._rest = b""
        self._err = b""
        self._told = 0
        self._err_lines: list[str] = []
        self._lines: list[str] = []
        self._since = self._heard = time.monotonic()

    def feed(self, out: bytes, err: bytes) -> list[str]:
        """Processes received bytes. Returns the words that the follower script wrote about the run's state."""
        if out:
            self._heard = time.monotonic()
            self.offset += len(out)
            whole, self._rest = _split(self._rest, out)
            for raw in whole:
                self._line(raw)
        words = []
        if err:
            self._told += len(err)
            whole, self._err = _split(self._err, err)
            for raw in whole:
                text = untrusted.printable(raw.decode(errors="replace"))
                if not text.startswith("stackwright: "):
                    self._err_lines = [*self._err_lines, text][-20:]
                    continue
                word = text.removeprefix("stackwright: ").strip()
                words.append(word)
                if re.fullmatch(r"exit \d{1,3}|died|rebooted|other", word, re.ASCII):
                    self.verdict = word
                elif word.startswith("nostart "):
                    self._err_lines.append(word.removeprefix("nostart "))
        return words

    def errors(self) -> str:
        """Why the run could not start."""
        return "; ".join(self._err_lines[-3:]) or "the host gave no reason"

    def check(self, host: str) -> None:
        """Raises RunTimeout when the run is past its time and not just slow, or has written too much."""
        if self.offset + 100 * self._told > untrusted.MOST_LOG:
            raise RunTimeout(
                f"{host}: the run has written more than {untrusted.MOST_LOG} bytes; it was ended",
                "Inspect the host: it may be damaged or under somebody else's control.",
            )
        now = time.monotonic()
        taken, quiet = now - self._since, now - self._heard
        limit = self._patience.timeout
        if taken > limit and (quiet > min(self._patience.quiet, limit) or taken > limit * self._patience.ceiling):
            raise RunTimeout(
                f"{host}: not finished after {taken:.0f} s, and without output for {quiet:.0f} s; it was ended",
                "If the host is only slow, set a longer limit with `--timeout SECONDS`.",
            )

    def ended(self) -> Ended:
        if self._rest:
            self._line(self._rest[: untrusted.MOST_LINE])
            self._rest = b""
        seconds = time.monotonic() - self._since
        code = int(self.verdict.split()[1]) if self.verdict.startswith("exit ") else None
        return Ended(code, tuple(self._lines), rebooted=self.verdict == "rebooted", seconds=seconds)

    def _line(self, raw: bytes) -> None:
        text = untrusted.printable(raw.decode(errors="replace").rstrip("\r"))
        self._lines.append(text)
        if len(self._lines) > 6000:
            del self._lines[:1000]
        self._on_line(text)


def _split(rest: bytes, new: bytes) -> tuple[list[bytes], bytes]:
    """Whole lines, and what has come of the next one; no more of a line than MOST_LINE."""
    most = untrusted.MOST_LINE
    first, *others = new.split(b"\n")
    first = rest + first[: most + 1 - len(rest)] if len(rest) <= most else rest
    *whole, rest = [first, *(line[: most + 1] for line in others)]
    return [line if len(line) <= most else line[:most] + b" [...]" for line in whole], rest


def out_of_memory(connection: Connection) -> tuple[str, ...]:
    """The kernel's messages about processes that it killed because memory ran out; empty without any, or if the host
    does not answer."""
    try:
        return tuple(connection.run(shell.fill("executor/out_of_memory.sh"), timeout=15).out.splitlines())
    except StackwrightError:
        return ()
