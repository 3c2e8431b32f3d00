"""Runs the verification on the cloud, shows its checks, and stores the result."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackwright import executor, guest, planner, report, services, verify
from stackwright.model import Answers, Event, Plan
from stackwright.output import live
from stackwright.planner import tls
from stackwright.planner.steps import certificates
from stackwright.planner.topology import Cloud, Host
from stackwright.state import journal

if TYPE_CHECKING:
    from stackwright.operations.context import RunContext
    from stackwright.operations.options import Console
    from stackwright.state.directory import StateDir


def _agents(whole: Cloud) -> tuple[str, ...]:
    """Kinds of Neutron's agents of which there must be one."""
    found = [c.agent for c in services.all_components() if c.agent and whole.has(c.name)]
    if any("l3" in host.roles for host in whole.having("ovn-controller")):
        found.append("OVN Controller Gateway agent")
    return tuple(found)


def image_user(whole: Cloud) -> str:
    """The user that instances of the demo image let in."""
    if planner.builds_image(whole, _keystone(whole)):
        return guest.USER
    return str(whole.answers["CONFIG_PROVISION_IMAGE_SSH_USER"])


def config(whole: Cloud) -> verify.VerifyConfig:
    """What is to be verified on this cloud."""
    answers = whole.answers
    demo = bool(answers["CONFIG_PROVISION_DEMO"])
    apis = services.asked_apis(whole.has)
    return verify.VerifyConfig(
        auth_url=whole.url("keystone") + "/v3",
        admin_user=str(answers["CONFIG_KEYSTONE_ADMIN_USERNAME"]),
        admin_password=str(answers["CONFIG_KEYSTONE_ADMIN_PW"]),
        services=tuple(apis),
        apis=apis,
        modules=services.checks(whole.has),
        region=str(answers["CONFIG_KEYSTONE_REGION"]),
        demo_user="demo" if demo else "",
        demo_password=str(answers["CONFIG_KEYSTONE_DEMO_PW"]) if demo else "",
        demo_network="private" if demo and whole.has("neutron-server") else "",
        compute_hosts=tuple(h.fqdn for h in whole.having("nova-compute")),
        agents=_agents(whole),
        image=str(answers["CONFIG_PROVISION_IMAGE_NAME"]) if demo else "",
        ssh_user=image_user(whole),
        external_network="public" if demo else "",
        polling_interval=float(answers["CONFIG_CEILOMETER_POLLING_INTERVAL"]),
        volume_backups=whole.has("cinder-backup"),
        dashboard_url=whole.dashboard_url if whole.has("horizon") else "",
        dashboard_certificate=_dashboard_certificate(answers) if whole.has("horizon") else "",
        ca_file=tls.authority_file(whole.hosts[host_of(whole)].platform) if certificates.signed(whole) else "",
        logs=services.logs(whole.hosts[host_of(whole)].platform, whole.release),
        secrets=tuple(sorted(answers.secret_texts())),
    )


def _dashboard_certificate(answers: Answers) -> str:
    """What the dashboard must show, where a person brought it."""
    if not tls.encrypts(answers, "horizon") or not (files := tls.given(answers, "horizon")):
        return ""
    return Path(files[0]).expanduser().read_text(encoding="ascii")


def host_of(whole: Cloud) -> str:
    """Where the cloud is tried: the host whose bridge is the external network's gateway, where there is one; floating
    addresses are reached from nowhere else."""
    for host in whole.hosts.values():
        if any(b.network for b in host.bridges):
            return host.name
    return _keystone(whole).name


def _keystone(whole: Cloud) -> Host:
    """The host of Keystone, or where this run leaves that alone, a host that reaches it."""
    return next(iter((*whole.having("keystone"), *whole.hosts.values())))


def run(run: RunContext, console: Console) -> verify.VerifyResult:
    """Verifies the cloud; shows each check as it ends, or the whole as JSON."""
    began, hosts, state = time.time(), run.hosts, run.state
    step = verify.build(config(run.cloud), host_of(run.cloud))
    lines: list[str] = []
    failures: list[Event] = []
    shown: set[str] = set()

    def log(_: str, line: str) -> None:
        lines.append(line)
        if console.as_json or not line.startswith('{"'):
            return
        for check in verify.read([line]).checks:
            if check.name not in shown and check.state in ("ok", "failed", "skipped"):
                shown.add(check.name)
                if console.verbosity < 0 and check.state != "failed":
                    continue
                console.show("\n".join(verify.check_text(check)))

    def emit(event: Event) -> None:
        if event.kind == "failed":
            failures.append(event)

    plan = Plan((step,), (step.host,), run.answers.secret_texts(), direct=planner.reached_directly(run.cloud))
    with (
        journal.open_journal(state.make()) as kept,
        report.at_work(report.newest(state)),
        console.busy("verifying the cloud"),
    ):
        executor.run(plan, hosts.connect, kept, emit, log=log)
    result = verify.read(lines)
    state.write("verify.json", json.dumps({"began": began, "at": time.time(), **result.to_json()}, indent=1) + "\n")
    report.refresh(state)
    console.result({"verification": result.to_json()})
    if not console.as_json:
        console.show(verify.verdict(result))
        if not result.complete:
            for event in failures:
                console.show(live.failure_block(event))
    return result


def holds(plan: Plan, state: StateDir) -> dict[str, Any] | None:
    """The kept result of the last proof, where all of the plan was done before it and nothing since; else None."""
    try:
        found = json.loads(state.read("verify.json") or "null")
        at = float(found["at"]) if found and found["ok"] is True else 0.0
    except (ValueError, KeyError, TypeError):
        return None
    digests = plan.digests()
    with journal.open_journal(state.folder, exclusive=False) as kept:
        last = {step.id: kept.last(step.id) for step in plan.steps}
    done = all(r is not None and r.ok and r.digest == digests[s] and r.at <= at for s, r in last.items())
    return dict(found) if at and done else None


def still_holds(plan: Plan, state: StateDir, console: Console) -> bool:
    """Whether the last verification still holds, so that the cloud need not be verified again; reports it."""
    if (found := holds(plan, state)) is None:
        return False
    console.result({"verification": found})
    if not console.as_json:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(found["at"]))
        console.show(f"No changes, and all components are healthy. The cloud was verified on {when};")
        console.show("`stackwright verify` verifies it again.")
    return True


__all__ = ["config", "holds", "host_of", "run", "still_holds"]
