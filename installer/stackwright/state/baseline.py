"""The answers of the last runs of a cloud, kept in its state directory: what a changed answer file is compared with.

A secret stands there as its mark (`snapshots.SecretMasker`), which shows that it changed, but not its value.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace

from stackwright.state.directory import StateDir

FILE = "answers.json"
VERSION = 1


@dataclass(frozen=True)
class AppliedAnswers:
    """The answers of one run."""

    texts: Mapping[str, str] = field(default_factory=dict)
    """By key: those that are no secrets and not the default."""
    marks: Mapping[str, str] = field(default_factory=dict)
    """By key: the marks of the secrets."""
    defaults: Mapping[str, str] = field(default_factory=dict)
    """By key: the defaults of the version that ran, of answers that are no secrets and have an effect."""
    at: float = 0.0
    """When the run began or ended, in seconds since the epoch; 0: not known."""


@dataclass(frozen=True)
class Baseline:
    """What the last runs of a cloud were given."""

    finished: AppliedAnswers | None = None
    """The last run that carried out its whole plan."""
    begun: AppliedAnswers | None = None
    """The last run that began to carry out a plan; the same as `finished` where it did not stop on the way."""
    components: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By host: every component that was ever installed there."""

    @property
    def unfinished(self) -> bool:
        """Whether the last run stopped on the way."""
        return self.begun is not None and self.begun != self.finished


def load(state: StateDir) -> Baseline:
    """What is kept; an empty one where there is nothing, or a version that is not known."""
    try:
        raw = json.loads(state.read(FILE))
        if raw["version"] != VERSION:
            return Baseline()
        runs = {name: AppliedAnswers(**raw[name]) if raw[name] else None for name in ("finished", "begun")}
        return Baseline(runs["finished"], runs["begun"], {h: tuple(c) for h, c in raw["components"].items()})
    except (ValueError, KeyError, TypeError, AttributeError):
        return Baseline()


def _save(state: StateDir, baseline: Baseline) -> None:
    data = asdict(baseline) | {"version": VERSION}
    state.write(FILE, json.dumps(data, indent=1, sort_keys=True) + "\n")


def _both(one: Mapping[str, Iterable[str]], other: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    return {h: tuple(sorted({*one.get(h, ()), *other.get(h, ())})) for h in sorted({*one, *other})}


def begin(
    state: StateDir,
    given: AppliedAnswers,
    installed: Mapping[str, Iterable[str]],
    counts: Callable[[str], bool],
    before: Baseline | None = None,
) -> None:
    """Keeps the answers of a run that begins. Raises StackwrightError.

    `installed` are the components that the hosts have already, by host. `counts` says of a key whether it has an
    effect. A secret without effect does not replace the one of an earlier run: its service may still have data that
    were written with that one. `before` is what the caller knows about earlier runs.
    """
    before = before or load(state)
    earlier = before.begun.marks if before.begun else {}
    marks = {key: mark for key, mark in given.marks.items() if counts(key)}
    whole = replace(given, marks={**earlier, **marks})
    _save(state, Baseline(before.finished, whole, _both(before.components, installed)))


def finish(state: StateDir, installed: Mapping[str, Iterable[str]], at: float) -> None:
    """Records that the run which began last carried out its whole plan. Raises StackwrightError."""
    before = load(state)
    if before.begun:
        done = replace(before.begun, at=at)
        _save(state, Baseline(done, done, _both(before.components, installed)))
