"""Host names and /etc/hosts with CONFIG_HOST_NAMES=y: for networks whose DNS does not have these hosts."""

from __future__ import annotations

import shlex

from stackwright import shell
from stackwright.model import Run, Step
from stackwright.planner.naming import given, ours
from stackwright.planner.topology import Cloud, Host
from stackwright.shell import Raw
from stackwright.values import is_address


def step(whole: Cloud, host: Host) -> Step | None:
    """Sets the host's name, and writes the names of all hosts to its /etc/hosts; None with CONFIG_HOST_NAMES=n."""
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
    """The host's names for /etc/hosts. The full name is first, because `hostname -f` returns the first one."""
    return tuple(dict.fromkeys(name for name in (host.fqdn, host.fqdn.partition(".")[0]) if not is_address(name)))
