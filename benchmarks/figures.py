"""The results of allinone.py: stored in a file, so that it can be run in parts, and shown as a table with ratios."""

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
    """The machine of the measurements: results of different machines are not compared."""

    name: str
    cpus: int
    gib: int
    """Memory."""


@dataclass(frozen=True)
class Row:
    """One measurement of one way. Times are in seconds, sizes in bytes; None means not measured."""

    way: str
    nodes: int
    cache: str
    wall: float
    cpu: float
    """Of the whole machine, user and system."""
    control_cpu: float | None = None
    """Of the control process."""
    control_peak: int | None = None
    """Peak memory of the control process."""
    downloaded: int | None = None
    """Bytes to the nodes: packages, lists, the image, and uploads of the control process."""
    complete: bool = True
    """Whether it succeeded. If not, its time is a minimum."""
    at: float = field(default_factory=time.time)
    """When it ended, in seconds since the epoch."""
    boot: str = ""
    """Changes with each boot of the machine."""
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[int, int, int]:
        """Its position in the table; a later result replaces an earlier one."""
        return (self.nodes, CACHES.index(self.cache), WAYS.index(self.way))


def merged(earlier: Iterable[Row], later: Iterable[Row]) -> list[Row]:
    """All rows in the table's order; later results replace earlier ones."""
    return [row for _, row in sorted({row.key: row for row in (*earlier, *later)}.items())]


def read(path: Path, machine: Machine) -> list[Row]:
    """The stored rows of this machine; none if there is no file or it is from another machine."""
    if not path.exists():
        return []
    kept = json.loads(path.read_text())
    return [Row(**row) for row in kept["rows"]] if kept["machine"] == asdict(machine) else []


def write(path: Path, machine: Machine, rows: Iterable[Row]) -> None:
    """Stores the rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(json.dumps({"machine": asdict(machine), "rows": [asdict(r) for r in rows]}, indent=1) + "\n")
    new.replace(path)


def table(rows: Sequence[Row], machine: Machine) -> str:
    """All results, one line each, followed by the ratios with their targets."""
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
        lines += ["", "> failed: the time is a minimum"]
    if len({row.boot for row in rows}) > 1:
        lines += ["", "the machine was rebooted between these measurements: compare with care"]
    return "\n".join([*lines, "", *ratios(rows)]).rstrip() + "\n"


def ratios(rows: Sequence[Row]) -> list[str]:
    """The ratios that have targets, a line each."""
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
    """Targets apply to one node: several nodes share the machine's processors."""
    return f" ({text})" if nodes == 1 else ""
