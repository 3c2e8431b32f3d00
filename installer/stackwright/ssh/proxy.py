"""A way to a host through a program of the person's: ProxyCommand of ~/.ssh/config."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import tempfile


class Proxy:
    """A running program whose input and output lead to a host's sshd, as a socket."""

    def __init__(self, command: str) -> None:
        self.socket, far = socket.socketpair()
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  # closed by `close`
        with far:
            # A session of its own: Ctrl-C is for us, and what goes through it is not to end with it.
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", f"exec {command}"],
                stdin=far.fileno(),
                stdout=far.fileno(),
                stderr=self._said.fileno(),
                start_new_session=True,
            )

    def words(self) -> str:
        """What the program said last."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        self._said.seek(0)
        said = self._said.read().decode(errors="replace").strip()
        return said.rpartition("\n")[2] or "no output"

    def close(self) -> None:
        """Ends it; most programs take it as a reason to end that the other side was closed. Never raises."""
        self.socket.close()
        for ask in (None, self._process.terminate, self._process.kill):
            with contextlib.suppress(subprocess.TimeoutExpired, OSError):
                if ask:
                    ask()
                self._process.wait(1)
                break
        self._said.close()
