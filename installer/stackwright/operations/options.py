"""The typed options of operations, which the command line creates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stackwright.model import Event, Problem
from stackwright.state.directory import Access


def _not_shown(_: str) -> AbstractContextManager[None]:
    return nullcontext()


def _nothing(_: object) -> None:
    pass


@dataclass(frozen=True)
class Console:
    """Where an operation prints results and messages."""

    show: Callable[[str], None]
    """Results, for standard output."""
    note: Callable[[str], None]
    """Warnings and remarks, for standard error."""
    as_json: bool = False
    """Whether standard output is JSON for a program."""
    result: Callable[[Mapping[str, Any]], None] = _nothing
    """Adds to the result that a program reads."""
    problems: Callable[[Iterable[Problem]], None] = _nothing
    """Adds problems to what a program reads."""
    event: Callable[[Event], None] | None = None
    """Takes events for a program."""
    busy: Callable[[str], AbstractContextManager[None]] = _not_shown
    """Shows what is being done, and for how long, while a block works that prints nothing."""
    verbosity: int = 0
    """1: show also what the hosts' scripts print; -1: only errors and results."""

    @property
    def screen(self) -> str | None:
        """The kind of `live.Screen` for a run; None: what fits the terminal."""
        if self.as_json:
            return "json"
        return {1: "verbose", -1: "quiet"}.get(self.verbosity)

    @property
    def tell(self) -> Callable[[str], None]:
        """For messages that are not results: standard output, unless that is JSON."""
        return self.note if self.as_json else self.show


@dataclass(frozen=True)
class AnswerOptions:
    """Which answers a command works with."""

    files: tuple[Path, ...] = ()
    """Answer files; later ones win."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Texts by key, from flags; they win over the files."""
    state: Path | None = None
    """The folder with the state of all clouds; None: the default."""


@dataclass(frozen=True)
class AccessOptions:
    """How the hosts are reached. The functions ask the user; None disables the question."""

    access: Access = field(default_factory=Access)
    accept_new_host_keys: bool = False
    over_ssh: bool = False
    """Use SSH for this machine too."""
    password: Callable[[], str] | None = field(default=None, repr=False)
    sudo_password: Callable[[], str] | None = field(default=None, repr=False)
    confirm: Callable[[str, str, str], bool] | None = field(default=None, repr=False)
    """(host, key type, fingerprint) -> whether the host key is right."""
    passphrase: Callable[[Path], str] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class CheckOptions:
    """What is checked before anything is changed."""

    skip: frozenset[str] = frozenset()
    """Names of checks whose problems are waived."""
    locked: Path | None = None
    """Install exactly the packages of this lock."""
    offline: bool = False
    """The packages come from a bundle that was copied to the hosts."""


@dataclass(frozen=True)
class ApplyOptions:
    """How a plan is carried out."""

    check: CheckOptions = field(default_factory=CheckOptions)
    dry_run: bool = False
    again: bool = False
    """Run every step, finished ones too."""
    timeout: float | None = None
    """Seconds for one action on a host; None: the action's own."""
    parallel: int = 500
    """Hosts to work on at once."""
    verify: bool = True


@dataclass(frozen=True)
class QuickStartOptions:
    """What `--allinone` and `--install-hosts` install on."""

    hosts: tuple[str, ...] = ()
    """The controller, then compute hosts; empty: this machine, or a node of the lab."""
    allinone: bool = False
    lab: str | None = None
    """The name of a lab node; None: no node."""
    debian: str = ""
    """Code name of the node's Debian."""


@dataclass(frozen=True)
class LaunchOptions:
    """An instance of the demo project."""

    name: str = "first"
    image: str = ""
    """Empty: the demo image."""
    flavor: str = "m1.tiny"


@dataclass(frozen=True)
class ScenarioOptions:
    """How scenarios are tested."""

    install: bool = False
    """First install what a scenario switches on."""
    lab: str | None = None
    """The name of a lab node; empty: the scenario's; None: no node."""
    debian: str = ""
    limit: int = 3600
    """Seconds for Tempest's tests of one scenario."""


@dataclass(frozen=True)
class ReproduceOptions:
    """Where a bundle is reproduced."""

    file: Path
    signer: str = ""
    hosts: tuple[str, ...] = ()
    """In the bundle's order, or as THEIRS=MINE."""
    lab: tuple[str, ...] | None = None
    """Names of lab nodes; empty: names that follow from the bundle; None: no nodes."""
    offline: bool = False
    """Take the packages from the bundle."""
