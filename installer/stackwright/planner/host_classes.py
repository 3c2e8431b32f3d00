"""Host classes: hosts that differ only in names and addresses share rendered actions, with places for these values.

Planning a cloud of a thousand compute hosts then takes little longer than one of two.
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
    """Caches the actions that were made for each class of hosts."""

    def __init__(self) -> None:
        self._seen: set[tuple[Hashable, Hashable]] = set()
        self._made: dict[tuple[Hashable, Hashable], tuple[Filler, ...] | None] = {}

    def actions(self, host: Host, what: Hashable, make: Callable[[Host], Actions]) -> Actions:
        """The same as `make(host)`. `what` is the cache key among the actions of one host."""
        key = host.kind, what
        if key not in self._seen:  # the first host of its class, and often the only one
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
    """Functions that make the actions of any host of this class from its own values. None where the actions cannot be
    shared, because a template inspects a value that differs between the hosts; any other error is raised."""
    try:
        return tuple(_filler(action) for action in make(host.of_its_kind()))
    except render.PlaceholderUsed:
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
