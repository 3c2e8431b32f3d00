"""Finds the log lines on a host that explain why a service failed."""

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
    """A hint if the disk is full, otherwise empty. With a full disk, no log contains the reason. The input files of the
    run were removed already, so a small file may fit again; the script writes a bigger one."""
    try:
        return disk_hint(connection.run(shell.fill("executor/evidence_write.sh", BASE=connection.base), timeout=15).err)
    except StackwrightError:
        return ""


def units_of(*texts: str) -> tuple[str, ...]:
    """The systemd units that a failed resource or an error message names."""
    found: list[str] = []
    for text in texts:
        if service := _SERVICE.match(text):
            found.append(service[1])
        found += [unit.rstrip(".:") for unit in _UNIT.findall(text)]
    return tuple(dict.fromkeys(unit for unit in found if unit and not unit.startswith("-")))


def service_log(connection: Connection, units: Sequence[str], *, failed: bool = False) -> tuple[str, ...]:
    """The last log lines of these units. With `failed` and no units, those of the units that systemd lists as failed.
    Empty if there are none, or if the host does not answer: missing evidence is not an error."""
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
