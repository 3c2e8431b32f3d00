"""Uses the dashboard in headless Chromium: logs in, opens the page of instances, and takes screenshots.

Chromium is driven through its own debugging pipe (file descriptors 3 and 4, JSON messages that end in a zero byte), so
no driver and no further package is needed. Run by itself:
`HORIZON_PASSWORD=... python horizon.py URL USER FOLDER [NAME]`.
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FLAGS = (
    "--headless",
    "--no-sandbox",  # root, in a container
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--no-proxy-server",
    "--hide-scrollbars",
    "--window-size=1400,900",
    "--remote-debugging-pipe",
)


class LookFailed(AssertionError):
    """The dashboard did not show what was expected. The message says what, and names the screenshot."""


@dataclass(frozen=True)
class Look:
    """What was seen. `trouble` are answers of 400 and above, and errors of the pages' scripts."""

    title: str
    text: str
    pictures: tuple[Path, ...]
    trouble: tuple[str, ...]


def chromium() -> str:
    """The browser's program, or an empty string."""
    return next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), ""
    )


class Page:
    """One page of a browser, over the debugging pipe."""

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._to, self._from = to_browser, from_browser
        self._buffer = b""
        self._number = 0
        self._session = ""
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network"):
            self.call(f"{domain}.enable")

    def _receive(self, limit: float) -> dict[str, Any] | None:
        end = time.monotonic() + limit
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._from], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                return None
            data = os.read(self._from, 1 << 20)
            if not data:
                raise LookFailed("the browser ended")
            self._buffer += data
        message, _, self._buffer = self._buffer.partition(b"\0")
        decoded: dict[str, Any] = json.loads(message)
        return decoded

    def call(self, method: str, limit: float = 60.0, **parameters: Any) -> dict[str, Any]:
        """One command of the DevTools protocol, and its result."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._to, data) :]
        end = time.monotonic() + limit
        while (answer := self._receive(end - time.monotonic())) is not None:
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise LookFailed(f"{method}: {answer['error'].get('message')}")
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)
        raise LookFailed(f"the browser did not answer {method} within {limit:.0f} s")

    def script(self, source: str) -> Any:
        """The value of a JavaScript expression in the page."""
        found = self.call("Runtime.evaluate", expression=source, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in found:
            raise LookFailed(f"{source}: {found['exceptionDetails'].get('text')}")
        return found["result"].get("value")

    def wait(self, what: str, condition: str, limit: float = 120.0) -> None:
        """Until a JavaScript condition is true; a page that is just being replaced counts as not yet."""
        end = time.monotonic() + limit
        while True:
            try:
                if self.script(f"Boolean({condition})"):
                    return
            except LookFailed:
                if time.monotonic() > end:
                    raise
            if time.monotonic() > end:
                raise LookFailed(f"waited {limit:.0f} s in vain for {what}, at {self.script('location.href')}")
            time.sleep(0.3)

    def open(self, url: str) -> None:
        """Opens a URL and waits until the page is complete."""
        self.script("window.previous = true")
        failed = self.call("Page.navigate", url=url).get("errorText")
        if failed:
            raise LookFailed(f"{url}: {failed}")
        self.wait(url, "!window.previous && document.readyState === 'complete'")

    def picture(self, path: Path) -> Path:
        """A PNG of the page."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))
        return path

    def trouble(self) -> tuple[str, ...]:
        """Refused requests and errors of scripts so far."""
        found = []
        for event in self.events:
            details = event.get("params", {})
            if event.get("method") == "Network.responseReceived" and details["response"]["status"] >= 400:
                found.append(f"{details['response']['status']} {details['response']['url']}")
            elif event.get("method") == "Network.loadingFailed" and not details.get("canceled"):
                found.append(f"{details.get('type')}: {details.get('errorText')}")
            elif event.get("method") == "Runtime.exceptionThrown":
                found.append(str(details["exceptionDetails"].get("exception", {}).get("description", details)))
        return tuple(found)


@contextmanager
def page(program: str = "") -> Iterator[Page]:
    """A page of a fresh browser, which is gone afterwards with all it stored."""
    program = program or chromium()
    if not program:
        raise LookFailed("there is no Chromium on this machine (Debian: apt-get install chromium)")
    commands, to_browser = os.pipe()
    from_browser, answers = os.pipe()
    with tempfile.TemporaryDirectory(prefix="stackwright-browser-", ignore_cleanup_errors=True) as home:
        environment = {**os.environ, "HOME": home}

        def descriptors() -> None:
            # 3 and 4 are what the browser expects; either may be taken by the other pipe's end.
            read, write = os.dup(commands), os.dup(answers)
            os.dup2(read, 3)
            os.dup2(write, 4)
            os.set_inheritable(3, True)
            os.set_inheritable(4, True)

        process = subprocess.Popen(
            [program, *FLAGS, f"--user-data-dir={home}/profile", "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
            close_fds=False,
            preexec_fn=descriptors,
            start_new_session=True,
        )
        os.close(commands)
        os.close(answers)
        try:
            yield Page(to_browser, from_browser)
        finally:
            os.close(to_browser)
            os.close(from_browser)
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def look(url: str, user: str, password: str, folder: Path, instance: str = "", program: str = "") -> Look:
    """Logs in at the dashboard `url`, opens the page of instances, and finds `instance` there if it is named.

    Pictures (login.png, overview.png, instances.png; failed.png when something is missing) go to `folder`.
    Raises LookFailed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    base = url.rstrip("/")
    pictures: list[Path] = []
    with page(program) as view:

        def step(do: Callable[[], None], name: str) -> None:
            try:
                do()
            except LookFailed as failure:
                raise LookFailed(f"{failure} (picture: {view.picture(folder / 'failed.png')})") from None
            pictures.append(view.picture(folder / f"{name}.png"))

        def login_form() -> None:
            view.open(f"{base}/auth/login/")
            view.wait("the login form", "document.querySelector('input[name=password]')", 30)

        def log_in() -> None:
            fields = {"username": user, "password": password}
            if view.script("Boolean(document.querySelector('input[name=domain]'))"):
                fields["domain"] = "Default"
            for name, value in fields.items():
                view.script(f"document.querySelector('input[name={name}]').value = {json.dumps(value)}")
            view.script("document.querySelector('input[name=password]').form.requestSubmit()")
            ended = "document.readyState === 'complete' && !document.querySelector('input[name=password]')"
            refused = "document.querySelector('.alert-danger, .has-error')"
            view.wait("the dashboard after the login", f"{refused} || ({ended})")
            if view.script(f"Boolean({refused})"):
                said = view.script(f"{refused}.innerText")
                raise LookFailed(f"the dashboard refuses the login: {said.strip()}")

        def instances() -> None:
            view.open(f"{base}/project/instances/")
            view.wait("the table of instances", "document.querySelector('table#instances')", 60)
            if instance:
                view.wait(f"{instance} in the table", f"document.body.innerText.includes({json.dumps(instance)})", 30)

        step(login_form, "login")
        step(log_in, "overview")
        step(instances, "instances")
        title = str(view.script("document.title"))
        text = str(view.script("document.querySelector('table#instances').innerText"))
        return Look(title, text, tuple(pictures), view.trouble())


def main() -> int:
    if len(sys.argv) not in (4, 5) or "HORIZON_PASSWORD" not in os.environ:
        print(__doc__, file=sys.stderr)
        return 2
    url, user, folder, *name = sys.argv[1:]
    seen = look(url, user, os.environ["HORIZON_PASSWORD"], Path(folder), *name)
    print(seen.title, seen.text, *seen.trouble, *seen.pictures, sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
