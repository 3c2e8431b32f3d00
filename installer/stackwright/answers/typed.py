"""Converts texts to typed values, decides whether an option has an effect, and reports problems with answers."""

from __future__ import annotations

import dataclasses
import difflib
import functools
import re
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from stackwright.answers import effective, secrets
from stackwright.answers.layers import Layers, shortened
from stackwright.answers.packstack.rewrite import Raw
from stackwright.model import VERBS, Answer, Answers, Option, Origin, Problem, Severity
from stackwright.services import options
from stackwright.values import allowed, consumers, words
from stackwright.values import text as text_of_any_kind


class _ControlCharacter(ValueError):
    """Whether the problem can be shown for a secret too."""


def type_all(
    texts: dict[str, Raw], layers: Layers, *, run: bool
) -> tuple[dict[str, Answer], list[Problem], frozenset[str]]:
    """Typed values of all options, their problems (a warning if an option does not matter), and the keys whose default
    replaces an invalid value."""
    entries: dict[str, Answer] = {}
    failed: list[tuple[Option, Raw, str, str]] = []
    for key, option in options().items():
        raw = texts.get(key)
        if raw is None:
            entries[key] = _default(key)
            continue
        text, complaint = _clean(option, raw, layers, run=run)
        try:
            if not text and option.required and option.default:
                raise ValueError("must not be empty")
            if found := consumers.control_character(text):
                raise _ControlCharacter(f"has a control character ({found}); use printable text")
            value = option.parse(text)
            # Escapes in Python lists and JSON objects became characters only now, so they are checked again.
            if found := next(filter(None, map(consumers.control_character, _texts_in(value))), ""):
                raise _ControlCharacter(f"has a control character ({found}); use printable text")
        except ValueError as error:
            hint = ""
            if not text and option.default:
                complaint = complaint or ("empty", f"its default {option.default!r} is used", "")
            else:
                said = str(error) if isinstance(error, _ControlCharacter) else _sentence(option, str(error))
                complaint = ("bad-value", said, _nearest(option, text))
            failed.append((option, raw, complaint[0], complaint[1] + ("\n" + complaint[2] if complaint[2] else hint)))
            entries[key] = _default(key)
            continue
        if complaint:
            failed.append((option, raw, complaint[0], complaint[1] + ("\n" + complaint[2] if complaint[2] else "")))
        # the text of a secret from elsewhere says where it is stored, so that writing does not reveal it
        entries[key] = Answer(value, raw.text if option.secret and secrets.is_elsewhere(raw.text) else text, raw.origin)
    values = {key: entry.value for key, entry in entries.items()}
    problems = [
        _complaint(option, raw, name, wanted, counts)
        for option, raw, name, wanted in failed
        if (counts := matters(option, values)) or name not in _ALWAYS_WARNINGS
    ]
    problems = _hidden_together(problems)
    unusable = {option.key for option, raw, name, _ in failed if name == "bad-value"}
    return entries, problems, frozenset(unusable)


