"""Reading answers: layers of texts (defaults, files, environment, flags) become typed values, each with its origin.

Every problem is collected. Files are never changed, and the network is not used.
"""

from __future__ import annotations

import shlex
import stat
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from stackwright.answers import checking, secrets, syntax
from stackwright.answers.layers import (
    ENVIRONMENT_PREFIX,
    Layers,
    add_document,
    add_environment,
    add_flags,
    flag_name,
    old_names,
    suggest,
)
from stackwright.answers.packstack import rewrite
from stackwright.answers.packstack.retired import RETIRED, translated
from stackwright.answers.packstack.rewrite import Change
from stackwright.answers.typed import finish, local_address, type_all
from stackwright.model import Answers, ExitCode, Problem, Severity, StackwrightError
from stackwright.services import options

__all__ = [
    "ENVIRONMENT_PREFIX",
    "AnswersError",
    "Reading",
    "describe",
    "flag_name",
    "from_documents",
    "load",
    "local_address",
    "made",
    "old_names",
    "read",
    "suggest",
]


@dataclass(frozen=True)
class Reading:
    """The result of reading: the answers (defaults replace invalid values) and all problems."""

    answers: Answers
    problems: tuple[Problem, ...] = ()
    changes: tuple[Change, ...] = ()
    """Answers of earlier releases that were translated."""
    documents: tuple[syntax.Document, ...] = ()

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity is Severity.ERROR)


