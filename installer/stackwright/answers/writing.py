"""Writes answer files: grouped by service, with an explanation of each key, byte-stable. Needs no network."""

from __future__ import annotations

import dataclasses
import os
import tempfile
import textwrap
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from stackwright import __version__
from stackwright.answers import secrets
from stackwright.answers.effective import FORCED, ON_CONTROLLER
from stackwright.answers.reading import AnswersError, from_documents
from stackwright.answers.typed import in_words, matters
from stackwright.model import Answer, Answers, ExitCode, Option, Service, StackwrightError
from stackwright.services import all_services, options
from stackwright.values import YES_NO, allowed
from stackwright.values import host as parse_host
from stackwright.values import hosts as parse_hosts

_WIDTH = 79
_NEVER_EMPTY = (
    "CONFIG_CONTROLLER_HOST",
    "CONFIG_COMPUTE_HOSTS",
    "CONFIG_NETWORK_HOSTS",
    *ON_CONTROLLER,
    "CONFIG_SSL_CERT_SUBJECT_CN",
    "CONFIG_SSL_CERT_SUBJECT_MAIL",
)
"""Keys that Packstack cannot read if they are empty; the effective value is written instead."""

_OPENING = """\
# Answer file for Stackwright. Every line is KEY=value, below an explanation of
# the key. The keys are Packstack's, and its answer files can be used unchanged.
#   stackwright answers check FILE      validate the file
#   stackwright --answer-file FILE      install the cloud
# This file contains passwords: keep its mode at 0600.
"""

_SHORT_OPENING = f"""\
# Answer file for Stackwright, written by version {__version__}. It has what was asked
# for, what differs from the defaults of that version, and passwords. Every other
# key has its default.
#   stackwright answers reference       list all keys and their defaults
#   stackwright answers check FILE      validate the file
#   stackwright --answer-file FILE      install the cloud
# This file contains passwords: keep its mode at 0600.
"""


def generate(
    *,
    allinone_host: str = "",
    install_hosts: Iterable[str] = (),
    presets: Mapping[str, str] | None = None,
    local_host: str = "",
    minimal: bool = False,
) -> str:
    """The text of a new answer file, with new random secrets.

    `allinone_host` is the only host; of `install_hosts` the first is the controller and the others are compute hosts (a
    single one has all roles; ranges such as node[01-20] are allowed). `presets` are texts by key and override both.
    `minimal` omits explanations, and defaults that neither of them asks for.
    Raises AnswersError for invalid presets, StackwrightError for invalid hosts. Reads nothing but this machine's own
    address, and that only if no host is given.
    """
    try:
        hosts = parse_hosts(",".join(install_hosts)) or tuple(filter(None, (parse_host(allinone_host),)))
    except ValueError as error:
        raise StackwrightError(f"invalid hosts: {error}", "", ExitCode.USAGE) from None
    texts: dict[str, str] = {}
    if hosts:
        texts["CONFIG_CONTROLLER_HOST"] = hosts[0]
        texts["CONFIG_COMPUTE_HOSTS"] = ",".join(hosts[1:] or hosts[:1])
    texts.update(presets or {})
    reading = from_documents((), texts, local_host=local_host, files=False)
    if reading.errors:
        raise AnswersError(reading.problems)
    entries = dict(reading.answers.entries)
    for key, option in options().items():
        common = option.default == secrets.PLACEHOLDER and bool(entries["CONFIG_DEFAULT_PASSWORD"].text)
        if option.generate and entries[key].text in ("", secrets.PLACEHOLDER) and not common:
            secret = secrets.make(key)
            entries[key] = Answer(secret, secret, entries[key].origin)
    for key in FORCED:
        # Defaults that the chosen agent overrides are written as they take effect, so that the file is consistent.
        if entries[key].origin.kind == "default":
            entries[key] = dataclasses.replace(entries[key], text=_as_text(entries[key].value))
    return write(Answers(entries, reading.answers.secrets), minimal=minimal, keep=texts)


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "y" if value else "n"
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def current(option: Option, text: str) -> str:
    """The text as it is written today: y for True, names in their own case, lists that are not Python's."""
    try:
        value = option.parse(text)
    except ValueError:
        return text
    if isinstance(value, bool):
        return "y" if value else "n"
    kind = option.parse.__name__
    if kind == "one_of":
        return str(value)
    return ",".join(value) if kind in ("words", "hosts", "time_servers", "some_of") and text.startswith("[") else text


