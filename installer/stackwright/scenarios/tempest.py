"""Tempest, OpenStack's own tests: scripts that install, configure and run it on a host; and what it says. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from stackwright.scenarios.record import Known
from stackwright.services import tempest_groups

FOLDER = "/var/lib/stackwright/tempest"
"""On the host."""
RC = f"{FOLDER}.rc"
"""Beside it while it runs: the way in."""

RESULTS = ("output.txt", "results.subunit", "junit.xml", "results.html", "tempest.log", "etc/tempest.conf")
"""What is brought back from FOLDER."""

PACKAGES = {
    "apt": ("tempest", "python3-tempestconf", "python3-junitxml", "python3-os-testr"),
    "dnf": ("openstack-tempest", "python3-tempestconf", "python3-junitxml", "python3-os-testr"),
}


def pattern(groups: Iterable[str]) -> str:
    """One regular expression for the tests of these groups."""
    known = tempest_groups()
    wanted = dict.fromkeys(one for group in groups for one in known[group])
    return "|".join(f"({one})" for one in wanted)


_INSTALL = """\
set -e
missing=
for program in tempest discover-tempest-config subunit2junitxml subunit2html; do
  command -v $program > /dev/null || missing="$missing $program"
done
[ -n "$missing" ] || exit 0
@INSTALL@ || exit 75
echo "stackwright: changed"
"""

_MANAGERS = {
    "apt": "export DEBIAN_FRONTEND=noninteractive\n"
    "apt-get -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 install -y --no-install-recommends",
    "dnf": "dnf -y --setopt=install_weak_deps=False install",
}


def install(package_manager: str) -> str:
    """A script that installs Tempest from the distribution's packages, unless it is there."""
    command = f"{_MANAGERS[package_manager]} {' '.join(PACKAGES[package_manager])}"
    return _INSTALL.replace("@INSTALL@", command)


def settings(*, ssh_user: str, dashboard_url: str = "", more: Mapping[str, str] | None = None) -> dict[str, str]:
    """What tempestconf cannot find out: section.key -> value."""
    found = {
        "auth.use_dynamic_credentials": "true",
        "validation.run_validation": "true",
        "validation.image_ssh_user": ssh_user,
        # Without KVM an instance takes its time.
        "validation.connect_timeout": "30",
        "validation.ssh_timeout": "240",
        "validation.ping_timeout": "180",
        "compute.build_timeout": "300",
        "compute.build_interval": "2",
        "compute-feature-enabled.resize": "false",
        "compute-feature-enabled.cold_migration": "false",
        "compute-feature-enabled.live_migration": "false",
        # Tempest looks for it in the guest with an option of blkid that busybox lacks.
        "compute-feature-enabled.config_drive": "false",
        # 198.18.0.0/15 is set aside for tests; the upper part is free here.
        "network.project_network_cidr": "198.19.240.0/20",
        "network.project_network_mask_bits": "28",
        "image-feature-enabled.import_image": "false",
    }
    if dashboard_url:
        found["dashboard.dashboard_url"] = dashboard_url
    return {**found, **(more or {})}


_CONFIGURE = """\
set -e
umask 077
trap '[ $? -eq 0 ] || rm -f @RC@' EXIT
. @RC@
[ -d @FOLDER@/etc ] || { rm -rf @FOLDER@; tempest init @FOLDER@ > /dev/null; }
cd @FOLDER@
network=$(openstack network show @NETWORK@ -f value -c id)
discover-tempest-config --create --no-default-deployer --image @IMAGE@ --image-disk-format @FORMAT@ \\
  --flavor-min-mem 192 --flavor-min-disk 1 --out etc/tempest.conf \\
  network.public_network_id "$network" @SETTINGS@
"""


def configure(given: Mapping[str, str], *, image: str, disk_format: str, external_network: str = "public") -> str:
    """A script that lets tempestconf find out what the cloud has, and writes down the rest."""
    values = {
        "RC": RC,
        "FOLDER": FOLDER,
        "NETWORK": shlex.quote(external_network),
        "IMAGE": shlex.quote(image),
        "FORMAT": shlex.quote(disk_format),
        "SETTINGS": " ".join(f"{key} {shlex.quote(value)}" for key, value in given.items()),
    }
    return _filled(_CONFIGURE, values)


# Each result is counted as it comes. `tempest run` says with its exit code that a test failed, which is no failure of
# the script: only a run that does not come to its totals is one.
_RUN = """\
. @RC@
cd @FOLDER@ || exit 1
trap 'rm -f @RC@' EXIT
rm -rf .stestr/[0-9]* tempest.log output.txt results.* junit.xml
total=$(tempest run --list-tests --regex @PATTERN@ 2>/dev/null | grep -c '^[a-z_]*tempest[a-z_]*\\.' || true)
echo "stackwright: progress 0 $total $total tests, @WORKERS@ at a time"
[ "$total" -gt 0 ] || { echo "no test fits; Tempest says:"; tempest run --list-tests 2>&1 | tail -n 5; exit 1; }
timeout @LIMIT@ tempest run --concurrency @WORKERS@ --regex @PATTERN@ 2>&1 | tee output.txt | {
  set -f
  n=0 ok=0 bad=0
  # Not awk: Debian's waits for 4 KiB before it looks at them.
  while IFS= read -r line; do
    case $line in
      *' ... ok'*) ok=$((ok + 1)) ;;
      *' ... FAILED'*) bad=$((bad + 1)); printf '%s\\n' "$line" ;;
      *' ... SKIPPED'*) ;;
      *) continue ;;
    esac
    n=$((n + 1))
    [ $n -le "$total" ] || total=$n
    set -- $line
    echo "stackwright: progress $n $total $ok passed, $bad failed, $((n - ok - bad)) skipped: ${2-}"
  done
}
stestr last --subunit > results.subunit 2>/dev/null
subunit2junitxml < results.subunit > junit.xml 2>/dev/null
subunit2html results.subunit results.html > /dev/null 2>&1
grep -q '^ - Passed:' output.txt && exit 0
echo "it did not come to its end within @LIMIT@ s"
tail -n 20 output.txt
exit 1
"""


