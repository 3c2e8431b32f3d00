"""Follows docs/test-day.md like a new user, and compares a cloud from a bundle with the original."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from stackwright import answers, lab, lock
from stackwright.lab import Lab

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "test-day.md").read_text(encoding="utf-8")
COMMANDS = [line for block in PAGE.split("```")[1::2] for line in block.strip().splitlines()]

FIRST = "testday"
REPEATED = "repeated"
"""The nodes that the page names."""


@dataclass
class Day:
    """A home folder with the command in its path, a separate lab, and the position on the page."""

    home: Path
    lab: Lab
    results: Path
    """The folder for the output of each command."""
    done: int = 0

    def __post_init__(self) -> None:
        (self.home / "bin").mkdir()
        program = self.home / "bin" / "stackwright"
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -m stackwright "$@"\n')
        program.chmod(0o755)

    @property
    def state(self) -> Path:
        return self.home / ".local/state/stackwright"

    def run(self, line: str) -> subprocess.CompletedProcess[str]:
        """A command line as a person types it, in their home."""
        environment = {
            **{k: v for k, v in os.environ.items() if k not in ("STACKWRIGHT_STATE", "XDG_STATE_HOME")},
            "HOME": str(self.home), "PATH": f"{self.home / 'bin'}:{os.environ['PATH']}",
            "STACKWRIGHT_LAB_NUMBER": str(self.lab.number),
        }  # fmt: skip
        return subprocess.run(
            ["bash", "-c", line], cwd=self.home, env=environment, capture_output=True, text=True, check=False
        )

    def follow(self, line: str) -> str:
        """Runs the page's next command, which must be this one; returns its output."""
        assert COMMANDS[self.done] == line
        done = self.run(line)
        (self.results / f"page-{self.done:02}.txt").write_text(f"$ {line}\n{done.stdout}{done.stderr}")
        assert done.returncode == 0, f"{line}\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
        self.done += 1
        return done.stdout + done.stderr

    def skip(self, line: str) -> None:
        """Skips the page's next command, which must be this one: another test runs it."""
        assert COMMANDS[self.done] == line
        self.done += 1

    def left(self) -> list[str]:
        """The remaining commands."""
        return COMMANDS[self.done :]


# What the services read, without what is made on each node (keys, Ceph's identity).
_READ = """cd /etc && find keystone nova neutron glance placement cinder heat swift openstack-dashboard \
  apache2/sites-enabled -type f \\( -name '*.conf' -o -name '*.ini' -o -name 'local_settings.py' \\) | sort |
  while read -r f; do echo "=== $f"; cat "$f"; done"""


def configuration(day: Day, name: str) -> dict[str, str]:
    """The services' configuration files on a node, with its names, address and secrets as what they are."""
    node = next(n for n in lab.list_nodes(day.lab) if n.name == name)
    file = day.home / f"stackwright-{name}.answers"
    given = answers.read([file if file.exists() else day.home / f"stackwright-{node.address}.answers"], environ={})
    text = subprocess.run([*lab.ssh_command(name, day.lab), _READ], capture_output=True, text=True, check=True).stdout
    known = {str(given[key]): f"({key})" for key in sorted(given.secrets) if given[key]}
    known |= {node.fqdn: "(fqdn)", node.address: "(address)", f'"{name}"': '"(host)"', f"={name}\n": "=(host)\n"}
    for secret in sorted(known, key=len, reverse=True):
        text = text.replace(secret, known[secret])
    # Follows from the key of the cloud's own Ceph.
    text = re.sub(r"(?m)^(rbd_secret_uuid *=).*$", r"\1(ceph)", text)
    pieces = text.split("=== ")[1:]
    return {piece.partition("\n")[0]: piece.partition("\n")[2] for piece in pieces}


def the_repeated_one_is_the_same(day: Day, first: str = FIRST, *, files: int = 15) -> None:
    """Packages, Puppet's modules and answers; the image that is built on each node is compared by its checksum.
    `files`: more configuration files than this are compared."""
    one, other = sorted(day.state.glob("*/stackwright.lock"))
    found = {s.title.rpartition(": ")[2]: s.lines for s in lock.differences(lock.load(one), lock.load(other))}
    assert not {"packages", "Puppet modules", "OpenStack", "Stackwright"} & set(found), json.dumps(found, indent=1)
    read = configuration(day, first)
    assert len(read) > files
    assert read == configuration(day, REPEATED)
