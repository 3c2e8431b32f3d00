"""Running shell commands on a node."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass

from stackwright import lab as rooms
from stackwright.lab import Lab, Node


@dataclass(frozen=True)
class Shell:
    """A node, and a way to run shell commands on it."""

    lab: Lab
    node: Node

    def __call__(self, script: str, *, check: bool = True) -> str:
        """Standard output and error of a shell script, run by root on the node."""
        command = [*rooms.ssh_command(self.node.name, self.lab), script]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        assert not check or done.returncode == 0, f"{script!r} ended with {done.returncode}: {done.stdout}"
        return done.stdout
