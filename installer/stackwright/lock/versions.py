"""Compares package versions like dpkg and rpm."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cmp_to_key

Compare = Callable[[str, str], int]


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)


def _weight(letter: str) -> int:
    """The order of non-digits in dpkg: `~` before the end, letters before everything else."""
    if letter == "~":
        return -1
    return ord(letter) if letter.isalpha() else ord(letter) + 256


def _dpkg_part(a: str, b: str) -> int:
    pieces = [re.findall(r"(\D*)(\d*)", text) for text in (a, b)]
    for index in range(max(map(len, pieces))):
        (text_a, digits_a), (text_b, digits_b) = (p[index] if index < len(p) else ("", "") for p in pieces)
        for n in range(max(len(text_a), len(text_b))):
            order = [_weight(t[n]) if n < len(t) else 0 for t in (text_a, text_b)]
            if order[0] != order[1]:
                return _sign(order[0] - order[1])
        if number := _sign(int(digits_a or 0) - int(digits_b or 0)):
            return number
    return 0


def dpkg(a: str, b: str) -> int:
    """-1, 0 or 1, as described in deb-version(7): [epoch:]upstream[-revision]."""
    parts = []
    for text in (a, b):
        epoch, colon, rest = text.partition(":")
        epoch, rest = (epoch, rest) if colon and epoch.isdigit() else ("0", text)
        upstream, dash, revision = rest.rpartition("-")
        parts.append((int(epoch), *((upstream, revision) if dash else (rest, ""))))
    if parts[0][0] != parts[1][0]:
        return _sign(parts[0][0] - parts[1][0])
    return _dpkg_part(parts[0][1], parts[1][1]) or _dpkg_part(parts[0][2], parts[1][2])


_RPM_PIECE = re.compile(r"~|\^|[0-9]+|[A-Za-z]+")


def _rpm_part(a: str, b: str) -> int:
    pieces = [_RPM_PIECE.findall(text) for text in (a, b)]
    for index in range(max(map(len, pieces))):
        one, other = (p[index] if index < len(p) else "" for p in pieces)
        if one == other:
            continue
        # A tilde sorts before everything, even the end; a caret after the end, but before everything else.
        for mark, sign in (("~", -1), ("^", 1)):
            if mark in (one, other):
                missing = other if one == mark else one
                first = sign if mark == "~" or not missing else -sign
                return first if one == mark else -first
        if not one or not other:
            return 1 if one else -1
        if one.isdigit() != other.isdigit():
            return 1 if one.isdigit() else -1
        order = int(one) - int(other) if one.isdigit() else (one > other) - (one < other)
        if order:
            return _sign(order)
    return 0


def rpm(a: str, b: str) -> int:
    """-1, 0 or 1, in the order of rpm: [epoch:]version[-release]."""
    parts = []
    for text in (a, b):
        epoch, colon, rest = text.partition(":")
        epoch, rest = (epoch, rest) if colon and epoch.isdigit() else ("0", text)
        version, _, release = rest.partition("-")
        parts.append((int(epoch), version, release))
    if parts[0][0] != parts[1][0]:
        return _sign(parts[0][0] - parts[1][0])
    return _rpm_part(parts[0][1], parts[1][1]) or _rpm_part(parts[0][2], parts[1][2])


def compare_for(package_manager: str) -> Compare:
    """The comparison of apt's or of dnf's packages."""
    return dpkg if package_manager == "apt" else rpm


def nearest(wanted: str, available: Iterable[str], compare: Compare) -> str:
    """The available version that is nearest to the wanted one: the next newer one, otherwise the newest; empty if there
    is none."""
    ordered = sorted(dict.fromkeys(available), key=cmp_to_key(compare))
    return next((v for v in ordered if compare(v, wanted) >= 0), ordered[-1] if ordered else "")
