"""Snapshots of the settings that were applied last, without secrets, and the changes that a plan would make to them.

A snapshot of each step is stored under the step's digest before the step begins. The journal has the digests that were
applied, so a crash cannot leave inconsistent state. Instead of a secret, a snapshot contains a keyed hash (HMAC) of it
with a key of this machine, which shows that a secret changed, but not its value.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import ndiff
from typing import TYPE_CHECKING, Any, Literal

from stackwright.model import Plan, Probe, PuppetApply, Run, Step, Upload

if TYPE_CHECKING:
    from stackwright.state.directory import StateDir
    from stackwright.state.journal import Journal

FILE = "applied.json"
_KEY = "applied.key"
VERSION = 1

MASK = "********"
_MARK = re.compile(r"\*{8}~[0-9a-f]{12}~")
_MANY = 20
"""An upload of more files than this is shown as one setting."""
_PARAMETER = re.compile(r"^([a-z][\w:]*):(?: |$)", re.M)
_WORD = re.compile(r"[^\s\"';]+")
_SECTION = re.compile(r"^# --- (\S+)$", re.M)

Setting = tuple[str, str]
"""Component (empty: the host itself) and name."""


@dataclass(frozen=True)
class StepSnapshot:
    """The settings that a step applies to its host, as texts without secrets. Multi-line texts are compared by line."""

    step: str
    host: str
    title: str
    settings: Mapping[Setting, str]
    components: tuple[str, ...] = ()
    probes: tuple[tuple[str, str], ...] = ()
    """Probes: the name of the component (or capability), and the script."""


@dataclass(frozen=True)
class Record:
    """The content of the file."""

    snapshots: Mapping[str, StepSnapshot] = field(default_factory=dict)
    """By the step's digest."""
    plan: tuple[tuple[str, str], ...] = ()
    """The steps of the last plan that was started, with their digests."""

    @property
    def last(self) -> tuple[StepSnapshot, ...]:
        """The snapshots of that plan's steps, in its order."""
        return tuple(self.snapshots[digest] for _, digest in self.plan if digest in self.snapshots)


Replace = Callable[[str, Callable[[str], str]], str]
"""(text, mark) -> the text with each secret replaced by mark(secret)."""


class SecretMasker:
    """Replaces secrets by marks."""

    def __init__(self, key: bytes, replace: Replace) -> None:
        self._key = key
        self._replace = replace
        self._known: dict[str, str] = {}

    def mark(self, secret: str | bytes) -> str:
        """The mark of a secret."""
        data = secret.encode() if isinstance(secret, str) else secret
        return f"{MASK}~{hmac.new(self._key, data, 'sha256').hexdigest()[:12]}~"

    def text(self, text: str) -> str:
        """The text with each secret replaced by its mark."""
        if text not in self._known:
            self._known[text] = self._replace(text, self.mark)
        return self._known[text]


def secret_masker(state: StateDir, replace: Replace) -> SecretMasker:
    """A masker with the cloud's own key, which is generated if there is none."""
    key = state.read(_KEY).strip()
    if not re.fullmatch(r"[0-9a-f]{64}", key):
        key = secrets.token_hex(32)
        state.write(_KEY, key + "\n")
    return SecretMasker(bytes.fromhex(key), replace)


# ------------------------------------------------------------------------------------------------------- snapshots


