"""Events on the screen: a live view on a terminal, one plain line per event elsewhere, JSON lines for machines."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, TextIO

from stackwright.model import Event, StackwrightError
from stackwright.output.machine import as_json
from stackwright.untrusted import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live

_SLOW = 60.0
"""A resource that takes at least this many seconds is shown with its time."""

_OVERDUE = 1.5
"""A step is slow if it takes more than this many times as long as before."""

_FEW = 12
"""With at most this many hosts, the last events include started and skipped steps. With more hosts these would be the
only events."""

_TITLE = 32
"""Maximum length of a step's title in the last events of the live view: leaves room for the result."""

_HEARTBEAT = 20.0
"""Without a live view, the progress of a running step is printed after this many seconds without a line about it."""


# ------------------------------------------------------------------------------------------------------- words


def duration(seconds: float) -> str:
    """4 s, 1 min 20 s, 2 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def clock(seconds: float) -> str:
    """0:04, 1:20, 2:05:00: for columns."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def plain_line(event: Event, longest: int = 1000) -> str | None:
    """One line for an event, or None if the event is only for the live view. A step's title is cut to `longest`
    letters."""
    data = event.data
    now = time.strftime("%H:%M:%S", time.localtime(event.at))
    name = data.get("title") or event.step
    if len(name) > longest:
        name = name[: longest - 1] + "…"
    on = f"{event.host}: " if event.host else ""
    text: str | None = None
    match event.kind:
        case "started":
            about = f" (took {duration(data['estimate'])} before)" if data.get("estimate") else ""
            text = f"{on}{name} ...{about}"
        case "ok":
            changed = f", {data['changed']} changed" if data.get("changed") else ", nothing changed"
            text = f"{on}{name}: done in {duration(data.get('seconds', 0))}{changed}"
        case "kept":
            text = f"{on}{name}: unchanged"
        case "failed":
            text = f"{on}{name}: FAILED after {duration(data.get('seconds', 0))}: {_own_words(event, 'cause')}"
        case "skipped":
            text = f"{on}{name}: skipped, because {data.get('because', '')} failed"
        case "retried":
            wait = f"; next try in {duration(data['wait'])}" if data.get("wait", 0) >= 2 else "; trying again"
            text = f"{on}{_own_words(event, 'why') or event.message}{wait}"
        case "note":
            text = f"{on}{event.message}"
        case "finished":
            text = summary_line(data)
        case "progress":
            return None
    return f"{now} {text}" if text else None


_PERCENT = 100
"""The total of progress that package managers report: it is in percent."""


def portion(done: int, total: int) -> str:
    """How far a step is: 22 %, or 123 of 1608."""
    return f"{done} %" if total == _PERCENT else f"{done} of {total}"


def _own_words(event: Event, key: str) -> str:
    """A text of an event without a leading name of the host, because the line starts with that name."""
    return str(event.data.get(key, "")).removeprefix(f"{event.host}: ")


def summary_line(data: Any) -> str:
    """The summary of a run: finished, failed or interrupted, its duration, and how many steps had which result."""
    word = "Finished" if data.get("ok") else "Failed" if data.get("failed") else "Interrupted"
    parts = [f"{data[key]} {what}" for key, what in _COUNTS if data.get(key)]
    return f"{word} after {duration(data.get('seconds', 0))}: {', '.join(parts) or 'no steps'}"


_COUNTS = (
    ("failed", "failed"),
    ("skipped", "skipped"),
    ("left", "not finished"),
    ("done", "done"),
    ("kept", "unchanged"),
    ("changed", "changes"),
)
"""What is counted, in the order of what matters. Changes are files, scripts and Puppet resources."""


def failure_block(event: Event, others: Sequence[str] = ()) -> str:
    """A failure with its root cause: host, step, failed resource with its messages, the service's log, and a hint.
    `others` are hosts on which the same step failed for the same reason."""
    data = event.data
    hosts = ", ".join((event.host, *others[:2]))
    if len(others) > 2:
        hosts += f" and {len(others) - 2} more hosts"
    out = [f"{hosts}: {data.get('title') or event.step} failed: {_own_words(event, 'cause')}"]
    out += [f"    {line}" for line in data.get("lines", ())]
    if data.get("log"):
        out.append(f"  {data.get('service') or 'the service'} wrote:")
        out += [f"    {line}" for line in data["log"]]
    if data.get("hint"):
        out += ["", f"hint: {data['hint']}"]
    return "\n".join(out)


