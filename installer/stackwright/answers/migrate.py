"""Converts an old answer file to a current one with the same meaning, and keeps the user's own comments."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from stackwright.answers import secrets, syntax, writing
from stackwright.answers.compare import differences
from stackwright.answers.packstack.comments import is_generated
from stackwright.answers.packstack.retired import translated
from stackwright.answers.packstack.rewrite import NETWORK_KEYS, ROLE_KEYS, Change
from stackwright.answers.reading import AnswersError, Reading, from_documents, no_answers, old_names
from stackwright.model import Answer, Answers, Origin, Problem, Severity
from stackwright.services import options

_LOST = (
    "retired-key", "retired-value", "unknown-key", "hidden-secret", "bad-value", "no-key", "conflict-marker",
    "repeated-key", "no-unit",
)  # fmt: skip
"""Warnings about an old file that no longer apply to the new one."""


_MOST_CHARACTERS = 5_000_000
"""So many characters of comments are compared with the explanations, most of them several times; Packstack's longest
file needs 83,000."""


@dataclass(frozen=True)
class Migration:
    """A current file made from an old one."""

    text: str
    changes: tuple[Change, ...]
    problems: tuple[Problem, ...]
    """Errors must be fixed by hand in the new file. They include every error that `answers check` finds in the old
    file, even if its line no longer exists. Warnings include values that could not be taken over, and what this version
    cannot install."""


def migrate(path: Path, *, minimal: bool = False, strict: bool = False, name: str = "the new file") -> Migration:
    """The current form of the answer file `path`, which is not changed. Problems call the new file `name`.

    What this version cannot install is switched off, with a comment; with `strict`, it stays an error. Unusable values
    become comments, so that nothing is lost. Secrets that are stored elsewhere stay there, and no command is run.
    Raises StackwrightError if the file cannot be read, has conflict markers of git, or not one known key.
    """
    return migrate_document(syntax.read_file(path), minimal=minimal, strict=strict, name=name)


def migrate_document(
    document: syntax.Document, *, minimal: bool = False, strict: bool = False, name: str = "the new file"
) -> Migration:
    """Like `migrate`, for a document in memory."""
    reading = from_documents((document,), run=False, files=False)
    if unusable := no_answers((document,)):
        raise AnswersError(tuple(dict.fromkeys((*unusable, *reading.errors))))
    asked = reading
    off = {} if strict else _not_installable(reading)
    if off:
        reading = from_documents((document,), {key: one.text for key, one in off.items()}, run=False, files=False)
    entries = dict(reading.answers.entries)
    for key, entry in entries.items():
        # what an old file left to Packstack stays open: it is made once, when the new file is used
        if entry.origin.kind == "generated":
            entries[key] = Answer(entry.value, secrets.PLACEHOLDER, Origin("default"))
        elif not options()[key].secret:
            entries[key] = replace(entry, text=writing.current(options()[key], entry.text))
    notes = _notes(document, asked)
    for key, one in off.items():
        notes.above.setdefault(key, []).append(one.comment)

    def written() -> str:
        return writing.write(
            Answers(entries, reading.answers.secrets),
            minimal=minimal, comments=notes.above, head=notes.head, tail=notes.tail,
        )  # fmt: skip

    text = written()
    now = from_documents((syntax.parse(text, name),), run=False, files=False)
    # It followed from an answer that was not given; the migrated file writes the default, so the default applies.
    followed = [one.key for one in differences(reading.answers, now.answers) if not options()[one.key].secret]
    if followed:
        for key in followed:
            entries[key] = replace(entries[key], text=_as_text(entries[key].value))
        text = written()
        now = from_documents((syntax.parse(text, name),), run=False, files=False)
    still = {(p.name, p.seen) for p in now.problems}
    # An error that is gone with what was switched off needs no correction, such as the missing address of its server.
    left = {(p.name, p.seen) for p in reading.errors} - still
    lost = [p for p in asked.problems if p.name in _LOST or (p.severity is Severity.ERROR and (p.name, p.seen) in left)]
    switched = [
        replace(p, severity=Severity.WARNING, hint=f"{name} has {key}={one.text}")
        for key, one in off.items()
        for p in one.problems
    ]
    changes = sorted(asked.changes, key=lambda change: change.origin.line)
    return Migration(text, tuple(changes), (*switched, *lost, *now.problems))


@dataclass(frozen=True)
class _Off:
    """An answer that this version cannot install, and what is written instead."""

    text: str
    comment: str
    problems: tuple[Problem, ...]


def _not_installable(reading: Reading) -> dict[str, _Off]:
    """By key, what this version cannot install: services become n, values are taken out of lists, and where nothing is
    left, the default applies."""
    answers, found = reading.answers, dict[str, _Off]()
    wrong: dict[str, list[Problem]] = {}
    for problem in reading.errors:
        if problem.name == "not-installable":
            wrong.setdefault(problem.seen.partition(" = ")[0], []).append(problem)
    for key, problems in wrong.items():
        option, value = options()[key], answers[key]
        left = [str(one) for one in value if str(one) not in option.not_yet] if isinstance(value, tuple) else []
        text = ",".join(left) if left and "*" not in option.not_yet else option.default
        if isinstance(value, bool):
            text = "n"
        if text in option.not_yet:
            continue  # it stays an error
        why = problems[0].wanted
        was = secrets.MASK if option.secret else answers.entries[key].text
        found[key] = _Off(text, f"# switched off, because {why}; was: {key}={was}", tuple(problems))
    return found


def _as_text(value: object) -> str:
    """A typed value as it is written in an answer file."""
    if isinstance(value, bool):
        return "y" if value else "n"
    if isinstance(value, tuple):
        return ",".join(":".join(map(str, item)) if isinstance(item, tuple) else str(item) for item in value)
    return str(value)


@dataclass
class _Notes:
    """The user's comments: at the beginning of the file, above keys, and at the end."""

    head: list[str] = field(default_factory=list)
    above: dict[str, list[str]] = field(default_factory=dict)
    tail: list[str] = field(default_factory=list)


