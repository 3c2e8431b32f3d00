"""Lock files: TOML, one line per package, everything sorted, so that two files can be compared line by line."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from stackwright.lock.record import HostLock, Lock, Package, Repository
from stackwright.model import ExitCode, StackwrightError

FORMAT = 1
"""Version of the format. Files with a higher number were written by a newer Stackwright, and are refused."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._-]*(:[a-z0-9]+)?")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9+.:~^_,-]*")
_TRUNK = re.compile(r"[a-z-]+/[0-9a-f]{32}")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_OPENING = """\
# Exactly what was installed. `stackwright apply --locked FILE` installs the same versions again;
# `stackwright lock diff A B` describes the differences between two locks.
"""
_HOST_TEXTS = ("platform", "package_manager", "arch", "kernel", "python", "puppet", "facter")


def _quoted(text: str) -> str:
    # JSON strings are valid TOML basic strings, except that JSON does not escape DEL.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _quoted(name)


def _table(name: Iterable[str], values: Mapping[str, str]) -> str:
    lines = [f"{_key(key)} = {_quoted(value)}" for key, value in sorted(values.items()) if value]
    return "\n".join([f"[{'.'.join(map(_key, name))}]", *lines]) + "\n" if lines else ""


def write(lock: Lock) -> str:
    """The text of the file; the same lock gives the same text, to the byte."""
    head = {"stackwright": lock.version, "templates": lock.templates, "release": lock.release}
    head |= {"trunk": lock.trunk, "plan": lock.plan}
    parts = [
        _OPENING + f"\nformat = {FORMAT}\n" + "".join(f"{k} = {_quoted(v)}\n" for k, v in head.items() if v),
        _table(("control",), lock.control),
        _table(("answers",), lock.answers),
    ]
    for name, host in sorted(lock.hosts.items()):
        at = ("hosts", name)
        parts.append(_table(at, {key: getattr(host, key) for key in _HOST_TEXTS}))
        for title, repository in sorted(host.repositories.items()):
            shown = {"urls": " ".join(sorted(repository.urls)), "snapshot": repository.snapshot}
            parts.append(_table((*at, "repositories", title), {**shown, "checksum": repository.checksum}))
        parts.append(_table((*at, "images"), host.images))
        parts.append(_table((*at, "modules"), host.modules))
        parts.append(_table((*at, "clients"), host.clients))
        packages = {k: f"{p.version} {p.origin}".strip() for k, p in host.packages.items()}
        parts.append(_table((*at, "packages"), packages))
    return "\n".join(part for part in parts if part)


def read(text: str, name: str = "the lock") -> Lock:
    """Parses a text of `write`. Raises StackwrightError if it is damaged, or from a newer version."""
    try:
        data = tomllib.loads(text)
        if not isinstance(data.get("format"), int):
            raise ValueError("it has no format number")
        if data["format"] > FORMAT:
            raise StackwrightError(
                f"{name} has format {data['format']}, written by Stackwright {data.get('stackwright', '?')}; "
                f"this version supports format {FORMAT}",
                "use that version or a newer one",
                ExitCode.USAGE,
            )
        return Lock(
            version=str(data["stackwright"]),
            templates=str(data.get("templates", "")),
            release=str(data["release"]),
            plan=str(data.get("plan", "")),
            trunk=_trunk(str(data.get("trunk", ""))),
            control=_texts(data.get("control", {})),
            answers=_texts(data.get("answers", {})),
            hosts={name: _host(host) for name, host in data.get("hosts", {}).items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        missing = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise StackwrightError(
            f"{name} is not a valid lock: {missing}", "create one with `stackwright lock -a FILE`", ExitCode.USAGE
        ) from None


def _trunk(text: str) -> str:
    if text and not _TRUNK.fullmatch(text):
        raise ValueError(f"{text[:60]!r} is not a tag and hash of trunk")
    return text


def _texts(data: Mapping[str, Any]) -> dict[str, str]:
    return {str(key): str(value) for key, value in data.items()}


def _host(data: Mapping[str, Any]) -> HostLock:
    packages = {}
    for name, text in data.get("packages", {}).items():
        version, _, origin = str(text).partition(" ")
        # These become words of scripts that root runs, and a lock may come from anybody.
        if not _NAME.fullmatch(name) or not _VERSION.fullmatch(version):
            raise ValueError(f"{name[:60]!r} in version {version[:60]!r} is not a package")
        packages[name] = Package(version, origin)
    return HostLock(
        **{key: str(data.get(key, "")) for key in _HOST_TEXTS},
        packages=packages,
        modules=_texts(data.get("modules", {})),
        repositories={
            title: Repository(
                tuple(str(one.get("urls", "")).split()), str(one.get("snapshot", "")), str(one.get("checksum", ""))
            )
            for title, one in data.get("repositories", {}).items()
        },
        images=_texts(data.get("images", {})),
    )


def load(path: Path) -> Lock:
    """The lock in a file. Raises StackwrightError."""
    try:
        return read(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise StackwrightError(
            f"cannot read {path}: {why}", "use a file that `stackwright lock` wrote", ExitCode.USAGE
        ) from None
