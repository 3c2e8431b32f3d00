"""The administrator's password: where Keystone refuses it, `keystone-manage bootstrap` sets it before any login."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

MODULES = Path(__file__).parents[2] / "puppet-templates/modules"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("puppet"), reason="needs Puppet"),
]


@pytest.fixture
def keystone(tmp_path: Path) -> Iterator[str]:
    """A Keystone that accepts the password in a file; its URL."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            return

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            given = body["auth"]["identity"]["password"]["user"]["password"]
            right = given == (tmp_path / "password").read_text()
            answer = {"token": {"expires_at": "2099-01-01T00:00:00Z", "catalog": []}} if right else {"error": {}}
            data = json.dumps(answer).encode()
            self.send_response(201 if right else 401)
            self.send_header("X-Subject-Token", "t")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


BOOTSTRAP = 'sh -c "echo run >> @HERE@/runs; @END@"'


def apply(folder: Path, url: str, password: str, end: str) -> tuple[int, str]:
    """Applies a catalog with this password; `end` is what bootstrap does. Puppet's exit code and what it printed."""
    manifest = (
        f"exec {{ 'keystone bootstrap': command => '{BOOTSTRAP}', path => '/usr/bin:/bin', refreshonly => true,\n"
        "  environment => ['OS_BOOTSTRAP_PASSWORD=@PASSWORD@'] }\n"
        "-> stackwright_admin_login { 'keystone': }\n"
        "-> exec { '/bin/sh -c \"cat @HERE@/password > @HERE@/after\"': }\n"
    )
    values = {"@END@": end, "@HERE@": str(folder), "@PASSWORD@": password}
    for old, new in values.items():
        manifest = manifest.replace(old, new)
    (folder / "site.pp").write_text(manifest)
    words = ["puppet", "apply", "--modulepath", str(MODULES), "--vardir", str(folder / "var"), "--detailed-exitcodes"]
    words += ["--confdir", str(folder / "etc"), "--color", "false", str(folder / "site.pp")]
    login = {"OS_AUTH_URL": url, "OS_USERNAME": "admin", "OS_PASSWORD": password, "OS_SYSTEM_SCOPE": "all"}
    clean = {k: v for k, v in os.environ.items() if not k.startswith("OS_") and not k.lower().endswith("_proxy")}
    done = subprocess.run(words, capture_output=True, text=True, timeout=180, check=False, env=clean | login)
    return done.returncode, done.stdout + done.stderr


SET = "printf %s \\$OS_BOOTSTRAP_PASSWORD > @HERE@/password"


def test_a_new_password_is_set_before_anything_logs_in(tmp_path: Path, keystone: str) -> None:
    (tmp_path / "password").write_text("0ld-pw")
    code, printed = apply(tmp_path, keystone, "n3w-pw", SET)
    assert code == 2, printed
    assert (tmp_path / "after").read_text() == "n3w-pw"
    assert "0ld-pw" not in printed
    assert "n3w-pw" not in printed


def test_an_accepted_password_is_left_alone(tmp_path: Path, keystone: str) -> None:
    (tmp_path / "password").write_text("n3w-pw")
    code, printed = apply(tmp_path, keystone, "n3w-pw", SET)
    assert code == 2, printed  # the command after it
    assert not (tmp_path / "runs").exists()


def test_a_failed_bootstrap_is_an_error_without_the_password(tmp_path: Path, keystone: str) -> None:
    (tmp_path / "password").write_text("0ld-pw")
    code, printed = apply(tmp_path, keystone, "n3w-pw", "echo cannot reach the database; exit 3")
    assert code in (4, 6), printed
    assert "keystone-manage bootstrap ended with 3: cannot reach the database" in printed
    assert "n3w-pw" not in printed
    assert not (tmp_path / "after").exists()
