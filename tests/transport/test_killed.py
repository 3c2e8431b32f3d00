"""The control process is killed (-9) in each phase of a run, over a real sshd: the next one finishes it, does nothing
twice, and leaves nothing behind."""

from __future__ import annotations

import grp
import os
import pickle
import pwd
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from stackwright import executor
from stackwright.model import Event, File, Plan, Probe, PuppetApply, Run, Step, Upload
from stackwright.ssh import connect
from stackwright.state.journal import open_journal

from .conftest import Sshd

pytestmark = pytest.mark.slow

ME = f"{pwd.getpwuid(os.getuid()).pw_name}:{grp.getgrgid(os.getgid()).gr_name}"
STANDIN = Path(__file__).parents[1] / "unit" / "standin-puppet"
SECRET = "pw-of-the-killed-run"

# Killed right there, in the middle of whatever else it does: nothing can be tidied up.
CONTROLLER = """
import os, pickle, signal, sys
sys.path[:0] = {path!r}
from pathlib import Path
from stackwright import executor
from stackwright.state import journal
from stackwright.ssh import Trust, connect
plan, host, known, base, state, where, kind, step, what = pickle.loads(Path({job!r}).read_bytes())

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

def emit(event):
    if (event.kind, event.step) == (kind, step) and what in (event.data.get("what") or ""):
        die()

if where == "journal":  # in the middle of a line
    def half(path, text, whole=journal._append):
        if step in text:
            with path.open("a") as file:
                file.write(text[: len(text) // 2])
            die()
        whole(path, text)
    journal._append = half
if where == "connect":
    connect = die
with journal.open_journal(Path(state)) as kept:
    executor.run(plan, lambda _: connect(host, Trust(files=known), base=base), kept, emit)
"""


def site(tmp_path: Path) -> Plan:
    """A plan with each kind of action; `count` tells how often each was carried out, Puppet by a wrapper around it."""
    count = tmp_path / "count"
    puppet = tmp_path / "puppet"
    puppet.write_text(f"#!/bin/sh\necho puppet >>'{count}'\nexec '{STANDIN}' \"$@\"\n")
    puppet.chmod(0o755)
    slow = (
        f"echo packages >>'{count}'; for n in 1 2 3 4; do echo stackwright: progress $n 4 package-$n; sleep 0.3; done"
    )
    manifest = "# resources 8\n# seconds 0.2\n# change File[/etc/x]\n# print @DATA@"
    probing = f"[ -e '{tmp_path}/probed' ] || {{ sleep 1; touch '{tmp_path}/probed'; }}; echo probe >>'{count}'"
    return Plan(
        (
            Step("files", "node", "files", (Upload((File(str(tmp_path / "up"), b"x" * 200_000, 0o600, ME),)),)),
            Step("packages", "node", "packages", (Run("packages", slow),), ("files",)),
            Step("puppet", "node", "Puppet", (
                PuppetApply("puppet", manifest, SECRET, "/modules", puppet=str(puppet), timeout=60),
                Probe("identity", probing, 60, 0.2),
            ), ("packages",)),
            Step("after", "node", "after", (Run("after", f"echo after >>'{count}'"),), ("puppet",)),
        ),
        secrets=frozenset({SECRET}),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("where", "kind", "step", "what"),
    [
        ("before anything", "note", "", ""),
        ("connect", "", "", ""),
        ("files are put", "started", "files", ""),
        ("a script starts", "started", "packages", ""),
        ("a script runs", "progress", "packages", "package-"),
        ("journal", "", "packages", ""),
        ("Puppet starts", "started", "puppet", ""),
        ("Puppet runs", "progress", "puppet", "File[/tmp/"),
        ("Puppet is over and a probe runs", "progress", "puppet", "File[/etc/x]"),
        ("journal", "", "puppet", ""),
        ("recorded, and the next not started", "ok", "puppet", ""),
        ("after everything", "finished", "", ""),
    ],
)
def test_the_next_one_goes_on(sshd: Sshd, tmp_path: Path, where: str, kind: str, step: str, what: str) -> None:
    plan, base, state = site(tmp_path), str(tmp_path / "base"), tmp_path / "state"
    host = sshd.host()
    job = tmp_path / "job"
    job.write_bytes(pickle.dumps((plan, host, sshd.known().files, base, str(state), where, kind, step, what)))
    code = CONTROLLER.format(path=sys.path, job=str(job))
    killed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    events: list[Event] = []
    log: list[str] = []
    with connect(host, sshd.known(), base=base) as connection, open_journal(state) as journal:
        done = executor.run(
            plan, lambda _: connection, journal, events.append, log=lambda s, line: log.append(f"{s} {line}")
        )
    assert done.ok, done
    assert (tmp_path / "up").read_bytes() == b"x" * 200_000
    count = (tmp_path / "count").read_text().split()
    # What had ended, and was not recorded, is done again: each of these may be. What went on is followed instead.
    ended = {"journal": step, "Puppet is over and a probe runs": "puppet"}.get(where)
    for word in ("packages", "puppet", "after"):
        assert count.count(word) in ((1, 2) if word == ended else (1,)), count
    assert "probe" in count
    with open_journal(state) as journal:
        assert all(journal.done(s, digest) for s, digest in plan.digests().items())
    # Nothing secret, and nothing half made, is left on the host; nothing secret was ever said here.
    assert not [path for path in Path(base).rglob("in") if path.is_dir()]
    assert not list(Path(base).glob("put.*"))
    said = repr(events) + repr(log) + (state / "journal.jsonl").read_text()
    assert SECRET not in said
    assert not any(SECRET.encode() in p.read_bytes() for p in Path(base).rglob("*.yaml"))
