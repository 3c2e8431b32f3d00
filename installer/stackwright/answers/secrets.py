"""Secrets of answers: generates them, fetches them from elsewhere, recognizes masked ones, and masks them."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import select
import shlex
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from stackwright.model import Answers
from stackwright.services import options

MASK = "********"
PLACEHOLDER = "PW_PLACEHOLDER"
"""Packstack's placeholder for a secret: it is replaced by CONFIG_DEFAULT_PASSWORD or a generated one."""

MOST_BYTES = 64 * 1024
"""Maximum size of a file, or of a command's output, with a secret. The secret is the first line."""

_MOST_CHARACTERS = 4096
"""The longest path, name or command that a secret may be at: splitting a command takes quadratic time."""

SECONDS = 60
"""Time limit of a command that prints a secret."""

_ALPHABET = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_ELSEWHERE = re.compile(r"^!(cmd|file|env):\s*(.*)$", re.DOTALL)
_BLOTTED = re.compile(
    r"^(\*{3,}|x{4,}|X{4,}|\.{3,}|<[^<>]*>|#{4,}|-{4,}|\{\{[^{}]*\}\}|\$\{\w+\}|\[?(hidden|redacted|REDACTED|HIDDEN)\]?)$"
)


def make(key: str = "") -> str:
    """A new random secret, from the operating system's source of randomness.

    It has 24 letters and digits (139 bits), which need no quoting in URLs, ini files, shells or YAML. It starts with a
    letter, so that it is never read as a number. Heat's encryption key has 32 characters, because its cipher needs 16,
    24 or 32.
    """
    length = 32 if key.endswith("_ENC_KEY") else 24
    return secrets.choice(_ALPHABET[:49]) + "".join(secrets.choice(_ALPHABET) for _ in range(length - 1))


def resembles_elsewhere(text: str) -> bool:
    """Whether a value looks like `!KIND: ...` with an unknown kind."""
    return bool(re.match(r"!\s*[A-Za-z]+:?\s", text)) and not is_elsewhere(text)


def is_elsewhere(text: str) -> bool:
    """Whether a value says where the secret is stored (`!cmd:`, `!file:`, `!env:`) instead of being the secret."""
    return bool(_ELSEWHERE.match(text))


def file_of(text: str, folder: Path) -> Path | None:
    """The file that `!file: PATH` names, relative to `folder`; None for any other text."""
    match = _ELSEWHERE.match(text)
    if not match or match[1] != "file" or not match[2].strip():
        return None
    path = Path(match[2].strip())
    # The home folder of an account that is not there is an error.
    with contextlib.suppress(RuntimeError):
        path = path.expanduser()
    return folder / path


def is_blotted(text: str) -> bool:
    """Whether a value looks like a masked secret, as in a file that was prepared for sharing."""
    return bool(_BLOTTED.match(text))


def fetch(text: str, folder: Path, *, run: bool = True, environ: dict[str, str] | None = None) -> str:
    """The secret that `!cmd: COMMAND`, `!file: PATH` or `!env: NAME` names; other text is returned as it is.

    Paths are relative to `folder`, the answer file's folder. The command is split like in a shell, but runs without
    one, for at most 60 seconds; the secret is the first line of its output. With `run=False` the command is not run: it
    must only exist, and "" is returned. Raises ValueError with a message that never contains the secret.
    """
    match = _ELSEWHERE.match(text)
    if not match:
        return text
    kind, rest = match[1], match[2].strip()
    if not rest:
        raise ValueError(f"!{kind}: says nothing about where the secret is")
    if len(rest) > _MOST_CHARACTERS:
        raise ValueError(f"!{kind}: has {len(rest)} characters; expected at most {_MOST_CHARACTERS}")
    if kind == "env":
        value = (os.environ if environ is None else environ).get(rest, "")
        if not value:
            raise ValueError(f"the environment variable {rest} is not set")
        return value
    if path := file_of(text, folder):
        return _first_line(_read(path, rest), f"the file {rest}")
    try:
        words = shlex.split(rest)
    except ValueError as error:
        raise ValueError(f"the command cannot be read: {error}") from None
    return _run(words, folder) if run else _looked_for(words[0])


