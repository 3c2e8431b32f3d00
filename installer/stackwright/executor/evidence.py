"""What the host's own logs say of a service that failed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from stackwright.model import StackwrightError
from stackwright.ssh import Connection, disk_hint

_UNIT = re.compile(
    r"(?:systemctl (?:start|restart|reload|status|enable) |Systemd (?:start|restart) for |unit |Job for )"
    r"([A-Za-z0-9@_.:-]+)"
)
_SERVICE = re.compile(r"^Service\[([^\]]+)\]$")

# The journal's lines first, then the newest of the files in the service's log folder (nova-api: /var/log/nova).
_LOOK = """\
for unit in @UNITS@; do
  journalctl -u "$unit" -n 20 --no-pager -o cat 2>/dev/null | tail -n 20
  name=${unit%.service}; name=${name#openstack-}
  for folder in "/var/log/$name" "/var/log/${name%%-*}"; do
    [ -d "$folder" ] || continue
    newest=$(ls -t "$folder/$name".log "$folder"/*"${name#*-}"*.log "$folder"/*.log 2>/dev/null | head -n 1)
    [ -n "$newest" ] || continue
    echo "$newest:"
    tail -n 12 "$newest"
    break
  done
done
"""

_WRITE = """\
file=$(mktemp @BASE@/full.XXXXXXXX) || exit 1
head -c 1000000 /dev/zero >"$file"
rm -f "$file"
"""

_FAILED_UNITS = "systemctl --failed --plain --no-legend 2>/dev/null | cut -d' ' -f1 | head -n 3\n"


def disk_trouble(connection: Connection) -> str:
    """What to do where the disk is full; empty where it is not. Then there was no room for a log that would say so. A
    run's own files are gone by now, so there may be a little room again."""
    try:
        return disk_hint(connection.run(_WRITE.replace("@BASE@", shlex.quote(connection.base)), timeout=15).err)
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
        script = _LOOK.replace("@UNITS@", " ".join(shlex.quote(unit) for unit in names))
        return tuple(line for line in connection.run(script, timeout=20).out.splitlines() if line.strip())[-40:]
    except StackwrightError:
        return ()
