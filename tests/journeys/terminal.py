"""A person's terminal: tmux, 80 columns and 24 lines, with bash and the command `stackwright`."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import stackwright

INSTALLER = Path(stackwright.__file__).parents[1]
PATIENCE = 40.0
"""Seconds after which a terminal that does not show what is expected has failed: no measure of speed."""
COLUMNS, LINES = 80, 24

_PROMPT = "$ "
_COMMAND = re.compile(r"(?:^|[`:] ?|^ +|then: |with )(stackwright [^`#\n]+?)(?:`|  #|\n|$)", re.M)


class Terminal:
    """Types what a person types, and keeps what the person sees: all of it, with what has scrolled away, is written to
    `kept` at the end of each command."""

    def __init__(self, home: Path, kept: Path, lab: int = 0) -> None:
        found = shutil.which("tmux")
        assert found, "tmux is not installed"
        self._codes = home / ".codes"
        self._codes.touch()
        self._kept = kept
        self._number = 0
        self._tmux = [found, "-S", str(home / ".tmux"), "-f", "/dev/null"]
        bin_ = home / ".bin"
        bin_.mkdir()
        wrapper = bin_ / "stackwright"
        wrapper.write_text(f'#!/bin/sh\nPYTHONPATH={INSTALLER} exec {sys.executable} -m stackwright "$@"\n')
        wrapper.chmod(0o755)
        words = {
            "HOME": str(home), "PATH": f"{bin_}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "PS1": _PROMPT, "PROMPT_COMMAND": f"echo $? >> {self._codes}",
            "HISTFILE": "/dev/null", "STACKWRIGHT_LAB_NUMBER": str(lab), "LC_ALL": "C.UTF-8", "TERM": "screen",
        }  # fmt: skip
        shell = ["env", "-i", *(f"{name}={value}" for name, value in words.items()), "bash", "--norc", "--noprofile"]
        size = ["-x", str(COLUMNS), "-y", str(LINES)]
        self._run(
            "set-option", "-g", "history-limit", "20000", ";", "new-session", "-d", *size, "-c", str(home), *shell
        )
        self._wait_for_prompt(1)

    def _run(self, *words: str) -> str:
        return subprocess.run([*self._tmux, *words], check=True, capture_output=True, text=True).stdout

    def seen(self) -> str:
        """Everything that was shown since the last command was typed; a line that the terminal broke is one line."""
        return self._run("capture-pane", "-p", "-J", "-S", "-").rstrip() + "\n"

    def type(self, text: str) -> None:
        """Types a line, without waiting for anything."""
        self._run("send-keys", "-l", text)
        self._run("send-keys", "Enter")

    def expect(self, text: str) -> None:
        """Waits until the text is on the screen."""
        last = time.monotonic() + PATIENCE
        while text not in (seen := self.seen()):
            assert time.monotonic() < last, f"{text!r} did not come; seen:\n{seen}"
            time.sleep(0.1)

    def answer(self, question: str, text: str = "") -> None:
        """Waits until a question stands in the last line, and types the answer."""
        last = time.monotonic() + PATIENCE
        while question not in (line := self.seen().rstrip("\n").rpartition("\n")[2]):
            assert time.monotonic() < last, f"{question!r} was not asked; seen:\n{self.seen()}\n{line!r}"
            time.sleep(0.1)
        self.type(text)

    def start(self, command: str) -> None:
        """Types a command on an empty screen."""
        self._run("send-keys", "-R", ";", "clear-history")
        self._run("send-keys", "C-l")
        self._number += 1
        self._started = len(self._codes.read_text().splitlines())
        self.type(command)

    def end(self, patience: float = PATIENCE) -> tuple[int, str]:
        """Waits for the end of the command; returns its exit status and its output. Fails on a traceback, an internal
        error, or a line wider than the terminal."""
        code = self._wait_for_prompt(self._started + 1, patience)
        text = self.seen()
        self._kept.mkdir(parents=True, exist_ok=True)
        first = next((line for line in text.splitlines() if line.startswith(_PROMPT)), "")
        name = re.sub(r"[^a-z0-9]+", "-", first.removeprefix(f"{_PROMPT}stackwright").lower())[:40].strip("-")
        (self._kept / f"{self._number:02} {name or 'interview'}.txt").write_text(text)
        assert "Traceback" not in text, text
        assert "internal error" not in text, text
        wide = [line for line in text.splitlines() if len(line.rstrip()) > COLUMNS and not line.startswith(_PROMPT)]
        assert wide == [], f"wider than {COLUMNS} columns"
        return code, text

    def run(self, command: str, patience: float = PATIENCE) -> tuple[int, str]:
        """Types a command, and waits for its end."""
        self.start(command)
        return self.end(patience)

    def _wait_for_prompt(self, number: int, patience: float = PATIENCE) -> int:
        last = time.monotonic() + patience
        while len(codes := self._codes.read_text().splitlines()) < number:
            assert time.monotonic() < last, f"the command did not end; seen:\n{self.seen()}"
            time.sleep(0.1)
        time.sleep(0.2)  # the prompt comes after the number
        return int(codes[-1])

    def close(self) -> None:
        subprocess.run([*self._tmux, "kill-server"], check=False, capture_output=True)


def commands(screen: str) -> list[str]:
    """The commands that a screen names for the person to type."""
    shown = "\n".join(line for line in screen.splitlines() if not line.startswith(_PROMPT))
    return [found[1].strip() for found in _COMMAND.finditer(shown)]


def named(screen: str, beginning: str) -> str:
    """The first command with this beginning on the screen: a person types only what the screen names."""
    found = [command for command in commands(screen) if command.startswith(beginning)]
    assert found, f"no {beginning!r} on the screen:\n{screen}"
    return found[0]
