"""Hosts' own names and /etc/hosts, where the answers leave them to us: for networks whose name server knows nothing of
these hosts."""

from __future__ import annotations

import shlex

from stackwright import shell
from stackwright.model import Run, Step
from stackwright.planner.naming import given, ours
from stackwright.planner.topology import Cloud, Host
from stackwright.shell import Raw
from stackwright.values import is_address


def step(whole: Cloud, host: Host) -> Step | None:
    """What gives the host its name, and makes it know those of all hosts; None where names are left alone."""
    if not ours(whole.answers):
        return None
    known = sorted(whole.hosts.values(), key=lambda h: h.name)
    script = shell.fill(
        "planner/steps/hostnames.sh",
        GIVEN=Raw(shlex.quote(given(host.name)).strip("'")),
        OWN=Raw(" ".join(_names(host))),
        LINES=Raw("\n".join(" ".join((h.address, *_names(h))) for h in known)),
    )
    return Step(f"{host.name}:names", host.name, "Host names and /etc/hosts", (Run("names", script, 60),))


def _names(host: Host) -> tuple[str, ...]:
    """The full name first, as `hostname -f` takes it."""
    return tuple(dict.fromkeys(name for name in (host.fqdn, host.fqdn.partition(".")[0]) if not is_address(name)))
