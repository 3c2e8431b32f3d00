"""Tempest, OpenStack's integration tests: scripts that install, configure and run it, and a parser of results. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from stackwright import shell
from stackwright.platforms import Platform
from stackwright.scenarios.record import Known
from stackwright.scenarios.record import groups as all_groups
from stackwright.services import packages_of
from stackwright.shell import Raw

FOLDER = "/var/lib/stackwright/tempest"
"""Tempest's folder on the host."""
RC = f"{FOLDER}.rc"
"""The credentials, in a file that exists only while Tempest runs."""

TRIES = 60
"""How often the services are asked, five seconds apart, before Tempest is configured."""

RESULTS = ("output.txt", "results.subunit", "junit.xml", "results.html", "tempest.log", "etc/tempest.conf")
"""The files that are downloaded from FOLDER."""


def pattern(groups: Iterable[str]) -> str:
    """One regular expression for the tests of these groups."""
    known = all_groups()
    wanted = dict.fromkeys(one for group in groups for one in known[group])
    return "|".join(f"({one})" for one in wanted)


_MANAGERS = {
    "apt": "export DEBIAN_FRONTEND=noninteractive\n"
    "apt-get -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 install -y --no-install-recommends",
    "dnf": "dnf -y --setopt=install_weak_deps=False install",
}


def install(platform: Platform) -> str:
    """A script that installs Tempest from the distribution's packages, unless it is installed."""
    command = f"{_MANAGERS[platform.package_manager]} {' '.join(packages_of('tempest', platform))}"
    return shell.fill("scenarios/tempest_install.sh", INSTALL=Raw(command))


INTEROPERABILITY = {"compute-feature-enabled.xenapi_apis": "true"}
"""A setting for the whole interoperability guideline. Tempest has the tests of an instance's metadata for Xen only; the
guideline requires them, and they pass with KVM and QEMU."""


def settings(*, ssh_user: str, dashboard_url: str = "", more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Settings that tempestconf cannot detect: section.key -> value."""
    found = {
        "auth.use_dynamic_credentials": "true",
        "validation.run_validation": "true",
        "validation.image_ssh_user": ssh_user,
        # Without KVM an instance takes longer to boot.
        "validation.connect_timeout": "30",
        "validation.ssh_timeout": "240",
        "validation.ping_timeout": "180",
        "compute.build_timeout": "300",
        "compute.build_interval": "2",
        "compute-feature-enabled.resize": "true",
        "compute-feature-enabled.cold_migration": "false",
        "compute-feature-enabled.live_migration": "false",
        # Tempest searches for it in the guest with an option of blkid that busybox does not have.
        "compute-feature-enabled.config_drive": "false",
        # 198.18.0.0/15 is reserved for tests (RFC 2544); the upper part is not used here.
        "network.project_network_cidr": "198.19.240.0/20",
        "network.project_network_mask_bits": "28",
        "image-feature-enabled.import_image": "false",
    }
    if dashboard_url:
        found["dashboard.dashboard_url"] = dashboard_url
    return {**found, **(more or {})}


def configure(given: Mapping[str, str], *, image: str, disk_format: str, external_network: str = "public") -> str:
    """A script that configures Tempest: tempestconf detects what the cloud has, `settings` sets the rest."""
    return shell.fill(
        "scenarios/tempest_configure.sh",
        RC=RC,
        FOLDER=FOLDER,
        NETWORK=external_network,
        TRIES=TRIES,
        IMAGE=image,
        FORMAT=disk_format,
        SETTINGS=[word for pair in given.items() for word in pair],
    )


def run(groups: Iterable[str], *, workers: int, limit: int) -> str:
    """A script that runs the tests, `workers` at a time, for at most `limit` seconds. It reports progress in tests."""
    return shell.fill(
        "scenarios/tempest_run.sh", RC=RC, FOLDER=FOLDER, WORKERS=workers, LIMIT=limit, PATTERN=pattern(groups)
    )


def workers(cpus: int, memory: int) -> int:
    """How many tests run at a time: one per processor and per 3 GiB of memory (for their instances), at most four."""
    return max(1, min(4, cpus, memory // (3 * 1024**3)))


# ------------------------------------------------------------------------------------------------------------- results

_RESULT = re.compile(
    r"^\{\d{1,9}\} (?P<name>\S++(?: \([^\s()]++\))?+)"
    r".*? (?:\[(?P<took>[\d.]{1,20})s\] )?\.\.\. (?P<how>ok|FAILED|SKIPPED)"
)
_MOST_LINES = 25
_MOST_LINE = 4096
"""Longer lines of output are cut to this many characters."""


@dataclass(frozen=True)
class Failed:
    """A failed test, with the end of its output."""

    test: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Results:
    """The results of Tempest. Known failures are listed apart, and so are known failures that passed."""

    passed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    failed: tuple[Failed, ...] = ()
    known: tuple[tuple[str, Known], ...] = ()
    """Known failures that failed."""
    mended: tuple[tuple[str, Known], ...] = ()
    """Known failures that passed."""

    @property
    def ok(self) -> bool:
        """Whether at least one test passed, and only known failures failed."""
        return bool(self.passed) and not self.failed

    def to_json(self) -> dict[str, Any]:
        """The results for the report and for JSON."""

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
    """Parses the output of `tempest run`. Raises ValueError if it does not end with totals."""
    totals = {name: int(number) for name, number in re.findall(r"^ - (\w{1,20}):[ \t]*(\d{1,9})", output, re.M)}
    if not {"Passed", "Failed", "Skipped"} <= set(totals):
        raise ValueError("Tempest did not finish")
    reading, current = _Reading(), ""
    for line in (whole[:_MOST_LINE] for whole in output.splitlines()):
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
    took = re.search(r"^Ran: \d{1,9} tests in (\d{1,9}(?:\.\d{1,9})?) sec", output, re.M)
    return Results(
        passed=totals["Passed"],
        skipped=totals["Skipped"],
        seconds=float(took[1]) if took else 0.0,
        failed=tuple(Failed(t, tuple(reading.lines.get(t, ())[-_MOST_LINES:])) for t in failed if about(t) is None),
        known=failing,
        # If the list names a whole class, it is enough that one of its tests fails; others may pass.
        mended=tuple((t, k) for t in passed if (k := about(t)) and k not in [one for _, one in failing]),
    )


def text(results: Results) -> str:
    """The results as plain text. Unexpected results come last, where they are noticed."""
    out = [f"known to fail: {test}\n    {known.why}\n    {known.link}" for test, known in results.known]
    for failed in results.failed:
        out += [f"FAILED: {failed.test}", *(f"    {line}" for line in failed.lines[-8:])]
    for test, known in results.mended:
        out.append(
            f"!!! UNEXPECTED PASS of a known failure: {test}\n    {known.why}\n"
            "    Remove it from the list, so that the test counts again."
        )
    told = f"{results.passed} passed, {len(results.failed)} failed, {len(results.known)} known failures"
    out.append(f"Tempest: {told}, {results.skipped} skipped in {results.seconds:.0f} s")
    return "\n".join(out)
