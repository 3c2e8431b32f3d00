"""A plan as a folder: what `plan --out` writes is what arrives on the hosts."""

from __future__ import annotations

import grp
import os
import pwd
from pathlib import Path

import pytest

from stackwright import executor
from stackwright.model import ExitCode, File, Plan, Probe, PuppetApply, Run, StackwrightError, Step, Upload
from stackwright.output import text
from stackwright.ssh import LocalConnection
from stackwright.state.journal import open_journal

ME = f"{pwd.getpwuid(os.getuid()).pw_name}:{grp.getgrgid(os.getgid()).gr_name}"
STANDIN = Path(__file__).with_name("standin-puppet")


def plan(folder: Path) -> Plan:
    """One step with all kinds of actions; what arrives is copied into `arrived`, before it is removed again."""
    puppet = folder / "puppet"
    keep = f"cp -r \"$STACKWRIGHT_RUN/in\" '{folder}/arrived'"
    puppet.write_text(f"#!/bin/sh\n{keep}/puppet\nexec '{STANDIN}' \"$@\"\n")
    puppet.chmod(0o755)
    actions = (
        Upload((File(str(folder / "there" / "a.conf"), b"password = x\n", 0o640, ME, secret=True),)),
        Run("packages", f"{keep}/packages"),
        PuppetApply("nova", "# change File[/x]", "nova::password: geheim\n", "/m", puppet=str(puppet), timeout=60),
        Probe("compute", "true"),
    )
    return Plan((Step("node:all", "node", "all", actions),))


def test_it_is_exactly_what_arrives_and_private(tmp_path: Path) -> None:
    made, out = plan(tmp_path), tmp_path / "out"
    text.write(made, out)
    (tmp_path / "arrived").mkdir()
    connection = LocalConnection("node", become=False, base=str(tmp_path / "base"))
    with open_journal(tmp_path / "state") as journal, connection:
        assert executor.run(made, lambda _: connection, journal, lambda _: None).ok
    for path in (out, *out.rglob("*")):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path
    step = out / "node" / "all"
    written = {str(p.relative_to(step)): p.read_bytes() for p in step.rglob("*") if p.is_file()}
    arrived = {}
    for name, into in (("packages", "1-packages"), ("puppet", "2-nova")):
        folder = tmp_path / "arrived" / name
        for path in folder.rglob("*"):
            if path.is_file() and path.name != "wrapper":  # what starts it is the same for all
                arrived[f"{into}/{path.relative_to(folder)}"] = path.read_bytes()
    arrived["1-packages.sh"] = arrived.pop("1-packages/script")
    there = tmp_path / "there" / "a.conf"
    arrived[f"files{there}"] = there.read_bytes()
    arrived["3-compute.probe.sh"] = b"true"
    assert written == arrived


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    with pytest.raises(StackwrightError, match="not empty") as caught:
        text.write(plan(tmp_path), tmp_path)
    assert caught.value.code == ExitCode.USAGE
    with pytest.raises(StackwrightError, match="is no folder") as caught:
        text.write(plan(tmp_path), tmp_path / "mine")
    assert caught.value.code == ExitCode.USAGE


def test_the_first_instance_is_shown_as_commands_for_its_image_and_user() -> None:
    lines = text.first_instance("cirros 0.6", "cirros", ("198.18.0.0/24", "198.18.4.0/24")).splitlines()
    assert [line for line in lines if "server create --image 'cirros 0.6' --flavor m1.tiny --network private" in line]
    assert lines[-2] == "  ssh -i first.pem cirros@$address"
    assert lines[-1].startswith("instances accept ping and SSH from 198.18.0.0/24, 198.18.4.0/24 (CONFIG_")
