"""Links over SSH with paramiko: connecting, host keys, authentication, and detection of dead connections."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading

import paramiko

from stackwright.model import ExitCode, StackwrightError

from .channel import Channel, LinkDropped
from .connection import Connection
from .hostkeys import Trust
from .login import PASSWORD, log_in
from .proxy import Proxy
from .settings import Host

_KEEPALIVE = 10
_IDLE = 2.0
"""Seconds after which the thread of an idle link wakes up to send keepalives. paramiko's default is ten times a second,
which is too often for a thousand links."""
_SILENCE = 40
"""Seconds without an acknowledgement after which the kernel closes the connection (TCP_USER_TIMEOUT, Linux)."""


def connect(host: Host, trust: Trust, *, base: str = "/var/lib/stackwright", jumps: Jumps | None = None) -> Connection:
    """Connects to the host, logs in and checks that root is available. Hosts with the same `jumps` share the links to
    their jump hosts. Raises StackwrightError(UNREACHABLE) with the reason: no answer, an unknown or changed host key,
    login refused, or no root."""
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)  # its errors are raised as exceptions anyway
    connection = Connection(host, lambda: SshLink(host, trust, jumps), base=base)
    try:
        connection.greet()
    except BaseException:
        connection.close()
        raise
    return connection


class Jumps:
    """The links to jump hosts: one per jump host, shared by all hosts behind it, because sshd accepts only about ten
    logins at the same time (MaxStartups). The caller closes it when no connection needs it any more."""

    def __init__(self) -> None:
        self._links: dict[Host, SshLink] = {}
        self._dialling: dict[Host, threading.Lock] = {}
        self._lock = threading.Lock()

    def link(self, host: Host, trust: Trust) -> SshLink:
        """The link to a jump host; connects if there is none. Raises StackwrightError(UNREACHABLE)."""
        with self._lock:
            dialling = self._dialling.setdefault(host, threading.Lock())
        with dialling:
            link = self._links.get(host)
            if link is None or not link.alive():
                if link:
                    link.close()
                link = self._links[host] = SshLink(host, trust, self)
            return link

    def close(self) -> None:
        """Closes all links; never raises."""
        for link in list(self._links.values()):
            link.close()


class SshLink:
    """One SSH connection, through a jump host if the host has one: a shared link of `jumps`, or a separate one."""

    def __init__(self, host: Host, trust: Trust, jumps: Jumps | None = None) -> None:
        self._host = host
        self._jumps = jumps
        self._jump: SshLink | None = None
        self._proxy: Proxy | None = None
        self._transport: paramiko.Transport | None = None
        self._socket: socket.socket | None = None
        self.by_password = False
        """Whether the password was accepted, and no key."""
        try:
            sock = self._dial(trust)
            self._transport = _handshake(host, trust, sock, self._proxy)
            self.by_password = log_in(host, self._transport) == PASSWORD
            self._transport.set_keepalive(_KEEPALIVE)
            if isinstance(sock, socket.socket):
                sock.settimeout(_IDLE)
                self._socket = sock
        except BaseException:
            self.close()
            raise

    def open(self, command: str) -> Channel:
        assert self._transport
        try:
            channel = self._transport.open_session(timeout=120)
            channel.exec_command(command)
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise LinkDropped(self._host.name, str(error) or type(error).__name__) from None
        return SshChannel(self._host.name, self._transport, channel)

    def alive(self) -> bool:
        return self._transport is not None and self._transport.is_active()

    def close(self) -> None:
        if self._socket:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)  # wakes the thread of the link, which then ends
        for part in (self._transport, self._jump if self._jumps is None else None):
            if part:
                with contextlib.suppress(Exception):
                    part.close()
        if self._proxy:
            self._proxy.close()

    def tunnel(self, address: str, port: int) -> paramiko.Channel:
        """Opens a channel to an address behind this host. Raises LinkDropped if this link is dead, and StackwrightError
        if the address cannot be reached from this host."""
        assert self._transport
        try:
            return self._transport.open_channel(
                "direct-tcpip", (address, port), ("127.0.0.1", 0), timeout=self._host.connect_timeout
            )
        except (paramiko.SSHException, OSError, EOFError) as error:
            # EOFError: sending failed, possibly before the thread of the link has noticed that the link is dead.
            if not isinstance(error, paramiko.SSHException) or not self.alive():
                self.close()
                raise LinkDropped(self._host.name, "closed by the other side, or no answer") from None
            raise StackwrightError(
                f"cannot reach {address} port {port} from the jump host {self._host.name}: {error}",
                f"check `ssh {self._host.name} nc -vz {address} {port}`, and AllowTcpForwarding in the jump host's "
                "sshd_config",
                ExitCode.UNREACHABLE,
            ) from None

    def _dial(self, trust: Trust) -> socket.socket | paramiko.Channel:
        host = self._host
        if host.jump:
            if self._jumps is None:
                self._jump = SshLink(host.jump, trust)
                return self._jump.tunnel(host.dialled, host.port)
            self._jump = self._jumps.link(host.jump, trust)
            with contextlib.suppress(LinkDropped):
                return self._jump.tunnel(host.dialled, host.port)
            # A dead link may be noticed only when it is used: then connect again.
            self._jump = self._jumps.link(host.jump, trust)
            return self._jump.tunnel(host.dialled, host.port)
        if host.proxy:
            self._proxy = Proxy(host.proxy)
            return self._proxy.socket
        where = f"{host.dialled} port {host.port}"
        try:
            sock = socket.create_connection((host.dialled, host.port), timeout=host.connect_timeout)
        except socket.gaierror as error:
            what = f"{host.name}: the name {host.dialled}" if host.become else f"jump host {host.dialled}"
            raise StackwrightError(
                f"{what} does not resolve: {error.strerror}",
                "correct the name, use an address, or add the name to DNS or to /etc/hosts of this machine",
                ExitCode.UNREACHABLE,
            ) from None
        except ConnectionRefusedError:
            raise StackwrightError(
                f"{host.name}: {where} refuses connections",
                "check that sshd runs on the host (`systemctl status sshd`) and that its port is right (`--port`)",
                ExitCode.UNREACHABLE,
            ) from None
        except OSError as error:
            why = "no answer" if isinstance(error, TimeoutError) else (error.strerror or str(error))
            raise StackwrightError(
                f"{host.name}: {where} cannot be reached: {why}",
                f"check that the host is up (`ping {host.dialled}`) and that no firewall drops port {host.port}",
                ExitCode.UNREACHABLE,
            ) from None
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _SILENCE * 1000)
        return sock


class SshChannel:
    """One command over SSH."""

    def __init__(self, host: str, transport: paramiko.Transport, channel: paramiko.Channel) -> None:
        self._host = host
        self._transport = transport
        self._channel = channel
        self._sending = threading.Lock()

    def send(self, data: bytes) -> None:
        try:
            with self._sending:
                self._channel.settimeout(120)
                self._channel.sendall(data)
        except (paramiko.SSHException, OSError, EOFError) as error:
            if self._transport.is_active() and self._channel.closed:
                return  # the command ended before it read everything: its exit status shows whether it failed
            raise LinkDropped(self._host, str(error) or "cannot send") from None

    def end(self) -> None:
        with contextlib.suppress(paramiko.SSHException, OSError, EOFError):
            self._channel.shutdown_write()

    def receive(self, timeout: float) -> tuple[bytes, bytes] | None:
        self._channel.settimeout(max(timeout, 0.001))
        try:
            out = self._channel.recv(65536)
        except TimeoutError:
            return b"", self._errors()
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise LinkDropped(self._host, str(error)) from None
        if out:
            return out, self._errors()
        # stdout has ended; remaining stderr and the exit status follow
        if not self._channel.status_event.wait(max(timeout, 0.001)) and self._transport.is_active():
            return b"", self._errors()
        if err := self._errors():
            return b"", err
        unknown = not self._channel.exit_status_ready() or self._channel.exit_status == -1
        if unknown and not self._transport.is_active():
            raise LinkDropped(self._host, "closed by the other side, or no answer")
        return None

    def status(self) -> int:
        code = self._channel.recv_exit_status()
        return 137 if code == -1 else code  # no status: a signal ended it; paramiko does not report which one

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self._channel.close()

    def _errors(self) -> bytes:
        got = b""
        while self._channel.recv_stderr_ready() and len(got) < 2**20:  # a host may never stop
            piece = self._channel.recv_stderr(65536)
            if not piece:
                break
            got += piece
        return got


def _handshake(
    host: Host, trust: Trust, sock: socket.socket | paramiko.Channel, proxy: Proxy | None
) -> paramiko.Transport:
    """Negotiates the transport and checks the host key."""
    try:
        transport = paramiko.Transport(sock)
        transport.banner_timeout = transport.handshake_timeout = host.connect_timeout
        known = [key.kind for key in trust.known(host)]
        if known:
            # Like OpenSSH, prefer the key types that are known; a key of another type would look like a changed key.
            options = transport.get_security_options()
            first = [k for k in options.key_types if _family(k) in {_family(n) for n in known}]
            options.key_types = [*first, *(k for k in options.key_types if k not in first)]
    except BaseException:
        sock.close()
        raise
    try:
        transport.start_client(timeout=host.connect_timeout)
        trust.check(host, transport.get_remote_server_key())
    except StackwrightError:
        transport.close()
        raise
    except (paramiko.SSHException, OSError, EOFError) as error:
        transport.close()
        if proxy:
            raise StackwrightError(
                f"{host.name}: its ProxyCommand does not reach an SSH server: {proxy.last_line()}",
                f"check it with `ssh -v {host.name}`; it is set in ~/.ssh/config",
                ExitCode.UNREACHABLE,
            ) from None
        raise StackwrightError(
            f"{host.name}: {host.dialled} port {host.port} answers, but not like an SSH server: {error}",
            f"check that sshd listens there: `ssh -v -p {host.port} {host.dialled}`",
            ExitCode.UNREACHABLE,
        ) from None
    return transport


def _family(kind: str) -> str:
    return "rsa" if "rsa" in kind else kind
