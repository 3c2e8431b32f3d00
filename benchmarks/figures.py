"""The figures of allinone.py: kept in a file, so that it can be run in pieces; and one table of them, with ratios."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

WAYS = ("floor", "ours", "unchanged", "again", "stock", "debian")
CACHES = ("warm", "cold")


@dataclass(frozen=True)
class Machine:
    """What ratios hold for: figures of another machine are not compared."""

    name: str
    cpus: int
    gib: int
    """Of memory."""


@dataclass(frozen=True)
class Row:
    """One way, measured once. Times are in seconds, sizes in bytes; None is what was not measured."""

    way: str
    nodes: int
    cache: str
    wall: float
    cpu: float
    """Of the whole machine, user and system."""
    control_cpu: float | None = None
    """Of the control process."""
    control_peak: int | None = None
    """The most memory that the control process had at a time."""
    downloaded: int | None = None
    """What the nodes got from outside: packages, lists, the image; and what the control process sent them."""
    complete: bool = True
    """Whether it came to its end. If not, its time is the least that it would have taken."""
    at: float = field(default_factory=time.time)
    """When it ended, in seconds since the epoch."""
    boot: str = ""
    """Changes with each start of the machine."""
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[int, int, int]:
        """Where it stands in the table; a later one takes the place of an earlier one."""
        return (self.nodes, CACHES.index(self.cache), WAYS.index(self.way))


def merged(earlier: Iterable[Row], later: Iterable[Row]) -> list[Row]:
    """All rows in the table's order; what was measured anew takes the place of what was."""
    return [row for _, row in sorted({row.key: row for row in (*earlier, *later)}.items())]


def read(path: Path, machine: Machine) -> list[Row]:
    """The rows of an earlier piece on this machine; none where there is no file, or it is another machine's."""
    if not path.exists():
        return []
    kept = json.loads(path.read_text())
    return [Row(**row) for row in kept["rows"]] if kept["machine"] == asdict(machine) else []


def write(path: Path, machine: Machine, rows: Iterable[Row]) -> None:
    """Keeps them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(json.dumps({"machine": asdict(machine), "rows": [asdict(r) for r in rows]}, indent=1) + "\n")
    new.replace(path)


def table(rows: Sequence[Row], machine: Machine) -> str:
    """Everything that was measured, one way a line, and below it the ratios and how they stand to the targets."""
    head = f"{'nodes':>5} {'cache':5} {'way':10} {'wall':>9} {'CPU':>9} {'x floor':>8} {'control':>16} {'to nodes':>9}"
    lines = [f"{machine.cpus} cores, {machine.gib} GiB", "", head]
    found = {row.key: row for row in rows}
    for row in merged(rows, ()):
        floor = found.get((row.nodes, CACHES.index(row.cache), WAYS.index("floor")))
        ratio = f"{row.wall / floor.wall:.2f}" if floor and floor.wall and row.way not in ("unchanged", "again") else ""
        control = "" if row.control_peak is None else f"{row.control_peak / 2**20:.0f} MiB"
        control += "" if row.control_cpu is None else f", {row.control_cpu:.1f} s"
        downloaded = "" if row.downloaded is None else f"{row.downloaded / 1e6:.0f} MB"
        at_least = "" if row.complete else ">"
        lines.append(
            f"{row.nodes:5} {row.cache:5} {row.way:10} {at_least:>1}{row.wall:6.0f} s {row.cpu:7.0f} s {ratio:>8} "
            f"{control:>16} {downloaded:>9}"
        )
    if any(not row.complete for row in rows):
        lines += ["", "> did not come to its end: it would have taken longer"]
    if len({row.boot for row in rows}) > 1:
        lines += ["", "the machine was restarted between these: it may have become another one"]
    return "\n".join([*lines, "", *ratios(rows)]).rstrip() + "\n"


def ratios(rows: Sequence[Row]) -> list[str]:
    """What the targets are about, a line each."""
    found = {(row.nodes, row.cache, row.way): row for row in rows}
    out = []
    for nodes, cache in sorted({(row.nodes, row.cache) for row in rows}, key=lambda k: (k[0], CACHES.index(k[1]))):
        of = {way: found.get((nodes, cache, way)) for way in WAYS}
        where = f"{nodes} node{'s' if nodes > 1 else ''}, {cache}"
        ours, floor = of["ours"], of["floor"]
        if ours and ours.complete and floor and floor.wall:
            out.append(f"{where}: ours / floor {ours.wall / floor.wall:.2f}{_aim(nodes, 'at most 1.5')}")
        if ours and ours.complete and (stock := of["stock"]) and stock.wall:
            sign = "" if stock.complete else "less than "
            out.append(f"{where}: ours / stock {sign}{ours.wall / stock.wall:.2f}{_aim(nodes, 'at most 0.20')}")
        if ours and ours.complete and (debian := of["debian"]) and debian.wall:
            sign = "" if debian.complete else "less than "
            out.append(f"{where}: ours / debian {sign}{ours.wall / debian.wall:.2f}")
        for way, most in (("unchanged", 10), ("again", 60)):
            if row := of[way]:
                out.append(f"{where}: {way} {row.wall:.1f} s{_aim(nodes, f'under {most} s')}")
    return out


def _aim(nodes: int, text: str) -> str:
    """Targets are for one node: several share the machine's processors."""
    return f" ({text})" if nodes == 1 else ""
