#!/bin/sh
# Registers a host with Red Hat's subscription service. subscription-manager takes passwords and activation keys as
# arguments only, and everybody on a host can read the arguments of a process; so the program runs inside a Python that
# gets them from standard input.

set -eu
if subscription-manager identity >/dev/null 2>&1; then echo 'registered already'; exit 0; fi
@CONSUMER@
inside=$(cat <<'PYTHON'
import json, os, runpy, sys
given = json.loads(sys.stdin.readline())
sys.stdin = open(os.devnull)
program = next(p for p in ("/usr/sbin/subscription-manager", "/usr/bin/subscription-manager") if os.path.exists(p))
sys.argv = [program, *given]
runpy.run_path(program, run_name="__main__")
PYTHON
)
python3 -c "$inside" <<'ARGUMENTS'
@ARGUMENTS@
ARGUMENTS
. ./record.sh
changed 'registered with subscription-manager'
