"""Standard streams of the command. Work must not depend on whether somebody still reads them."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO, cast

from stackwright.model import ExitCode, StackwrightError

__all__ = ["held", "secret"]


class _Held:
    """An output stream whose reader may close it, as `head` does. Then output is discarded, and the command continues
    to its end with its usual exit status."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except BrokenPipeError:
            self._left()
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except BrokenPipeError:
            self._left()

    def _left(self) -> None:
        # Buffered output also goes there, when Python flushes at its end.
        with open(os.devnull, "w") as nowhere:  # noqa: PTH123 - a device, and no file
            os.dup2(nowhere.fileno(), self._stream.fileno())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextlib.contextmanager
def held(*, asks: bool = False) -> Iterator[None]:
    """Standard output and error while a command runs. Closed streams are opened on /dev/null; otherwise the next opened
    files would get their numbers, and output would be written into those files.

    With questions (`asks`), the original streams are used: Python's `input` flushes them before it reads, and ignores
    any exception from a replaced stream, even Ctrl-C."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: PTH123, SIM115 - open until the process ends
    before = sys.stdout, sys.stderr
    for stream in before:
        if getattr(stream, "errors", "") == "strict":  # a name of a file need not be text in the terminal's encoding
            cast(Any, stream).reconfigure(errors="backslashreplace")
    if not asks:
        sys.stdout, sys.stderr = cast(TextIO, _Held(before[0])), cast(TextIO, _Held(before[1]))
    try:
        yield
        sys.stdout.flush()
    finally:
        sys.stdout, sys.stderr = before


def secret(prompt: str) -> str:
    """A password, typed without echo on the terminal; without a terminal, a line of standard input."""
    import getpass

    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:  # getpass would warn, and read it anyway
        line = sys.stdin.readline()
        found = line.rstrip("\n") if line else None
    else:
        try:
            found = getpass.getpass(prompt)
        except EOFError:
            print(file=sys.stderr)  # the message begins on a line of its own, after the question
            found = None
    if found is None:
        raise StackwrightError(
            f"{prompt.strip(' :')}: the input ended without one",
            "run it on a terminal, or give one password per line on standard input",
            ExitCode.USAGE,
        )
    return found
