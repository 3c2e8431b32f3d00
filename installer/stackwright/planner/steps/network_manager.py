"""Bridges to physical networks as connections of NetworkManager, on systems whose network it manages.

A bridge takes over the address and routes of an interface that becomes its port. A mistake there would cut off the
host. So NetworkManager restores the old state by itself unless Stackwright confirms the change through a new connection
within two minutes.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from stackwright import shell
from stackwright.model import Action, Run
from stackwright.planner.topology import Host
from stackwright.planner.tunnels import Bridge
from stackwright.shell import Raw

ROLLBACK = 120
"""Seconds until NetworkManager undoes a change that was not confirmed."""


def actions(host: Host, agent: str) -> tuple[Action, ...]:
    """Makes the change, then confirms it through a new connection. Empty if no bridge of the host has an interface.

    Bridges are Open vSwitch's, or the kernel's if `agent` is linuxbridge.
    """
    bridges = [b for b in host.bridges if b.interfaces]
    if not bridges:
        return ()
    kind = "linux" if agent == "linuxbridge" else host.choices.datapath_type
    return (Run("bridges", change(kind, bridges), ROLLBACK + 60), Run("bridges-kept", kept(), 60))


def change(kind: str, bridges: Iterable[Bridge], seconds: int = ROLLBACK) -> str:
    """The script that creates the bridges. `kind` is linux, or Open vSwitch's datapath: system or netdev."""
    calls = [" ".join(shlex.quote(w) for w in ("bridge", b.name, kind, *b.interfaces)) + "\n" for b in bridges]
    ready = "" if kind == "linux" else "systemctl is-active --quiet openvswitch || systemctl start openvswitch"
    return shell.fill("planner/steps/bridges.sh", SECONDS=seconds, OPENVSWITCH=Raw(ready), BRIDGES=Raw("".join(calls)))


def kept(seconds: int = ROLLBACK) -> str:
    """The script that confirms the change."""
    return shell.fill("planner/steps/bridges_confirm.sh", SECONDS=seconds)