def _alike(failures: Iterable[Event]) -> Iterable[list[Event]]:
    """Groups equal failures: the same failure on two hundred hosts is shown once."""
    found: dict[tuple[Any, ...], list[Event]] = {}
    for event in failures:
        lines = tuple(str(line).replace(event.host, "") for line in event.data.get("lines", ()))
        kind = event.step.removeprefix(event.host), _own_words(event, "cause").replace(event.host, ""), lines
        found.setdefault(kind, []).append(event)
    return found.values()


def error_block(error: StackwrightError) -> str:
    """The text of an error for people. The message may contain text from a host, so control characters are replaced."""
    return printable(f"error: {error.message}" + (f"\n\nhint: {error.hint}" if error.hint else ""))


# ------------------------------------------------------------------------------------------------------- state


@dataclass
class HostState:
    """What a host is doing, put together from events."""

    name: str
    steps: int = 0
    over: int = 0
    """Number of steps that are over: done, kept, failed or skipped."""
    failed: int = 0
    skipped: int = 0
    running: dict[str, RunningStep] = field(default_factory=dict)
    trouble: str = ""
    """Why Stackwright waits for the host (for example, the connection is lost); empty after the next event."""
    cause: str = ""
    """The cause of its first failure."""

    def rank(self, now: float) -> tuple[int, float]:
        """The order on the screen: failed, in trouble, slow (the slowest first), busy, waiting, finished. Hosts of
        equal rank are in the plan's order, where hosts that others wait for come first."""
        slow = max((step.overdue(now) for step in self.running.values()), default=0.0)
        if self.failed:
            group = 0
        elif self.trouble:
            group = 1
        elif slow:
            group = 2
        elif self.running:
            group = 3
        elif self.over < self.steps:
            group = 4
        else:
            group = 5
        return group, -slow if group == 2 else 0.0


@dataclass
class RunningStep:
    """A running step."""

    title: str
    since: float
    estimate: float = 0.0
    done: int = 0
    total: int = 0
    what: str = ""
    what_since: float = 0.0

    def overdue(self, now: float) -> float:
        """Seconds by which it exceeds its previous duration, or (if that is unknown) spends on one resource; 0 if that
        is not much."""
        if self.estimate:
            beyond = now - self.since - self.estimate
            return beyond if beyond > max(_SLOW, self.estimate * (_OVERDUE - 1)) else 0.0
        return now - self.what_since if now - self.what_since >= _SLOW else 0.0


@dataclass
class Board:
    """The state that the live view shows."""

    hosts: dict[str, HostState] = field(default_factory=dict)
    last: list[str] = field(default_factory=list)
    failures: list[Event] = field(default_factory=list)
    began: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    """Held while the board is changed or drawn, which happens in two threads."""

    def take(self, event: Event) -> None:
        """Updates the board with an event."""
        with self.lock:
            self._take(event)

    def _take(self, event: Event) -> None:
        if not self.began:
            self.began = event.at
        for name, steps in event.data.get("hosts", {}).items() if event.kind == "note" else ():
            self.hosts.setdefault(name, HostState(name)).steps = steps
        if event.host:
            self._host(event, self.hosts.setdefault(event.host, HostState(event.host)))
        if event.kind == "failed":
            self.failures.append(event)
        if event.kind in ("started", "kept", "skipped") and len(self.hosts) > _FEW:
            return
        if line := plain_line(event, _TITLE):
            self.last = [*self.last, line][-50:]

    def _host(self, event: Event, host: HostState) -> None:
        data = event.data
        if event.kind == "retried":
            host.trouble = _own_words(event, "why") or event.message
            return
        host.trouble = ""
        if event.kind == "started":
            host.running[event.step] = RunningStep(
                data.get("title") or event.step, event.at, data.get("estimate") or 0.0, what_since=event.at
            )
        elif event.kind == "progress":
            if step := host.running.get(event.step):
                if step.what != data["what"] and not data.get("for"):
                    step.what_since = event.at
                step.done, step.total, step.what = data["done"], data["total"], data["what"]
        elif event.kind in ("ok", "kept", "failed", "skipped"):
            host.running.pop(event.step, None)
            host.over += 1
            host.failed += event.kind == "failed"
            host.cause = host.cause or _own_words(event, "cause")
            host.skipped += event.kind == "skipped"


