"""Differences between two locks, as text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from stackwright.lock.record import HostLock, Lock
from stackwright.lock.versions import compare_for


@dataclass(frozen=True)
class Section:
    """Lines about one subject, such as the packages of a host."""

    title: str
    lines: tuple[str, ...]


_Texts = Mapping[str, str]


def pairs(a: Iterable[str], b: Iterable[str], answers: tuple[_Texts, _Texts] = ({}, {})) -> list[tuple[str, str]]:
    """Pairs of hosts of A and B to compare: hosts with the same name; if equally many remain on both sides, also hosts
    at the same positions in the `answers` of A and B, because a reproduced cloud has other names."""
    names = (frozenset(a), frozenset(b))
    both = names[0] & names[1]
    left = [
        sorted(own - both, key=lambda name: (_places(name, given), name))
        for own, given in zip(names, answers, strict=True)
    ]
    same = [(name, name) for name in sorted(both)]
    return same + (list(zip(*left, strict=True)) if len(left[0]) == len(left[1]) else [])


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",")]


def _places(host: str, answers: _Texts) -> list[tuple[str, int]]:
    """The positions of a host in answers: key, and position in its list."""
    return sorted((key, n) for key, text in answers.items() for n, word in enumerate(_words(text)) if word == host)


def _renamed(answers: _Texts, names: _Texts) -> dict[str, str]:
    """The answers with the names of hosts in lists replaced."""
    return {
        key: ",".join(names.get(word, word) for word in _words(text)) if {*_words(text)} & {*names} else text
        for key, text in answers.items()
    }


def differences(a: Lock, b: Lock) -> list[Section]:
    """All differences from A to B; empty if the setups are the same."""
    matched = pairs(a.hosts, b.hosts, (a.answers, b.answers))
    other_names = {one: other for one, other in matched if one != other}
    out = [
        Section("Stackwright", tuple(_values({"version": a.version, "templates": a.templates[:23]},
                                             {"version": b.version, "templates": b.templates[:23]}))),
        Section("OpenStack", tuple(_values({"release": a.release, "trunk": a.trunk},
                                           {"release": b.release, "trunk": b.trunk}))),
        Section("answers", tuple(_values(_renamed(a.answers, other_names), b.answers))),
        Section("the controlling machine", tuple(_values(a.control, b.control))),
    ]  # fmt: skip
    gone = [f"{name} is only in the first" for name in sorted(set(a.hosts) - {one for one, _ in matched})]
    new = [f"{name} is only in the second" for name in sorted(set(b.hosts) - {other for _, other in matched})]
    out.append(Section("hosts", (*gone, *new)))
    for one, other in matched:
        out += _hosts(one if one == other else f"{one} and {other}", a.hosts[one], b.hosts[other])
    return [section for section in out if section.lines]


def _values(a: Mapping[str, str], b: Mapping[str, str]) -> Iterable[str]:
    for key in sorted({*a, *b}):
        before, after = a.get(key, ""), b.get(key, "")
        if before != after:
            yield f"{key}: {before or '(none)'} -> {after or '(none)'}"


def _hosts(name: str, a: HostLock, b: HostLock) -> list[Section]:
    keys = ("platform", "arch", "kernel", "python", "puppet", "facter")
    system = _values({k: getattr(a, k) for k in keys}, {k: getattr(b, k) for k in keys})
    return [
        Section(f"{name}: system", tuple(system)),
        Section(f"{name}: repositories", tuple(_repositories(a, b))),
        Section(f"{name}: packages", tuple(packages(a, b))),
        Section(f"{name}: Puppet modules", tuple(_versions(a.modules, b.modules, compare_for("apt")))),
        Section(f"{name}: images", tuple(_values(a.images, b.images))),
    ]


def packages(a: HostLock, b: HostLock) -> Iterable[str]:
    """Differences between the packages of two hosts."""
    before, after = ({name: p.version for name, p in host.packages.items()} for host in (a, b))
    yield from _versions(before, after, compare_for(b.package_manager))


def _versions(a: Mapping[str, str], b: Mapping[str, str], compare: Callable[[str, str], int]) -> Iterable[str]:
    for name in sorted({*a, *b}):
        before, after = a.get(name, ""), b.get(name, "")
        if before == after:
            continue
        if not before or not after:
            yield f"{name} {before or after}: {'added' if after else 'removed'}"
            continue
        up = compare(before, after) < 0
        yield f"{name}: {'upgraded' if up else 'downgraded'} from {before} to {after}"


def _repositories(a: HostLock, b: HostLock) -> Iterable[str]:
    for title in sorted({*a.repositories, *b.repositories}):
        before, after = a.repositories.get(title), b.repositories.get(title)
        if before is None or after is None:
            yield f"{title}: {'added' if before is None else 'removed'}"
        elif before.checksum != after.checksum or before.snapshot != after.snapshot:
            yield f"{title}: changed from {before.snapshot or before.checksum} to {after.snapshot or after.checksum}"
        elif before.urls != after.urls:
            yield f"{title}: same content, from {' '.join(after.urls)} instead of {' '.join(before.urls)}"


def printable(text: str) -> str:
    """A text from another person, safe to print: control characters are shown instead of sent to the terminal."""
    return "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in text)


def text(sections: Iterable[Section], most: int = 0) -> str:
    """The sections as plain text, with at most `most` lines each (0: all)."""
    out = []
    for section in sections:
        out.append(f"{printable(section.title)}:")
        shown = section.lines[:most] if most else section.lines
        out += [f"  {printable(line)}" for line in shown]
        if len(shown) < len(section.lines):
            out.append(f"  and {len(section.lines) - len(shown)} more")
    return "\n".join(out)
