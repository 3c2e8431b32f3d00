"""What the interview learns of hosts as a person names them: whether they can be reached, and their interfaces."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from stackwright.model import Facts, StackwrightError

Look = Callable[[Iterable[str]], Mapping[str, Facts | StackwrightError]]
"""Looks at hosts, in parallel. Gives by host its facts, or why there are none."""

KEEP = "Enter keeps this answer; or type another one."

_HOSTS = ("CONFIG_CONTROLLER_HOST", "CONFIG_COMPUTE_HOSTS", "CONFIG_NETWORK_HOSTS")


def _names(text: str) -> list[str]:
    return [name for part in text.split(",") if (name := part.strip())]


def describe(facts: Facts) -> str:
    """One line about a host: system, size, and interfaces with their addresses."""
    size = f"{facts.cpus} CPU{'s' * (facts.cpus != 1)}, {facts.memory / 2**30:.1f} GiB"
    return f"{facts.host}: {facts.os_name or 'unknown system'}, {size}; {_interfaces(facts)}"


def _interfaces(facts: Facts) -> str:
    shown = [
        f"{one.name} {' '.join(one.addresses) or 'without an address'}" for one in facts.interfaces if one.name != "lo"
    ]
    return ", ".join(shown) or "no interfaces"


@dataclass
class NamedHosts:
    """The hosts that were named so far; each is looked at once. `say` gets a line about each."""

    look: Look
    say: Callable[[str], None]
    _found: dict[str, Facts | StackwrightError] = field(default_factory=dict)

    def prepare(self, key: str, given: Mapping[str, str]) -> None:
        """Before a question about interfaces: says which ones the hosts have."""
        if wanted := self._concerned(key, given):
            self._see(wanted)
            for facts in self._known(wanted):
                self.say(f"{facts.host} has {_interfaces(facts)}.")

    def doubts(self, key: str, text: str, given: Mapping[str, str]) -> list[str]:
        """What speaks against an answer, a line for each reason: a host that cannot be used, or an interface that a
        host does not have. Says what is known of new hosts."""
        if key in _HOSTS:
            new = [name for name in _names(text) if name not in self._found]
            self._see(new)
            for facts in self._known(new):
                self.say(describe(facts))
            errors = [(name, found) for name in new if isinstance(found := self._found[name], StackwrightError)]
            return [line for name, error in errors for line in _told(name, error)]
        wrong = []
        for facts in self._known(self._concerned(key, given)):
            for name in self._interfaces_named(key, text, given):
                if not facts.interface(name):
                    there = ", ".join(one.name for one in facts.interfaces if one.name != "lo")
                    wrong.append(f"{facts.host} has no interface {name}; it has {there or 'none'}.")
        return wrong

    def _see(self, names: Iterable[str]) -> None:
        if unknown := [name for name in names if name not in self._found]:
            self._found.update(self.look(unknown))

    def _known(self, names: Iterable[str]) -> list[Facts]:
        return [found for name in names if isinstance(found := self._found.get(name), Facts)]

    @staticmethod
    def _concerned(key: str, given: Mapping[str, str]) -> list[str]:
        """The hosts that an answer about interfaces is about."""
        controller = given.get("CONFIG_CONTROLLER_HOST", "")
        network = given.get("CONFIG_NETWORK_HOSTS", "") or controller
        if key.endswith("_BRIDGE_IFACES"):
            return _names(network)
        if key.endswith("_TUNNEL_IF"):
            return list(dict.fromkeys([*_names(network), *_names(given.get("CONFIG_COMPUTE_HOSTS", ""))]))
        return []

    @staticmethod
    def _interfaces_named(key: str, text: str, given: Mapping[str, str]) -> list[str]:
        if key.endswith("_BRIDGE_IFACES"):
            return [pair.rpartition(":")[2] for pair in _names(text)]
        # A bridge of the answers takes the address of its interface; a network is not a name.
        bridges = given.get(key.replace("_TUNNEL_IF", "_BRIDGE_IFACES"), "")
        made = {pair.partition(":")[0] for pair in _names(bridges)}
        return [name for name in _names(text) if "/" not in name and name not in made]


def _told(name: str, error: StackwrightError) -> list[str]:
    about = error.message if name in error.message else f"{name}: {error.message}"
    return [f"{about}.", *(f"  {line}" for line in error.hint.splitlines())]
