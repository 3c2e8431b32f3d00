"""Connections through a program: ProxyCommand of ~/.ssh/config."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import tempfile


class Proxy:
    """A running program whose input and output are connected to a host's sshd; as a socket."""

    def __init__(self, command: str) -> None:
        self.socket, far = socket.socketpair()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  # closed by `close`
        with far:
            # A session of its own: Ctrl-C must not end the program, because it carries our connection.
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", f"exec {command}"],
                stdin=far.fileno(),
                stdout=far.fileno(),
                stderr=self._errors.fileno(),
                start_new_session=True,
            )

    def last_line(self) -> str:
        """The last line that the program wrote on stderr."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        self._errors.seek(0)
        text = self._errors.read().decode(errors="replace").strip()
        return text.rpartition("\n")[2] or "no output"

    def close(self) -> None:
        """Ends the program: most end when their connection is closed, others get a signal. Never raises."""
        self.socket.close()
        for ask in (None, self._process.terminate, self._process.kill):
            with contextlib.suppress(subprocess.TimeoutExpired, OSError):
                if ask:
                    ask()
                self._process.wait(1)
                break
        self._errors.close()
