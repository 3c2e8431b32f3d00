"""Hosts of one kind differ in names and addresses alone: what is done on them is made once, with places for these.

A cloud of a thousand compute hosts then takes little longer to plan than one of two.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from typing import Any

from stackwright.model import Action, Probe, PuppetApply
from stackwright.planner import render
from stackwright.planner.topology import OWN, Host

Actions = tuple[Action, ...]
Filler = Callable[[Mapping[str, Any]], Action]


class HostClasses:
    """Remembers what was made for hosts of each kind."""

    def __init__(self) -> None:
        self._seen: set[tuple[Hashable, Hashable]] = set()
        self._made: dict[tuple[Hashable, Hashable], tuple[Filler, ...] | None] = {}

    def actions(self, host: Host, what: Hashable, make: Callable[[Host], Actions]) -> Actions:
        """What `make(host)` returns. `what` tells apart what is made for one host."""
        key = host.kind, what
        if key not in self._seen:  # the first of its kind, and often the only one
            self._seen.add(key)
            return make(host)
        if key not in self._made:
            self._made[key] = _for_all(host, make)
        made = self._made[key]
        if made is None:
            return make(host)
        values = {name: getattr(host, name) for name in OWN}
        return tuple(filler(values) for filler in made)


def _for_all(host: Host, make: Callable[[Host], Actions]) -> tuple[Filler, ...] | None:
    """What makes the actions of any host of this kind from its own values; None where there is no such thing."""
    try:
        return tuple(_filler(action) for action in make(host.of_its_kind()))
    except Exception:
        # A template has looked at what is the host's own. Any other error comes again for the host itself.
        return None


def _filler(action: Action) -> Filler:
    match action:
        case PuppetApply(manifest=manifest, hieradata=hieradata):
            forms = render.Template(manifest), render.Template(hieradata)
            return lambda own: replace(action, manifest=forms[0].filled(own), hieradata=forms[1].filled(own))
        case Probe(script=script):
            form = render.Template(script)
            return lambda own: replace(action, script=form.filled(own))
    return lambda _: action
