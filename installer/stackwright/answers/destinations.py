"""Where an answer is used: the components that it places or enables, and the Puppet parameters that get its value.

The parameters are read from the templates' sources. The option's record adds `passed_as`, the names under which the
planner gives the value to templates (a test changes each answer and compares these values), and `effect`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stackwright import services
from stackwright.answers.checking import named_hosts
from stackwright.model import Answers, StackwrightError
from stackwright.planner import assets

_INCLUDE = re.compile(r"\{%-?\s*include\s+'([^']+)'\s*-?%\}")
_SET = re.compile(r"\{%-?\s*set\s+([\w\s,]+?)\s*=\s*(.*?)\s*-?%\}")
_SETTING = re.compile(r"^\s*([a-z][\w:]*(?:::\w+)+)\s*(?::|=>)", re.IGNORECASE)


@dataclass(frozen=True)
class Destinations:
    """Where one answer is used."""

    switches: tuple[str, ...]
    """Components that it enables or disables."""
    places: tuple[str, ...]
    """Components whose hosts it names."""
    settings: tuple[str, ...]
    """Puppet parameters of this cloud's components that get its value, as "component: class::parameter"."""
    besides: str
    """Its other effect (`Option.effect`); empty for none."""
    hosts: tuple[str, ...]
    """The hosts of these components; without components, the hosts that the answer itself names."""


class _Watched(Mapping[str, Any]):
    """Answers that record which of them were read."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self._answers = answers
        self.asked: set[str] = set()

    def __getitem__(self, key: str) -> Any:
        self.asked.add(key)
        return self._answers[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._answers)

    def __len__(self) -> int:
        return len(self._answers)


def destinations(answers: Answers, key: str) -> Destinations:
    """Where the answer to `key` is used, with these answers."""
    from stackwright.planner.placement import place

    switches: dict[str, None] = {}
    places: dict[str, None] = {}
    roles = {role.name: role for role in services.roles()}
    for component in services.all_components():
        watched = _Watched(answers)
        wanted = component.when(watched)
        if key in watched.asked:
            switches[component.name] = None
        watched = _Watched(answers)
        if wanted and services.hosts_of(roles[component.role], watched) and key in watched.asked:
            places[component.name] = None
    try:
        placed = {host: {part.name for part in parts} for host, parts in place(answers).items()}
    except StackwrightError:
        placed = {}
    there = set().union(*placed.values())
    found = tuple(setting for setting in settings(key) if setting.partition(":")[0] in there)
    affected = {*switches, *places, *(setting.partition(":")[0] for setting in found)}
    hosts = [host for host, parts in placed.items() if affected & parts]
    if not hosts:
        hosts = [host for host, keys in named_hosts(answers).items() if key in keys]
    return Destinations(tuple(switches), tuple(places), found, _effect(key), tuple(hosts))


def _effect(key: str) -> str:
    """The answer's effect apart from components and parameters."""
    option = services.options()[key]
    single = len({*option.choices} - {*option.not_yet}) == 1
    return option.effect or ("nothing: only one value can be installed" if single else "")


def settings(key: str) -> tuple[str, ...]:
    """The Puppet parameters that get the value of `key` in the templates, as "component: class::parameter"."""
    names = (key, *services.options()[key].passed_as)
    found: dict[str, None] = {}
    folder = assets.templates()
    for template, path in sorted(assets.component_templates(folder).items()):
        component = template.removesuffix(".j2").rpartition(".")[0]
        for name in _uses(_expanded(folder / path), names):
            found[f"{component}: {name}"] = None
    return tuple(found)


def _expanded(template: Path) -> str:
    """The template's source with its includes expanded."""

    def partial(match: re.Match[str]) -> str:
        return _expanded(assets.templates() / match[1])

    return _INCLUDE.sub(partial, template.read_text(encoding="utf-8"))


def _uses(source: str, names: Iterable[str]) -> Iterator[str]:
    """The parameters that get the values of these names, directly or through a variable that the template sets."""
    wanted = re.compile(r"(?<![\w.])(?:answers\.)?(?:" + "|".join(map(re.escape, names)) + r")\b")
    variables: dict[str, str] = {}  # by name: its expression
    carriers: set[str] = set()
    for line in source.splitlines():
        assigned = _SET.search(line)
        if assigned:
            targets = [target.strip() for target in assigned[1].split(",")]
            parts = re.split(r",\s*(?![^()]*\))", assigned[2])
            fresh = dict(zip(targets, (part.strip() for part in parts), strict=False))
            variables.update(fresh)
            carriers -= set(fresh)
            carriers |= {target for target, part in fresh.items() if wanted.search(part)}
            continue
        if not wanted.search(line) and not any(re.search(rf"{{{{.*\b{name}\b", line) for name in carriers):
            continue
        shown = re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda match: variables.get(match[1], match[1]).strip("'"), line)
        match = _SETTING.match(shown)
        yield match[1] if match else "what it consists of"
