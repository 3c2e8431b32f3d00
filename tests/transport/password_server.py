"""An SSH server in this process that lets in a password, or the keys of a folder's authorized_keys, as a new host does.

sshd itself can only check passwords of accounts that the system has; tests/lab does that on a node. And sshd behaves:
this one can be told not to.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import Literal

import paramiko

_SUDO = """\
#!/bin/sh
while case $1 in -*) ;; *) false ;; esac; do shift; done
exec "$@"
"""
"""Whoever runs the tests need not be root: the account of this host may use sudo."""


Fault = Literal[
    "",
    "silent",  # takes the connection and says nothing
    "hangs up",  # as soon as somebody has logged in
    "no sessions",  # refuses every channel
    "no commands",  # refuses to run anything
    "no status",  # ends a command without saying how it ended
    "early status",  # says how a command ended before it sends what it wrote
    "drips",  # sends what a command writes byte by byte
    "cut",  # the link ends in the middle of what a command writes
    "stalls",  # runs the command, and sends nothing any more
]


class PasswordServer:
    """Runs what it is asked to with `home` as the home folder. `logins` says how each session was let in; `fault` is
    how it misbehaves."""

    def __init__(self, home: Path, password: str, host_key: Path) -> None:
        self.home = home
        self.password = password
        self.logins: list[str] = []
        self.fault: Fault = ""
        self.bin = home / "bin"
        self.bin.mkdir()
        (self.bin / "sudo").write_text(_SUDO)
        (self.bin / "sudo").chmod(0o755)
        self._key = paramiko.Ed25519Key.from_private_key_file(str(host_key))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._transports: list[paramiko.Transport] = []
        self._silent: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()
        for transport in self._transports:
            transport.close()
        for sock in self._silent:
            sock.close()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            if self.fault == "silent":
                self._silent.append(sock)
                continue
            transport = paramiko.Transport(sock)
            transport.add_server_key(self._key)
            self._transports.append(transport)
            with contextlib.suppress(paramiko.SSHException, EOFError, OSError):
                transport.start_server(server=_Session(self, transport))

    def lets_in(self, key: paramiko.PKey) -> bool:
        path = self.home / ".ssh" / "authorized_keys"
        lines = path.read_text().splitlines() if path.is_file() else []
        return any(line.split()[:2] == [key.get_name(), key.get_base64()] for line in lines)


class _Session(paramiko.ServerInterface):
    def __init__(self, server: PasswordServer, transport: paramiko.Transport) -> None:
        self._server = server
        self._transport = transport

    def get_allowed_auths(self, _: str) -> str:
        return "password,publickey"

    def check_auth_password(self, _: str, password: str) -> int:
        if password != self._server.password:
            return paramiko.AUTH_FAILED
        self._server.logins.append("password")
        if self._server.fault == "hangs up":
            self._transport.close()
        return paramiko.AUTH_SUCCESSFUL

    def check_auth_publickey(self, _: str, key: paramiko.PKey) -> int:
        if not self._server.lets_in(key):
            return paramiko.AUTH_FAILED
        self._server.logins.append("key")
        return paramiko.AUTH_SUCCESSFUL

    def check_channel_request(self, kind: str, _: int) -> int:
        willing = kind == "session" and self._server.fault != "no sessions"
        return paramiko.OPEN_SUCCEEDED if willing else paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        if self._server.fault == "no commands":
            return False
        replied = next_reply(self._transport)
        threading.Thread(target=self._run, args=(channel, command.decode(), replied), daemon=True).start()
        return True

    def _run(self, channel: paramiko.Channel, command: str, replied: threading.Event) -> None:
        replied.wait(10)
        process = subprocess.Popen(
            ["/bin/sh", "-c", command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "HOME": str(self._server.home), "PATH": f"{self._server.bin}:{os.environ['PATH']}"},
        )
        assert process.stdin
        assert process.stdout
        assert process.stderr
        feeding = threading.Thread(target=_feed, args=(channel, process.stdin), daemon=True)
        feeding.start()
        errors = threading.Thread(target=_drain, args=(process.stderr, channel.sendall_stderr), daemon=True)
        errors.start()
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            self._answer(channel, process, errors)

    def _answer(self, channel: paramiko.Channel, process: subprocess.Popen[bytes], errors: threading.Thread) -> None:
        assert process.stdout
        match self._server.fault:
            case "stalls":
                process.wait()
                return
            case "cut":
                channel.sendall(process.stdout.read(10))
                time.sleep(0.2)
                self._transport.close()
                process.wait()
                return
            case "drips":
                for byte in process.stdout.read():
                    channel.sendall(bytes([byte]))
            case "early status":
                said = process.stdout.read()
                channel.send_exit_status(process.wait())
                time.sleep(0.3)
                channel.sendall(said)
                channel.close()
                return
            case _:
                _drain(process.stdout, channel.sendall)
        errors.join()
        # As sshd says it: of one that a signal ended there is no status.
        if process.wait() >= 0 and self._server.fault != "no status":
            channel.send_exit_status(process.returncode)
        channel.close()


def next_reply(transport: paramiko.Transport) -> threading.Event:
    """Is set when this thread, the transport's own, has sent what it sends next: the answer to a request. A command
    that ended and closed its channel before that would look like one that was refused."""
    replied, here, send = threading.Event(), threading.get_ident(), transport._send_user_message

    def watched(message: paramiko.Message) -> None:
        send(message)
        if threading.get_ident() == here:
            transport._send_user_message = send
            replied.set()

    transport._send_user_message = watched
    return replied


def _feed(channel: paramiko.Channel, pipe: object) -> None:
    with contextlib.suppress(OSError):
        while data := channel.recv(65536):
            pipe.write(data)  # type: ignore[attr-defined]
            pipe.flush()  # type: ignore[attr-defined]
    with contextlib.suppress(OSError):
        pipe.close()  # type: ignore[attr-defined]


def _drain(pipe: object, send: object) -> None:
    with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
        while data := os.read(pipe.fileno(), 65536):  # type: ignore[attr-defined]
            send(data)  # type: ignore[operator]
