"""Shows a run in the browser while it goes on: a small HTTP server on this machine's loopback address.

It answers GET and HEAD on four addresses below an unguessable token, reads only the state directory, and writes
nothing. The standard library's server is enough for that: a request is read whole, within limits of size and time,
before `http.server` parses it; each connection serves one request; few connections are open at a time.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import hmac
import http.server
import io
import re
import secrets
import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any

from stackwright.model import ExitCode, StackwrightError
from stackwright.report.as_json import as_json
from stackwright.report.follow import Follower
from stackwright.report.page import as_html, script, style, waiting
from stackwright.report.run import RunReport

ADDRESS = "127.0.0.1"

CONNECTIONS = 16
"""At a time; further ones are closed at once."""
SECONDS = 5.0
"""For a request to arrive, and for each answer to be taken."""
REQUEST_BYTES = 16 * 1024

_SHARE = 1 / 70
"""Share of one processor that creating the page may take: the larger the page, the less often it is created."""
_SOONEST, _LATEST = 1.0, 60.0
"""Bounds of seconds between two versions of the page."""
_IDLE = 5
"""Seconds until the browser asks again, where nothing is at work."""

_HOST = re.compile(r"(?:127\.0\.0\.1|localhost)(?::\d{1,5})?", re.ASCII)
"""The names of this server. A page of another site that has its name resolved to 127.0.0.1 (DNS rebinding) sends that
name. Any port is right, because `ssh -L` may use another one."""

_POLICY = "; ".join(
    (
        "default-src 'none'",
        *(f"{kind}-src 'self'" for kind in ("style", "script", "connect")),
        *(f"{what} 'none'" for what in ("base-uri", "form-action", "frame-ancestors")),
    )
)

HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",  # links must not tell the token to the dashboard
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Connection": "close",
}


class _Pages:
    """What is served. The page is created only when somebody asks for it, something changed, and the last one is old
    enough."""

    def __init__(self, follower: Follower) -> None:
        self._follower = follower
        self._one_at_a_time = threading.Lock()
        # glibc keeps what each thread has freed, so all pages are created in one.
        self._worker = ThreadPoolExecutor(1)
        self._version: tuple[object, ...] = ()
        self._report: RunReport | None = None
        self._page, self._tag = b"", ""
        self._since, self._wait = 0.0, 0.0

    def page(self) -> tuple[bytes, str, int]:
        """The page, its version, and the seconds after which to ask again."""
        with self._one_at_a_time:
            self._worker.submit(self._renew).result()
            left = max(0.0, self._since + self._wait - time.monotonic())
            return self._page, self._tag, max(1, round(left)) if self._goes_on() else max(_IDLE, round(self._wait))

    def json(self) -> bytes | None:
        """The run as JSON; None if there is no run."""
        with self._one_at_a_time:
            self._worker.submit(self._renew).result()
            return as_json(self._report).encode("utf-8", "replace") if self._report else None

    def _goes_on(self) -> bool:
        return self._report is not None and (self._report.state == "running" or self._report.verifying)

    def _renew(self) -> None:
        if self._page and time.monotonic() < self._since + self._wait:
            return
        began = time.thread_time()
        version = self._follower.version()
        if not self._page or self._goes_on() or version != self._version or self._maybe_at_work():
            self._create()
            self._version = version
        self._since = time.monotonic()
        self._wait = min(_LATEST, max(_SOONEST, (time.thread_time() - began) / _SHARE))

    def _maybe_at_work(self) -> bool:
        """Whether a command may have begun to verify an old run, which changes no file."""
        return self._report is None or self._follower.working()

    def _create(self) -> None:
        self._page = b""  # with many hosts, two of them need megabytes
        try:
            self._report = self._follower.read()
            text = as_html(self._report, served=True)
        except StackwrightError as error:
            self._report = None
            text = waiting("" if error.code == ExitCode.USAGE else error.message)
        except Exception as error:  # an error in a report must not end the server
            self._report = None
            text = waiting(f"internal error in stackwright: {type(error).__name__}: {error}")
        self._page = text.encode("utf-8", "replace")
        self._tag = f'"{hashlib.sha256(self._page).hexdigest()[:32]}"'


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Site
    server_version, sys_version = "stackwright", ""

    def handle(self) -> None:
        head = _head(self.request)
        if head:
            self.rfile = io.BytesIO(head)
            self.request.settimeout(SECONDS)  # for the whole answer
            self.handle_one_request()

    def do_GET(self) -> None:
        """Answers GET and HEAD."""
        hosts = self.headers.get_all("Host", [])
        if len(hosts) != 1 or not _HOST.fullmatch(hosts[0]):
            return self.send_error(HTTPStatus.FORBIDDEN, f"use http://{ADDRESS}:{self.server.port}/ or localhost")
        token, slash, name = self.path[1:].partition("/")
        if not hmac.compare_digest(token.encode("utf-8", "replace"), self.server.token.encode()):
            return self.send_error(HTTPStatus.NOT_FOUND, "not found: use the whole address that the command shows")
        if not slash:
            return self._answer(HTTPStatus.PERMANENT_REDIRECT, "text/plain", b"", Location=f"/{token}/")
        pages = self.server.pages
        match name:
            case "":
                body, tag, wait = pages.page()
                further = {"ETag": tag, "Retry-After": str(wait)}
                if self.headers.get("If-None-Match") == tag:
                    return self._answer(HTTPStatus.NOT_MODIFIED, "text/html", b"", **further)
                return self._answer(HTTPStatus.OK, "text/html", body, **further)
            case "page.css":
                return self._answer(HTTPStatus.OK, "text/css", style().encode())
            case "page.js":
                return self._answer(HTTPStatus.OK, "text/javascript", script(live=True).encode())
            case "report.json" if data := pages.json():
                return self._answer(HTTPStatus.OK, "application/json", data)
        return self.send_error(HTTPStatus.NOT_FOUND, "not found")

    do_HEAD = do_GET

    def _answer(self, status: HTTPStatus, kind: str, body: bytes, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        for name, value in {**HEADERS, **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, _: str | None = None) -> None:
        """Answers with one line of text. It repeats nothing of the request."""
        status = HTTPStatus(code)
        if status is HTTPStatus.NOT_IMPLEMENTED:  # http.server: there is no function for this method
            return self._answer(HTTPStatus.METHOD_NOT_ALLOWED, "text/plain", b"only GET and HEAD\n", Allow="GET, HEAD")
        own = message if status in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND) else status.phrase
        return self._answer(status, "text/plain", f"{own}\n".encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Writes nothing: the address contains the token."""


