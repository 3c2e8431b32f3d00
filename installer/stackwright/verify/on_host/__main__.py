"""`python3 -m on_host CONFIG`: verifies the cloud that CONFIG describes; prints one JSON object per line.

CONFIG is a JSON file with mode 0600 (from verify.VerifyConfig). Exit codes: 0 everything passed, 1 a check failed or
something could not be removed, 2 the configuration cannot be read, 6 another verification is running.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib
import json
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from . import cloud, control, dashboard, instance, logs, spread, volume
from .api import Failure, Http
from .glance import image_active
from .runner import Check, Context, Reporter, Skip, run_all

LOCKS = Path("/run/lock")


def _load(path: str) -> Any:
    """Reads the configuration. Raises ValueError with the reason if it is invalid."""
    file = Path(path)
    if file.stat().st_mode & 0o077:
        raise ValueError("other users can read it; its mode must be 0600")
    values = json.loads(file.read_text(encoding="utf-8"))
    if not isinstance(values, dict) or "auth_url" not in values:
        raise ValueError("it is not the configuration of a verification")
    return SimpleNamespace(**values)


def _stop(*_: object) -> None:
    raise SystemExit(143)


def verify(config: Any, reporter: Reporter) -> bool:
    """Runs all checks, and removes what they created, also after failures. Returns whether everything passed."""
    start = time.monotonic()
    http = Http(config.ca_file)
    # Objects are also removed if the checks are stopped halfway; this uses connections that are not stopped.
    cleaning = Http(config.ca_file)

    def connect(user: str, password: str, project: str, over: Http = http) -> cloud.Session:
        return cloud.Session(over, config.auth_url, config.region, user, password, project, config.interface)

    def reconnect(user: str, password: str, project: str) -> cloud.Session:
        return connect(user, password, project, cleaning)

    cleaner = reconnect(config.admin_user, config.admin_password, config.admin_project)
    admin = connect(config.admin_user, config.admin_password, config.admin_project)
    demo: cloud.Session | None = None
    if config.demo_user:
        demo = connect(config.demo_user, config.demo_password, config.demo_project)
    name = cloud.fresh_name()
    folder = tempfile.mkdtemp(prefix=cloud.PREFIX)
    site = instance.Site(config, name, folder)
    tenants: list[cloud.Tenant] = []
    left: list[str] = []
    made = threading.Event()

    def leftovers() -> str:
        gone, stuck = cloud.remove_all(admin, connect, lambda other: other != name, config.services)
        left.extend(stuck)
        if stuck:
            raise Failure(
                f"{len(stuck)} object(s) of earlier verifications cannot be removed", "cleanup", lines=tuple(stuck)
            )
        return f"removed {', '.join(gone)}" if gone else "none found"

    def project() -> str:
        made.set()
        tenants.append(cloud.make_tenant(admin, connect, name, config.roles))
        reporter.secrets += (tenants[0].password,)
        tenants[0].session.token()
        return name

    def own() -> cloud.Session:
        return tenants[0].session

    def here() -> cloud.Session:
        def session(project: str) -> cloud.Session:
            return connect(config.admin_user, config.admin_password, project)

        return spread.admin_here(admin, session, name)

    def page() -> str:
        only = config.dashboard_certificate
        return dashboard.look(config.dashboard_url, name, tenants[0].password, site.name, config.ca_file, only)

    def image() -> Any:
        if not config.image:
            raise Skip("no image is provisioned")
        return image_active(own(), config.image)

    context = Context(config, admin, own, name)
    checks = control.checks(context, demo)
    needs: tuple[str, ...] = ("token-admin", "endpoint-keystone")
    checks.insert(1, Check("project", "A temporary project", "keystone", project, needs))
    checks.append(Check("leftovers", "Leftovers of earlier verifications", "cleanup", leftovers, needs))
    for module in config.modules:
        checks += importlib.import_module(f".{module}", __package__).checks(context)
    checks += instance.checks(site, admin, own, image)
    checks += spread.checks(site, admin, here, own, image)
    checks += volume.checks(site, own)
    if config.dashboard_url:
        needs = ("instance", "project")
        checks.append(Check("dashboard", "The dashboard shows the instance", "horizon", page, needs))
    good = False
    try:
        reporter.plan(checks, extra=1)
        states = run_all(checks, reporter, http.stop.set)
        good = all(state != "failed" for state in states.values())
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        passwords = {tenant.name: tenant.password for tenant in tenants}
        left += _clean(cleaner, reconnect, name if made.is_set() else "", config.services, passwords, reporter)
        reporter.finished(time.monotonic() - start, left)
    return good and not left


def _clean(
    admin: cloud.Session,
    connect: cloud.Connect,
    name: str,
    services: Sequence[str],
    passwords: Mapping[str, str],
    reporter: Reporter,
) -> list[str]:
    """Removes the temporary project `name`, if there is one. Returns what could not be removed."""
    check = Check("cleanup", "Temporary objects removed", "cleanup", lambda: "")
    start = time.monotonic()
    left: list[str] = []
    try:
        if name:
            _, left = cloud.remove_all(admin, connect, lambda other: other == name, services, passwords)
    except Failure as error:
        left = [error.message]
    state = "failed" if left else "ok"
    detail = f"{name} removed" if name else "nothing was created"
    if left:
        detail = f"{len(left)} object(s) cannot be removed"
    reporter.result(check, state, time.monotonic() - start, detail, logs.Lines("cleanup", tuple(left)))
    return left


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        config = _load(arguments[0])
    except (OSError, ValueError) as error:
        print(f"stackwright verify: {arguments[0]}: {error}", file=sys.stderr)
        return 2
    lock = (LOCKS if LOCKS.is_dir() else Path(tempfile.gettempdir())) / "stackwright-verify.lock"
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(lock.open("a", encoding="utf-8"))
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print("stackwright verify: another verification is running on this host", file=sys.stderr)
            return 6
        signal.signal(signal.SIGTERM, _stop)
        signal.signal(signal.SIGHUP, _stop)
        secrets = (config.admin_password, config.demo_password, *config.secrets)
        try:
            sources = {name: logs.Sources(*found) for name, found in config.logs.items()}
            return 0 if verify(config, Reporter(secrets, sources=sources)) else 1
        except KeyboardInterrupt:
            return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