def write(
    answers: Answers,
    *,
    minimal: bool = False,
    keep: Collection[str] = (),
    comments: Mapping[str, Iterable[str]] | None = None,
    head: Iterable[str] = (),
    tail: Iterable[str] = (),
) -> str:
    """The text of an answer file with these answers. `minimal` omits explanations, and defaults except those of keys in
    `keep`; its first lines name the version whose defaults these are.

    Comment lines of a person (with their #): `comments` go before their key, which is then always written, `head` goes
    to the start of the file, `tail` to its end.
    """
    parts = [_SHORT_OPENING if minimal else _OPENING, *_block(head), "\n[general]\n"]
    remarks = comments or {}
    for service in all_services():
        chosen = [
            o for o in service.options if not minimal or o.key in keep or remarks.get(o.key) or _differs(answers, o)
        ]
        if chosen:
            parts.append(_heading(service))
        for option in chosen:
            lines = [] if minimal else explanation(option)
            own = [line for line in remarks.get(option.key, ()) if line]
            block = "".join(f"{line}\n" for line in (*lines, *own))
            gap = "\n" if block else ""
            parts.append(f"{gap}{block}{option.key}={text_of(answers, option.key)}\n")
    return "".join((*parts, *_block(tail)))


def _block(lines: Iterable[str]) -> list[str]:
    text = "".join(f"{line}\n" for line in lines)
    return [f"\n{text}"] if text else []


def text_of(answers: Answers, key: str) -> str:
    """The text to write for a key: as given, or the effective value where Packstack needs one."""
    entry = answers.entries[key]
    if key in _NEVER_EMPTY and not entry.text:
        return ",".join(entry.value) if isinstance(entry.value, tuple) else str(entry.value)
    return " ".join(entry.text.split("\n"))


def explanation(option: Option) -> list[str]:
    """The comment lines above a key: help, allowed values, default, condition, limits."""
    notes = []
    if option.choices and option.choices != YES_NO:
        notes.append(f"Values: {allowed(option.parse, option.choices)}.")
    elif option.choices == YES_NO:
        notes.append("Values: y, n.")
    if option.default and not option.generate:
        notes.append(f"Default: {option.default}.")
    condition = in_words(option)
    if condition:
        notes.append(f"Matters with {condition}.")
    notes += limits(option)
    return _comment(" ".join([option.help, *notes]))


def _comment(text: str) -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent="# ", subsequent_indent="# ", break_long_words=False, break_on_hyphens=False
    )


def limits(option: Option) -> list[str]:
    """Sentences on what this version does not support of an option."""
    found = []
    if option.not_yet:
        values = "it" if option.not_yet in (("y",), ("*",)) else ", ".join(option.not_yet)
        why = f", because {option.not_yet_why}" if option.not_yet_why else ""
        found.append(f"This version cannot install {values} yet{why}.")
    if option.not_done:
        found.append(f"This version ignores it: {option.not_done}.")
    return found


def save(path: Path, text: str, *, replace: bool = False) -> None:
    """Writes an answer file atomically, with mode 0600.

    Raises StackwrightError if the file exists (unless `replace`) or cannot be written.
    """
    if path.exists() and not replace:
        raise StackwrightError(
            f"{path} exists already; it was not changed",
            "choose another name, or move that file away",
            ExitCode.ANSWERS,
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mkstemp sets mode 0600
    except OSError as error:
        raise unwritable(path, error) from None
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        if replace:
            temporary.replace(path)
        else:
            os.link(temporary, path)  # fails if the file was created in the meantime
            temporary.unlink()
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise unwritable(path, error) from None


def unwritable(path: Path, error: OSError) -> StackwrightError:
    """The error for a file that cannot be written."""
    return StackwrightError(
        f"{path} cannot be written: {error.strerror}", "choose another folder", ExitCode.ENVIRONMENT
    )


def _heading(service: Service) -> str:
    line = "#" + "-" * (_WIDTH - 1)
    missing = f"This version cannot install it yet: {service.missing}." if service.missing else ""
    wrapped = "".join(f"{text}\n" for text in _comment(missing))
    return f"\n\n{line}\n# {service.summary}\n{wrapped}{line}\n"


def _differs(answers: Answers, option: Option) -> bool:
    """Whether a minimal file needs the key: not a default, a secret in use, or the controller."""
    entry = answers.entries[option.key]
    if option.key == "CONFIG_CONTROLLER_HOST":
        return True
    if option.generate:
        return matters(option, answers) and entry.text not in ("", secrets.PLACEHOLDER)
    return bool(entry.text != option.default and _value(option, entry) != option.parse(option.default))


def _value(option: Option, entry: Answer) -> Any:
    if option.secret:
        return entry.text
    try:
        return option.parse(entry.text)
    except ValueError:
        return entry.text
