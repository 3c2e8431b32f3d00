"""Registration of Red Hat Enterprise Linux with its subscription service, or with a Satellite 6."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any

from stackwright.model import Run
from stackwright.planner.steps.packages import RECORD
from stackwright.platforms import Platform

# subscription-manager takes passwords and activation keys as arguments only. Arguments of a process can be read by
# everybody on the host, so the program is run within a Python that has them from its standard input.
_INSIDE = """\
import json, os, runpy, sys
given = json.loads(sys.stdin.readline())
sys.stdin = open(os.devnull)
program = next(p for p in ("/usr/sbin/subscription-manager", "/usr/bin/subscription-manager") if os.path.exists(p))
sys.argv = [program, *given]
runpy.run_path(program, run_name="__main__")
"""


def action(answers: Mapping[str, Any], platform: Platform) -> Run | None:
    """Registers a host that is not registered yet; None where nobody asks for it, or there is nothing to register."""
    arguments = _arguments(answers)
    if not arguments or platform.os_id != "rhel":
        return None
    server = str(answers.get("CONFIG_RH_SAT6_SERVER") or "")
    # It brings the Satellite's certificate authority, and its address.
    name = f"katello-ca-consumer-{server}"
    consumer = f"http://{server}/pub/katello-ca-consumer-latest.noarch.rpm"
    lines = [
        "set -eu",
        "if subscription-manager identity >/dev/null 2>&1; then echo 'registered already'; exit 0; fi",
        *([f"rpm -q {shlex.quote(name)} >/dev/null || dnf -y install {shlex.quote(consumer)}"] if server else []),
        "inside=$(cat <<'PYTHON'",
        _INSIDE + "PYTHON",
        ")",
        "python3 -c \"$inside\" <<'ARGUMENTS'",
        json.dumps(arguments),
        "ARGUMENTS",
        RECORD + "changed 'registered with subscription-manager'",
    ]
    return Run("registration", "\n".join(lines) + "\n", 600, secret=True)


def _arguments(answers: Mapping[str, Any]) -> list[str]:
    """What subscription-manager is called with; empty where nobody asks for it."""

    def text(key: str) -> str:
        return str(answers.get(key) or "")

    server, user = text("CONFIG_RH_SAT6_SERVER"), text("CONFIG_RH_USER")
    if not server and not user:
        return []
    proxy = []
    if text("CONFIG_RH_PROXY"):
        port = text("CONFIG_RH_PROXY_PORT")
        proxy = [f"--proxy={text('CONFIG_RH_PROXY')}{':' + port if port else ''}"]
        if text("CONFIG_RH_PROXY_USER"):
            proxy += [f"--proxyuser={text('CONFIG_RH_PROXY_USER')}", f"--proxypassword={text('CONFIG_RH_PROXY_PW')}"]
    if server and text("CONFIG_RH_SAT6_KEY"):
        account = [f"--org={text('CONFIG_RH_SAT6_ORG')}", f"--activationkey={text('CONFIG_RH_SAT6_KEY')}"]
    else:
        account = [f"--username={user}", f"--password={text('CONFIG_RH_PW')}"]
    return ["register", *account, *proxy]
