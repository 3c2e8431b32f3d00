"""A whole plan with real secrets on three hosts, each a real sshd: afterwards, and meanwhile, no secret is anywhere but
in the files that are meant to have it. tests/lab/test_allinone.py shows the same of real Puppet and services."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from stackwright import planner
from stackwright.model import PuppetApply, Step
from stackwright.operations import apply
from stackwright.output import live
from stackwright.state import directory

from .conftest import KEYGEN, SSHD

pytestmark = pytest.mark.slow

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
MEANT = {
    "cloud.answers",
    "keystonerc_admin",
    "keystonerc_demo",
    "clouds.yaml",
    "id_ed25519",  # Nova's, for migration
}


def forms(secret: str) -> set[bytes]:
    """What a secret may look like where it stands."""
    texts = {secret, quote(secret, safe=""), json.dumps(secret)[1:-1], secret.replace("'", "'\\''")}
    return {text.encode() for text in texts} | {base64.b64encode(secret.encode())[:-4]}


def having(texts: Iterable[tuple[str, bytes]], secrets: Iterable[str]) -> set[str]:
    """The names of the texts that have a secret in them."""
    wanted = {form for secret in secrets for form in forms(secret) if len(form) > 7}
    return {name for name, text in texts if any(form in text for form in wanted)}


def failing(step: Step, secret: str) -> Step:
    """The step with a resource of Puppet's that fails, and tells a password, as messages of databases do."""
    said = f"# fail Exec[sync] Access denied with password {secret}\n# print access with {secret}\n"
    actions = (replace(a, manifest=said + a.manifest) if isinstance(a, PuppetApply) else a for a in step.actions)
    return replace(step, actions=tuple(actions))


@contextlib.contextmanager
def watching(seen: dict[str, bytes]) -> Iterator[None]:
    """Collects the arguments and the environment of every process meanwhile."""
    ended = threading.Event()

    def look() -> None:
        while not ended.is_set():
            for path in Path("/proc").iterdir():
                if path.name.isdigit():
                    for name in ("cmdline", "environ"):
                        with contextlib.suppress(OSError):
                            text = (path / name).read_bytes()
                            seen[f"{name} {hash(text)}"] = text
            time.sleep(0.05)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@pytest.mark.parametrize("fails", [False, True])
def test_no_secret_is_left_anywhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, fails: bool) -> None:
    if not SSHD or not KEYGEN:
        pytest.skip("openssh-server is not installed")
    monkeypatch.setattr(sys, "path", [str(BENCHMARKS), *sys.path])
    import farm
    import scale

    with farm.running(tmp_path, [f"198.18.0.{n}" for n in (10, 11, 12)]) as hosts:
        work = scale.prepare(hosts, 0.01)
        secrets = {secret for secret in work.plan.secrets if len(secret) > 7}
        assert len(secrets) > 20
        if fails:
            loose = sorted(s for s in secrets if s.isalnum())[0]
            plan = replace(work.plan, steps=tuple(failing(step, loose) for step in work.plan.steps))
            work = replace(work, plan=plan)
        screen, processes = io.StringIO(), dict[str, bytes]()
        place = directory.StateDir(tmp_path / "state")
        about = apply.about(planner.cloud(work.given, work.seen), work.plan)
        with scale.Hosts(hosts) as connected, live.Screen(screen, "json") as shown, watching(processes):
            done = apply.apply(work.plan, connected, place, shown, about=about)
        assert done.outcome.ok == (not fails), done.outcome.failures[:1]
        left = {str(p.relative_to(tmp_path)): p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
        assert {"state/journal.jsonl", "state/report.html", "state/report.json"} <= left.keys()
        assert any(name.endswith("report.json") and "/runs/" in name for name in left), "what Puppet left on a host"
        found = having(left.items(), secrets)
        assert "cloud.answers" in found, "the search finds what it looks for"
        # What Puppet itself says on a host stays there as it was said, for root alone.
        said = (
            {n for n in found if n.startswith("hosts/") and Path(n).name in ("log", "report.json")} if fails else set()
        )
        assert bool(said) == fails
        assert {name for name in found - said if Path(name).name not in MEANT} == set()
        assert {name: oct((tmp_path / name).stat().st_mode)[-3:] for name in found} == dict.fromkeys(found, "600")
        assert having(processes.items(), secrets) == set()
        assert having([("screen", screen.getvalue().encode())], secrets) == set()
