"""A session with the dashboard: log in through the form, read a page, log out."""

from __future__ import annotations

import html
import http.client
import http.cookiejar
import re
import time
import urllib.error
import urllib.parse
import urllib.request

from .api import Failure, context


class Browser:
    """Requests pages with cookies, like a browser. Follows redirects."""

    def __init__(self, ca_file: str = "", only: str = "", timeout: float = 90.0) -> None:
        self._timeout = timeout
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPSHandler(context=context(ca_file, only)),
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()),
        )

    def get(self, url: str) -> tuple[str, str]:
        """Returns (final URL, page)."""
        return self._open(urllib.request.Request(url))

    def post(self, url: str, fields: dict[str, str]) -> tuple[str, str]:
        data = urllib.parse.urlencode(fields).encode()
        # With HTTPS, Django compares the referer with the host.
        return self._open(urllib.request.Request(url, data=data, headers={"Referer": url}))

    def _open(self, request: urllib.request.Request) -> tuple[str, str]:
        for attempt in range(3):
            try:
                with self._opener.open(request, timeout=self._timeout) as reply:
                    return reply.url, reply.read().decode("utf-8", "replace")
            except urllib.error.HTTPError as error:
                raise Failure(f"{request.full_url}: {error.code} {error.reason}", "horizon") from None
            except (OSError, http.client.HTTPException) as error:
                if attempt == 2 or request.data is not None:
                    reason = getattr(error, "reason", error)
                    raise Failure(f"{request.full_url}: no answer: {reason}", "horizon") from None
                time.sleep(1.0)
        raise AssertionError("not reached")


def form_fields(page: str) -> dict[str, str]:
    """The default values of the login form: hidden fields, and the first or selected option of each list."""
    found: dict[str, str] = {}
    for tag in re.findall(r"<input\b[^>]*>", page):
        pairs = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        if pairs.get("type") == "hidden" and "name" in pairs:
            found.setdefault(pairs["name"], html.unescape(pairs.get("value", "")))
    for head, body in re.findall(r"<select\b([^>]*)>(.*?)</select>", page, re.DOTALL):
        name = re.search(r'name="([^"]*)"', head)
        options = re.findall(r'<option\b([^>]*)value="([^"]*)"([^>]*)>', body)
        if name and options:
            chosen = next((v for a, v, b in options if "selected" in a + b), options[0][1])
            found[name.group(1)] = html.unescape(chosen)
    return found


def look(url: str, user: str, password: str, instance: str, ca_file: str = "", only: str = "") -> str:
    """Logs in at `url` and finds `instance` on the page of instances; `ca_file` or `only` (PEM) is for its certificate.
    Returns what was seen. Raises Failure."""
    base = url.rstrip("/")
    browser = Browser(ca_file, only)
    where, page = browser.get(base + "/auth/login/")
    fields = form_fields(page)
    if "csrfmiddlewaretoken" not in fields or 'name="password"' not in page:
        raise Failure(f"{where} shows no login form", "horizon")
    fields.update(username=user, password=password)
    if 'name="domain"' in page:
        fields["domain"] = "Default"
    where, page = browser.post(base + "/auth/login/", fields)
    if 'name="password"' in page:
        alert = re.search(r'class="[^"]*(?:alert|help-block)[^"]*"[^>]*>\s*(?:<p>)?([^<]+)', page)
        reason = html.unescape(alert.group(1)).strip() if alert else "it shows the login form again"
        raise Failure(f"the dashboard refuses the login: {reason}", "horizon")
    where, page = browser.get(base + "/project/instances/")
    if "/auth/login" in where:
        raise Failure("the dashboard lost the session: it shows the login form again", "horizon")
    title = re.search(r"<title>\s*([^<]*?)\s*</title>", page)
    if instance not in page:
        raise Failure(f"the dashboard's page of instances does not show {instance}", "horizon")
    browser.get(base + "/auth/logout/")
    name = html.unescape(title.group(1)) if title else "the page of instances"
    return f"logged in, {name} shows the instance, logged out"
