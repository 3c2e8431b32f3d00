"""Throw-away nodes on this machine: systemd-nspawn containers that behave like hosts.

Each node has systemd, sshd, its own network namespace, addresses in 198.18.0.0/15, and a second interface for an
external network. The installer treats it like any other host: an address and an SSH key.
"""

from stackwright.lab.layout import RELEASES, Lab, Node, Size, lab_from
from stackwright.lab.network import route
from stackwright.lab.nodes import down, up
from stackwright.lab.records import list_nodes, list_snapshots, ssh_command
from stackwright.lab.sizes import LEAST_MEMORY, check_room
from stackwright.lab.snapshots import remove_snapshot, reset, take_snapshot

__all__ = [
    "LEAST_MEMORY",
    "RELEASES",
    "Lab",
    "Node",
    "Size",
    "check_room",
    "down",
    "lab_from",
    "list_nodes",
    "list_snapshots",
    "remove_snapshot",
    "reset",
    "route",
    "ssh_command",
    "take_snapshot",
    "up",
]
