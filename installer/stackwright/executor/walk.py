"""Walks over the graph of a plan: starts steps, skips finished ones and those behind a failure, and handles Ctrl-C."""

from __future__ import annotations

import contextlib
import queue
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stackwright.executor.progress import Progress
from stackwright.model import Event, EventKind, ExitCode, Plan, StackwrightError, Step
from stackwright.ssh import Connection
from stackwright.state.journal import Journal, Record, operator
from stackwright.untrusted import printables

from .actions import Listener, Tally, failure_data, perform
from .detached import Patience
from .graph import Graph
from .joining import Joined, Joining
from .lease import Lease
from .redact import redactor

_CONNECTING = 32
"""Maximum number of connections that are opened at the same time: each takes processor time on both sides."""

_CONNECTED_EVERY = 5.0
"""Seconds between two notes about the number of connected hosts."""


@dataclass(frozen=True)
class Failure:
    """A step that failed itself; steps that were skipped because of it are not failures."""

    step: str
    host: str
    title: str
    cause: str
    lines: tuple[str, ...] = ()
    service: str = ""
    log: tuple[str, ...] = ()
    hint: str = ""


@dataclass(frozen=True)
class Outcome:
    """The result of carrying out a plan. `changed` counts changed files and Puppet resources, and scripts that made
    changes."""

    ok: bool
    done: int = 0
    kept: int = 0
    failed: int = 0
    skipped: int = 0
    left: int = 0
    """Steps that were not started, or not waited for, because of an interrupt (Ctrl-C)."""
    changed: int = 0
    seconds: float = 0.0
    failures: tuple[Failure, ...] = ()
    interrupted: bool = False

    @property
    def code(self) -> ExitCode:
        """The exit status of the command."""
        if self.interrupted:
            return ExitCode.INTERRUPTED
        return ExitCode.OK if self.ok else ExitCode.FAILED


def run(
    plan: Plan,
    connect: Callable[[str], Connection],
    journal: Journal,
    emit: Callable[[Event], None],
    *,
    parallel: int = 500,
    per_host: int = 1,
    again: bool = False,
    timeout: float | None = None,
    gone: float = 600.0,
    log: Callable[[str, str], None] | None = None,
) -> Outcome:
    """Carries out a plan and returns the result; a failed step does not raise.

    `connect` opens the connection to a host. It is called once for each host that has something to do; the caller
    closes the connections. `emit` gets every event, always in the calling thread, with the plan's secrets masked.
    `log(step, line)` gets each line of output, masked too, in other threads. Steps run on `parallel` hosts at once,
    `per_host` on each, but never two Puppet runs on one host. `again` repeats steps that the journal has as done.
    `timeout` replaces the timeouts of the actions; `gone` is how long a host may be unreachable; both in seconds.

    Raises StackwrightError: BUSY if another operator has the lease of a host (then nothing was changed), ENVIRONMENT
    if the journal cannot be written.
    """
    return _Executor(plan, connect, journal, emit, parallel, per_host, again, timeout, gone, log).run()


@dataclass(frozen=True)
class _End:
    """How a step ended."""

    step: Step
    record: Record
    failure: Failure | None