def host_cells(host: HostState, now: float) -> tuple[str, str, str, str]:
    """The cells of a host's line: name, steps, activity, time."""
    count = f"{host.over}/{host.steps}" if host.steps else str(host.over)
    if not host.running:
        if host.failed:
            skipped = f"{host.skipped} skipped" if host.skipped else ""
            return host.name, count, "  ".join(filter(None, ("FAILED", host.cause, skipped))), ""
        if host.skipped:
            return host.name, count, f"{host.skipped} skipped", ""
        return host.name, count, "done" if host.steps and host.over >= host.steps else "waiting", ""
    step = max(host.running.values(), key=lambda s: now - s.since)
    parts = [step.title.partition(": ")[0] if step.total or step.what else step.title]
    if step.total:
        parts.append(portion(step.done, step.total))
    if step.what:
        since = now - step.what_since
        parts.append(step.what + (f" (for {duration(since)})" if since >= _SLOW else ""))
    if host.trouble:
        parts = [step.title, host.trouble]
    if host.failed:
        parts.insert(0, "FAILED")
    elapsed = clock(now - step.since)
    if step.estimate and now - step.since > step.estimate:
        elapsed += ", longer than usual"
    elif step.estimate:
        elapsed += f" of ~{clock(step.estimate)}"
    return host.name, count, "  ".join(parts), elapsed


def visible(board: Board, now: float, rows: int) -> tuple[list[HostState], list[HostState]]:
    """The hosts that fit into `rows` lines, most important first, and the hosts that do not fit."""
    if len(board.hosts) <= rows:
        return list(board.hosts.values()), []
    ordered = sorted(board.hosts.values(), key=lambda host: host.rank(now))
    return ordered[: max(0, rows - 1)], ordered[max(0, rows - 1) :]


# ------------------------------------------------------------------------------------------------------- screens


class Screen(AbstractContextManager["Screen"]):
    """Takes events and shows them; use it as a context manager, and as the executor's `emit`.

    `kind` is "live", "plain", "verbose" (plain, with all progress), "quiet" (failures, the summary) or "json" (`take`
    gets each event); None picks live on a terminal and plain elsewhere. At the end each failure is shown in full. Only
    the live view loads rich.
    """

    def __init__(
        self, out: TextIO | None = None, kind: str | None = None, take: Callable[[Event], None] | None = None
    ) -> None:
        self._out = out or sys.stdout
        self._take = take or (lambda event: self._print(as_json(event)))
        self.kind = kind or ("live" if _is_terminal(self._out) else "plain")
        self._failures: list[Event] = []
        self._finished: Event | None = None
        self._board = Board()
        self._live: Live | None = None
        self._stack = ExitStack()
        self._spoke: dict[str, float] = {}
        self._often = _HEARTBEAT / 10 if self.kind == "verbose" else _HEARTBEAT

    @property
    def watched(self) -> bool:
        """Whether a person sees more than the result, on a terminal."""
        return self.kind not in ("json", "quiet") and _is_terminal(self._out)

    def __enter__(self) -> Screen:
        if self.kind == "live":
            self._live = self._stack.enter_context(_live(self._board, self._out))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
        if self.kind == "json":
            return
        for first, *same in _alike(self._failures):
            self._print("\n" + failure_block(first, [event.host for event in same]))
        if self._finished and (self._failures or self.kind in ("live", "quiet")):
            self._print(("\n" if self._failures else "") + summary_line(self._finished.data))

    def __call__(self, event: Event) -> None:
        """Shows an event."""
        if event.kind == "failed":
            self._failures.append(event)
        if event.kind == "finished":
            self._finished = event
        if self.kind == "json":
            self._take(event)
        elif self.kind in ("plain", "verbose"):
            if line := plain_line(event) or self._heartbeat(event):
                self._spoke[event.step] = event.at
                self._print(line)
        elif self.kind == "live":
            self._board.take(event)

    def _heartbeat(self, event: Event) -> str | None:
        """A line on how far a long step is, now and then: a log that stands still looks like a hang."""
        if event.kind != "progress" or event.at - self._spoke.get(event.step, 0.0) < self._often:
            return None
        data = event.data
        what = str(data.get("what") or "")
        if data.get("total") == _PERCENT:
            parts = [portion(data["done"], _PERCENT) + (f" ({what})" if what else "")]
        else:
            parts = [portion(data["done"], data["total"])] if data.get("total") else []
            parts += [what] if what else []
        now = time.strftime("%H:%M:%S", time.localtime(event.at))
        name = event.step.rpartition(":")[2]
        since = f" (for {duration(data['for'])})" if data.get("for") else ""
        return f"{now} {event.host}: {name}: {', '.join(parts) or 'still running'}{since}"

    def _print(self, text: str) -> None:
        try:
            try:
                print(text, file=self._out, flush=True)
            except UnicodeEncodeError:
                print(text.encode("ascii", "replace").decode(), file=self._out, flush=True)
        except OSError:
            # The reader of a pipe has ended: `| head`, or `| tee` at Ctrl-C. The run continues; the log has everything.
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), self._out.fileno())


