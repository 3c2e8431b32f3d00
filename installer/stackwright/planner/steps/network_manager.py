"""Bridges to physical networks as NetworkManager's own connections, on systems whose network it manages.

An interface that becomes a port of a bridge hands its address and routes over to it. A mistake there cuts the host off;
so NetworkManager is told to put everything back by itself unless somebody who reaches the host from outside says
within two minutes that all is well.
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
"""Seconds until a change that nobody confirms is undone."""


def actions(host: Host, agent: str) -> tuple[Action, ...]:
    """First the change, then its confirmation, which is sent through a new connection; none without such a bridge.

    Bridges are Open vSwitch's, or the kernel's own where `agent` is linuxbridge.
    """
    bridges = [b for b in host.bridges if b.interfaces]
    if not bridges:
        return ()
    kind = "linux" if agent == "linuxbridge" else host.choices.datapath_type
    return (Run("bridges", change(kind, bridges), ROLLBACK + 60), Run("bridges-kept", kept(), 60))


def change(kind: str, bridges: Iterable[Bridge], seconds: int = ROLLBACK) -> str:
    """The script that makes the bridges. `kind` is linux, or Open vSwitch's datapath: system or netdev."""
    calls = [" ".join(shlex.quote(w) for w in ("bridge", b.name, kind, *b.interfaces)) + "\n" for b in bridges]
    ready = "" if kind == "linux" else "systemctl is-active --quiet openvswitch || systemctl start openvswitch"
    return shell.fill("planner/steps/bridges.sh", SECONDS=seconds, OPENVSWITCH=Raw(ready), BRIDGES=Raw("".join(calls)))


def kept(seconds: int = ROLLBACK) -> str:
    """The script that says that all is well."""
    return shell.fill("planner/steps/bridges_confirm.sh", SECONDS=seconds)
