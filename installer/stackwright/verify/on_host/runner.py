"""Runs checks in parallel as far as their needs allow, and reports each result at once."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, NamedTuple

from . import logs
from .api import Failure


class Skip(Exception):
    """The check does not apply here; checks that need it are skipped for the same reason."""


class Check(NamedTuple):
    name: str
    title: str
    service: str
    run: Callable[[], str]
    """Returns what was seen, in a few words; raises Failure."""
    needs: tuple[str, ...] = ()


class Context(NamedTuple):
    """What the checks of a service use."""

    config: Any
    """The configuration: verify.VerifyConfig."""
    admin: Any
    """The admin's session (cloud.Session)."""
    own: Callable[[], Any]
    """The session of the temporary project; available in checks that need `project`."""
    name: str
    """The name of the temporary project, and of what is created in it."""

    def in_project(self, run: Callable[[Any, str], str]) -> Callable[[], str]:
        """The `run` function of a check, from a function of the temporary project's session and `name`."""
        return lambda: run(self.own(), self.name)


class Reporter:
    """Writes one JSON object per line, and the progress lines that the executor shows. Safe from several threads."""

    def __init__(
        self,
        secrets: Sequence[str],
        write: Callable[[str], Any] = sys.stdout.write,
        sources: Mapping[str, logs.Sources] | None = None,
    ) -> None:
        self.secrets = tuple(secrets)
        self.sources = sources or {}
        """Log files and units, by service."""
        self._write = write
        self._lock = threading.Lock()
        self._total = 0
        self._done = 0

    def plan(self, checks: Sequence[Check], extra: int = 0) -> None:
        """Reports the list of checks; `extra` more results will follow."""
        self._total = len(checks) + extra
        self._line(
            {"kind": "plan", "checks": [{"check": c.name, "title": c.title, "service": c.service} for c in checks]}
        )

    def result(self, check: Check, state: str, seconds: float, detail: str, found: logs.Lines) -> None:
        record: dict[str, Any] = {"kind": "check", "check": check.name, "title": check.title, "service": check.service}
        record.update(
            state=state, ok=state == "ok", seconds=round(seconds, 2), detail=logs.redact(detail, self.secrets)
        )
        if found.lines:
            record.update(log=found.source, lines=[logs.redact(line, self.secrets) for line in found.lines])
        with self._lock:
            self._done += 1
            done = self._done
        self._line(record)
        self._text(f"stackwright: progress {done} {max(self._total, done)} {check.title}: {state}")

    def note(self, text: str) -> None:
        self._line({"kind": "note", "detail": logs.redact(text, self.secrets)})

    def finished(self, seconds: float, left: Sequence[str]) -> None:
        self._line(
            {"kind": "finished", "seconds": round(seconds, 2), "left": [logs.redact(x, self.secrets) for x in left]}
        )

    def _line(self, record: dict[str, Any]) -> None:
        self._text(json.dumps(record, sort_keys=True))

    def _text(self, text: str) -> None:
        with self._lock:
            self._write(text + "\n")
            if self._write == sys.stdout.write:
                sys.stdout.flush()


def _attempt(check: Check, began: float, reporter: Reporter) -> str:
    start = time.monotonic()
    nothing = logs.Lines("", ())
    try:
        detail, state, found = check.run(), "ok", nothing
    except Skip as skip:
        detail, state, found = str(skip), "skipped", nothing
    except Failure as failure:
        service = failure.service or check.service
        detail, state = failure.message, "failed"
        own = logs.Lines("not removed" if service == "cleanup" else "the instance's console", failure.lines)
        sources = reporter.sources.get(service, logs.Sources())
        found = own if failure.lines else logs.about(sources, failure.request_id, began, reporter.secrets)
    except Exception as error:  # a bug here or an unexpected answer: the check fails, the program does not crash
        detail, state, found = f"unexpected: {type(error).__name__}: {error}", "failed", nothing
    reporter.result(check, state, time.monotonic() - start, detail, found)
    return state


def run_all(
    checks: Sequence[Check], reporter: Reporter, stop: Callable[[], None] = lambda: None, workers: int = 6
) -> dict[str, str]:
    """Runs every check when all checks in its `needs` are ok. If one of them failed or was skipped, the check is
    skipped with that reason. Returns name -> ok | failed | skipped. A need that is not in the list counts as met.
    `stop` is called on an interrupt, so that running checks end soon."""
    names = {c.name for c in checks}
    states: dict[str, str] = {}
    root: dict[str, str] = {}
    waiting: list[Check] = list(checks)
    running: dict[Future[str], Check] = {}
    began = time.time()
    with ThreadPoolExecutor(max_workers=workers) as pool:
        try:
            while waiting or running:
                _start_what_can(
                    waiting, running, states, root, names, lambda c: pool.submit(_attempt, c, began, reporter), reporter
                )
                if running:
                    done, _ = wait(running, return_when=FIRST_COMPLETED)
                    for future in done:
                        states[running.pop(future).name] = future.result()
                elif waiting:
                    raise ValueError("checks wait for each other: " + ", ".join(sorted(c.name for c in waiting)))
        except BaseException:
            stop()
            for future in running:
                future.cancel()
            raise
    return states


def _start_what_can(
    waiting: list[Check],
    running: dict[Future[str], Check],
    states: dict[str, str],
    root: dict[str, str],
    names: set[str],
    submit: Callable[[Check], Future[str]],
    reporter: Reporter,
) -> None:
    """Starts the checks whose needs are met; skips those whose needs failed, and, in turn, those that need them."""
    changed = True
    while changed:
        changed = False
        for check in list(waiting):
            needs = [n for n in check.needs if n in names]
            broken = next((n for n in needs if states.get(n) in ("failed", "skipped")), "")
            if broken:
                root[check.name] = root.get(broken, broken)
                states[check.name] = "skipped"
                reason = (
                    f"because {root[check.name]} {'failed' if states[root[check.name]] == 'failed' else 'was skipped'}"
                )
                reporter.result(check, "skipped", 0.0, reason, logs.Lines("", ()))
            elif all(states.get(n) == "ok" for n in needs):
                running[submit(check)] = check
            else:
                continue
            waiting.remove(check)
            changed = True
