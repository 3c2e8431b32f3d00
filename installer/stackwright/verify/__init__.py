"""Verifies that a cloud works: the step that runs the checks, and the parser of their output.

The program in `on_host/` runs on a host of the cloud with the system's Python. This module is its counterpart on the
controlling machine: it creates the step from a `VerifyConfig`, and the `VerifyResult` from the program's output.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from .. import shell, untrusted
from ..model import Action, File, Run, Step, Upload

FOLDER = "/var/lib/stackwright/verify"
"""The program's folder on the host. The configuration is stored beside it only while the program runs."""


@dataclass(frozen=True)
class VerifyConfig:
    """What is verified, and with which credentials. Times are in seconds; an empty name disables its check."""

    auth_url: str
    """Keystone's, with its version: http://198.18.0.10:5000/v3."""
    admin_password: str = field(repr=False)
    services: tuple[str, ...] = ("identity", "image", "placement", "compute", "network")
    """Catalog types that must exist and work: in addition to the defaults volumev3, object-store, orchestration."""
    apis: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By catalog type, how each API is tested: `service` (its project's name), `ask`, `version`, `aliases` and
    `from_root`, as records.Api describes them."""
    modules: tuple[str, ...] = ()
    """Modules of on_host with the services' own checks."""
    region: str = "RegionOne"
    interface: str = "public"
    """The interface whose endpoints the checks use. Whether endpoints answer is checked for all interfaces."""
    admin_user: str = "admin"
    admin_project: str = "admin"
    demo_user: str = ""
    demo_password: str = field(default="", repr=False)
    demo_project: str = "demo"
    demo_network: str = ""
    """The demo project's private network, which must be visible to it."""
    roles: tuple[str, ...] = ("member", "SwiftOperator")
    """The roles that an ordinary user of this cloud needs; roles that do not exist are ignored."""
    compute_hosts: tuple[str, ...] = ()
    """Names (short or full) of the hosts that must be compute hosts."""
    agents: tuple[str, ...] = ()
    """Types of Neutron agents that must exist, as in Neutron's API."""
    image: str = "cirros"
    ssh_user: str = "cirros"
    flavor: str = "m1.tiny"
    """If it does not exist, the smallest flavor is used."""
    external_network: str = "public"
    """Without one, the instance is reached through the namespace of its network on the host, and outbound access is not
    tested."""
    tenant_cidr: str = "198.19.254.0/24"
    """The network that is created for the verification. 198.18.0.0/15 is reserved for such tests (RFC 2544)."""
    nameservers: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()
    """Addresses outside the cloud that an instance must reach, in addition to the external network's gateway."""
    polling_interval: float = 60.0
    """Seconds between two measurements of an instance, where telemetry is installed."""
    volume_backups: bool = False
    """Whether volumes can be backed up."""
    dashboard_url: str = ""
    """http://198.18.0.10/horizon, or /dashboard on CentOS."""
    dashboard_certificate: str = ""
    """A provided certificate (PEM): the dashboard must use exactly this one; its names and authority are not
    checked."""
    ca_file: str = ""
    """The cloud's certificate authority, as a file on the host."""
    boot_timeout: float = 300.0
    reach_timeout: float = 180.0
    """Until the active instance answers ping and SSH."""
    settle_timeout: float = 180.0
    """Until agents and services have reported that they are up."""
    logs: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = field(default_factory=dict)
    """Patterns of log files, and systemd units, by service; searched for lines about a failure."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """More secrets that are masked in log lines."""

    def to_json(self) -> bytes:
        """The program's configuration file. It contains passwords: write it with mode 0600."""
        return (json.dumps(asdict(self), sort_keys=True, indent=1) + "\n").encode()


def program() -> Path:
    """The folder of the program's modules."""
    return Path(__file__).resolve().parent / "on_host"


def files(folder: str = FOLDER) -> tuple[File, ...]:
    """The files of the program, in `folder` on the host."""
    return tuple(File(f"{folder}/on_host/{path.name}", path.read_bytes()) for path in sorted(program().glob("*.py")))


def actions(config: VerifyConfig, folder: str = FOLDER, timeout: float = 1800.0) -> tuple[Action, ...]:
    """The actions that verify the cloud, as root on a host that reaches the APIs and the floating addresses (controller
    or network host). The configuration is removed from the host when the program ends."""
    place = f"{folder}/config.json"
    script = shell.fill("verify/run.sh", CONFIG=place, FOLDER=folder)
    secret = File(place, config.to_json(), 0o600, secret=True)
    return (Upload((*files(folder), secret)), Run("verify", script, timeout=timeout))


def build(config: VerifyConfig, host: str, needs: tuple[str, ...] = (), step_id: str = "verify") -> Step:
    """The step that verifies the cloud on `host`. It is never skipped as finished."""
    return Step(step_id, host, "Verify the cloud", actions(config), needs, always=True)


# ------------------------------------------------------------------------------------------------------------ results

State = Literal["ok", "failed", "skipped", "unknown"]


@dataclass(frozen=True)
class CheckResult:
    """The result of one check. `lines` are log lines of the service about a failure, from `log`; `seconds` is the time
    of the check itself."""

    name: str
    title: str
    service: str
    state: State
    seconds: float = 0.0
    detail: str = ""
    log: str = ""
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class VerifyResult:
    """The result of a verification. Checks are in the order in which they ended."""

    checks: tuple[CheckResult, ...]
    seconds: float = 0.0
    complete: bool = False
    """Whether the program finished; otherwise the cloud is not verified."""
    left: tuple[str, ...] = ()
    """Objects that could not be removed, with the reason."""
    other: tuple[str, ...] = ()
    """Other output, such as the program's error message if it could not start."""

    @property
    def ok(self) -> bool:
        """Whether there was at least one check, no check failed, and everything was removed again."""
        states = {c.state for c in self.checks}
        return self.complete and "ok" in states and not states & {"failed", "unknown"} and not self.left

    @property
    def failures(self) -> tuple[CheckResult, ...]:
        """The checks that failed. They are root causes: checks that depend on them are skipped."""
        return tuple(c for c in self.checks if c.state == "failed")

    def to_json(self) -> dict[str, Any]:
        """The result for `--json`; the keys are stable."""
        return {
            "ok": self.ok,
            "seconds": self.seconds,
            "complete": self.complete,
            "checks": [asdict(c) | {"lines": list(c.lines)} for c in self.checks],
            "left": list(self.left),
        }


def _records(lines: Iterable[str]) -> Iterable[Mapping[str, Any] | str]:
    for line in lines:
        text = line.strip()
        if text.startswith('{"'):
            try:
                record = untrusted.from_json(text, untrusted.MOST_LINE)
            except ValueError:
                record = None
            if isinstance(record, dict) and "kind" in record:
                yield record
                continue
        if text and not text.startswith("stackwright: progress"):
            yield text


def _seconds(value: Any) -> float:
    """A duration. Raises ValueError."""
    seconds = float(value)
    if not 0 <= seconds < 1e9:
        raise ValueError(f"{seconds} is no duration")
    return seconds


def _check(record: Mapping[str, Any]) -> CheckResult:
    state = record.get("state")
    return CheckResult(
        name=str(record.get("check", "")),
        title=str(record.get("title", "")),
        service=str(record.get("service", "")),
        state=state if state in ("ok", "failed", "skipped") else "unknown",
        seconds=_seconds(record.get("seconds", 0.0)),
        detail=str(record.get("detail", "")),
        log=str(record.get("log", "")),
        lines=tuple(str(x) for x in record.get("lines", ())),
    )


def read(lines: Iterable[str]) -> VerifyResult:
    """Parses the program's output. A check that was planned but has no result is `unknown`."""
    planned: dict[str, CheckResult] = {}
    checks: list[CheckResult] = []
    other: list[str] = []
    seconds, complete = 0.0, False
    left: tuple[str, ...] = ()
    for record in _records(lines):
        if isinstance(record, str):
            other.append(record)
            continue
        try:
            if record["kind"] == "plan":
                planned = {str(c["check"]): _check(c) for c in record["checks"]}
            elif record["kind"] == "check":
                checks.append(_check(record))
            elif record["kind"] == "note":
                other.append(str(record.get("detail", "")))
            elif record["kind"] == "finished":
                left = tuple(str(x) for x in record.get("left", ()))
                seconds, complete = _seconds(record["seconds"]), True
        except (ValueError, KeyError, TypeError, AttributeError):
            other.append(f"unreadable result: {untrusted.shown(record)}")
    seen = {c.name for c in checks}
    checks += [c for name, c in planned.items() if name not in seen]
    return VerifyResult(tuple(checks), seconds, complete, left, tuple(other))


_MARK = {"ok": "ok     ", "failed": "FAILED ", "skipped": "skipped", "unknown": "unknown"}


def check_text(check: CheckResult) -> list[str]:
    """One check as plain text: state, title, time, details; after a failure also log lines of the service."""
    took = f"{check.seconds:7.1f} s" if check.state in ("ok", "failed") else " " * 9
    out = [f"{_MARK[check.state]} {took}  {check.title}" + (f": {check.detail}" if check.detail else "")]
    if check.state == "failed":
        out[0] = f"{_MARK['failed']} {took}  {check.title} ({check.service}): {check.detail}"
    if check.lines:
        out.append(f"    {check.service}, {check.log}:")
        out += [f"      {line}" for line in check.lines]
    return out


def verdict(result: VerifyResult) -> str:
    """The result in one sentence."""
    if not result.complete:
        return "Verification did not finish: the cloud is not verified."
    if result.ok:
        skipped = sum(c.state == "skipped" for c in result.checks)
        passed = sum(c.state == "ok" for c in result.checks)
        more = f", {skipped} skipped" if skipped else ""
        return f"The cloud works: {passed} checks passed in {result.seconds:.0f} s{more}."
    names = ", ".join(sorted({c.service for c in result.failures})) or "cleanup"
    return f"Verification failed: {names}."


def text(result: VerifyResult) -> list[str]:
    """The whole result as plain text, readable without colour; the last line is the verdict."""
    out = [line for check in result.checks for line in check_text(check)]
    if not result.complete:
        out += result.other[-10:]
    return [*out, verdict(result)]