def snapshot(
    step: Step, seal: SecretMasker, component_of: Callable[[str, Iterable[str]], str] = lambda c, _: c
) -> StepSnapshot:
    """A step's snapshot. `component_of` (capability, components) names the component that a probe is about."""
    settings: dict[Setting, str] = {}
    probes: list[tuple[str, str]] = []
    components: tuple[str, ...] = ()
    for action in step.actions:
        match action:
            case Upload(files) if len(files) > _MANY:
                sums = sorted(f"{f.path} {f.mode:o} {f.owner} {hashlib.sha256(f.content).hexdigest()}" for f in files)
                settings["", f"{len(files)} files"] = hashlib.sha256("\n".join(sums).encode()).hexdigest()[:16]
            case Upload(files):
                for file in files:
                    content = file.content.decode(errors="replace")
                    shown = seal.mark(file.content) if file.secret else seal.text(content)
                    settings["", file.path] = f"mode {file.mode:04o}, {file.owner}\n{shown}"
            case Run(name, script, secret=secret):
                # Scripts have long lines, so they are compared by words.
                words = "\n".join(sorted(set(_WORD.findall(seal.text(script)))))
                settings["", f"script {name}"] = seal.mark(script) if secret else words
            case PuppetApply(_, manifest, hieradata, owners=owners):
                components = action.components
                settings |= _sections(seal.text(manifest))
                settings |= {(owners.get(key, ""), key): seal.text(value) for key, value in _parameters(hieradata)}
            case Probe(capability, script):
                name = component_of(capability, components)
                if (shown := seal.text(script)) == script:
                    probes.append((name, script))
                settings[name, "probe"] = shown
    return StepSnapshot(step.id, step.host, step.title, settings, components, tuple(probes))


def _sections(manifest: str) -> Iterator[tuple[Setting, str]]:
    """The parts of a manifest by component; comments with the names separate them."""
    pieces = _SECTION.split(manifest)
    for name, body in zip(["", *pieces[1::2]], pieces[::2], strict=True):
        if body.strip():
            yield (name, "manifest"), body.strip("\n") + "\n"


def _parameters(hieradata: str) -> Iterator[tuple[str, str]]:
    """Each class parameter with its text: its line and the lines that continue it."""
    pieces = _PARAMETER.split(hieradata)
    for key, value in zip(pieces[1::2], pieces[2::2], strict=True):
        yield key, value.strip("\n")


def keep(state: StateDir, plan: Plan, journal: Journal, snapshot_of: Callable[[Step], StepSnapshot]) -> None:
    """Stores the snapshots of a plan before it is carried out, together with those of steps that were applied before.
    Raises StackwrightError if they cannot be written."""
    digests = plan.digests()
    known = load(state).snapshots
    wanted = {record.digest for step in journal.steps() if (record := journal.last_ok(step))}
    snapshots = {digest: known[digest] for digest in sorted(wanted & set(known))}
    snapshots |= {digests[step.id]: snapshot_of(step) for step in plan.steps}
    state.write(FILE, _to_json(Record(snapshots, tuple(digests.items()))))


def load(state: StateDir) -> Record:
    """Loads what `keep` wrote; empty if there is none or it is invalid. Snapshots are only for information; the journal
    determines what is done."""
    try:
        raw = json.loads(state.read(FILE))
        if raw["version"] != VERSION:
            return Record()
        texts = raw["texts"]
        snapshots = {
            digest: StepSnapshot(
                step=one["step"],
                host=one["host"],
                title=one["title"],
                settings={(texts[c], texts[n]): texts[v] for c, n, v in one["settings"]},
                components=tuple(texts[n] for n in one["components"]),
                probes=tuple((texts[n], texts[s]) for n, s in one["probes"]),
            )
            for digest, one in raw["pictures"].items()
        }
        return Record(snapshots, tuple((step, digest) for step, digest in raw["plan"]))
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        return Record()


def _to_json(record: Record) -> str:
    """Each text is stored once, because similar hosts have most texts in common."""
    place_of: dict[str, int] = {}

    def number(text: str) -> int:
        return place_of.setdefault(text, len(place_of))

    snapshots: dict[str, Any] = {
        digest: {
            "step": one.step,
            "host": one.host,
            "title": one.title,
            "settings": [[number(c), number(n), number(v)] for (c, n), v in one.settings.items()],
            "components": [number(n) for n in one.components],
            "probes": [[number(n), number(s)] for n, s in one.probes],
        }
        for digest, one in record.snapshots.items()
    }
    return json.dumps({"version": VERSION, "plan": record.plan, "pictures": snapshots, "texts": list(place_of)}) + "\n"


