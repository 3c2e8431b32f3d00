"""Compares a running cloud with the checklists of the OpenStack Security Guide: `stackwright verify --security`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from stackwright.model import StackwrightError
from stackwright.planner import firewall_policy, tls
from stackwright.ssh import parallel
from stackwright.verify import security

if TYPE_CHECKING:
    from stackwright.operations.context import RunContext
    from stackwright.planner.topology import Cloud

_TIMEOUT = 300.0
"""Seconds."""

_PARTS: Mapping[str, str] = {"api": "keystone", "broker": "rabbitmq", "dashboard": "horizon"}
"""The component whose TLS is asked for, by part of the cloud."""


def expected(whole: Cloud) -> dict[str, security.Expected]:
    """By host, what the plan has for it."""
    opened = firewall_policy.openings(whole)
    out = {}
    for name, host in whole.hosts.items():
        ports: dict[str, tuple[tuple[int, int], ...]] | None = {} if name in opened else None
        for opening in opened.get(name, ()):
            if ports is not None:
                ports[opening.protocol] = (*ports.get(opening.protocol, ()), (opening.first, opening.last))
        encrypted = {p: tls.encrypts(whole.answers, c) for p, c in _PARTS.items() if c in host.components}
        out[name] = security.Expected(ports, encrypted)
    return out


def run(run: RunContext) -> tuple[security.Item, ...]:
    """Asks all hosts, in parallel; the items of a host that does not answer are unknown. Changes nothing."""
    whole, wanted = run.cloud, expected(run.cloud)
    # Short ones are ordinary words, which are everywhere.
    secrets = "".join(f"{text}\n" for text in sorted(run.answers.secret_texts()) if len(text) > 7)

    def ask(name: str) -> tuple[security.Item, ...]:
        host = whole.hosts[name]
        dashboard = whole.dashboard(host) if "horizon" in host.components else ""
        try:
            said = run.hosts.connect(name).run(security.script(dashboard), timeout=_TIMEOUT, data=secrets.encode())
        except StackwrightError as error:
            return (security.Item(name, "probe", "", "unknown", error.message),)
        return security.judge(name, security.read(said.out), wanted[name])

    return tuple(item for items in parallel.map(whole.hosts, ask).values() for item in items)


def to_json(items: tuple[security.Item, ...]) -> dict[str, object]:
    """The result for `--json`; the keys are stable."""
    return {"ok": all(i.ok for i in items), "items": [asdict(i) | {"reason": i.reason, "ok": i.ok} for i in items]}


__all__ = ["expected", "run", "to_json"]