def _is_terminal(out: TextIO) -> bool:
    return out.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def _live(board: Board, out: TextIO) -> Live:
    from rich.console import Console
    from rich.live import Live

    # Without a choice of --color, rich itself respects NO_COLOR.
    colour = getattr(out, "colour", None)
    console = Console(file=out, highlight=False, markup=False, no_color=None if colour is None else not colour)
    return Live(_View(board), console=console, refresh_per_second=4, transient=True)


class _View:
    """The board as a renderable of rich. It is drawn at each refresh, so the clock runs between events."""

    def __init__(self, board: Board) -> None:
        self._board = board

    def __rich_console__(self, console: Console, _options: Any) -> Any:
        with self._board.lock:
            parts = draw(self._board, time.time(), console.size.width, console.size.height)
        yield from parts


def draw(board: Board, now: float, width: int, height: int) -> Sequence[Any]:
    """The renderables of rich for the current screen; never more than `height` - 1 lines."""
    from rich.table import Table
    from rich.text import Text

    events = min(8, max(2, height // 4))
    room = height - events - 4
    why = _why(board, max(room - len(board.hosts), height // 4 if height >= 20 else 0))
    shown, hidden = visible(board, now, max(1, room - len(why)))
    domain = _domain(list(board.hosts))
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, max_width=max(12, width // 4), overflow="ellipsis")
    table.add_column(no_wrap=True, justify="right")
    table.add_column(no_wrap=True, ratio=1, overflow="ellipsis")
    table.add_column(no_wrap=True, justify="right")
    table.expand = True
    for host in shown:
        style = "red" if host.failed else "yellow" if host.trouble else "bold" if host.running else "dim"
        name, *cells = host_cells(host, now)
        table.add_row(*(Text(cell) for cell in (name.removesuffix(domain), *cells)), style=style)

    def line(text: str, style: str = "") -> Text:
        made = Text(text.replace("\n", " "), style=style)
        made.truncate(width, overflow="ellipsis")
        return made

    parts: list[Any] = [table]
    if hidden:
        groups = Counter(_HIDDEN[host.rank(now)[0]] for host in hidden)
        told = ", ".join(f"{groups[word]} {word}" for word in dict.fromkeys(_HIDDEN) if groups[word])
        parts.append(line(f"and {len(hidden)} more hosts: {told}", "red" if groups["FAILED"] else "dim"))
    parts += [line(text, "red") for text in why]
    parts.append(line(""))
    for text in board.last[-events:]:
        parts.append(line(text.replace(f"{domain}: ", ": ", 1), "red" if "FAILED" in text else ""))
    over, steps = sum(h.over for h in board.hosts.values()), sum(h.steps for h in board.hosts.values())
    parts.append(line(f"{over} of {steps} steps, {duration(now - (board.began or now))}", "bold"))
    return parts


def _why(board: Board, most: int) -> list[str]:
    """A blank line and the first failure, cut to the available lines. All failures are printed at the end."""
    if not board.failures or most < 3:
        return []
    first = board.failures[0]
    lines = [text for text in failure_block(first).splitlines() if text]
    if len(lines) > most - 1:  # keep the beginning (what failed) and the hint (what to do)
        hint = [text for text in lines if text.startswith("hint: ")][-1:] if most > 3 else []
        lines = [*lines[: most - 2 - len(hint)], "    ...", *hint]
    return ["", *lines]


def _domain(names: Sequence[str]) -> str:
    """The domain that all host names have in common, which is not shown on the screen."""
    found: list[str] = []
    for labels in zip(*(name.split(".")[:0:-1] for name in names), strict=False) if len(names) > 1 else ():
        if len(set(labels)) > 1 or labels[0].isdecimal():
            break
        found.insert(0, f".{labels[0]}")
    return "".join(found)


_HIDDEN = ("FAILED", "in trouble", "slow", "busy", "waiting", "done")
"""Names of the ranks, for the line that counts the hosts that do not fit."""


def both(*takers: Callable[[Event], None]) -> Callable[[Event], None]:
    """Combines several functions that take events into one."""

    def take(event: Event) -> None:
        for taker in takers:
            taker(event)

    return take