def _head(connection: socket.socket) -> bytes:
    """A request up to its empty line; empty if it does not arrive in time, or is too long."""
    data, tail, end = b"", b"", time.monotonic() + SECONDS
    while b"\n\r\n" not in tail and b"\n\n" not in tail:
        left = end - time.monotonic()
        if left <= 0:
            return b""
        connection.settimeout(left)
        try:
            more = connection.recv(4096)
        except OSError:
            return b""
        if not more:
            return b""
        data += more
        if len(data) > REQUEST_BYTES:
            return b""
        tail = data[-len(more) - 3 :]
    return data


class Site(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """The server. `serve_forever` answers until it is interrupted."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = CONNECTIONS

    def __init__(self, follower: Follower, port: int) -> None:
        self.pages = _Pages(follower)
        self.token = secrets.token_urlsafe(32)
        self._free = threading.BoundedSemaphore(CONNECTIONS)
        super().__init__((ADDRESS, port), _Handler)
        self.port = int(self.server_address[1])

    @property
    def url(self) -> str:
        """The address of the page, with the token: it is all that one needs to see the run."""
        return f"http://{ADDRESS}:{self.port}/{self.token}/"

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._free.acquire(blocking=False):
            return self.shutdown_request(request)
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._free.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Writes nothing: a browser that closes its connection is no error."""


@contextlib.contextmanager
def serving(follower: Follower, port: int = 0) -> Iterator[Site]:
    """A server on this port of the loopback address, or on any free one. Raises StackwrightError."""
    try:
        site = Site(follower, port)
    except OSError as error:
        known = {errno.EADDRINUSE: "another program uses it", errno.EACCES: "it needs root"}
        raise StackwrightError(
            f"cannot listen on port {port} of {ADDRESS}: {known.get(error.errno or 0, error.strerror)}",
            "choose another port, or none: `--serve` alone takes a free one",
            ExitCode.ENVIRONMENT,
        ) from None
    with site:
        yield site