def _read(path: Path, name: str) -> str:
    """The text of a regular file of at most MOST_BYTES. A device or a pipe may never end."""
    try:
        # O_NONBLOCK: opening a named pipe would wait for a writer.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise ValueError(f"{name} is not a regular file")
            # None where reading would wait, as in some files of the kernel.
            content = stream.read(MOST_BYTES + 1)
        if content is None:
            raise ValueError(f"the file {name} cannot be read: it waits for data; expected a regular file")
        if len(content) > MOST_BYTES:
            raise ValueError(
                f"the file {name} is longer than {MOST_BYTES // 1024} KiB, the most that a secret may have"
            )
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError(f"the file {name} cannot be read: it is no text") from None
    except OSError as error:
        raise ValueError(f"the file {name} cannot be read: {error.strerror}") from None


def _run(words: list[str], folder: Path) -> str:
    try:
        process = subprocess.Popen(
            words, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
    except FileNotFoundError:
        raise ValueError(f"there is no command {words[0]}") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ValueError(f"the command {words[0]} cannot be run: {reason}") from None
    with process:
        try:
            content = _output(process, words[0])
            code = process.wait(1)
        except subprocess.TimeoutExpired:
            raise ValueError(f"the command {words[0]} closed its output and did not end") from None
        finally:
            # Ends its child processes as well.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    if code != 0:
        raise ValueError(f"the command {words[0]} failed with exit code {code}")
    return _first_line(content.decode("utf-8", errors="replace"), f"the command {words[0]}")


def _output(process: subprocess.Popen[bytes], name: str) -> bytes:
    """The output of a command. Raises ValueError if it takes too long or is too large."""
    assert process.stdout is not None
    end = time.monotonic() + SECONDS
    content = b""
    while True:
        left = end - time.monotonic()
        if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
            raise ValueError(f"the command {name} did not end within {SECONDS} s")
        part = os.read(process.stdout.fileno(), 65536)
        if not part:
            return content
        content += part
        if len(content) > MOST_BYTES:
            raise ValueError(f"the command {name} writes more than {MOST_BYTES // 1024} KiB, the most that is read")


def _looked_for(program: str) -> str:
    """Raises ValueError if the command does not exist. A path with a / is relative to the answer file's folder."""
    if "/" not in program and not shutil.which(program):
        raise ValueError(f"there is no command {program}")
    return ""


def _first_line(content: str, what: str) -> str:
    lines = content.splitlines()
    if not lines or not lines[0].strip():
        raise ValueError(f"{what} gave nothing")
    return lines[0].strip()


_CREDENTIALS = re.compile(r"(?<=://)[^/@\s,]+@")


def without_credentials(text: str) -> str:
    """The text without user names and passwords in its URLs."""
    return _CREDENTIALS.sub("", text)


def public(answers: Answers) -> dict[str, str]:
    """The texts of answers that differ from the defaults, by key, without secrets and without the user names and
    passwords in URLs."""
    known = options()
    return {
        key: without_credentials(answer.text)
        for key, answer in answers.entries.items()
        if key not in answers.secrets and key in known and answer.text != known[key].default
    }


def impersonal(answers: Answers) -> Answers:
    """The same answers with each secret replaced by a text that depends on its key only: answers that differ only in
    secrets become equal."""
    return with_stand_ins(answers, (k for k in answers.secrets if k in answers.entries and answers.entries[k].value))


def is_unresolved(answers: Answers, key: str) -> bool:
    """Whether the secret is stored elsewhere and was not fetched."""
    return key in answers.entries and not answers.entries[key].value and is_elsewhere(answers.entries[key].text)


def with_stand_ins(answers: Answers, keys: Iterable[str]) -> Answers:
    """The same answers with each of these secrets replaced by a text that depends on its key only."""
    stand_ins = {
        key: f"{key}.secret".ljust(32, ".")[-32:] if key.endswith("_ENC_KEY") else f"{key}.secret" for key in keys
    }
    entries = {
        key: replace(entry, value=stand_ins[key], text=stand_ins[key]) if key in stand_ins else entry
        for key, entry in answers.entries.items()
    }
    return Answers(entries, answers.secrets)
