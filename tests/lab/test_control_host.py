"""Faults of the machine that the command runs on. Root is needed to make a small disk, and no node."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from stackwright.model import Event, ExitCode, Plan, Run, StackwrightError, Step
from stackwright.operations import apply as apply_ops
from stackwright.ssh import Connection, LocalConnection
from stackwright.state import directory

pytestmark = pytest.mark.lab


class Hosts(apply_ops.Hosts):
    """One host, which is a folder of this machine."""

    def __init__(self, base: Path) -> None:
        self._open = {"h": LocalConnection("h", become=False, base=str(base))}

    def connect(self, name: str) -> Connection:
        return self._open[name]


def test_a_full_disk_of_the_control_host_loses_no_results(tmp_path: Path) -> None:
    """In the middle of a run: what was recorded is kept, and only what could not be is done again."""
    small, done_file = tmp_path / "small", tmp_path / "done"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k,mode=700", "small", small], check=True)
    place = directory.StateDir(small / "cloud")
    names = [f"n{number}" for number in range(40)]
    needs = [(), *((f"h:{name}",) for name in names)]
    steps = tuple(
        Step(f"h:{n}", "h", n, (Run(n, f"echo {n} >>'{done_file}'; echo said by {n}"),), need)
        for n, need in zip(names, needs, strict=False)
    )
    about = {"began": 0.0, "hosts": {}, "steps": [], "summary": {}, "answers": {}}

    def fill(event: Event) -> None:
        # A page of the journal may have room for some records still; then it is over.
        if (event.kind, event.step) == ("started", "h:n3"):
            with contextlib.suppress(OSError), (small / "x").open("wb", buffering=0) as file:
                while True:
                    file.write(b"x" * 4096)

    def apply(emit: Callable[[Event], None]) -> apply_ops.Applied:
        with Hosts(tmp_path / "host") as hosts:
            return apply_ops.apply(Plan(steps), hosts, place, emit, about=about)

    try:
        with pytest.raises(StackwrightError, match="No space left") as caught:
            apply(fill)
        assert caught.value.code == ExitCode.ENVIRONMENT
        assert "finished steps are skipped" in caught.value.hint
        (small / "x").unlink()
        after = apply(lambda _: None)
        assert after.outcome.ok, after.outcome
        assert after.outcome.kept >= 3
        did = done_file.read_text().split()
        assert sorted(set(did)) == sorted(names)
        assert len(did) <= len(names) + 1, "more was done again than what could not be recorded"
        assert "said by n39" in after.log.read_text()
    finally:
        subprocess.run(["umount", small], check=True)