# ---------------------------------------------------------------------------------------------------- differences


@dataclass(frozen=True)
class Change:
    """A setting that differs. For multi-line settings, `lines` has removed (- ...) and added (+ ...) lines."""

    component: str
    name: str
    before: str = ""
    after: str = ""
    lines: tuple[str, ...] = ()


Why = Literal["new", "changed", "follows", "failed", "unknown"]


@dataclass(frozen=True)
class StepChange:
    """A step that would be carried out, and why: it is new, its settings changed, it follows a changed step, it failed
    the last time, or the applied settings are unknown."""

    step: str
    host: str
    title: str
    why: Why
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True)
class Difference:
    """The changes that a plan would make, compared with what was applied last."""

    at: float = 0.0
    """When something was applied last, in seconds since the epoch; 0: never."""
    kept: tuple[str, ...] = ()
    todo: tuple[StepChange, ...] = ()
    gone: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Components that are not in this plan any more, by host; they are not uninstalled."""


def difference(plan: Plan, journal: Journal, record: Record, snapshot_of: Callable[[Step], StepSnapshot]) -> Difference:
    """The changes that the plan would make."""
    digests = plan.digests()
    kept: list[str] = []
    todo: list[StepChange] = []
    for step in plan.steps:
        if journal.done(step.id, digests[step.id]) and not step.always:
            kept.append(step.id)
            continue
        why, changes = _why(step, digests[step.id], journal, record, snapshot_of)
        todo.append(StepChange(step.id, step.host, step.title, why, changes))
    applied = [r for s in journal.steps() if ":" in s and (r := journal.last_ok(s))]  # the verification has no host
    return Difference(max((r.at for r in applied), default=0.0), tuple(kept), tuple(todo), _gone(plan, journal, record))


def _why(
    step: Step, digest: str, journal: Journal, record: Record, snapshot_of: Callable[[Step], StepSnapshot]
) -> tuple[Why, tuple[Change, ...]]:
    good = journal.last_ok(step.id)
    if good is None:
        return ("failed" if journal.last(step.id) else "new"), ()
    if good.digest == digest:
        return "failed", ()
    before = record.snapshots.get(good.digest)
    if before is None:
        return "unknown", ()
    changes = compare(before, snapshot_of(step))
    return ("changed" if changes else "follows"), changes


def _gone(plan: Plan, journal: Journal, record: Record) -> dict[str, tuple[str, ...]]:
    have: dict[str, set[str]] = {}
    for step in plan.steps:
        for action in step.actions:
            if isinstance(action, PuppetApply):
                have.setdefault(step.host, set()).update(action.components)
    had: dict[str, dict[str, None]] = {}
    for one in record.last:
        if (good := journal.last_ok(one.step)) and good.digest in record.snapshots:
            had.setdefault(one.host, {}).update(dict.fromkeys(record.snapshots[good.digest].components))
    found = {host: tuple(c for c in components if c not in have.get(host, ())) for host, components in had.items()}
    return {host: components for host, components in found.items() if components}


def compare(before: StepSnapshot, after: StepSnapshot) -> tuple[Change, ...]:
    """The differences, by component and name. Of secrets, only the fact that they changed is shown."""
    out = []
    for component, name in sorted({*before.settings, *after.settings}):
        old, new = before.settings.get((component, name), ""), after.settings.get((component, name), "")
        if old == new:
            continue
        if "\n" in old or "\n" in new:
            lines = [line for line in ndiff(old.splitlines(), new.splitlines()) if line[:2] in ("- ", "+ ")]
            out.append(Change(component, name, lines=tuple(map(_shown, lines))))
        else:
            shown_old, shown_new = _shown(old), _shown(new)
            if shown_old == shown_new:
                shown_new += " (another secret)"
            out.append(Change(component, name, shown_old, shown_new))
    return tuple(out)


def _shown(text: str) -> str:
    return _MARK.sub(MASK, text).expandtabs(2)
