"""Standard streams of the command. Work must not depend on whether somebody still reads them."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
import textwrap
import threading
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TextIO, cast

from stackwright.model import ExitCode, StackwrightError

if TYPE_CHECKING:
    from stackwright.output.machine import Output

__all__ = ["asking", "broken", "busy", "fitted", "held", "painted", "result", "secret", "uses_colour"]

_RED, _YELLOW, _CYAN, _PLAIN = "\x1b[31m", "\x1b[33m", "\x1b[36m", "\x1b[0m"
_PAINTED = (
    (re.compile(r"(?<!\S)error:|(?<!\S)FAILED(?!\S)|^UNREACHABLE|^Failed(?= after)", re.M), _RED),
    (re.compile(r"(?<!\S)warning:", re.M), _YELLOW),
    (re.compile(r"^ *hint:", re.M), _CYAN),
)
"""Words that get a colour."""

_HEARTBEAT = 20.0
"""Seconds between lines on what is being done, where there is no terminal."""

_LEAST_WIDTH = 40
"""Columns below which lines are not broken."""


def uses_colour(stream: TextIO, choice: str) -> bool:
    """Whether output on the stream gets colours, by the `choice` of --color; by default on terminals, unless NO_COLOR
    is set (https://no-color.org)."""
    if choice != "auto":
        return choice == "always"
    return stream.isatty() and os.environ.get("TERM", "dumb") != "dumb" and not os.environ.get("NO_COLOR")


def painted(text: str) -> str:
    """The text with errors, warnings and hints in colours."""
    for pattern, colour in _PAINTED:
        text = pattern.sub(rf"{colour}\g<0>{_PLAIN}", text)
    return text


def broken(text: str, width: int, hang: int = 2) -> str:
    """The text with its long lines broken at words, and indented as they began and by `hang`. Commands in backquotes
    stay whole."""
    if width < _LEAST_WIDTH:
        return text
    lines = []
    for line in text.split("\n"):
        if len(line) <= width:
            lines.append(line)
            continue
        whole = re.sub(r"`[^`]*`", lambda found: found[0].replace(" ", "\0"), line)
        indent = line[: len(line) - len(line.lstrip())] + " " * hang
        folded = textwrap.wrap(
            whole, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False,
            expand_tabs=False, replace_whitespace=False,
        )  # fmt: skip
        lines += [part.replace("\0", " ") for part in folded]
    return "\n".join(lines)


def fitted(text: str, hang: int = 2) -> str:
    """Lines for standard output, broken at words on a terminal; a program that reads them gets them whole."""
    return broken(text, shutil.get_terminal_size().columns, hang) if sys.stdout.isatty() else text


class _Held:
    """An output stream whose reader may close it, as `head` does. Then output is discarded, and the command continues
    to its end with its usual exit status."""

    def __init__(self, stream: TextIO, *, colour: bool = False, fold: bool = False) -> None:
        self._stream = stream
        self.colour = colour
        """Whether this stream shows colours."""
        self._fold = fold and stream.isatty()
        self.beside: _Held | None = None
        """The stream whose status line is on the same terminal."""
        self._status = ""
        self.asks = False
        """A question stands in the last line: a status would overwrite it."""
        self._drawing = threading.Lock()

    def status(self, line: str) -> None:
        """Shows a line that the next output replaces; empty: removes it."""
        with self._drawing, contextlib.suppress(OSError):  # the terminal may be gone
            if (line or self._status) and not self.asks:
                line = line[: shutil.get_terminal_size().columns - 1]
                self._put(f"\r\x1b[K{line}")
                self.flush()
                self._status = line

    def write(self, text: str) -> int:
        for stream in filter(None, (self, self.beside)):
            stream.status("")
        self.asks = bool(text) and not text.endswith("\n")
        shown = text
        if "\x1b" not in text:  # the live view has its own colours and lines
            shown = broken(text, shutil.get_terminal_size().columns) if self._fold else text
            shown = painted(shown) if self.colour else shown
        self._put(shown)
        return len(text)

    def _put(self, text: str) -> None:
        try:
            self._stream.write(text)
        except BrokenPipeError:
            self._left()

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
def held(*, asks: bool = False, colour: str = "auto", machine: bool = False) -> Iterator[Output | None]:
    """Standard output and error while a command runs. Closed streams are opened on /dev/null; otherwise the next opened
    files would get their numbers, and output would be written into those files.

    With questions (`asks`), the original streams are used: Python's `input` flushes them before it reads, and ignores
    any exception from a replaced stream, even Ctrl-C.

    `colour` is the choice of --color. Messages on standard error are broken at words. With `machine`, standard output
    is for objects only; they are written to what is yielded."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: PTH123, SIM115 - open until the process ends
    before = sys.stdout, sys.stderr
    for stream in before:
        if getattr(stream, "errors", "") == "strict":  # a name of a file need not be text in the terminal's encoding
            cast(Any, stream).reconfigure(errors="backslashreplace")
    output: Output | None = None
    if not asks:
        out = _Held(before[0], colour=uses_colour(before[0], colour) and not machine)
        error = _Held(before[1], colour=uses_colour(before[1], colour), fold=True)
        out.beside = error
        sys.stdout, sys.stderr = cast(TextIO, out), cast(TextIO, error)
        if machine:
            from stackwright.output.machine import Output

            output = Output(sys.stdout)
            sys.stdout = cast(TextIO, output)
    try:
        yield output
        sys.stdout.flush()
    finally:
        sys.stdout, sys.stderr = before


@contextlib.contextmanager
def busy(what: str) -> Iterator[None]:
    """While the block works, standard error says what is done and for how long: on a terminal in a line that changes,
    elsewhere in a line now and then."""
    stream, ended, began = sys.stderr, threading.Event(), time.monotonic()
    show = stream.status if isinstance(stream, _Held) and stream.isatty() and _moves() else None

    def tell() -> None:
        while not ended.wait(1 if show else _HEARTBEAT):
            line = f"{what}, {time.monotonic() - began:.0f} s"
            if show:
                show(line)
            else:
                print(line, file=stream, flush=True)

    thread = threading.Thread(target=tell, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        if show:
            show("")


@contextlib.contextmanager
def asking() -> Iterator[None]:
    """While a question stands on the terminal, no status line overwrites it."""
    stream = sys.stderr
    if not isinstance(stream, _Held):
        yield
        return
    stream.status("")
    stream.asks = True
    try:
        yield
    finally:
        stream.asks = False


def _moves() -> bool:
    return os.environ.get("TERM", "dumb") != "dumb"


def result(data: Mapping[str, Any]) -> None:
    """Adds to the result that a program reads; without --json, does nothing."""
    add = getattr(sys.stdout, "result", None)
    if add:
        add(data)


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
