"""The interface of a transport (a link opens channels, each of which runs one command), and the local transport."""

from __future__ import annotations

import contextlib
import os
import queue
import selectors
import subprocess
import threading
from dataclasses import dataclass
from typing import Protocol

from stackwright.model import ExitCode, StackwrightError


@dataclass(frozen=True)
class Result:
    """The result of a script on a host. If a signal ended it, `exit` is 128 + signal, as in a shell."""

    exit: int
    out: str
    err: str

    @property
    def ok(self) -> bool:
        """Whether the exit status is 0."""
        return self.exit == 0


class LinkDropped(StackwrightError):
    """The connection was lost while in use. Detached runs on the host continue."""

    def __init__(self, host: str, why: str) -> None:
        super().__init__(f"{host}: connection lost: {why}", code=ExitCode.UNREACHABLE)


class ScriptTimeout(StackwrightError):
    """A script exceeded its time limit."""


class TooMuchOutput(StackwrightError):
    """A script printed more than it may."""


class Channel(Protocol):
    """One running command with its input and outputs."""

    def send(self, data: bytes) -> None:
        """Sends input. Raises LinkDropped."""

    def end(self) -> None:
        """Closes the input."""

    def receive(self, timeout: float) -> tuple[bytes, bytes] | None:
        """Waits up to `timeout` seconds for output; returns stdout and stderr (both empty if there was none), or None
        if the command has ended. Raises LinkDropped."""

    def status(self) -> int:
        """The exit status; available after `receive` returned None."""

    def close(self) -> None:
        """Closes the channel; never raises."""


class Link(Protocol):
    """A connection to a host that opens channels."""

    def open(self, command: str) -> Channel:
        """Starts a shell command line. Raises LinkDropped."""

    def alive(self) -> bool:
        """Whether the connection is believed to be usable."""

    def close(self) -> None:
        """Closes the connection; never raises."""


class LocalChannel:
    """A command on this machine. A thread writes its input, so that reading and writing cannot block each other."""

    def __init__(self, command: str) -> None:
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            bufsize=0,
        )
        assert self._process.stdout
        assert self._process.stderr
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._process.stdout, selectors.EVENT_READ, 0)
        self._selector.register(self._process.stderr, selectors.EVENT_READ, 1)
        self._input: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        threading.Thread(target=self._write, daemon=True, name="local-input").start()

    def _write(self) -> None:
        pipe = self._process.stdin
        assert pipe
        try:
            while (data := self._input.get()) is not None:
                view = memoryview(data)
                while view:
                    view = view[pipe.write(view) or 0 :]
        except OSError:
            pass  # the command ended before it read everything, or was closed: its exit status shows whether it failed
        finally:
            with contextlib.suppress(OSError):
                pipe.close()

    def send(self, data: bytes) -> None:
        self._input.put(data)

    def end(self) -> None:
        self._input.put(None)

    def receive(self, timeout: float) -> tuple[bytes, bytes] | None:
        if not self._selector.get_map():
            try:
                self._process.wait(timeout)
            except subprocess.TimeoutExpired:
                return b"", b""
            return None
        got = [b"", b""]
        for key, _ in self._selector.select(timeout):
            data = os.read(key.fd, 65536)
            if data:
                got[key.data] = data
            else:
                self._selector.unregister(key.fileobj)
        return got[0], got[1]

    def status(self) -> int:
        code = self._process.wait()
        return 128 - code if code < 0 else code

    def close(self) -> None:
        self._input.put(None)
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._selector.close()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe:
                pipe.close()


class LocalLink:
    """This machine."""

    def open(self, command: str) -> Channel:
        return LocalChannel(command)

    def alive(self) -> bool:
        return True

    def close(self) -> None:
        pass