def _notes(document: syntax.Document, reading: Reading) -> _Notes:
    """The user's comments, including those behind values, and old values that could not be used."""
    named = {name: {p.where for p in reading.problems if p.name == name} for name in ("bad-value", "remark-in-value")}
    notes = _Notes()
    explained = _Explanations()
    changed: dict[int, list[Change]] = {}  # by line
    for change in reading.changes:
        changed.setdefault(change.origin.line, []).append(change)
    waiting: list[str] = []
    for index, line in enumerate(document.lines):
        blocks = explained.own(line.comment, line.key)
        if index == 0:  # what stands apart from the first key is about the whole file
            notes.head = [text for block in blocks[:-1] for text in block]
            blocks = blocks[-1:]
        waiting += [text for block in blocks for text in block]
        key = _place(line, changed.get(line.number, []))
        if not key:
            continue  # the key is gone, the remark may still be worth something
        where = f"{document.name}:{line.number}"
        remark = re.search(r"\s[#;]\s*(.+)$", line.text)
        if where in named["remark-in-value"] and remark and not options()[key].secret:
            waiting.append(f"# {remark[1]}")
        if where in named["bad-value"] and not options()[key].secret:
            waiting.append(f"# was, and could not be used: {line.key}={line.text}")
        if waiting:
            notes.above.setdefault(key, []).extend(waiting)
        waiting = []
    notes.tail = [*waiting, *(text for block in explained.own(document.tail, "") for text in block)]
    return notes


def _place(line: syntax.Line, here: list[Change]) -> str:
    """The key whose value has the meaning of this line today; empty where none has. `here`: what became of it."""
    key = _key(line.key)
    if not any(change.key == key and not change.became for change in here):
        return key
    merged = [change.became.partition("=")[0] for change in here if "=" in change.became]
    if key in NETWORK_KEYS:
        return "CONFIG_NETWORK_HOSTS"
    return merged[-1] if merged else "CONFIG_CONTROLLER_HOST" if key in ROLE_KEYS else key


def _key(name: str) -> str:
    if name in options():
        return name
    if name in old_names():
        return old_names()[name]
    if name in translated():
        return {
            "CONFIG_NEUTRON_L2_PLUGIN": "CONFIG_NEUTRON_L2_AGENT",
            "CONFIG_QUANTUM_L2_PLUGIN": "CONFIG_NEUTRON_L2_AGENT",
        }.get(name, "CONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES")
    return ""


class _Explanations:
    """Finds the comments of a file that people wrote. It looks at so many characters only: of a file with more comments
    than any answer file has, explanations are kept."""

    def __init__(self) -> None:
        self._left = _MOST_CHARACTERS

    def own(self, comment: tuple[str, ...], key: str) -> list[list[str]]:
        """The lines of a comment that a person wrote, neither Packstack's explanations nor ours, in their blocks; the
        last block stands right above the key."""
        blocks: list[list[str]] = [[]]
        for line in comment:
            if line:
                blocks[-1].append(line)
            else:
                blocks.append([])
        return [[line for line in self._without(block, key) if line.strip("# ;-=")] for block in blocks]

    def _without(self, block: list[str], key: str) -> list[str]:
        """A block of comment lines without the run of lines that is an explanation, wherever in the block it stands."""
        if not block or block[0].startswith(("#---", "# Answer file for Stackwright", "# Answers for Stackwright")):
            return []
        ours = list(_ours(key))
        # no explanation has more than 24 lines
        for length in range(min(len(block), 24), 0, -1):
            for start in range(len(block) - length + 1):
                if self._left <= 0:
                    return block
                run = block[start : start + length]
                self._left -= 20 + sum(map(len, run))
                if run == ours or is_generated(run):
                    return [*block[:start], *block[start + length :]]
        return block


@functools.cache
def _ours(key: str) -> tuple[str, ...]:
    return tuple(writing.explanation(options()[key])) if key in options() else ()
