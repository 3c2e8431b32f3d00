"""Log lines of a service about a failure, from its log files or its journal; secrets are masked."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

_BAD = re.compile(r"\b(ERROR|CRITICAL|Traceback|[A-Z][A-Za-z]+(Error|Exception)\b)|\bemer(g|gency)\b|Permission denied")
# A frame of a traceback or an empty line: after level, logger and brackets, the text is indented or missing.
_FRAME = re.compile(
    r"(ERROR|CRITICAL|TRACE) \S+( \[[^\]]*\])*(\s{2,}|\s*$)|   File |Traceback \(most recent call last\)"
)
_SECRET = (
    re.compile(r"(?i)((?:password|passwd|secret|adminpass)['\"]?\s*[:=]\s*)(?:'[^']*'|\"[^\"]*\")"),
    re.compile(r"(?i)((?:password|passwd|secret|token|shared_secret|adminpass)['\"]?\s*[:=]\s*['\"]?)[^\s'\",;}]+"),
    re.compile(r"(://[^:/@\s]+:)[^@\s]+(?=@)"),
    re.compile(r"(?i)(x-(?:auth|subject|service)-token['\"]?\s*[:=]\s*['\"]?)[^\s'\",;}]+"),
    re.compile(r"()\bgAAAAA[A-Za-z0-9_-]{20,}={0,2}"),
)
_STAMP = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)")
_TAIL = 256 * 1024


class Sources(NamedTuple):
    """Log files and units of a service, from the configuration; those that the host does not have are ignored."""

    files: Sequence[str] = ()
    """Glob patterns."""
    units: Sequence[str] = ()


class Lines(NamedTuple):
    source: str
    """The file or unit that contains them."""
    lines: tuple[str, ...]


def redact(text: str, secrets: Iterable[str]) -> str:
    """`text` with all `secrets`, and everything that looks like a secret, replaced by stars."""
    for secret in sorted((s for s in secrets if len(s) >= 4), key=len, reverse=True):
        text = text.replace(secret, "****")
    for pattern in _SECRET:
        text = pattern.sub(r"\1****", text)
    return text


def _tail(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            size = file.tell()
            file.seek(max(0, size - _TAIL))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    lines = text.splitlines()
    return lines[1:] if size > _TAIL else lines


def _newer(lines: list[str], since: float) -> list[str]:
    """The lines from `since` on. A line without a time (in a traceback) belongs to the line before; a log without
    recognisable times counts as new."""
    from_here = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(since))
    kept: list[str] = []
    new = True
    for line in lines:
        stamp = _STAMP.match(line)
        if stamp:
            new = f"{stamp.group(1)} {stamp.group(2)}" >= from_here
        if new:
            kept.append(line)
    return kept


def _journal(units: Iterable[str], since: float) -> list[str]:
    command = ["journalctl", "--no-pager", "--quiet", "-o", "short-iso", "-n", "400", f"--since=@{int(since)}"]
    for unit in units:
        command += ["-u", unit]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return done.stdout.decode("utf-8", "replace").splitlines()


def _pick(lines: list[str], request_id: str, limit: int) -> tuple[str, ...]:
    """The lines of the request if they contain an error, otherwise the last errors."""
    mine = [line for line in lines if request_id and request_id in line]
    bad = [line for line in mine if _BAD.search(line)] or [line for line in lines if _BAD.search(line)]
    # Of a traceback, only the end, which has the cause.
    bad = [line for line in bad if not _FRAME.search(line)] or bad
    return tuple((bad or mine)[-limit:])


def about(service: Sources, request_id: str, since: float, secrets: Iterable[str], limit: int = 8) -> Lines:
    """The log lines of a service that most likely contain the cause: those of the request, otherwise its errors since
    `since` (seconds since the epoch). Of a file, the last 256 KiB are read. Empty if the host has no log of it."""
    hidden = tuple(secrets)
    paths = [path for pattern in service.files for path in sorted(Path("/").glob(pattern.lstrip("/")))]
    sources = [(str(path), _newer(_tail(path), since)) for path in dict.fromkeys(paths)]
    if request_id:
        sources.sort(key=lambda found: not any(request_id in line for line in found[1]))
    best = Lines("", ())
    for path, lines in sources:
        picked = _pick(lines, request_id, limit)
        if picked and (not best.lines or any(request_id and request_id in line for line in picked)):
            best = Lines(path, tuple(redact(line, hidden)[:400] for line in picked))
            if request_id and any(request_id in line for line in picked):
                return best
    if best.lines:
        return best
    units = service.units
    picked = _pick(_journal(units, since), request_id, limit) if units else ()
    return (
        Lines("journal of " + ", ".join(units), tuple(redact(line, hidden)[:400] for line in picked))
        if picked
        else best
    )