class _Executor:
    def __init__(
        self,
        plan: Plan,
        connect: Callable[[str], Connection],
        journal: Journal,
        emit: Callable[[Event], None],
        parallel: int,
        per_host: int,
        again: bool,
        timeout: float | None,
        gone: float,
        log: Callable[[str, str], None] | None,
    ) -> None:
        self._plan = plan
        self._connect = connect
        self._journal = journal
        self._emit_raw = emit
        self._parallel = max(1, parallel)
        self._again = again
        self._timeout = timeout
        self._gone = gone
        self._log = log
        redact = redactor(plan.secrets)
        self._redact: Callable[[Any], Any] = lambda value: redact(printables(value))
        """Makes everything fit to be shown, logged and recorded."""
        self._queue: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._digests = plan.digests()
        self._direct = plan.direct
        # Only the thread of `run` uses these.
        self._graph = Graph(plan.steps, parallel, per_host)
        self._failures: list[Failure] = []
        self._changed = 0
        self._interrupts = 0
        self._hosts = 0
        """Number of hosts that have something to do. With many, progress is shown and logs are read less often."""
        self._connections: dict[str, Connection] = {}
        self._unreachable: dict[str, StackwrightError] = {}
        self._leases: list[Lease] = []
        self._interrupted = threading.Event()

    # -------------------------------------------------------------------------------------------- the calling thread

    def run(self) -> Outcome:
        began = time.monotonic()
        steps_of: dict[str, int] = {}
        for step in self._plan.steps:
            steps_of[step.host] = steps_of.get(step.host, 0) + 1
        self._emit(
            "note",
            message=f"{len(self._plan.steps)} steps on {len(steps_of)} host{'s' if len(steps_of) != 1 else ''}",
            data={"steps": len(self._plan.steps), "hosts": steps_of},
        )
        todo = self._keep()
        try:
            hosts = list(dict.fromkeys(step.host for step in todo))
            self._hosts = len(hosts)
            with self._signals(), _many_threads(3 * len(hosts)):
                if hosts:
                    self._take_hosts(hosts)
                self._loop()
        finally:
            self._release(wait=self._interrupts < 2)
        counts = Counter(self._graph.states.values())
        left = counts["waiting"] + counts["running"]
        outcome = Outcome(
            ok=not counts["failed"] and not counts["skipped"] and not left,
            done=counts["ok"],
            kept=counts["kept"],
            failed=counts["failed"],
            skipped=counts["skipped"],
            left=left,
            changed=self._changed,
            seconds=time.monotonic() - began,
            failures=tuple(self._failures),
            interrupted=bool(self._interrupts),
        )
        self._emit(
            "finished",
            data={
                "ok": outcome.ok,
                "done": outcome.done,
                "failed": outcome.failed,
                "skipped": outcome.skipped,
                "kept": outcome.kept,
                "left": left,
                "changed": outcome.changed,
                "seconds": round(outcome.seconds, 1),
            },
        )
        return outcome

    def _keep(self) -> list[Step]:
        """Marks the steps that the journal has as done; returns the others."""
        todo = []
        for step in self._plan.steps:
            if not self._again and not step.always and self._journal.done(step.id, self._digests[step.id]):
                self._graph.keep(step)
                self._emit("kept", step, data={"title": step.title})
            else:
                todo.append(step)
        return todo

    def _loop(self) -> None:
        graph = self._graph
        while True:
            if not self._interrupted.is_set():
                self._start_what_can()
            if not graph.running:
                stuck = graph.waiting()
                if stuck and not self._interrupted.is_set():
                    raise StackwrightError(f"these steps of the plan wait for each other: {', '.join(stuck)}")
                if self._interrupted.is_set() and not self._interrupts:  # while connecting to the hosts
                    self._interrupts = 1
                    self._emit(
                        "note", message="interrupted; no step was started. Run `stackwright apply` again to continue."
                    )
                return
            messages = [self._queue.get()]
            while not self._queue.empty():
                messages.append(self._queue.get())
            self._record([what for kind, what in messages if kind == "end"])
            for kind, what in messages:
                if kind == "event":
                    self._emit_raw(what)
                elif kind == "end":
                    self._ended(what)
                elif kind == "lost":  # another operator has the lease: running steps continue, no others are started
                    self._unreachable[what[0]] = what[1]
            for kind, _ in messages:
                if kind == "signal":
                    self._interrupts += 1
                    self._report_interrupt()
            if self._interrupts > 1:
                return

    def _report_interrupt(self) -> None:
        running = self._graph.running
        if self._interrupts > 1:
            self._emit(
                "note",
                message=f"exiting now; {running} steps continue on their hosts. "
                "Run `stackwright apply` again to attach to them.",
            )
        else:
            self._emit(
                "note",
                message=f"no more steps are started; waiting for {running} to end. Press Ctrl-C again to exit now: "
                "they continue on their hosts. Run `stackwright apply` again to continue.",
            )

    def _start_what_can(self) -> None:
        while step := self._graph.start():
            if error := self._unreachable.get(step.host):
                end = self._end(step, Tally(), error, 0.0)
                self._record([end])
                self._ended(end)
                continue
            estimate = self._journal.estimate(step.id)
            shown = {"title": step.title, **({"estimate": estimate} if estimate else {})}
            self._emit("started", step, data=shown)
            threading.Thread(target=self._work, args=(step,), daemon=True, name=f"step-{step.id}").start()

    def _record(self, ends: Sequence[_End]) -> None:
        """Writes ended steps to the journal; only recorded steps count as done. They are written together, because each
        write waits for the disk."""
        if ends:
            self._journal.add(*(end.record for end in ends))

    def _ended(self, end: _End) -> None:
        self._changed += end.record.changed
        skipped = self._graph.end(end.step, ok=end.failure is None)
        data = end.record.data
        shown = {
            "changed": end.record.changed,
            "seconds": round(end.record.seconds, 1),
            "title": end.step.title,
            **_shown(data),
        }
        if end.failure is None:
            self._emit("ok", end.step, data=shown)
            return
        self._failures.append(end.failure)
        details = {key: getattr(end.failure, key) for key in ("cause", "lines", "service", "log", "hint")}
        self._emit("failed", end.step, data={**details, **shown})
        for one in skipped:
            self._emit("skipped", one, data={"because": end.step.id, "title": one.title})

    def _end(self, step: Step, tally: Tally, error: Exception | None, seconds: float) -> _End:
        """How a step ended, with masked secrets, for journal and events. May be called in any thread."""
        profile = tally.profile.data()
        data = self._redact({**tally.data, **({"profile": profile} if profile else {})})
        failure = None
        if error is not None:
            details = self._redact(dict(failure_data(error)))
            failure = Failure(
                step=step.id,
                host=step.host,
                title=step.title,
                cause=details["cause"],
                lines=tuple(details["lines"]),
                service=details["service"],
                log=tuple(details["log"]),
                hint=details["hint"],
            )
            data = {**data, "cause": failure.cause}
        record = Record(
            step=step.id,
            digest=self._digests[step.id],
            ok=error is None,
            at=time.time(),
            seconds=seconds,
            changed=tally.changed,
            host=step.host,
            data=data,
        )
        return _End(step, record, failure)

    def _emit(
        self, kind: EventKind, step: Step | None = None, message: str = "", data: Mapping[str, Any] | None = None
    ) -> None:
        self._emit_raw(self._event(kind, step, message, data))

    def _event(self, kind: EventKind, step: Step | None, message: str, data: Mapping[str, Any] | None) -> Event:
        return Event(
            kind=kind,
            at=time.time(),
            step=step.id if step else "",
            host=step.host if step else "",
            message=self._redact(message),
            data=self._redact(dict(data or {})),
        )

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """Turns SIGINT and SIGTERM into messages to the loop, so that no operation is interrupted halfway."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {}
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, lambda *_: self._interrupt())
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _interrupt(self) -> None:
        self._interrupted.set()
        self._queue.put(("signal", None))

    # ------------------------------------------------------------------------------------------------- other threads

    def _take_hosts(self, hosts: list[str]) -> None:
        """Connects to all hosts in parallel and takes their leases. Steps of unreachable hosts fail later."""
        joining = Joining()
        slots = threading.Semaphore(min(self._parallel, _CONNECTING))

        def take(host: str) -> None:
            joined = Joined(host)
            try:
                with slots:
                    if joining.over:
                        return
                    connection = self._connect(host)
                    lease = Lease(connection, operator(), on_lost=lambda why: self._lost(host, why))
                    joined = Joined(host, connection, lease)
            except StackwrightError as error:
                joined = Joined(host, error=error)
            except Exception as error:
                joined = Joined(host, error=StackwrightError(f"{host}: {type(error).__name__}: {error}"))
            joining.hand_over(joined)

        for host in hosts:
            threading.Thread(target=take, args=(host,), daemon=True, name=f"connect-{host}").start()
        busy: list[StackwrightError] = []

        def keep(joined: Joined) -> None:
            if joined.connection and joined.lease:
                self._connections[joined.host] = joined.connection
                self._leases.append(joined.lease)
            elif joined.error and joined.error.code == ExitCode.BUSY:
                busy.append(joined.error)
            elif joined.error:
                self._unreachable[joined.host] = joined.error

        noted = time.monotonic()
        try:
            for number in range(len(hosts)):
                while not self._interrupted.is_set():
                    if time.monotonic() - noted >= _CONNECTED_EVERY:
                        noted = time.monotonic()
                        self._emit("note", message=f"connected to {number} of {len(hosts)} hosts")
                    try:
                        keep(joining.queue.get(timeout=0.5))
                        break
                    except queue.Empty:
                        continue
                else:
                    return
        finally:
            for joined in joining.end():
                keep(joined)
        if busy:
            raise busy[-1]

    def _release(self, *, wait: bool) -> None:
        """Releases the leases. They also end with this process, so after a second Ctrl-C nothing waits for them."""
        threads = [threading.Thread(target=lease.release, daemon=True) for lease in self._leases]
        for thread in threads:
            thread.start()
        for thread in threads if wait else ():
            thread.join(6)

    def _lost(self, host: str, why: str) -> None:
        why = why.removeprefix(f"{host}: ")
        self._queue.put(("event", self._event("note", None, f"{host}: {why}", None)))
        error = StackwrightError(
            f"{host}: {why}", "Wait for them to finish, then run `stackwright apply` again.", ExitCode.BUSY
        )
        self._queue.put(("lost", (host, error)))

    def _work(self, step: Step) -> None:
        """Carries out one step, in its own thread. Always puts exactly one "end" into the queue."""
        began = time.monotonic()
        tally = Tally()

        def emit(kind: EventKind, message: str = "", data: Mapping[str, Any] | None = None) -> None:
            self._queue.put(("event", self._event(kind, step, message, data)))

        progress = Progress(lambda data: emit("progress", data=data), self._hosts / 250)

        def line(text: str) -> None:
            if self._log:
                self._log(step.id, self._redact(text))

        listener = Listener(
            progress=progress.take,
            line=line,
            alive=progress.idle,
            note=lambda text: emit("note", text),
            retried=lambda why, wait: emit("retried", why, {"why": why, "wait": wait}),
        )
        try:
            perform(
                step,
                self._digests[step.id],
                self._connections[step.host],
                listener,
                tally,
                again=self._again,
                timeout=self._timeout,
                gone=self._gone,
                every=max(Patience.every, self._hosts / 500),
                direct=self._direct,
            )
            failed: Exception | None = None
        except Exception as error:
            failed = error
        self._queue.put(("end", self._end(step, tally, failed, time.monotonic() - began)))


@contextlib.contextmanager
def _many_threads(count: int) -> Iterator[None]:
    """Lengthens the interval after which Python switches between threads if there are many. Each waiting thread wakes
    after this interval to request the lock: with 1,000 threads and 5 ms, that took two thirds of the processor time."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(max(before, min(0.1, count / 10_000)))
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def _shown(data: Mapping[str, Any]) -> dict[str, Any]:
    """The data of a step as its event contains it."""
    out = {k: v for k, v in data.items() if k != "puppet"}
    if puppet := data.get("puppet"):
        out["puppet"] = {k: v for k, v in puppet.items() if k != "changed"}
        out["resources"] = puppet["changed"]
    return out
