"""docs/test-day.md as a new user follows it: a home of one's own, and every command, in order."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stackwright import answers, lab, lock
from stackwright.lab import Lab

pytestmark = [pytest.mark.lab, pytest.mark.unproven]

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "test-day.md").read_text(encoding="utf-8")
COMMANDS = [line for block in PAGE.split("```")[1::2] for line in block.strip().splitlines()]
RESULTS = Path(__file__).resolve().parents[2] / "test-results" / "test-day"


@pytest.fixture
def home(tmp_path: Path, scratch_lab: Lab) -> Iterator[Path]:
    """A home with the command in the path, and a lab of its own."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "stackwright"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m stackwright "$@"\n')
    program.chmod(0o755)
    for tag in lab.list_snapshots(scratch_lab):
        lab.remove_snapshot(tag, lab=scratch_lab)
    yield tmp_path
    lab.down(lab=scratch_lab)
    for tag in lab.list_snapshots(scratch_lab):
        lab.remove_snapshot(tag, lab=scratch_lab)


def test_every_command_of_the_page(home: Path, scratch_lab: Lab) -> None:
    environment = {
        **{k: v for k, v in os.environ.items() if k not in ("STACKWRIGHT_STATE", "XDG_STATE_HOME")},
        "HOME": str(home), "PATH": f"{home / 'bin'}:{os.environ['PATH']}",
        "STACKWRIGHT_LAB_NUMBER": str(scratch_lab.number),
    }  # fmt: skip
    RESULTS.mkdir(parents=True, exist_ok=True)
    state = home / ".local/state/stackwright"
    for number, line in enumerate(COMMANDS):
        if line == "stackwright lab down":
            _the_repeated_one_is_the_same(state)
            one, other = (_configuration(scratch_lab, home, name) for name in ("testday", "repeated"))
            assert len(one) > 15
            assert one == other
        done = subprocess.run(
            ["bash", "-c", line], cwd=home, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        (RESULTS / f"{number:02}.txt").write_text(f"$ {line}\n{done.stdout}")
        assert done.returncode == 0, f"{line}\n{done.stdout[-4000:]}"
        if line.startswith("stackwright bundle reproduce"):
            assert "is that of the bundle, to the byte" in done.stdout
            assert "is installed and proved to work" in done.stdout
    assert not lab.list_nodes(scratch_lab)


# What the services read, without what is made on each node (keys, Ceph's identity).
_READ = """cd /etc && find keystone nova neutron glance placement cinder heat swift openstack-dashboard \
  apache2/sites-enabled -type f \\( -name '*.conf' -o -name '*.ini' -o -name 'local_settings.py' \\) | sort |
  while read -r f; do echo "=== $f"; cat "$f"; done"""


def _configuration(where: Lab, home: Path, name: str) -> dict[str, str]:
    """The services' configuration files on a node, with its names, address and secrets as what they are."""
    node = next(n for n in lab.list_nodes(where) if n.name == name)
    file = home / f"stackwright-{name}.answers"
    given = answers.read([file if file.exists() else home / f"stackwright-{node.address}.answers"], environ={})
    text = subprocess.run([*lab.ssh_command(name, where), _READ], capture_output=True, text=True, check=True).stdout
    known = {str(given[key]): f"({key})" for key in sorted(given.secrets) if given[key]}
    known |= {node.fqdn: "(fqdn)", node.address: "(address)", f'"{name}"': '"(host)"', f"={name}\n": "=(host)\n"}
    for secret in sorted(known, key=len, reverse=True):
        text = text.replace(secret, known[secret])
    pieces = text.split("=== ")[1:]
    return {piece.partition("\n")[0]: piece.partition("\n")[2] for piece in pieces}


def _the_repeated_one_is_the_same(state: Path) -> None:
    """Packages, Puppet's modules and answers; the image that is built on each node is compared by its checksum."""
    one, other = sorted(state.glob("*/stackwright.lock"))
    found = {s.title.rpartition(": ")[2]: s.lines for s in lock.differences(lock.load(one), lock.load(other))}
    assert not {"packages", "Puppet modules", "OpenStack", "Stackwright"} & set(found), json.dumps(found, indent=1)
