"""An SSH server that runs nothing: a host under an attacker's control, which answers each script as the test says."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

import paramiko

from .password_server import next_reply

Answer = Callable[[str], Iterable[bytes]]
"""From the script that the host was sent to the pieces that it prints. Endless ones end with the connection."""


class HostileServer:
    """Lets in any password. `answer` gives what is printed on stdout, `errors` what is printed on stderr."""

    def __init__(self, host_key: Path, answer: Answer, errors: Answer = lambda _: ()) -> None:
        self.answer = answer
        self.errors = errors
        self._key = paramiko.Ed25519Key.from_private_key_file(str(host_key))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._transports: list[paramiko.Transport] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()
        for transport in self._transports:
            transport.close()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            transport = paramiko.Transport(sock)
            transport.add_server_key(self._key)
            self._transports.append(transport)
            with contextlib.suppress(paramiko.SSHException, EOFError, OSError):
                transport.start_server(server=_Session(self, transport))


class _Session(paramiko.ServerInterface):
    def __init__(self, server: HostileServer, transport: paramiko.Transport) -> None:
        self._server = server
        self._transport = transport

    def get_allowed_auths(self, _: str) -> str:
        return "password"

    def check_auth_password(self, *_: str) -> int:
        return paramiko.AUTH_SUCCESSFUL

    def check_channel_request(self, *_: object) -> int:
        return paramiko.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        replied = next_reply(self._transport)
        threading.Thread(target=self._run, args=(channel, command.decode(), replied), daemon=True).start()
        return True

    def _run(self, channel: paramiko.Channel, command: str, replied: threading.Event) -> None:
        replied.wait(10)
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            script = ""
            if found := re.search(r"head -c (\d+)", command):
                raw = b""
                while len(raw) < int(found[1]) and (piece := channel.recv(65536)):
                    raw += piece
                script = raw[: int(found[1])].decode()
            for piece in self._server.errors(script) if script else ():
                channel.sendall_stderr(piece)
            for piece in self._server.answer(script) if script else ():
                channel.sendall(piece)
            channel.send_exit_status(0)
            channel.close()
