"""The walk over a plan's graph: what may start, what is kept, what a failure takes with it, and what Ctrl-C means."""

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

from .actions import Listener, Tally, failure_data, perform
from .detached import Patience
from .graph import Graph
from .joining import Joined, Joining
from .lease import Lease
from .redact import redactor

_CONNECTING = 32
"""Connections that are made at the same time: it takes a processor, here and there."""

_CONNECTED_EVERY = 5.0
"""Seconds between two notes on how many hosts are connected."""


@dataclass(frozen=True)
class Failure:
    """A step that failed by itself, and not because of another one."""

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
    """What carrying out a plan came to. `changed` counts files, scripts and Puppet resources that were changed."""

    ok: bool
    done: int = 0
    kept: int = 0
    failed: int = 0
    skipped: int = 0
    left: int = 0
    """Steps that were not started, or not waited for, because the person interrupted."""
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
    """Carries out a plan and returns what came of it; a failed step is no exception.

    `connect` makes the connection to a host, and is called once for each that has something to do; the connections stay
    open, they are the caller's. `emit` gets every event, always in the calling thread, with the plan's secrets masked;
    `log(step, line)` gets each line of output, masked too, in other threads. On `parallel`
    hosts steps run at once, `per_host` of them on each, never two of Puppet. `again` does what the journal knows as
    done once more. `timeout` replaces the actions' own, `gone` is how long a host may not answer; both in seconds.

    Raises StackwrightError: BUSY when another operator has one of the hosts (nothing was changed then), ENVIRONMENT
    when the journal cannot be written.
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
        self._redact = redactor(plan.secrets)
        self._queue: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._digests = plan.digests()
        self._direct = plan.direct
        # Only the thread of `run` touches these.
        self._graph = Graph(plan.steps, parallel, per_host)
        self._failures: list[Failure] = []
        self._changed = 0
        self._interrupts = 0
        self._hosts = 0
        """How many have something to do: what each may say, and how often, depends on it."""
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
        """Marks what the journal knows as done; returns what is to do."""
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
                    raise StackwrightError(f"the plan is not in order: {', '.join(stuck)} wait for each other")
                if self._interrupted.is_set() and not self._interrupts:  # while hosts were connected to
                    self._interrupts = 1
                    self._emit(
                        "note", message="interrupted; no step was started. Run `stackwright apply` again to continue."
                    )
                return
            came = [self._queue.get()]
            while not self._queue.empty():
                came.append(self._queue.get())
            self._record([what for kind, what in came if kind == "end"])
            for kind, what in came:
                if kind == "event":
                    self._emit_raw(what)
                elif kind == "end":
                    self._ended(what)
                elif kind == "lost":  # to another operator: what runs there cannot be helped, but nothing is added
                    self._unreachable[what[0]] = what[1]
            for kind, _ in came:
                if kind == "signal":
                    self._interrupts += 1
                    self._tell_interrupt()
            if self._interrupts > 1:
                return

    def _tell_interrupt(self) -> None:
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
        """What is recorded counts as done, and nothing else. All that ended meanwhile is written at once: a disk takes
        a while for each time."""
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
        told = {key: getattr(end.failure, key) for key in ("cause", "lines", "service", "log", "hint")}
        self._emit("failed", end.step, data={**told, **shown})
        for one in skipped:
            self._emit("skipped", one, data={"because": end.step.id, "title": one.title})

    def _end(self, step: Step, tally: Tally, error: Exception | None, seconds: float) -> _End:
        """How a step ended, without secrets, ready to be recorded and told. Any thread's."""
        profile = tally.profile.data()
        data = self._redact({**tally.data, **({"profile": profile} if profile else {})})
        failure = None
        if error is not None:
            told = self._redact(dict(failure_data(error)))
            failure = Failure(
                step=step.id,
                host=step.host,
                title=step.title,
                cause=told["cause"],
                lines=tuple(told["lines"]),
                service=told["service"],
                log=tuple(told["log"]),
                hint=told["hint"],
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
        """Turns SIGINT and SIGTERM into messages to the loop, so that they interrupt nothing half way."""
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
        """Connects to all hosts at once and takes their leases. A host that cannot be reached fails its own steps."""
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
        """Gives the hosts back. They also come free when this process ends, so nobody who wants to leave waits."""
        threads = [threading.Thread(target=lease.release, daemon=True) for lease in self._leases]
        for thread in threads:
            thread.start()
        for thread in threads if wait else ():
            thread.join(6)

    def _lost(self, host: str, why: str) -> None:
        why = why.removeprefix(f"{host}: ")
        self._queue.put(("event", self._event("note", None, f"{host}: {why}", None)))
        error = StackwrightError(f"{host}: {why}", "Wait for them to finish, then apply again.", ExitCode.BUSY)
        self._queue.put(("lost", (host, error)))

    def _work(self, step: Step) -> None:
        """One step, in its own thread; always puts exactly one "end" into the queue."""
        began = time.monotonic()
        tally = Tally()

        def tell(kind: EventKind, message: str = "", data: Mapping[str, Any] | None = None) -> None:
            self._queue.put(("event", self._event(kind, step, message, data)))

        progress = Progress(lambda data: tell("progress", data=data), self._hosts / 250)

        def line(text: str) -> None:
            if self._log:
                self._log(step.id, self._redact(text))

        told = Listener(
            progress=progress.take,
            line=line,
            alive=progress.idle,
            note=lambda text: tell("note", text),
            retried=lambda why, wait: tell("retried", why, {"why": why, "wait": wait}),
        )
        try:
            perform(
                step,
                self._digests[step.id],
                self._connections[step.host],
                told,
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
    """Lets threads wait longer for Python's lock where there are many. Each that waits for it wakes up after this
    interval, to ask for it: with a thousand and 5 ms, that was two thirds of all that the machine did."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(max(before, min(0.1, count / 10_000)))
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def _shown(data: Mapping[str, Any]) -> dict[str, Any]:
    """What a step came to, as it stands in its event."""
    out = {k: v for k, v in data.items() if k != "puppet"}
    if puppet := data.get("puppet"):
        out["puppet"] = {k: v for k, v in puppet.items() if k != "changed"}
        out["resources"] = puppet["changed"]
    return out