def _texts_in(value: Any) -> Iterator[str]:
    """All texts in a typed value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for inner in value:
            yield from _texts_in(inner)
    elif dataclasses.is_dataclass(value):
        yield from _texts_in(tuple(vars(value).values()))


def _hidden_together(problems: list[Problem]) -> list[Problem]:
    """Combines several masked secrets into one problem: a file that was prepared for sharing has masked them all."""
    hidden = [p for p in problems if p.name == "hidden-secret" and p.severity is Severity.ERROR]
    if len(hidden) < 2:
        return problems
    hidden.sort(key=lambda p: int(line) if (line := p.where.rpartition(":")[2]).isdecimal() else 0)
    keys = [p.seen.split(" ", 1)[0] for p in hidden]
    one = Problem(
        "hidden-secret",
        f"{keys[0]} and {len(keys) - 1} more hold placeholders, not passwords",
        f"these were hidden, or never filled in: {', '.join(keys)}",
        "write the real ones, or leave them empty: new ones are generated where the cloud has none yet",
        where=hidden[0].where,
    )
    return [one, *(p for p in problems if p not in hidden)]


@functools.cache
def _default(key: str) -> Answer:
    option = options()[key]
    return Answer(option.parse(option.default), option.default, Origin("default"))


_ALWAYS_WARNINGS = frozenset({"empty", "quoted", "remark-in-value", "no-unit", "key-length"})
"""Complaints about spelling, which never stop a run; they are omitted if the value has no effect."""


def _complaint(option: Option, raw: Raw, name: str, wanted: str, counts: bool) -> Problem:
    wanted, _, hint = wanted.partition("\n")
    seen = option.key if option.secret else f"{option.key} = {_short(raw.text)}"
    if option.secret and not wanted.startswith(VERBS):
        seen = f"{option.key} is invalid"
    if option.secret and name in ("quoted", "remark-in-value"):
        seen = f"{option.key} = {secrets.MASK}"
    if name == "empty" and not raw.text:
        seen = f"{option.key} is empty"
    severity = Severity.ERROR if counts and name not in _ALWAYS_WARNINGS else Severity.WARNING
    hint = hint or _way_out(option, name)
    if not counts:
        hint = f"it has no effect without {in_words(option)}; its default is used"
    return Problem(name, seen, wanted, hint, severity=severity, where=str(raw.origin))


def _way_out(option: Option, name: str) -> str:
    """What to do about a problem with a value, where the problem itself does not say it."""
    if name == "secret-elsewhere":
        return "correct what follows the !, or write the secret itself"
    if name == "empty":
        return f"write {option.key}={option.default} to say so"
    if name != "bad-value":
        return ""
    if option.default and not option.secret:
        return f"correct it, or delete the line: the default is {option.default}"
    return "correct it" if option.required else "correct it, or leave it empty"


def _short(text: str) -> str:
    return repr(shortened(text))


def _sentence(option: Option, error: str) -> str:
    if option.secret:
        return f"must be {allowed(option.parse, option.choices)}"
    return error if len(error) <= 400 else f"{error[:150]} ... {error[-150:]}"


_SHORT = {"ovs": "openvswitch", "lb": "linuxbridge", "bridge": "linuxbridge", "rabbit": "rabbitmq", "rbd": "ceph"}
"""Common other names of values."""


_GONE = {
    ("CONFIG_CINDER_BACKEND", "gluster"): "Cinder dropped GlusterFS with Ocata; nfs and CONFIG_CINDER_NFS_MOUNTS can "
    "reach it",
    ("CONFIG_CINDER_BACKEND", "vmdk"): "it belongs to CONFIG_VMWARE_BACKEND, which cannot be installed yet",
    ("CONFIG_MANILA_NETWORK_TYPE", "nova-network"): "Nova's own network service ended with Newton",
}
"""Values of earlier Packstack releases that have no successor."""


_MOST_WORDS = 20
"""Similar choices are looked for only for so many words of a list: each takes a fraction of a millisecond."""


def _nearest(option: Option, text: str) -> str:
    if not option.choices:
        return ""
    known = {choice.casefold(): choice for choice in option.choices}
    for word in list(dict.fromkeys(words(text)))[:_MOST_WORDS]:
        if (option.key, word.casefold()) in _GONE:
            return _GONE[option.key, word.casefold()]
        if _SHORT.get(word.casefold()) in option.choices:
            return f"did you mean {_SHORT[word.casefold()]}?"
        close = difflib.get_close_matches(word.casefold(), known, n=1, cutoff=0.6)
        if word.casefold() not in known and close:
            return f"did you mean {known[close[0]]}?"
    return ""


def _clean(option: Option, raw: Raw, layers: Layers, *, run: bool) -> tuple[str, tuple[str, str, str] | None]:
    """The text without comments and quotes, and the problem with these (name, wanted, hint)."""
    text = raw.text
    if option.secret:
        return _clean_secret(option, raw, layers, run=run)
    complaint: tuple[str, str, str] | None = None
    remark = re.search(r"\s[#;]\s" if option.parse is text_of_any_kind else r"\s[#;]", text)
    if remark and not text.startswith(("[", "{")):
        text = text[: remark.start()].rstrip()
        complaint = ("remark-in-value", "comments must be on separate lines", f"{text!r} is used, without the comment")
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'" and text[0] not in text[1:-1]:
        text = text[1:-1].strip()
        complaint = ("quoted", "values need no quotes", f"{text!r} is used")
    if text == "None" and not any(choice.casefold() == "none" for choice in option.choices):
        text = ""
    if option.key.endswith("_SIZE") and re.fullmatch(r"[0-9.]+", text):
        text = f"{text}G"
        complaint = ("no-unit", "a size needs a unit, such as 20G", f"{text} is used")
    return text, complaint


def _clean_secret(option: Option, raw: Raw, layers: Layers, *, run: bool) -> tuple[str, tuple[str, str, str] | None]:
    text = raw.text
    if text == "None":  # Packstack wrote Python's None into files
        return "", None
    if secrets.is_elsewhere(text):
        try:
            found = secrets.fetch(text, layers.folders.get(raw.origin.where, Path()), run=run)
        except ValueError as error:
            return "", ("secret-elsewhere", str(error), "")
        complaint = _key_length(option, found)
        return found, ("secret-elsewhere", complaint, "") if complaint else None
    if secrets.is_blotted(text):
        hint = "write the password, or leave the key empty" + (" to generate one" if option.generate else "")
        return "", ("hidden-secret", "holds a placeholder, not a password", hint)
    if complaint := _key_length(option, text):
        return "", ("key-length", complaint, "a new key is generated instead")
    return text, _round_secret(text)


def _round_secret(text: str) -> tuple[str, str, str] | None:
    """The problem with characters around a secret that are probably not part of it. They count, as in Packstack."""
    hint = "remove what is not part of it"
    if len(text) > 2 and text[0] == text[-1] and text[0] in "\"'":
        return "quoted", "quotes are part of the secret, as in Packstack", hint
    if secrets.resembles_elsewhere(text):
        return (
            "quoted",
            "the whole text is the secret; a secret elsewhere is !cmd: COMMAND, !file: PATH or !env: NAME",
            hint,
        )
    if re.search(r"\s[#;]\s", text):
        return "remark-in-value", "the whole text is the secret, as in Packstack; comments need separate lines", hint
    return None


def _key_length(option: Option, text: str) -> str:
    """The problem with the length of Heat's encryption key. Other secrets can have any length."""
    length = len(text.encode())
    if not option.key.endswith("_ENC_KEY") or length in (0, 16, 24, 32) or text == secrets.PLACEHOLDER:
        return ""
    return f"must have 16, 24 or 32 characters; it has {length}"


