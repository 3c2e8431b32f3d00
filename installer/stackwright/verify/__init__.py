"""Proves that a cloud works: what to run on its host, and how to read what it says.

The program in `on_host/` runs there with the system's own Python; this module is its front door on the controlling
machine. It makes the step from a `VerifyConfig`, and turns the program's lines into a `VerifyResult`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from .. import shell
from ..model import Action, File, Run, Step, Upload

FOLDER = "/var/lib/stackwright/verify"
"""Where the program lies on the host. The configuration lies beside it only while it runs."""


@dataclass(frozen=True)
class VerifyConfig:
    """What is to be proved, and with which credentials. Times are in seconds; empty names leave a check out."""

    auth_url: str
    """Keystone's, with its version: http://198.18.0.10:5000/v3."""
    admin_password: str = field(repr=False)
    services: tuple[str, ...] = ("identity", "image", "placement", "compute", "network")
    """Catalog types that must be there and work: volumev3, object-store and orchestration besides the defaults."""
    apis: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By catalog type, what is asked of each API: `service` (its project's name), `ask`, `version`, `aliases` and
    `from_root`, as records.Api describes them."""
    modules: tuple[str, ...] = ()
    """Modules of on_host with the services' own checks."""
    region: str = "RegionOne"
    interface: str = "public"
    """Which of a service's endpoints the checks go through; each is asked whether it answers."""
    admin_user: str = "admin"
    admin_project: str = "admin"
    demo_user: str = ""
    demo_password: str = field(default="", repr=False)
    demo_project: str = "demo"
    demo_network: str = ""
    """The demo project's private network, which must be visible to it."""
    roles: tuple[str, ...] = ("member", "SwiftOperator")
    """The roles that an ordinary user of this cloud needs; those that it does not have are passed over."""
    compute_hosts: tuple[str, ...] = ()
    """Names of the hosts that must be compute hosts, short or complete."""
    agents: tuple[str, ...] = ()
    """Kinds of Neutron's agents of which there must be one, as its API calls them."""
    image: str = "cirros"
    ssh_user: str = "cirros"
    flavor: str = "m1.tiny"
    """The smallest one is taken where it does not exist."""
    external_network: str = "public"
    """Without one, the instance is reached through its network's namespace on the host, and nothing outside of it."""
    tenant_cidr: str = "198.19.254.0/24"
    """Of the network that is made for the proof. 198.18.0.0/15 is set aside for such tests (RFC 2544)."""
    nameservers: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()
    """Addresses outside of the cloud that an instance must reach, besides the external network's gateway."""
    volume_backups: bool = False
    """Whether volumes can be backed up."""
    dashboard_url: str = ""
    """http://198.18.0.10/horizon, or /dashboard on CentOS."""
    dashboard_certificate: str = ""
    """The only one that the dashboard may show, as PEM: whoever brought it knows what names and authority it has."""
    ca_file: str = ""
    """The cloud's certificate authority, as a file on the host."""
    boot_timeout: float = 300.0
    reach_timeout: float = 180.0
    """For an answer to ping and SSH once the instance is active."""
    settle_timeout: float = 180.0
    """For agents and services to report themselves."""
    logs: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = field(default_factory=dict)
    """Patterns of log files, and systemd units, by service: where a failure's lines are looked for."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """More texts that must not appear in the lines of logs that a failure shows."""

    def to_json(self) -> bytes:
        """The file that the program reads. It holds passwords: mode 0600."""
        return (json.dumps(asdict(self), sort_keys=True, indent=1) + "\n").encode()


def program() -> Path:
    """The folder of the program's modules."""
    return Path(__file__).resolve().parent / "on_host"


def files(folder: str = FOLDER) -> tuple[File, ...]:
    """The program, to lie in `folder` on the host."""
    return tuple(File(f"{folder}/on_host/{path.name}", path.read_bytes()) for path in sorted(program().glob("*.py")))


def actions(config: VerifyConfig, folder: str = FOLDER, timeout: float = 1800.0) -> tuple[Action, ...]:
    """What proves the cloud, to be run as root on a host that reaches the API and the floating addresses: the
    controller, or the network host. The configuration is removed from the host when the program ends."""
    place = f"{folder}/config.json"
    script = shell.fill("verify/run.sh", CONFIG=place, FOLDER=folder)
    secret = File(place, config.to_json(), 0o600, secret=True)
    return (Upload((*files(folder), secret)), Run("verify", script, timeout=timeout))


def build(config: VerifyConfig, host: str, needs: tuple[str, ...] = (), step_id: str = "verify") -> Step:
    """The step that proves the cloud on `host`. It only looks, so it is carried out every time."""
    return Step(step_id, host, "Verify the cloud", actions(config), needs, always=True)


# ------------------------------------------------------------------------------------------------------------ results

State = Literal["ok", "failed", "skipped", "unknown"]


@dataclass(frozen=True)
class CheckResult:
    """How one check went. `lines` are the service's own about a failure, from `log`; `seconds` is its own time."""

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
    """All that a verification found. Checks stand in the order in which they ended."""

    checks: tuple[CheckResult, ...]
    seconds: float = 0.0
    complete: bool = False
    """The program reached its end; without that nothing is verified."""
    left: tuple[str, ...] = ()
    """What could not be removed, and why."""
    other: tuple[str, ...] = ()
    """Output that is no result: what the program said when it could not start."""

    @property
    def ok(self) -> bool:
        """Everything that was tried passed, something was tried, and nothing is left behind."""
        states = {c.state for c in self.checks}
        return self.complete and "ok" in states and not states & {"failed", "unknown"} and not self.left

    @property
    def failures(self) -> tuple[CheckResult, ...]:
        """The checks that failed: the root causes, since what depends on them is skipped."""
        return tuple(c for c in self.checks if c.state == "failed")

    def to_json(self) -> dict[str, Any]:
        """For `--json`; the keys are stable."""
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
                record = json.loads(text)
            except ValueError:
                record = None
            if isinstance(record, dict) and "kind" in record:
                yield record
                continue
        if text and not text.startswith("stackwright: progress"):
            yield text


def _check(record: Mapping[str, Any]) -> CheckResult:
    state = record.get("state")
    return CheckResult(
        name=str(record.get("check", "")),
        title=str(record.get("title", "")),
        service=str(record.get("service", "")),
        state=state if state in ("ok", "failed", "skipped") else "unknown",
        seconds=float(record.get("seconds", 0.0)),
        detail=str(record.get("detail", "")),
        log=str(record.get("log", "")),
        lines=tuple(str(x) for x in record.get("lines", ())),
    )


def read(lines: Iterable[str]) -> VerifyResult:
    """What the program's output says. A check that was announced and never reported is `unknown`."""
    planned: dict[str, CheckResult] = {}
    checks: list[CheckResult] = []
    other: list[str] = []
    seconds, complete = 0.0, False
    left: tuple[str, ...] = ()
    for record in _records(lines):
        if isinstance(record, str):
            other.append(record)
        elif record["kind"] == "plan":
            planned = {c["check"]: _check(c) for c in record["checks"]}
        elif record["kind"] == "check":
            checks.append(_check(record))
        elif record["kind"] == "note":
            other.append(str(record.get("detail", "")))
        elif record["kind"] == "finished":
            seconds, complete = float(record["seconds"]), True
            left = tuple(str(x) for x in record.get("left", ()))
    seen = {c.name for c in checks}
    checks += [c for name, c in planned.items() if name not in seen]
    return VerifyResult(tuple(checks), seconds, complete, left, tuple(other))


_MARK = {"ok": "ok     ", "failed": "FAILED ", "skipped": "skipped", "unknown": "no word"}


def check_text(check: CheckResult) -> list[str]:
    """One check as plain lines: state, title, time, what was seen; then the service's own lines about a failure."""
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
        return "Verification did not finish: nothing is verified."
    if result.ok:
        skipped = sum(c.state == "skipped" for c in result.checks)
        passed = sum(c.state == "ok" for c in result.checks)
        more = f", {skipped} did not apply" if skipped else ""
        return f"The cloud works: {passed} checks passed in {result.seconds:.0f} s{more}."
    names = ", ".join(sorted({c.service for c in result.failures})) or "cleaning up"
    return f"Verification failed: {names}."


def text(result: VerifyResult) -> list[str]:
    """The whole result as plain lines that can be read without colour; the verdict is the last one."""
    out = [line for check in result.checks for line in check_text(check)]
    if not result.complete:
        out += result.other[-10:]
    return [*out, verdict(result)]
