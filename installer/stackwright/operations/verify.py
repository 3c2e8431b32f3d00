"""Carries the verification to the cloud, shows it as it goes, and keeps its result."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackwright import executor, guest, planner, report, services, verify
from stackwright.model import Answers, Event, ExitCode, Facts, Plan
from stackwright.operations import apply
from stackwright.output import live
from stackwright.planner import tls
from stackwright.planner.steps import certificates
from stackwright.planner.topology import Cloud
from stackwright.state import journal

if TYPE_CHECKING:
    from stackwright.ssh.pool import Hosts
    from stackwright.state.directory import StateDir


def _agents(whole: Cloud) -> tuple[str, ...]:
    """Kinds of Neutron's agents of which there must be one."""
    found = [c.agent for c in services.all_components() if c.agent and whole.has(c.name)]
    if any("l3" in host.roles for host in whole.having("ovn-controller")):
        found.append("OVN Controller Gateway agent")
    return tuple(found)


def config(whole: Cloud, answers: Answers) -> verify.VerifyConfig:
    """What is to be proved of this cloud."""
    demo = bool(answers.get("CONFIG_PROVISION_DEMO"))
    apis = services.asked_apis(whole.has)
    built = planner.builds_image(whole, whole.having("keystone")[0])
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
        ssh_user=guest.USER if built else str(answers["CONFIG_PROVISION_IMAGE_SSH_USER"]),
        external_network="public" if demo else "",
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
    return whole.having("keystone")[0].name


def run(
    answers: Answers, hosts: Hosts, place: StateDir, *, as_json: bool = False, seen: Mapping[str, Facts] | None = None
) -> int:
    """Proves the cloud; prints each check as it ends, or the whole as JSON. Returns the exit code."""
    began = time.time()
    seen = seen or apply.look(hosts, planner.all_hosts(answers), answers)
    whole: Cloud = planner.cloud(answers, seen)
    step = verify.build(config(whole, answers), host_of(whole))
    lines: list[str] = []
    failures: list[Event] = []
    shown: set[str] = set()

    def log(_: str, line: str) -> None:
        lines.append(line)
        if as_json or not line.startswith('{"'):
            return
        for check in verify.read([line]).checks:
            if check.name not in shown and check.state in ("ok", "failed", "skipped"):
                shown.add(check.name)
                print("\n".join(verify.check_text(check)), flush=True)

    def emit(event: Event) -> None:
        if event.kind == "failed":
            failures.append(event)

    plan = Plan((step,), (step.host,), answers.secret_texts())
    with journal.open_journal(place.make()) as kept:
        executor.run(plan, hosts.connect, kept, emit, log=log)
    result = verify.read(lines)
    place.write("verify.json", json.dumps({"began": began, "at": time.time(), **result.to_json()}, indent=1) + "\n")
    report.refresh(place)
    if as_json:
        print(json.dumps(result.to_json()))
    else:
        print(verify.text(result)[-1])
        if not result.complete:
            for event in failures:
                print(live.failure_block(event))
    return ExitCode.OK if result.ok else ExitCode.FAILED


def holds(plan: Plan, place: StateDir) -> dict[str, Any] | None:
    """The kept result of the last proof, where all of the plan was done before it and nothing since; else None."""
    try:
        found = json.loads(place.read("verify.json") or "null")
        at = float(found["at"]) if found and found["ok"] is True else 0.0
    except (ValueError, KeyError, TypeError):
        return None
    digests = plan.digests()
    with journal.open_journal(place.folder, exclusive=False) as kept:
        last = {step.id: kept.last(step.id) for step in plan.steps}
    done = all(r is not None and r.ok and r.digest == digests[s] and r.at <= at for s, r in last.items())
    return dict(found) if at and done else None


def told_again(plan: Plan, place: StateDir, as_json: bool) -> bool:
    """Tells of the last proof where it still holds, so that the cloud need not be tried again; else False."""
    if (found := holds(plan, place)) is None:
        return False
    if as_json:
        print(json.dumps(found))
    else:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(found["at"]))
        print(f"Nothing was to do, and every component answers. The cloud was proved to work on {when};")
        print("`stackwright verify` tries it again.")
    return True


__all__ = ["config", "holds", "host_of", "run", "told_again"]