def finish(
    entries: dict[str, Answer], texts: Mapping[str, Raw], remembered: Mapping[str, str], local_host: str
) -> None:
    """Fills in derived values: roles, drivers, secrets."""
    effective.fill(entries, local_host or local_address)
    values = {key: entry.value for key, entry in entries.items()}
    common = entries["CONFIG_DEFAULT_PASSWORD"]
    for key, option in options().items():
        entry = entries[key]
        if not option.generate or entry.value not in ("", secrets.PLACEHOLDER) or secrets.is_elsewhere(entry.text):
            continue
        twin = effective.SAME_SECRET.get(key)
        if twin and key not in texts and entries[twin].value not in ("", secrets.PLACEHOLDER):
            entries[key] = Answer(entries[twin].value, entries[twin].text, Origin("default", twin))
        elif not matters(option, values):
            entries[key] = Answer("", entry.text, entry.origin)
        elif option.default == secrets.PLACEHOLDER and common.value:
            entries[key] = Answer(common.value, entry.text, Origin("default", "CONFIG_DEFAULT_PASSWORD"))
        else:
            secret = remembered.get(key) or secrets.make(key)
            entries[key] = Answer(secret, secret, Origin("generated"))


def local_address() -> str:
    """An address of this machine that others can reach: the default route's, or 127.0.0.1. Sends nothing."""
    for family, probe in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as plug:
                plug.connect((probe, 9))
                return str(plug.getsockname()[0])
        except OSError:
            continue
    return "127.0.0.1"


# ------------------------------------------------------------------------------------- conditions and problems


def holds(value: Any, wanted: str) -> bool:
    """Whether a typed value matches `wanted`: y, n, a word, words separated by |, or * for "not empty"."""
    if wanted == "*":
        return bool(value)
    if isinstance(value, bool):
        value = "y" if value else "n"
    values = value if isinstance(value, tuple) else (str(value),)
    return any(word in values for word in wanted.split("|"))


def matters(option: Option, values: Mapping[str, Any]) -> bool:
    """Whether the option has an effect with these answers (typed values by key)."""
    return all(any(holds(values.get(key, ""), wanted) for key in keys.split("|")) for keys, wanted in option.when)


def in_words(option: Option) -> str:
    """The condition in the form for messages; empty for none."""
    parts = []
    for keys, wanted in option.when:
        key = keys.replace("|", " or ")
        parts.append(f"{key} is set" if wanted == "*" else f"{key}={wanted.replace('|', ' or ')}")
    return " and ".join(parts)


def where(answers: Answers, key: str) -> str:
    """file:line, the flag or the variable; the key itself for a default."""
    origin = answers.entries[key].origin
    return str(origin) if origin.kind in ("file", "flag", "environment") else key


def shown(answers: Answers, key: str) -> str:
    """The text of an answer for messages: secrets are masked, and control characters are replaced."""
    entry = answers.entries[key]
    if options()[key].secret:
        return secrets.MASK if entry.text else ""
    if entry.text:
        # Shortened first: an answer may have thousands of problems, and each shows it.
        text = shortened(entry.text)
        return text if text.isprintable() else shortened(repr(text))
    return ",".join(map(str, entry.value)) if isinstance(entry.value, tuple) else str(entry.value)


def problem(answers: Answers, key: str, name: str, wanted: str, hint: str = "", *, warning: bool = False) -> Problem:
    """A problem with the answer to `key`."""
    severity = Severity.WARNING if warning else Severity.ERROR
    return Problem(name, f"{key} = {shown(answers, key)}", wanted, hint, severity=severity, where=where(answers, key))