def run(groups: Iterable[str], *, workers: int, limit: int) -> str:
    """A script that runs the tests, `workers` at a time, for `limit` seconds at most; their count is its progress."""
    values = {"RC": RC, "FOLDER": FOLDER, "WORKERS": str(workers), "LIMIT": str(limit)}
    return _filled(_RUN, {**values, "PATTERN": shlex.quote(pattern(groups))})


def _filled(script: str, values: Mapping[str, str]) -> str:
    return re.sub(f"@({'|'.join(values)})@", lambda found: values[found[1]], script)


def workers(cpus: int, memory: int) -> int:
    """How many tests at a time: one per processor, each with 3 GiB of memory for its instances, four at most."""
    return max(1, min(4, cpus, memory // (3 * 1024**3)))


# ------------------------------------------------------------------------------------------------------------- results

_RESULT = re.compile(
    r"^\{\d+\} (?P<name>\S+(?: \(\S+\))?).*? (?:\[(?P<took>[\d.]+)s\] )?\.\.\. (?P<how>ok|FAILED|SKIPPED)"
)
_MOST_LINES = 25


@dataclass(frozen=True)
class Failed:
    """A test that failed, with the end of what it said."""

    test: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Results:
    """What Tempest came to. Known failures are no surprise; a known one that passes is."""

    passed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    failed: tuple[Failed, ...] = ()
    known: tuple[tuple[str, Known], ...] = ()
    """Tests that failed as they are known to."""
    mended: tuple[tuple[str, Known], ...] = ()
    """Tests that are known to fail, and passed."""

    @property
    def ok(self) -> bool:
        """Something passed, and nothing failed that is not known to."""
        return bool(self.passed) and not self.failed

    def to_json(self) -> dict[str, Any]:
        """For the report and for machines."""

        def told(found: tuple[tuple[str, Known], ...]) -> list[dict[str, str]]:
            return [{"test": test, "why": known.why, "link": known.link} for test, known in found]

        return {
            "ok": self.ok,
            "passed": self.passed,
            "skipped": self.skipped,
            "seconds": self.seconds,
            "failed": [{"test": f.test, "lines": list(f.lines)} for f in self.failed],
            "known": told(self.known),
            "mended": told(self.mended),
        }


@dataclass
class _Reading:
    results: dict[str, str] = field(default_factory=dict)
    lines: dict[str, list[str]] = field(default_factory=dict)


def read(output: str, known: Iterable[Known] = ()) -> Results:
    """What `tempest run` printed. Raises ValueError where it did not come to its totals."""
    totals = {name: int(number) for name, number in re.findall(r"^ - (\w+):\s*(\d+)", output, re.M)}
    if not {"Passed", "Failed", "Skipped"} <= set(totals):
        raise ValueError("Tempest did not come to its totals")
    reading, current = _Reading(), ""
    for line in output.splitlines():
        if found := _RESULT.match(line):
            current = found["name"]
            reading.results[current] = found["how"]
        elif line.startswith(("======", "{")):
            current = ""
        elif current and line.strip(" ~"):
            reading.lines.setdefault(current, []).append(line.rstrip())
    listed = tuple(known)

    def about(test: str) -> Known | None:
        return next((k for k in listed if k.is_about(test)), None)

    failed = [test for test, how in reading.results.items() if how == "FAILED"]
    passed = [test for test, how in reading.results.items() if how == "ok"]
    failing = tuple((test, k) for test in failed if (k := about(test)))
    took = re.search(r"^Ran: \d+ tests in ([\d.]+) sec", output, re.M)
    return Results(
        passed=totals["Passed"],
        skipped=totals["Skipped"],
        seconds=float(took[1]) if took else 0.0,
        failed=tuple(Failed(t, tuple(reading.lines.get(t, ())[-_MOST_LINES:])) for t in failed if about(t) is None),
        known=failing,
        # Of a class on the list, some tests may pass as they always did.
        mended=tuple((t, k) for t in passed if (k := about(t)) and k not in [one for _, one in failing]),
    )


def text(results: Results) -> str:
    """The results as plain text; what nobody expected stands last, where it is seen."""
    out = [f"known to fail: {test}\n    {known.why}\n    {known.link}" for test, known in results.known]
    for failed in results.failed:
        out += [f"FAILED: {failed.test}", *(f"    {line}" for line in failed.lines[-8:])]
    for test, known in results.mended:
        out.append(
            f"!!! PASSES NOW, and is on the list of known failures: {test}\n    {known.why}\n"
            "    Take it off the list: what is mended must not break again unseen."
        )
    told = f"{results.passed} passed, {len(results.failed)} failed, {len(results.known)} failed as known"
    out.append(f"Tempest: {told}, {results.skipped} skipped in {results.seconds:.0f} s")
    return "\n".join(out)
