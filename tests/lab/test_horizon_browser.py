"""The browser that looks at the dashboard: against pages that behave like its login, and refuse what they must."""

from __future__ import annotations

import http.server
import threading
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import horizon
import pytest

pytestmark = pytest.mark.lab

LOGIN = """<!doctype html><title>Login</title>{error}<form method="post"><input type="hidden" name="csrf" value="t0ken">
<input name="username"><input type="password" name="password"><button type="submit">Sign In</button></form>"""
TABLE = """<!doctype html><title>Instances - OpenStack Dashboard</title><script src="gone.js"></script>
<table id="instances"><tr><td>first-vm</td><td>Active</td></tr></table>"""


@pytest.fixture
def dashboard() -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def page(self, text: str, status: int = 200, **headers: str) -> None:
            payload = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(payload)))
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(payload)

        def do_GET(self) -> None:
            inside = "session=open" in (self.headers.get("Cookie") or "")
            if self.path == "/horizon/auth/login/":
                self.page(LOGIN.format(error=""))
            elif self.path == "/horizon/project/" and inside:
                self.page("<title>Overview</title>hello")
            elif self.path == "/horizon/project/instances/" and inside:
                self.page(TABLE)
            elif self.path.startswith("/horizon/project/") and not inside:
                self.page("", 302, Location="/horizon/auth/login/")
            else:
                self.page("no such page", 404)

        def do_POST(self) -> None:
            fields = dict(urllib.parse.parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
            if fields == {"csrf": "t0ken", "username": "demo", "password": "let me in"}:
                self.page("", 302, Location="/horizon/project/", Set_Cookie="session=open; Path=/")
            else:
                self.page(LOGIN.format(error='<div class="alert-danger">Invalid credentials.</div>'))

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/horizon"
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def browser() -> None:
    if not horizon.chromium():
        pytest.skip("there is no Chromium")


def test_logs_in_and_finds_the_instance(dashboard: str, tmp_path: Path) -> None:
    seen = horizon.look(dashboard, "demo", "let me in", tmp_path, "first-vm")
    assert seen.title == "Instances - OpenStack Dashboard"
    assert "Active" in seen.text
    assert [p.name for p in seen.pictures] == ["login.png", "overview.png", "instances.png"]
    assert all(p.read_bytes().startswith(b"\x89PNG") for p in seen.pictures)
    assert [t for t in seen.trouble if "favicon" not in t] == [f"404 {dashboard}/project/instances/gone.js"]


def test_failed_login_and_missing_instance_are_errors_with_a_screenshot(dashboard: str, tmp_path: Path) -> None:
    with pytest.raises(horizon.LookFailed, match="Invalid credentials"):
        horizon.look(dashboard, "demo", "wrong", tmp_path)
    assert (tmp_path / "failed.png").exists()