class AnswersError(StackwrightError):
    """Invalid answers, with all their problems."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        errors = [problem for problem in problems if problem.severity is Severity.ERROR]
        noun = "error" if len(errors) == 1 else "errors"
        text = "\n".join(describe(problem) for problem in errors)
        places = (problem.where.rpartition(":") for problem in errors)
        files = dict.fromkeys(shlex.quote(file) for file, _, line in places if file and line.isdecimal())
        super().__init__(
            f"the answers have {len(errors)} {noun}:\n{text}",
            f"fix these lines; `stackwright answers check {' '.join(files) or 'FILE'}` shows them again, with warnings"
            ". Nothing was changed",
            ExitCode.ANSWERS,
            problems,
        )


def describe(problem: Problem) -> str:
    """A problem as one or two lines of plain text."""
    place = f"{problem.where}: " if problem.where else ""
    hint = f"\n    hint: {problem.hint}" if problem.hint else ""
    return f"{place}{problem.severity}: {problem.message} [{problem.name}]{hint}"


def read(
    paths: Iterable[Path | str] = (),
    flags: Mapping[str, str] | None = None,
    environ: Mapping[str, str] | None = None,
    *,
    local_host: str = "",
    remembered: Mapping[str, str] | None = None,
) -> Answers:
    """The answers of these files and flags (texts by key) and of STACKWRIGHT_... variables in `environ`.

    Later layers win: defaults, files in their order, environment, flags. `local_host` is the default controller (empty:
    this machine's address). Missing secrets are generated; `remembered` has secrets that were generated earlier, by
    key, so that reading again gives the same (see `made`). Raises AnswersError with all errors at once.
    """
    reading = load(paths, flags, environ, local_host=local_host, remembered=remembered)
    if reading.errors:
        raise AnswersError(reading.problems)
    return reading.answers


def load(
    paths: Iterable[Path | str | syntax.Document] = (),
    flags: Mapping[str, str] | None = None,
    environ: Mapping[str, str] | None = None,
    *,
    local_host: str = "",
    remembered: Mapping[str, str] | None = None,
    run: bool = True,
    files: bool = True,
) -> Reading:
    """Like `read`, but errors are collected instead of raised (an unreadable file still raises StackwrightError).
    Instead of a path, a document that was already read can be given, because a pipe can be read only once.

    With `run=False`, commands for secrets are not run. With `files=False`, files that answers name (keys, certificates)
    and the mode of the answer file are not checked.
    """
    documents = tuple(p if isinstance(p, syntax.Document) else syntax.read_file(Path(p)) for p in paths)
    reading = from_documents(
        documents, flags, environ, local_host=local_host, remembered=remembered, run=run, files=files
    )
    if not files:
        return reading
    found = (*_empty(documents), *reading.problems, *_modes(documents))
    return Reading(reading.answers, found, reading.changes, reading.documents)


def from_documents(
    documents: Iterable[syntax.Document],
    flags: Mapping[str, str] | None = None,
    environ: Mapping[str, str] | None = None,
    *,
    local_host: str = "",
    remembered: Mapping[str, str] | None = None,
    run: bool = True,
    files: bool = True,
) -> Reading:
    """Like `load`, for documents in memory."""
    documents = tuple(documents)
    layers = Layers()
    for document in documents:
        add_document(layers, document)
    add_environment(layers, environ or {})
    add_flags(layers, flags or {})

    state = rewrite.rewrite(layers.texts, layers.old, renamed=frozenset(layers.renamed), rank=layers.rank)
    problems = [*layers.problems, *state.problems]
    entries, found, failed = type_all(state.texts, layers, run=run)
    problems += found
    finish(entries, state.texts, remembered or {}, local_host)
    secret_keys = frozenset(key for key, option in options().items() if option.secret)
    answers = Answers(entries, secret_keys)
    # unusable values were replaced by defaults: problems that the checks find with these would only confuse
    problems += [p for p in checking.check(answers, files=files) if p.seen.split(" ", 1)[0] not in failed]
    return Reading(answers, tuple(_sorted(problems)), (*layers.changes, *state.changes), documents)


def made(answers: Answers) -> dict[str, str]:
    """The secrets that were generated while reading, by key. Save them, and pass them as `remembered` the next time."""
    return {key: entry.text for key, entry in answers.entries.items() if entry.origin.kind == "generated"}


def _sorted(problems: Iterable[Problem]) -> list[Problem]:
    """Sorts problems by file and line; problems without a line come last, in the order in which they were found."""

    def place(problem: Problem) -> tuple[str, int]:
        name, _, line = problem.where.rpartition(":")
        return (name, int(line)) if name and line.isdecimal() else ("\uffff", 0)

    return _shortened(sorted(dict.fromkeys(problems), key=place))


_MOST_ALIKE = 500
"""If there are more problems of one name and severity than this, the rest is counted and not listed."""


def _shortened(problems: list[Problem]) -> list[Problem]:
    found: list[Problem] = []
    count: Counter[tuple[str, Severity]] = Counter()
    for problem in problems:
        kind = problem.name, problem.severity
        count[kind] += 1
        if count[kind] <= _MOST_ALIKE:
            found.append(problem)
    for (name, severity), number in count.items():
        if number > _MOST_ALIKE:
            seen, hint = f"{number - _MOST_ALIKE} more problems of this kind", "correct those above and check again"
            found.append(Problem(name, seen, "", hint, severity=severity))
    return found


def no_answers(documents: tuple[syntax.Document, ...]) -> list[Problem]:
    """The errors of files that do not say what their answers are: conflict markers of git, or not one known key."""
    conflicts = [p for document in documents for p in document.problems if p.name == "conflict-marker"]
    return [*_empty(documents), *conflicts]


def _empty(documents: tuple[syntax.Document, ...]) -> list[Problem]:
    """An error if the files contain no answer: a file was cut off, or another one was meant. With defaults alone, a
    cloud would be installed on this machine."""
    lines = [line for document in documents for line in document.lines]
    if not documents or any(answers_key(line.key) for line in lines):
        return []
    if not lines and any(document.problems for document in documents):
        return []
    name = documents[0].name
    return [
        Problem(
            "empty",
            "the file has no known key" if lines else "the file has no answers",
            "it must consist of lines KEY=value",
            f"check {name}, or write a new file with `stackwright answers generate FILE`",
            where=name,
        )
    ]


def answers_key(name: str) -> bool:
    """Whether `name` is a key of an answer file, of this release or an older one."""
    return name in options() or name in old_names() or name in RETIRED or name in translated()


def _modes(documents: Iterable[syntax.Document]) -> list[Problem]:
    """A warning for each file with secrets that others can read: answer files, and files that `!file:` names."""
    found: dict[Path, Problem] = {}
    for document in documents:
        own = Path(document.name)
        lines = [line for line in document.lines if _has_secret(line)]
        named: dict[Path, str] = {}  # by file with secrets: the place that names it
        if any(not secrets.is_elsewhere(line.text) for line in lines):
            named[own] = document.name
        # Of a key that is repeated, the last line: looking for files takes longest.
        for line in {line.key: line for line in lines}.values():
            if file := secrets.file_of(line.text, own.parent):
                named.setdefault(file, f"{document.name}:{line.number}")
        for path, where in named.items():
            mode = _mode(path)
            if mode & 0o077 and path not in found:
                found[path] = Problem(
                    "readable-by-others",
                    f"{path} contains passwords and has mode {mode:04o}",
                    "only its owner should read it",
                    f"chmod 600 {path}",
                    severity=Severity.WARNING,
                    where=where,
                )
    return list(found.values())


def _has_secret(line: syntax.Line) -> bool:
    option = options().get(old_names().get(line.key, line.key))
    return bool(option and option.secret) and line.text not in ("", secrets.PLACEHOLDER, "None")


def _mode(path: Path) -> int:
    """The permissions of an ordinary file; 0 for anything else."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return 0
    return stat.S_IMODE(mode) if stat.S_ISREG(mode) else 0
