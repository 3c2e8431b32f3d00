"""The graph of a plan's steps: which step may start, and which are skipped after a failure. When a step ends, only its
direct dependents are updated, so the cost does not grow with the number of hosts."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import Literal

from stackwright.model import PuppetApply, Step

State = Literal["waiting", "running", "ok", "kept", "failed", "skipped"]


class Graph:
    """The states of a plan's steps. They run on `parallel` hosts at once, and `per_host` on each; but a host never runs
    two Puppet steps at once."""

    def __init__(self, steps: Sequence[Step], parallel: int, per_host: int) -> None:
        self.states: dict[str, State] = {step.id: "waiting" for step in steps}
        self.running = 0
        self._steps = steps
        self._parallel = max(1, parallel)
        self._per_host = max(1, per_host)
        self._number = {step.id: n for n, step in enumerate(steps)}
        self._dependents: dict[str, list[int]] = {step.id: [] for step in steps}
        self._unmet: dict[str, int] = {}
        self._ready: list[int] = []
        """A heap: numbers of the steps whose needs are met."""
        self._held: dict[str, list[int]] = {}
        """By host: ready steps that wait for another step of the same host."""
        self._outside: dict[str, list[int]] = {}
        """By host: ready steps on hosts that wait because `parallel` hosts are busy."""
        self._queued: list[tuple[int, str]] = []
        """A heap of the hosts in `_outside`, ordered by their first steps."""
        self._busy: dict[str, int] = {}
        """Number of running steps by host."""
        self._puppet: set[str] = set()
        for n, step in enumerate(steps):
            needs = {need for need in (*step.needs, *step.after) if need in self._dependents}
            self._unmet[step.id] = len(needs)
            for need in needs:
                self._dependents[need].append(n)
            if not needs:
                self._ready.append(n)

    def waiting(self) -> list[str]:
        """The steps that were not started."""
        return [step for step, state in self.states.items() if state == "waiting"]

    def keep(self, step: Step) -> None:
        """Marks a step that was finished in an earlier run."""
        self.states[step.id] = "kept"
        self._meet(step)

    def start(self) -> Step | None:
        """Returns the first step in the plan's order that may start, and marks it as running; None if none may now."""
        while True:
            self._admit()
            if not self._ready:
                return None
            step = self._steps[number := heapq.heappop(self._ready)]
            if self.states[step.id] != "waiting":
                continue
            busy = self._busy.get(step.host, 0)
            if not busy and len(self._busy) >= self._parallel:
                if step.host not in self._outside:
                    heapq.heappush(self._queued, (number, step.host))
                self._outside.setdefault(step.host, []).append(number)
                continue
            if busy >= self._per_host or (_has_puppet(step) and step.host in self._puppet):
                self._held.setdefault(step.host, []).append(number)
                continue
            self.states[step.id] = "running"
            self.running += 1
            self._busy[step.host] = busy + 1
            self._let_in(step.host)
            if _has_puppet(step):
                self._puppet.add(step.host)
            return step

    def _admit(self) -> None:
        """Moves steps of waiting hosts to the ready steps while fewer than `parallel` hosts are busy."""
        while self._queued and len(self._busy) < self._parallel:
            number, host = self._queued[0]
            if self._ready and self._ready[0] < number:
                return
            heapq.heappop(self._queued)
            self._let_in(host)

    def _let_in(self, host: str) -> None:
        for number in self._outside.pop(host, ()):
            heapq.heappush(self._ready, number)

    def end(self, step: Step, *, ok: bool) -> list[Step]:
        """Marks a running step as ended. Returns the steps that are skipped if it failed, in the plan's order."""
        self.running -= 1
        self._busy[step.host] -= 1
        if not self._busy[step.host]:
            del self._busy[step.host]
        if _has_puppet(step):
            self._puppet.discard(step.host)
        for number in self._held.pop(step.host, ()):
            heapq.heappush(self._ready, number)
        self.states[step.id] = "ok" if ok else "failed"
        if ok:
            self._meet(step)
            return []
        lost: set[int] = set()
        beyond = list(self._dependents[step.id])
        while beyond:
            number = beyond.pop()
            if number not in lost and self.states[self._steps[number].id] == "waiting":
                lost.add(number)
                beyond += self._dependents[self._steps[number].id]
        skipped = [self._steps[number] for number in sorted(lost)]
        for one in skipped:
            self.states[one.id] = "skipped"
        return skipped

    def _meet(self, step: Step) -> None:
        for number in self._dependents[step.id]:
            dependent = self._steps[number].id
            self._unmet[dependent] -= 1
            if not self._unmet[dependent]:
                heapq.heappush(self._ready, number)


def _has_puppet(step: Step) -> bool:
    return any(isinstance(action, PuppetApply) for action in step.actions)
