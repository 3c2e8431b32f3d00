"""HTTP requests to OpenStack services, in JSON. Errors contain the request id, which is used to search the logs."""

from __future__ import annotations

import http.client
import json
import re
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")


class Failure(Exception):
    """A check failed: one sentence, with service and request id to find log lines."""

    def __init__(self, message: str, service: str = "", request_id: str = "", lines: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.service = service
        self.request_id = request_id
        self.lines = lines
        """Lines that are more useful than the log of the service, such as an instance's console."""


class ApiError(Failure):
    """A request failed. `status` is the HTTP status, 0 without an answer."""

    def __init__(self, message: str, status: int = 0, request_id: str = "") -> None:
        super().__init__(message, request_id=request_id)
        self.status = status


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    url: str

    def json(self) -> Any:
        """The body as JSON. Raises ApiError if it is not JSON (the page of a proxy, an empty answer)."""
        try:
            return json.loads(self.body or b"null")
        except ValueError as error:
            raise ApiError(
                f"{self.url} answered with something that is not JSON: {self.body[:80]!r}", self.status
            ) from error


def context(ca_file: str, only: str = "") -> ssl.SSLContext:
    """A TLS context that checks certificates against the system's authorities and the cloud's. With `only` (PEM), it
    accepts only this certificate, for any host name."""
    if only:
        pinned = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        pinned.check_hostname = False
        # Trust a certificate that is not self-signed: X509_V_FLAG_PARTIAL_CHAIN, which the ssl module of Python 3.9
        # does not define.
        pinned.verify_flags |= 0x80000
        pinned.load_verify_locations(cadata=only[: only.index("-----END CERTIFICATE-----") + 25] + "\n")
        return pinned
    made = ssl.create_default_context()
    if ca_file:
        made.load_verify_locations(ca_file)
    return made


def _reason(body: bytes) -> str:
    """The message in an error document; its structure differs between services."""
    try:
        document = json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")
    for value in [document, *(document.values() if isinstance(document, dict) else [])]:
        if isinstance(value, dict):
            for key in ("message", "detail", "explanation"):
                if isinstance(value.get(key), str):
                    return str(value[key])
        if isinstance(value, list) and value and isinstance(value[0], dict):
            return str(value[0].get("detail", value[0].get("title", "")))
        if isinstance(value, str):
            return value
    return ""


def _body(error: urllib.error.HTTPError) -> bytes:
    """The error document; empty if the connection is lost after the status."""
    try:
        return error.read() or b""
    except (OSError, http.client.HTTPException):
        return b""


# uwsgi resets connections occasionally, and restarting services answer 502 or 503 for a moment.
_PASSING = (502, 503, 504)
_PAUSES = (0.3, 1.0, 3.0)


class Http:
    """Sends requests to the services of one cloud. Proxies of the environment are not used."""

    def __init__(self, ca_file: str = "", timeout: float = 120.0) -> None:
        self.stop = threading.Event()
        """If set, all further requests fail, so that running checks end."""
        self._timeout = timeout
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context(ca_file))
        )

    def call(
        self,
        method: str,
        url: str,
        body: Any = None,
        token: str = "",
        headers: Mapping[str, str] | None = None,
        again: bool | None = None,
    ) -> Answer:
        """Sends one request; `body` is JSON unless it is bytes.

        Requests that can be repeated (all but POST, or as `again` says) are repeated after a lost connection or a
        temporary 502, 503 or 504. Raises ApiError for every status from 400 on, and without an answer.
        """
        if self.stop.is_set():
            raise Failure("stopped")
        given: dict[str, str] = {"Accept": "application/json", **(headers or {})}
        data: bytes | None = None
        if isinstance(body, bytes):
            data = body
            given.setdefault("Content-Type", "application/octet-stream")
        elif body is not None:
            data = json.dumps(body).encode()
            given.setdefault("Content-Type", "application/json")
        if token:
            given["X-Auth-Token"] = token
        repeat = method != "POST" if again is None else again
        for pause in (*_PAUSES, None):
            try:
                return self._once(method, url, data, given)
            except ApiError as error:
                # Connection refused: the request was not received, so even a POST can be repeated.
                unseen = "refused" in error.message and error.status == 0
                if pause is None or not ((repeat and error.status in (0, *_PASSING)) or unseen):
                    raise
                time.sleep(pause)
        raise AssertionError("not reached")

    def _once(self, method: str, url: str, data: bytes | None, headers: Mapping[str, str]) -> Answer:
        request = urllib.request.Request(url, data=data, method=method, headers=dict(headers))
        try:
            with self._opener.open(request, timeout=self._timeout) as reply:
                seen = {k.lower(): v for k, v in reply.headers.items()}
                return Answer(reply.status, seen, reply.read(), reply.url)
        except urllib.error.HTTPError as error:
            # Remove tags and line breaks: some services answer with HTML pages, also within JSON.
            text = " ".join(re.sub(r"<[^>]*>", " ", _reason(_body(error))).split())[:400]
            request_id = error.headers.get("x-openstack-request-id") or error.headers.get("x-compute-request-id") or ""
            message = f"{method} {url}: {error.code} {error.reason}" + (f": {text}" if text else "")
            raise ApiError(message, error.code, request_id) from None
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise ApiError(f"{method} {url}: no answer: {reason or type(error).__name__}") from None


def wait_for(what: str, look: Callable[[], T | None], timeout: float, interval: float = 1.0) -> T:
    """Calls `look` until it returns a value. Raises Failure after `timeout` seconds: `what` says what is missing then,
    such as "instance not ACTIVE"."""
    end = time.monotonic() + timeout
    while True:
        found = look()
        if found is not None:
            return found
        if time.monotonic() >= end:
            raise Failure(f"{what} after {timeout:.0f} s")
        time.sleep(interval)
