"""What the host's own logs say of a service that failed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from stackwright import shell
from stackwright.model import StackwrightError
from stackwright.ssh import Connection, disk_hint

_UNIT = re.compile(
    r"(?:systemctl (?:start|restart|reload|status|enable) |Systemd (?:start|restart) for |unit |Job for )"
    r"([A-Za-z0-9@_.:-]+)"
)
_SERVICE = re.compile(r"^Service\[([^\]]+)\]$")

_FAILED_UNITS = "systemctl --failed --plain --no-legend 2>/dev/null | cut -d' ' -f1 | head -n 3\n"


def disk_trouble(connection: Connection) -> str:
    """What to do where the disk is full; empty where it is not. Then there was no room for a log that would say so. A
    run's own files are gone by now, so there may be a little room again."""
    try:
        return disk_hint(connection.run(shell.fill("executor/evidence_write.sh", BASE=connection.base), timeout=15).err)
    except StackwrightError:
        return ""


def units_of(*texts: str) -> tuple[str, ...]:
    """The units that a failed resource or an error message names, without those of our own making."""
    found: list[str] = []
    for text in texts:
        if service := _SERVICE.match(text):
            found.append(service[1])
        found += [unit.rstrip(".:") for unit in _UNIT.findall(text)]
    return tuple(dict.fromkeys(unit for unit in found if unit and not unit.startswith("-")))


def service_log(connection: Connection, units: Sequence[str], *, failed: bool = False) -> tuple[str, ...]:
    """The last lines that these units wrote; `failed` adds the units that systemd calls failed. Empty when there are
    none, or the host does not answer: evidence is welcome, its absence is no failure."""
    try:
        names = list(units)
        if failed and not names:
            names = connection.run(_FAILED_UNITS, timeout=15).out.split()
        if not names:
            return ()
        script = shell.fill("executor/evidence_logs.sh", UNITS=names)
        return tuple(line for line in connection.run(script, timeout=20).out.splitlines() if line.strip())[-40:]
    except StackwrightError:
        return ()
