"""Examines the hosts that are named in the interview, while they are named. It connects as `apply --dry-run` does:
nothing is changed on a host, and nothing is saved on this machine."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from stackwright import planner, platforms, preflight
from stackwright.answers.interview import BRIDGES, HOSTS, TUNNELS, Given
from stackwright.answers.reading import from_documents
from stackwright.model import Answers, ExitCode, Facts, Interface, Problem, StackwrightError
from stackwright.operations import access, inspection
from stackwright.operations.options import AccessOptions
from stackwright.preflight.situation import Situation
from stackwright.ssh import parallel
from stackwright.ssh.pool import Hosts
from stackwright.state import directory

LIMIT = 20.0
"""Seconds for the login and the facts of the hosts that are named together."""

_STEP = 0.2
_MANY_HOSTS = 4
"""With more hosts than this, each takes one line."""
_MOST_INTERFACES = 8
_CHECKS = ("interface", "bridge-interface", "tunnel-interface", "tunnel-address")
"""The preflight checks whose problems the interview shows."""

Asks = TypeVar("Asks", bound=Callable[..., Any])


@dataclass
class Limit:
    """A time limit that stands still while a person is asked something: about a host key, or for a passphrase."""

    seconds: float
    show: Callable[[str], None]
    """Shows a status line that the next one replaces; empty: removes it."""

    def __post_init__(self) -> None:
        self._asking = False
        self._drawing = threading.Lock()

    def around(self, ask: Asks | None) -> Asks | None:
        """The same question, during which no time passes."""
        if ask is None:
            return None

        def asked(*arguments: object) -> object:
            with self._drawing:
                self._asking = True
                self.show("")
            try:
                return ask(*arguments)
            finally:
                self._asking = False

        return asked  # type: ignore[return-value]

    def wait(self, over: threading.Event, what: str) -> None:
        """Waits until the event or the end of the time, with a status line. Ctrl-C ends it."""
        waited, last = 0.0, time.monotonic()
        try:
            while waited < self.seconds and not over.wait(_STEP):
                now = time.monotonic()
                with self._drawing:
                    if not self._asking:
                        waited += now - last
                        self.show(f"{what}, {waited:.0f} of at most {self.seconds:.0f} s")
                last = now
        finally:
            self.show("")


@dataclass
class Examiner:
    """What the interview asks about hosts; see `answers.interview.Hosts`."""

    hosts: Hosts
    say: Callable[[str], None]
    limit: Limit

    def __post_init__(self) -> None:
        self._facts: dict[str, Facts] = {}
        self._tried: set[str] = set()

    def check(self, key: str, given: Given) -> list[str]:
        answers = from_documents((), given, files=False).answers
        if key in HOSTS:
            earlier = {name for other in HOSTS if other in given and other != key for name in _names(answers[other])}
            return self._look(name for name in _names(answers[key]) if name not in earlier)
        if key in (*BRIDGES, *TUNNELS):
            return [_sentence(problem, key) for problem in self._interface_problems(key, answers)]
        return []

    def offer(self, key: str, given: Given) -> list[str]:
        answers = from_documents((), given, files=False).answers
        names = _concerned(key, answers)
        missed = [name for name in names if name not in self._tried]  # they were named before an interruption
        lines = self._look(missed) if missed else []
        return [*lines, *_offered({name: self._facts[name] for name in names if name in self._facts})]

    def _look(self, names: Iterable[str]) -> list[str]:
        """Connects to the hosts that were not examined yet, and says what was seen. Returns what failed."""
        new = [name for name in dict.fromkeys(names) if name not in self._facts]
        if not new:
            return []
        found: dict[str, Facts | StackwrightError] = {}
        over = threading.Event()

        def one(name: str) -> None:
            try:
                found[name] = inspection.facts_of(self.hosts, name)
            except StackwrightError as error:
                found[name] = error

        def work() -> None:
            try:
                parallel.map(new, one, at_once=len(new))
            finally:
                over.set()

        threading.Thread(target=work, daemon=True, name="examiner").start()
        number = f"{len(new)} hosts" if len(new) > 1 else new[0]
        self.limit.wait(over, f"checking {number}: SSH and interfaces")
        outcome = {name: found.get(name) or self._late(name) for name in new}
        self._tried |= set(new)
        self._facts |= {name: seen for name, seen in outcome.items() if isinstance(seen, Facts)}
        for name, seen in outcome.items():
            if isinstance(seen, Facts):
                self.say(_seen(seen, self.hosts.reached(name), brief=len(new) > _MANY_HOSTS))
        problems = [(seen.message, seen.hint) for seen in outcome.values() if isinstance(seen, StackwrightError)]
        for seen in outcome.values():
            if isinstance(seen, Facts):
                try:
                    platforms.find(seen.os_id, seen.os_version, seen.arch)
                except StackwrightError as error:
                    problems.append((f"{seen.host}: {error.message}", error.hint))
        return [message + (f"\n  hint: {hint}" if hint else "") for message, hint in problems]

    def _late(self, name: str) -> StackwrightError:
        return StackwrightError(
            f"{name}: no answer within {self.limit.seconds:.0f} s",
            f"check that `ssh {name}` logs in without delay",
            ExitCode.UNREACHABLE,
        )

    def _interface_problems(self, key: str, answers: Answers) -> list[Problem]:
        known = {name: self._facts[name] for name in _concerned(key, answers) if name in self._facts}
        try:
            situation = Situation(answers, known, planner.place(answers))
        except StackwrightError:  # hosts that later questions are about
            return []
        problems = (problem for name in _CHECKS for problem in preflight.CHECKS[name](situation))
        return [problem for problem in problems if problem.where.partition(" ")[0] == key]


@contextlib.contextmanager
def examiner(
    options: AccessOptions, say: Callable[[str], None], show: Callable[[str], None], limit: float = LIMIT
) -> Iterator[Examiner]:
    """An Examiner. `say` gets what was seen, `show` a status line. Its connections are closed at the end, and the keys
    that a person accepted are forgotten."""
    clock = Limit(limit, show)
    asked = replace(options, confirm=clock.around(options.confirm), passphrase=clock.around(options.passphrase))
    with (
        directory.scratch(directory.state_dir("interview")) as state,
        access.connect(asked, state, preview=True) as hosts,
    ):
        yield Examiner(hosts, say, clock)


def _names(value: object) -> tuple[str, ...]:
    """The hosts in a typed answer: one, or several."""
    return tuple(map(str, value)) if isinstance(value, tuple) else (str(value),)


def _concerned(key: str, answers: Answers) -> tuple[str, ...]:
    """The hosts whose interfaces an answer names."""
    network = tuple(answers["CONFIG_NETWORK_HOSTS"]) or (str(answers["CONFIG_CONTROLLER_HOST"]),)
    if key in BRIDGES:
        return network
    if key in TUNNELS:
        return tuple(dict.fromkeys((*network, *answers["CONFIG_COMPUTE_HOSTS"])))
    return ()


def _seen(facts: Facts, reached: str, *, brief: bool) -> str:
    """What a host is, and its interfaces with their addresses."""
    system = facts.os_name or "unknown operating system"
    lines = [f"{facts.host}: {reached}, {system}"]
    shown = _interfaces(facts)
    width = max((len(interface.name) for interface in shown), default=0)
    for interface in () if brief else shown[:_MOST_INTERFACES]:
        note = " (default route)" if interface.name == facts.default_interface else ""
        lines.append(f"  {interface.name:<{width}}  {_addresses(interface) or 'no address'}{note}")
    if len(shown) > _MOST_INTERFACES and not brief:
        lines.append(f"  and {len(shown) - _MOST_INTERFACES} more interfaces")
    return "\n".join(lines)


def _offered(known: Mapping[str, Facts]) -> list[str]:
    """The interfaces to choose from: those that all of these hosts have."""
    if not known:
        return []
    if len(known) == 1:
        ((name, facts),) = known.items()
        each = (f"{i.name} ({_addresses(i) or 'no address'})" for i in _interfaces(facts)[:_MOST_INTERFACES])
        return [f"Interfaces of {name}: {', '.join(each) or 'none'}"]
    names = [[interface.name for interface in _interfaces(facts)] for facts in known.values()]
    common = [name for name in names[0] if all(name in others for others in names)]
    if common:
        return [f"Interfaces that all {len(known)} hosts have: {', '.join(common)}"]
    return [f"Interfaces of {name}: {', '.join(own) or 'none'}" for name, own in zip(known, names, strict=True)]


def _interfaces(facts: Facts) -> list[Interface]:
    """The interfaces but the loopback and those of guests and containers."""
    return [i for i in facts.interfaces if i.name != "lo" and not i.name.startswith(("veth", "tap"))]


def _addresses(interface: Interface) -> str:
    """Its addresses for people, without those that each link has by itself."""
    return ", ".join(address for address in interface.addresses if not address.lower().startswith("fe80:"))


def _sentence(problem: Problem, key: str) -> str:
    hint = "" if problem.hint == f"correct {key}" else problem.hint  # the question is asked again
    return f"{problem.host}: {problem.message}" + (f"\n  hint: {hint}" if hint else "")
