"""Carries Tempest to the cloud, shows its count as it goes, and keeps its results."""

from __future__ import annotations

import base64
import json
import re
import shlex
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackwright import executor, guest, planner, report, untrusted
from stackwright.model import Answers, Event, File, Plan, Run, StackwrightError, Step, Upload
from stackwright.operations import verify
from stackwright.output import live
from stackwright.planner.steps import credentials
from stackwright.scenarios import Known, tempest
from stackwright.state import journal
from stackwright.values import consumers

if TYPE_CHECKING:
    from stackwright.operations.context import RunContext
    from stackwright.operations.options import Console
    from stackwright.planner.topology import Cloud
    from stackwright.ssh.pool import Hosts
    from stackwright.state.directory import StateDir

RESULT = "tempest.json"
"""In the cloud's folder: the last results, for the report."""

_PASSWORDS = re.compile(r"(?m)^(\s*\w*(?:password|secret|token)\w*\s*=).*$")


@dataclass(frozen=True)
class TestRequest:
    """What is to be tested, and for how long (seconds)."""

    name: str
    groups: tuple[str, ...]
    limit: int = 3600
    known: tuple[Known, ...] = ()


@dataclass
class TestResult:
    """What came of it."""

    results: tempest.Results | None
    """None where Tempest did not come to its totals."""
    folder: Path
    trouble: list[Event] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether it came to its end, and nothing failed that is not known to."""
        return self.results is not None and self.results.ok


def step(whole: Cloud, request: TestRequest) -> Step:
    """What installs, configures and runs Tempest on the host that the cloud is verified from."""
    given = whole.answers
    host = whole.hosts[verify.host_of(whole)]
    keystone = whole.having("keystone")[0]
    built = planner.builds_image(whole, keystone)
    rc = credentials.files(given, whole.url("keystone"))["keystonerc_admin"]
    user = guest.USER if built else str(given["CONFIG_PROVISION_IMAGE_SSH_USER"])
    settings = tempest.settings(
        ssh_user=user,
        dashboard_url=whole.dashboard_url if whole.has("horizon") else "",
        more=tempest.INTEROPERABILITY if "interop" in request.groups else None,
    )
    configure = tempest.configure(
        settings,
        image=str(given["CONFIG_PROVISION_IMAGE_NAME"]),
        disk_format="raw" if built else str(given["CONFIG_PROVISION_IMAGE_FORMAT"]),
    )
    number = tempest.workers(host.facts.cpus, host.facts.memory)
    tests = tempest.run(request.groups, workers=number, limit=request.limit)
    actions = (
        Run("install tempest", tempest.install(host.platform), 1800, retries=3),
        Upload((File(tempest.RC, rc.encode(), 0o600, secret=True),)),
        Run("configure tempest", configure, 900),
        Run("tempest", tests, request.limit + 900),
    )
    return Step("tempest", host.name, f"Tempest: {', '.join(request.groups)}", actions, always=True)


def require_testable(answers: Answers) -> None:
    """Raises StackwrightError where the cloud gets no image and external network for tests, or Tempest cannot hold
    its administrator's password."""
    if not answers["CONFIG_PROVISION_DEMO"]:
        raise StackwrightError(
            "Tempest needs an image and an external network, but CONFIG_PROVISION_DEMO, which creates them, is off",
            "set CONFIG_PROVISION_DEMO=y",
        )
    # tempestconf writes the administrator's password with a ConfigParser, and Tempest reads it with oslo.config.
    password = str(answers["CONFIG_KEYSTONE_ADMIN_PW"])
    if "%" in password or consumers.oslo(password) != password:
        sign = next((one for one in "%$" if one in password), "")
        what = f"has {sign!r}" if sign else "is true or false, or has quotes at both ends"
        raise StackwrightError(
            f"CONFIG_KEYSTONE_ADMIN_PW {what}, which Tempest's configuration cannot hold",
            "change CONFIG_KEYSTONE_ADMIN_PW and run `stackwright apply`",
        )


def run(run: RunContext, request: TestRequest, *, console: Console) -> TestResult:
    """Tests the cloud, and keeps the results; the report has them from then on. Raises StackwrightError where the cloud
    has no image and network to test with: see `require_testable`."""
    require_testable(run.answers)
    hosts, state = run.hosts, run.state
    one = step(run.cloud, request)
    secrets = planner.secrets(run.answers)
    trouble: list[Event] = []
    began = time.time()
    with journal.open_journal(state.make()) as kept, live.Screen(kind=console.screen, take=console.event) as screen:

        def emit(event: Event) -> None:
            if event.kind == "failed":
                trouble.append(event)
            screen(event)

        plan = Plan((one,), (one.host,), secrets, direct=planner.reached_directly(run.cloud))
        executor.run(plan, hosts.connect, kept, emit)
    folder = _bring(hosts, one.host, state, request.name, executor.redactor(secrets))
    try:
        results = tempest.read((folder / "output.txt").read_text(encoding="utf-8", errors="replace"), request.known)
    except (OSError, ValueError):
        results = None
    record: dict[str, Any] = results.to_json() if results else {"ok": False, "failed": [], "known": [], "mended": []}
    record |= {"began": began, "at": time.time(), "scenario": request.name, "complete": results is not None}
    state.write(RESULT, json.dumps(record, indent=1) + "\n")
    report.refresh(state)
    return TestResult(results, folder, trouble)


def _bring(hosts: Hosts, host: str, state: StateDir, name: str, redact: Any) -> Path:
    """Brings the results here, without secrets; returns their folder."""
    folder = state.make() / "tempest" / name
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    connection = hosts.connect(host)
    for result in tempest.RESULTS:
        target = folder / Path(result).name
        target.unlink(missing_ok=True)
        path = shlex.quote(f"{tempest.FOLDER}/{result}")
        # Each within the size of an output, which counts in base64.
        said = connection.run(f"[ ! -s {path} ] || base64 < {path}", timeout=300)
        with untrusted.judged(host, result):
            content = base64.b64decode("".join(said.out.split()), validate=True)
        if not content:
            continue
        if target.suffix == ".subunit":  # not text: lengths are part of it
            target.write_bytes(content)
        else:
            text = redact(untrusted.printable(content.decode(errors="replace")))
            target.write_text(_PASSWORDS.sub(r"\1 ********", text) if target.suffix == ".conf" else text)
        target.chmod(0o600)
    return folder


def lines(result: TestResult) -> Iterable[str]:
    """What there is to say of it, for people."""
    if result.results:
        yield tempest.text(result.results)
    else:
        yield "Tempest did not finish, so nothing was verified."
        for event in result.trouble:
            yield live.failure_block(event)
    yield f"results: {result.folder} (results.html, junit.xml, results.subunit, output.txt)"
