"""Hosts' own names and /etc/hosts, where the answers leave them to us: for networks whose name server knows nothing of
these hosts."""

from __future__ import annotations

import shlex

from stackwright.model import Run, Step
from stackwright.planner.naming import given, ours
from stackwright.planner.steps.packages import RECORD
from stackwright.planner.topology import Cloud, Host
from stackwright.values import is_address

# A name on a loopback line would be the first that is found.
_SCRIPT = """\
set -eu
@RECORD@had=$(uname -n)
if [ -n "@GIVEN@" ] && [ "$had" != "@GIVEN@" ]; then
  if command -v hostnamectl >/dev/null 2>&1; then
    hostnamectl set-hostname @GIVEN@
  else
    echo @GIVEN@ > /etc/hostname
    hostname @GIVEN@
  fi
  changed "host name: @GIVEN@, was $had"
fi
new=$(mktemp)
trap 'rm -f "$new"' EXIT
sed '/^# Stackwright: begin/,/^# Stackwright: end/d' /etc/hosts | awk -v own="@OWN@" '
  BEGIN {count = split(own, names); for (n = 1; n <= count; n++) mine[tolower(names[n])] = 1}
  $1 !~ /^(127\\.|::1$)/ {print; next}
  {
    line = $1; lost = 0
    for (n = 2; n <= NF; n++) if (tolower($n) in mine) lost = 1; else line = line " " $n
    if (!lost) print; else if (line != $1) print line
  }' > "$new"
cat >> "$new" <<'HOSTS'
# Stackwright: begin
@LINES@
# Stackwright: end
HOSTS
if ! cmp -s "$new" /etc/hosts; then
  keep /etc/hosts
  cat "$new" > /etc/hosts
  changed 'file changed: /etc/hosts'
fi
"""


def step(whole: Cloud, host: Host) -> Step | None:
    """What gives the host its name, and makes it know those of all hosts; None where names are left alone."""
    if not ours(whole.answers):
        return None
    known = sorted(whole.hosts.values(), key=lambda h: h.name)
    values = {
        "RECORD": RECORD,
        "GIVEN": shlex.quote(given(host.name)).strip("'"),
        "OWN": " ".join(_names(host)),
        "LINES": "\n".join(" ".join((h.address, *_names(h))) for h in known),
    }
    script = _SCRIPT
    for key, value in values.items():
        script = script.replace(f"@{key}@", value)
    return Step(f"{host.name}:names", host.name, "names of the hosts", (Run("names", script, 60),))


def _names(host: Host) -> tuple[str, ...]:
    """The full name first, as `hostname -f` takes it."""
    return tuple(dict.fromkeys(name for name in (host.fqdn, host.fqdn.partition(".")[0]) if not is_address(name)))
