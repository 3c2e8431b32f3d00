"""What changed in the answers of an installed cloud, whether it can change there, and what it affects.

Each record says which answers can change (`Service.changes`); the answers of the last runs are in `state.baseline`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from stackwright import services
from stackwright.answers.destinations import destinations
from stackwright.answers.reading import from_documents
from stackwright.answers.secrets import MASK, public
from stackwright.answers.typed import matters, shown, where
from stackwright.model import Answers, Problem
from stackwright.services.named_hosts import CONTROLLER
from stackwright.state.baseline import AppliedAnswers, Baseline
from stackwright.values import host as parse_host
from stackwright.values import hosts as parse_hosts

CHECK = "fixed-answer"
"""The name of the problem, for --skip-check."""

_RELEASE = "CONFIG_OPENSTACK_RELEASE"
_MOST = 40
"""With more changed answers than this, the components that they affect are not determined: it is most of them."""


@dataclass(frozen=True)
class ChangedAnswer:
    """An answer that differs from the last run. Secrets are masked."""

    key: str
    before: str
    after: str
    refused: bool
    """Whether it cannot change in this cloud."""
    why: str
    """Why it cannot change, or what a change does not affect; otherwise empty."""
    components: tuple[str, ...] = ()
    """The components that it affects."""
    hosts: tuple[str, ...] = ()
    begun: bool = False
    """Whether an earlier run started to change it and did not finish."""


def snapshot(answers: Answers, mark: Callable[[str], str], at: float) -> AppliedAnswers:
    """The answers in the form that is saved after a run."""
    marks = {key: mark(str(answers[key])) for key in sorted(answers.secrets) if answers[key]}
    known = services.options().items()
    defaults = {key: option.default for key, option in known if not option.secret and matters(option, answers)}
    return AppliedAnswers(public(answers), marks, defaults, at)


def changed(
    baseline: Baseline, now: Answers, mark: Callable[[str], str], installed: Collection[str]
) -> tuple[ChangedAnswer, ...]:
    """The answers that differ from those of the last finished run. `installed` are the cloud's components, which
    determine whether an answer can change. `mark` masks a secret in the same way as when the answers were saved."""
    last = baseline.finished or baseline.begun
    if last is None:
        return ()
    begun = baseline.begun or last
    since_begun = _differences(begun, now, mark)
    since_last = since_begun if begun == last else _differences(last, now, mark)
    refused = {key for key in since_begun if _refused(key, _earlier(begun, now), now, installed)}
    keys = [key for key in services.options() if key in since_last or key in refused]
    found = []
    for key in keys:
        before, after = since_begun[key] if key in refused else since_last[key]
        parts, hosts = _touched(key, now) if len(keys) <= _MOST else ((), ())
        why = services.change_of(key).why
        found.append(ChangedAnswer(key, before, after, key in refused, why, parts, hosts, key not in since_begun))
    return tuple(found)


def problems(changes: Iterable[ChangedAnswer], now: Answers) -> list[Problem]:
    """An error for each answer that cannot change."""
    found = []
    for one in changes:
        if not one.refused:
            continue
        more = services.change_of(one.key).can == "more"
        secret = one.before == MASK
        old = "the secret that the cloud was installed with" if secret else one.before or "no value"
        wanted = f"it must keep all of {old}" if more else f"it must stay {old}"
        hint = f"restore {one.key}" if secret else f"set {one.key}={one.before}"
        hint += ", and add to it only" if more else " again; only a new cloud can have another one"
        seen = f"{one.key} was changed" + ("" if secret else f" from {one.before or 'empty'} to {one.after or 'empty'}")
        found.append(Problem(CHECK, seen, f"{wanted}, because {one.why}", hint, where=where(now, one.key)))
    return found


def release_problem(installed: str, asked: str) -> Problem:
    """The error for a cloud of another OpenStack release."""
    return Problem(
        CHECK,
        f"{_RELEASE} asks for {asked}, and the cloud has {installed}",
        f"it must stay {installed}, because {services.change_of(_RELEASE).why}",
        f"set {_RELEASE}={installed}",
        where=_RELEASE,
    )


def _earlier(last: AppliedAnswers, now: Answers) -> Answers:
    """The saved answers, read with the rules of this version, so that derived values are comparable. Defaults are those
    of the version that ran: a later version with another default does not change the cloud unnoticed."""
    known = services.options()
    old = {k: text for k, text in last.defaults.items() if k in known and text != known[k].default}
    return from_documents(
        (), old | dict(last.texts), files=False, run=False, local_host=str(now[CONTROLLER]), remembered=last.marks
    ).answers


def _differences(last: AppliedAnswers, now: Answers, mark: Callable[[str], str]) -> dict[str, tuple[str, str]]:
    """By key, the texts before and after of answers whose value differs and that have an effect before or after."""
    before = _earlier(last, now)
    found = {}
    for key, option in services.options().items():
        if not (matters(option, before) or matters(option, now)):
            continue
        if option.secret:
            if key in last.marks and now[key] and last.marks[key] != mark(str(now[key])):
                found[key] = (MASK, MASK)
        elif before[key] != now[key] and not _same_hosts(key, before, now):
            found[key] = (_text(before, key), _text(now, key))
    return found


def _text(answers: Answers, key: str) -> str:
    """The answer's text, or its value if that is derived from other answers."""
    option = services.options()[key]
    try:
        follows = option.parse(answers.entries[key].text) != answers[key]
    except ValueError:
        follows = True
    value = answers[key]
    return ",".join(map(str, value)) if follows and isinstance(value, tuple) else shown(answers, key)


def _same_hosts(key: str, before: Answers, now: Answers) -> bool:
    """Whether every role keeps its hosts: an empty answer and one with the default host have the same meaning."""
    if services.options()[key].parse not in (parse_host, parse_hosts) or key == CONTROLLER:
        return False
    roles = [role for role in services.roles() if key in role.keys]
    was = now.with_value(key, before[key])
    return bool(roles) and all(services.hosts_of(role, was) == services.hosts_of(role, now) for role in roles)


def _refused(key: str, before: Answers, now: Answers, installed: Collection[str]) -> bool:
    """Whether the change of an answer is refused."""
    change = services.change_of(key)
    permanent = bool(set(change.until) & set(installed)) if change.until else bool(installed)
    if change.can == "yes" or not permanent or not matters(services.options()[key], now):
        return False
    if key == _RELEASE and not (before[key] and now[key]):
        return False  # the platform's own release; the hosts say which one that is
    if change.can == "more":
        return not set(_entries(before[key])) <= set(_entries(now[key]))
    return True


def _entries(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _touched(key: str, now: Answers) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The components and hosts that an answer affects."""
    found = destinations(now, key)
    parts = dict.fromkeys((*found.switches, *found.places, *(s.partition(":")[0] for s in found.settings)))
    return tuple(parts), found.hosts
