"""From an old answer file to a current one: the same meaning in today's keys, with the person's own comments."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from pathlib import Path

from stackwright.answers import secrets, syntax, writing
from stackwright.answers.legacy import Change
from stackwright.answers.packstack_comments import is_packstacks
from stackwright.answers.reading import Reading, from_documents, old_names
from stackwright.answers.retired import translated
from stackwright.model import Answer, Answers, Origin, Problem, Severity
from stackwright.services import options

_LOST = (
    "retired-key", "retired-value", "unknown-key", "bad-value", "no-key", "conflict-marker", "repeated-key", "no-unit",
)  # fmt: skip
"""Problems of an old file that a new one cannot have any more; what they are about was left out or decided."""


@dataclass(frozen=True)
class Migration:
    """A current file made from an old one."""

    text: str
    changes: tuple[Change, ...]
    problems: tuple[Problem, ...]
    """Errors are what remains to be done by hand in the new file; warnings also tell what could not be taken over."""


def migrate(path: Path, *, minimal: bool = False, name: str = "the new file") -> Migration:
    """The current form of the answer file `path`, which is left as it is; problems call the new one `name`.

    Values that cannot be used are taken over as comments, so that nothing is lost. Secrets that live elsewhere stay
    there, and no command is run. Raises StackwrightError when the file cannot be read.
    """
    return migrate_document(syntax.read_file(path), minimal=minimal, name=name)


def migrate_document(document: syntax.Document, *, minimal: bool = False, name: str = "the new file") -> Migration:
    """As `migrate`, for a document that is in memory."""
    reading = from_documents((document,), run=False, files=False)
    entries = dict(reading.answers.entries)
    for key, entry in entries.items():
        # what an old file left to Packstack stays open: it is made once, when the new file is used
        if entry.origin.kind == "generated":
            entries[key] = Answer(entry.value, secrets.PLACEHOLDER, Origin("default"))
    notes = _notes(document, reading)
    text = writing.write(Answers(entries, reading.answers.secrets), minimal=minimal, comments=notes)
    now = from_documents((syntax.parse(text, name),), run=False, files=False)
    lost = [replace(p, severity=Severity.WARNING) for p in reading.problems if p.name in _LOST]
    changes = sorted(reading.changes, key=lambda change: change.origin.line)
    return Migration(text, tuple(changes), (*lost, *now.problems))


def _notes(document: syntax.Document, reading: Reading) -> dict[str, list[str]]:
    """What is to stand above keys: the person's comments, and old values that could not be used."""
    unusable = {problem.where for problem in reading.problems if problem.name == "bad-value"}
    notes: dict[str, list[str]] = {}
    waiting: list[str] = []
    for line in document.lines:
        key = _key(line.key)
        own = _own(line.comment, line.key)
        if not key:
            waiting += own  # the key is gone, the remark may still be worth something
            continue
        option = options()[key]
        here = [*waiting, *own]
        waiting = []
        if f"{document.name}:{line.number}" in unusable and not option.secret:
            here.append(f"# was, and could not be used: {line.key}={line.text}")
        if here:
            notes.setdefault(key, []).extend(here)
    return notes


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


def _own(comment: tuple[str, ...], key: str) -> list[str]:
    """The lines of a comment that a person wrote: neither Packstack's explanations nor ours."""
    blocks: list[list[str]] = [[]]
    for line in comment:
        if line:
            blocks[-1].append(line)
        else:
            blocks.append([])
    kept: list[str] = []
    for block in blocks:
        kept += _without_explanation(block, key)
    return [line for line in kept if line.strip("# ;-=")]


def _without_explanation(block: list[str], key: str) -> list[str]:
    """A block of comment lines without the run of lines that is an explanation, wherever in the block it stands."""
    if not block or block[0].startswith(("#---", "# Answers for Stackwright")):
        return []
    ours = list(_ours(key))
    # no explanation has more than 24 lines
    for length in range(min(len(block), 24), 0, -1):
        for start in range(len(block) - length + 1):
            run = block[start : start + length]
            if run == ours or is_packstacks(run):
                return [*block[:start], *block[start + length :]]
    return block


@functools.cache
def _ours(key: str) -> tuple[str, ...]:
    return tuple(writing.explanation(options()[key])) if key in options() else ()
