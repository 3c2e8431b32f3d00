"""Compares the answers of a command with those of the cloud's last runs, and keeps them when a run begins and ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from stackwright import lock, platforms
from stackwright.answers import changes
from stackwright.answers.typed import matters
from stackwright.model import Answers, Facts, Plan, Problem, PuppetApply, StackwrightError
from stackwright.services import options
from stackwright.state import baseline, journal, snapshots
from stackwright.state.baseline import AppliedAnswers, Baseline

if TYPE_CHECKING:
    from stackwright.state.directory import StateDir


def changed(answers: Answers, state: StateDir, reinstalled: Iterable[str] = ()) -> tuple[changes.ChangedAnswer, ...]:
    """The answers that changed since the last run; on hosts that were `reinstalled` nothing is installed any more.
    Raises StackwrightError where the state directory cannot be read."""
    before = _known(state)
    if before.begun is None:
        return ()
    with journal.open_journal(state.folder, exclusive=False) as kept:
        kept.lose(tuple(reinstalled))
        here = {host: set(names) for host, names in _components(state, kept).items()}
    ever = {host: names for host, names in before.components.items() if host not in set(reinstalled)}
    installed = {name for names in (*here.values(), *ever.values()) for name in names}
    return changes.changed(before, answers, _mark(state), installed)


def problems(
    found: Iterable[changes.ChangedAnswer], answers: Answers, facts: Mapping[str, Facts], cloud_id: str
) -> list[Problem]:
    """An error for each answer that cannot change in the installed cloud, and for another OpenStack release than the
    one that its hosts have."""
    out = changes.problems(found, answers)
    for one in facts.values():
        installed = str(one.cloud.get("release", ""))
        if not installed or one.cloud.get("id") != cloud_id:
            continue
        try:
            platform = platforms.find(one.os_id, one.os_version, one.arch)
            asked = platforms.release_of(
                platform, answers["CONFIG_OPENSTACK_RELEASE"], bool(answers["CONFIG_RDO_TRUNK"])
            ).name
        except StackwrightError:
            continue  # a check of its own says so
        if asked != installed:
            return [p for p in out if p.where != "CONFIG_OPENSTACK_RELEASE"] + [
                changes.release_problem(installed, asked)
            ]
    return out


def begin(answers: Answers, state: StateDir, kept: journal.Journal) -> None:
    """Keeps the answers of a run that begins. Raises StackwrightError where they cannot be written."""
    given = changes.snapshot(answers, _mark(state), time.time())
    baseline.begin(state, given, _components(state, kept), lambda k: matters(options()[k], answers), _known(state))


def finish(plan: Plan, state: StateDir) -> None:
    """Records that the run carried out its whole plan. Raises StackwrightError where that cannot be written."""
    installed: dict[str, set[str]] = {}
    for step in plan.steps:
        for action in step.actions:
            if isinstance(action, PuppetApply):
                installed.setdefault(step.host, set()).update(action.components)
    baseline.finish(state, installed, time.time())


def _mark(state: StateDir) -> Callable[[str], str]:
    return snapshots.secret_masker(state, lambda text, _: text).mark


def _known(state: StateDir) -> Baseline:
    """What is kept. Version 0.1.0 kept the answers, without secrets, in its lock only."""
    found = baseline.load(state)
    if found.begun or not (text := state.read(lock.NAME)):
        return found
    try:
        answers = lock.read(text).answers
    except StackwrightError:
        return found
    last = AppliedAnswers(dict(answers))
    return Baseline(last, last, found.components)


def _components(state: StateDir, kept: journal.Journal) -> dict[str, tuple[str, ...]]:
    """By host: the components that were installed, by the journal and the snapshots of its steps."""
    known = snapshots.load(state).snapshots
    found: dict[str, set[str]] = {}
    for step in kept.steps():
        if (good := kept.last_ok(step)) and good.digest in known:
            found.setdefault(good.host, set()).update(known[good.digest].components)
    return {host: tuple(sorted(names)) for host, names in found.items() if names}
