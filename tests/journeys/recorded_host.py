"""What a recorded host answers: sshd runs this instead of each command. It takes only scripts that read a host, and
refuses everything else; so a journey that changes a host fails.

    recorded_host.py FACTS < SCRIPT

It uses Python's standard library only, because sshd starts it without our environment.
"""

from __future__ import annotations

import os
import re
import sys
import time
from pathlib import Path

ANSWERS = {
    "stackwright-uid $(id -u)": "stackwright-uid 0\n",
    "apt -y --no-install-recommends": ("exit\t0\ndownload\t412345678\ncount\t431\ndisk\t1,650 MB\nend\t1\n"),
}
"""By a text in the script."""


def main() -> int:
    found = re.search(r"head -c (\d+)", os.environ.get("SSH_ORIGINAL_COMMAND", ""))
    script = sys.stdin.buffer.read(int(found[1])).decode() if found else ""
    for known, answer in ANSWERS.items():
        if known in script:
            sys.stdout.write(answer)
            return 0
    if "machine-id" in script and "ipv6-disabled" in script:
        facts = Path(sys.argv[1]).read_text()
        lines = [line for line in facts.splitlines() if not line.startswith(("clock\t", "end\t"))]
        print(*lines, f"clock\t{time.time():.3f}", "end\t1", sep="\n")
        return 0
    print(f"a recorded host does not run this: {script[:200]!r}", file=sys.stderr)
    return 97


sys.exit(main())
