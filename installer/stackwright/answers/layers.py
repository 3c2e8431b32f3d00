"""The layers of answers: files, environment, flags. Later layers replace earlier ones. Values are still texts here."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stackwright.answers import syntax
from stackwright.answers.packstack.flags import old_flags
from stackwright.answers.packstack.retired import RETIRED, translated
from stackwright.answers.packstack.rewrite import Change, Raw
from stackwright.model import Option, Origin, Problem, Severity
from stackwright.services import options

ENVIRONMENT_PREFIX = "STACKWRIGHT_"
"""STACKWRIGHT_CONFIG_NOVA_INSTALL=n is the answer CONFIG_NOVA_INSTALL=n."""

_MOST_UNKNOWN = _MOST_REPEATED = 1000  # of a file of noise, no more are worth a word
_MOST_SUGGESTIONS = 25  # looking for similar keys takes milliseconds each; a file of noise has thousands
_LONGEST_KEY = 80  # none is half as long; what similar keys cost grows with the length


@dataclass
class Layers:
    """The texts of all layers so far: later ones replace earlier ones."""

    texts: dict[str, Raw] = field(default_factory=dict)
    old: dict[str, Raw] = field(default_factory=dict)
    renamed: set[str] = field(default_factory=set)
    changes: list[Change] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    suggested: int = 0
    repeated: int = 0
    unknown: int = 0
    folders: dict[str, Path] = field(default_factory=dict)
    """By document, in the order of the documents."""

    def rank(self, raw: Raw) -> int:
        """The number of the layer that a text came from: later ones win."""
        files = list(self.folders)
        beyond = {"environment": len(files), "flag": len(files) + 1}
        return files.index(raw.origin.where) if raw.origin.where in files else beyond.get(raw.origin.kind, 0)


@functools.cache
def old_names() -> dict[str, str]:
    """Maps every older name of an option to its key."""
    return {was: key for key, option in options().items() for was in option.was}


def shortened(text: str) -> str:
    """A text as a message may show it."""
    return text if len(text) <= 60 else text[:57] + "..."


@functools.cache
def _known() -> tuple[str, ...]:
    return (*options(), *old_names())


def suggest(key: str) -> str:
    """The known key that is most similar to a misspelt one; empty if none is similar."""
    upper = key.upper()
    if len(upper) > _LONGEST_KEY:
        return ""
    for guess in (f"CONFIG_{upper}", upper.replace("-", "_"), upper.replace("CONFG", "CONFIG")):
        if guess in options():
            return guess
    close = difflib.get_close_matches(upper, _known(), n=1, cutoff=0.8)
    return old_names().get(close[0], close[0]) if close else ""


def add_document(layers: Layers, document: syntax.Document) -> None:
    layers.problems += document.problems
    here: dict[str, Raw] = {}
    stood: dict[str, str] = {}  # by key: its name in the file
    apart: dict[str, bool] = {}  # by key: whether it was outside [general]
    layers.folders[document.name] = Path(document.name).parent
    for line in document.lines:
        raw = Raw(line.text, Origin("file", document.name, line.number))
        key = _resolve(layers, line.key, raw)
        if not key:
            continue
        if key in here:
            # independent of their order, [general] wins over other sections, which Packstack did not read, and a
            # current name wins over an older one
            older = line.key != key and stood[key] == key
            kept = line.apart if line.apart != apart[key] else older
            _repeated(layers, line.key, stood[key], raw, here[key], kept=kept)
            if kept:
                continue
        here[key], stood[key], apart[key] = raw, line.key, line.apart
    for key, raw in here.items():
        (layers.old if key in translated() else layers.texts)[key] = raw
        if stood[key] != key:
            layers.renamed.add(key)
            layers.changes.append(Change(stood[key], key, "it has a new name", raw.origin))
        else:
            layers.renamed.discard(key)


def _repeated(layers: Layers, name: str, first_name: str, raw: Raw, first: Raw, *, kept: bool) -> None:
    """Warns about a repeated key. Packstack wrote some keys twice, so only different values are reported. With `kept`,
    the first one counts."""
    if raw.text == first.text or layers.repeated >= _MOST_REPEATED:
        return
    layers.repeated += 1
    option = options().get(old_names().get(name, name))
    shown = "other text" if option and option.secret else repr(shortened(raw.text))
    wins = first if kept else raw
    layers.problems.append(
        Problem(
            "repeated-key",
            f"{name} is repeated with {shown}; {first_name} is also in line {first.origin.line}",
            "a key must occur once",
            f"delete one of the lines; line {wins.origin.line} is used",
            severity=Severity.WARNING,
            where=str(raw.origin),
        )
    )


def _resolve(layers: Layers, name: str, raw: Raw) -> str:
    """The key with that current or older name; empty, with a problem, if it is unknown."""
    if name in options() or name in translated():
        return name
    if name in old_names():
        return old_names()[name]
    if name in RETIRED:
        _retired(layers, name, raw)
        return ""
    layers.unknown += 1
    if layers.unknown > _MOST_UNKNOWN:
        return ""
    hint, severity = "correct the key or delete the line", Severity.ERROR
    if layers.suggested < _MOST_SUGGESTIONS:
        layers.suggested += 1
        near = suggest(name)
        if near:
            hint = f"did you mean {near}?"
        else:  # probably another program's: no key is similar, and Packstack ignored it
            hint, severity = "the line is ignored; delete it if nothing else needs it", Severity.WARNING
    seen = f"unknown key {name[:_LONGEST_KEY]}"
    layers.problems.append(Problem("unknown-key", seen, "", hint, severity=severity, where=str(raw.origin)))
    return ""


def _retired(layers: Layers, name: str, raw: Raw) -> None:
    gone = RETIRED[name]
    layers.changes.append(Change(name, "", gone.why, raw.origin))
    value = raw.text.strip().casefold()
    value = {"yes": "y", "true": "y", "no": "n", "false": "n"}.get(value, value)

    def asked(values: tuple[str, ...]) -> bool:
        return value in values or ("*" in values and value not in ("", "none", "[]", "n"))

    if asked(gone.stops) or asked(gone.warns):
        severity = Severity.ERROR if asked(gone.stops) else Severity.WARNING
        seen = f"{name} = {shortened(raw.text)!r}"
        where = str(raw.origin)
        layers.problems.append(Problem("retired-key", seen, gone.why, gone.instead, severity=severity, where=where))


def add_environment(layers: Layers, environ: Mapping[str, str]) -> None:
    for variable in sorted(environ):
        name = variable.removeprefix(ENVIRONMENT_PREFIX)
        raw = Raw(environ[variable].strip(), Origin("environment", variable))
        if variable == name or not name.startswith(("CONFIG_", "EXCLUDE_")):
            if variable != name and f"CONFIG_{name}" in _known():
                hint = f"did you mean {ENVIRONMENT_PREFIX}CONFIG_{name}?"
                layers.problems.append(
                    Problem("unknown-key", f"unknown key {name}", "", hint,
                            where=str(raw.origin))
                )  # fmt: skip
            continue
        key = _resolve(layers, name, raw)
        if key:
            (layers.old if key in translated() else layers.texts)[key] = raw


def add_flags(layers: Layers, flags: Mapping[str, str]) -> None:
    for name, text in flags.items():
        option = options().get(name)
        older = (flag for flag, key in old_flags().items() if key == name) if option is None else ()
        shown = f"--{flag_name(option)}" if option else next(iter(older), name)
        raw = Raw(text.strip(), Origin("flag", shown))
        key = _resolve(layers, name, raw)
        if key:
            (layers.old if key in translated() else layers.texts)[key] = raw


def flag_name(option: Option) -> str:
    """The option's command-line flag without dashes: Packstack's, or derived from the key."""
    return option.flag or option.key.removeprefix("CONFIG_").lower().replace("_", "-")
