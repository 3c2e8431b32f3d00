"""Plans and clouds as text for people, and a plan as a folder of the files that would be uploaded."""

from __future__ import annotations

import dataclasses
import json
import os
import shlex
import textwrap
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackwright.executor import puppet
from stackwright.model import (
    Action,
    ExitCode,
    Plan,
    Probe,
    PuppetApply,
    Run,
    StackwrightError,
    Step,
    Upload,
)
from stackwright.output.live import duration

if TYPE_CHECKING:
    from stackwright.answers.changes import ChangedAnswer
    from stackwright.operations.expectation import Expectation, Need
    from stackwright.operations.health import HostStatus
    from stackwright.state.directory import StateDir
    from stackwright.state.snapshots import Change, Difference

_WIDTH = 80
"""Columns of a terminal of the usual size."""


def _action(action: Action) -> str:
    match action:
        case Upload(files):
            secret = sum(f.secret for f in files)
            return f"put {len(files)} files there" + (f", {secret} of them secret" if secret else "")
        case Run(name):
            return f"run the script {name}"
        case PuppetApply(name, components=components):
            return f"apply the catalog {name}: {', '.join(components)}"
        case Probe(capability):
            return f"wait until {capability} answers"


def text(plan: Plan) -> str:
    """The plan, step by step."""
    out = [f"OpenStack {plan.summary.get('release', '')} on {', '.join(plan.hosts)}"]
    for step in plan.steps:
        before = (*step.needs, *step.after)
        after = f"  (after {', '.join(before)})" if before else ""
        out.append(f"\n{step.id}: {step.title}{after}")
        probes = [a for a in step.actions if isinstance(a, Probe)]
        out += [f"  - {_action(a)}" for a in step.actions if not isinstance(a, Probe)]
        if probes:
            out.append(f"  - wait until these answer: {', '.join(p.capability for p in probes)}")
    for host, opened in plan.summary.get("ports", {}).items():
        out += [f"\n{host} is open at:", *(f"  {line}" for line in opened)]
    return "\n".join(out)


def data(plan: Plan, found: Difference, answers: Iterable[ChangedAnswer] = ()) -> dict[str, Any]:
    """The plan for machines: every step with what it waits for, why it would be done (`unchanged`: it is not), and
    the settings that would change, secrets masked; when something was applied last (seconds since the epoch, or null);
    the ports that would be open; and the answers that changed since the last run, with what they touch."""
    todo = {change.step: change for change in found.todo}
    return {
        "release": plan.summary.get("release", ""),
        "applied": found.at or None,
        "steps": [
            {
                "step": step.id,
                "host": step.host,
                "title": step.title,
                "after": [*step.needs, *step.after],
                "why": todo[step.id].why if step.id in todo else "unchanged",
                "changes": [dataclasses.asdict(c) for c in todo[step.id].changes] if step.id in todo else [],
            }
            for step in plan.steps
        ],
        "gone": {host: list(names) for host, names in found.gone.items()},
        "answers": [dataclasses.asdict(one) for one in answers],
        "ports": {host: list(opened) for host, opened in plan.summary.get("ports", {}).items()},
    }


def _contents(step: Step) -> Iterable[tuple[str, bytes]]:
    for number, action in enumerate(step.actions):
        match action:
            case Upload(files):
                for file in files:
                    yield f"files{file.path}", file.content
            case Run(name, script):
                yield f"{number}-{name}.sh", script.encode()
            case PuppetApply(name):
                for member, content, _ in puppet.inputs(action):
                    yield f"{number}-{name}/{member}", content
            case Probe(capability, script):
                yield f"{number}-{capability}.probe.sh", script.encode()


def files(plan: Plan) -> Iterable[tuple[str, bytes]]:
    """The files that would be uploaded: contents by path; each step has its own folder."""
    for step in plan.steps:
        for name, content in _contents(step):
            yield f"{step.id.replace(':', '/')}/{name.replace(' ', '-')}", content


def write(plan: Plan, folder: Path) -> None:
    """Writes the files that would be uploaded into a folder per step: folders 0700, files 0600, because they contain
    passwords. Raises StackwrightError if `folder` is not an empty or new folder."""
    if folder.exists() and not folder.is_dir():
        raise StackwrightError(f"{folder} is no folder", "name one that is not there yet", ExitCode.USAGE)
    if folder.is_dir() and any(folder.iterdir()):
        raise StackwrightError(f"{folder} is there already, and not empty", "name another folder", ExitCode.USAGE)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, content in files(plan):
            path = folder / name
            for parent in reversed(path.relative_to(folder).parents):
                (folder / parent).mkdir(mode=0o700, exist_ok=True)  # with parents=True they would be open to all
            _private(path, content)
        _private(folder / "digests.json", json.dumps(plan.digests(), indent=1, sort_keys=True).encode() + b"\n")
    except OSError as error:
        raise StackwrightError(f"{folder} cannot be written: {error.strerror}", "", ExitCode.ENVIRONMENT) from None


def _private(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        out.write(content)


_NAMES = {"amqp": "RabbitMQ", "cache": "memcached", "mariadb": "MariaDB", "provision": "demo project"}
"""Services that are called otherwise than their records with a capital letter."""


def expected(found: Expectation, release: str) -> str:
    """What one gets, and what it costs: the end of `check` and `plan`."""
    names = [_NAMES.get(name, name.replace("_", " ").capitalize()) for name in found.services]
    rows = [("services", ", ".join(names))]
    if found.dashboard:
        rows.append(("dashboard", found.dashboard))
    if keystone := found.endpoints.get("keystone"):
        rows.append(("identity API", f"{keystone}/v3"))
    if found.networks:
        rows.append(("networks", ", ".join(found.networks)))
    alike: dict[Need, list[str]] = {}
    for host, need in found.hosts.items():
        alike.setdefault(need, []).append(host)
    for need, hosts in alike.items():
        size = [_gib(each) for each in (need.download, need.packages + need.data, need.memory)]
        each = "each " if len(hosts) > 1 else ""
        rows.append(("needs", f"{_several(hosts)}: {each}{size[0]} download, {size[1]} disk, {size[2]} memory"))
    if not found.seconds:
        rows.append(("takes", "no time: all steps are done"))
    elif found.measured:
        rows.append(("takes", f"about {_rough(found.seconds)}, as in earlier runs"))
    else:
        rows.append(("takes", f"about {_rough(found.seconds)} with two processors per host, more with a slow mirror"))
    lines = [_row(name, value) for name, value in rows]
    return "\n".join([f"what you get: OpenStack {release}", *lines])


_STEPS = {"check": "validate answers and hosts", "plan": "show what apply would do", "apply": "install the cloud"}


def following(commands: Iterable[str], files: Iterable[str]) -> str:
    """The commands that come next, with the answer files."""
    words = " ".join(f"-a {shlex.quote(file)}" for file in files)
    lines = [(f"  stackwright {command} {words}", _STEPS[command]) for command in commands]
    width = max(len(line) for line, _ in lines)
    fits = all(width + len(f"  # {does}") <= _WIDTH for _, does in lines)
    return "\n".join(["next:", *(f"{line:<{width}}  # {does}" if fits else line for line, does in lines)])


def _row(name: str, value: str) -> str:
    """A name and its value, broken at words."""
    return textwrap.fill(
        value, _WIDTH, initial_indent=f"  {name + ':':<14} ", subsequent_indent=" " * 17, break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"


def _rough(seconds: float) -> str:
    """A time without false precision."""
    return f"{max(1, round(seconds / 60))} min" if seconds >= 60 else "1 min"


_SUSPECTS = 8
"""Maximum number of changed answers that are named after a failure."""


def summary(
    plan: Plan, files: Iterable[Path], log: Path, report: Path | None, *, proved: bool, authority: Path | None = None
) -> str:
    """The summary after an installation: URLs, credentials, next steps. `authority` is the path of the CA certificate
    that browsers need to trust the dashboard."""
    rows = [("", f"OpenStack {plan.summary['release']} is installed" + (" and verified." if proved else "."))]
    if dashboard := plan.summary.get("dashboard"):
        rows.append(("dashboard", str(dashboard)))
        if authority and str(dashboard).startswith("https:"):
            rows.append(("trusted with", f"{authority} (import it into the browser)"))
    if keystone := plan.summary.get("endpoints", {}).get("keystone"):
        rows.append(("identity API", f"{keystone}/v3"))
    if unsigned := plan.summary.get("unsigned"):
        rows.append(("unsigned", f"packages without a signature were allowed by {', '.join(unsigned)}"))
    called = {"clouds.yaml": "clouds.yaml", "stackwright.lock": "lock"}
    rows += [(called.get(path.name, "log in with"), str(path)) for path in files]
    rows.append(("on the node", "/root/keystonerc_admin"))
    rows.append(("log", str(log)))
    if report:
        rows.append(("report", str(report)))
    return "\n" + "\n".join(f"{name + ':':<14} {value}" if name else value for name, value in rows)


def not_installed(changed: Sequence[str], log: Path, report: Path | None) -> str:
    """The last lines of a run in which a step failed. `changed` are the keys of answers that changed since the last
    successful run: one of them may be the cause."""
    lines = [""]
    if changed:
        more = f" and {len(changed) - _SUSPECTS} more" if len(changed) > _SUSPECTS else ""
        lines.append(f"changed since the last good run: {', '.join(changed[:_SUSPECTS])}{more}")
    lines.append(f"log: {log}")
    if report:
        lines.append(f"report: {report}")
    lines.append("Fix the problem, then run the same command again; finished steps are skipped.")
    return "\n".join(lines)


def not_verified(verdict: str, log: Path, answer_files: Iterable[Path]) -> str:
    """The last lines of a run whose verification failed: what failed, and what to do."""
    again = " ".join(["stackwright verify", *(f"-a {shlex.quote(str(path))}" for path in answer_files)])
    return f"""
{verdict} The cloud is installed, but not verified.
The failed checks above show what the services logged; everything else is in {log}
After a repair, verify again: {again}"""


def first_instance(image: str, user: str, sources: Iterable[str]) -> str:
    """The commands that boot a first instance of the demo project and log in to it. They run on the host that has the
    clients; `user` is the one of the image, and `sources` are the networks that its security group accepts SSH from."""
    return f"""
your first instance: stackwright launch
or with the openstack command, on the node:
  source /root/keystonerc_demo
  openstack keypair create first > first.pem && chmod 600 first.pem
  openstack server create --image {shlex.quote(image)} --flavor m1.tiny --network private --key-name first --wait first
  address=$(openstack floating ip create public -f value -c floating_ip_address)
  openstack server add floating ip first $address
  ssh -i first.pem {user}@$address
instances accept ping and SSH from {", ".join(sources) or "nowhere"} (CONFIG_PROVISION_DEMO_SSH_FROM)"""


def changed(answers: Iterable[ChangedAnswer]) -> str:
    """The answers that changed since the last run, and what each affects."""
    out = ["answers that changed since the last run:"]
    for one in answers:
        secret = one.before == one.after
        out.append(
            f"  {one.key}: {one.before or '(empty)'} -> {'another secret' if secret else one.after or '(empty)'}"
        )
        if one.begun:
            out.append("    an earlier run started to change it and did not finish")
        if one.components:
            out.append(f"    touches {_several(one.components)}" + (f" on {_several(one.hosts)}" if one.hosts else ""))
        elif one.hosts:
            out.append(f"    touches {_several(one.hosts)}")
        if one.why:
            out.append(f"    {'cannot change' if one.refused else 'note'}: {one.why}")
    return "\n".join(out)


def _several(names: Sequence[str]) -> str:
    return ", ".join(names[:_FEW]) + (f" and {len(names) - _FEW} more" if len(names) > _FEW else "")


def difference(found: Difference) -> str:
    """What a plan would change, by host, component and setting."""
    when = _when(found.at)
    if not found.todo:
        return f"no changes: all {len(found.kept)} steps are unchanged since they were applied ({when})"
    out = [f"compared with the last run ({when}): {len(found.todo)} steps to do, {len(found.kept)} unchanged"]
    for host in dict.fromkeys(step.host for step in found.todo):
        steps = [s for s in found.todo if s.host == host]
        out.append(f"\n{host}")
        for why, words in _WHY.items():
            names = [s.step.removeprefix(f"{host}:") for s in steps if s.why == why]
            if names:
                out.append(f"  {words}: {', '.join(names)}")
        changes = list(dict.fromkeys(c for s in steps for c in s.changes))
        for component in dict.fromkeys(c.component for c in changes):
            out.append(f"  {component or 'the host itself'}")
            for change in changes:
                if change.component == component:
                    out += _change(change)
    for host, components in found.gone.items():
        out.append(f"\n{host}\n  no longer in the plan, stays installed: {', '.join(components)}")
    return "\n".join(out)


_WHY: dict[str, str] = {
    "new": "new",
    "changed": "changed",
    "follows": "again, because a step before them changed",
    "failed": "failed last time",
    "unknown": "changed; the settings applied before are not known here",
}


def _change(change: Change) -> list[str]:
    if change.lines:
        return [f"    {change.name}", *(f"      {line}" for line in change.lines)]
    return [f"    {change.name}: {change.before or '(none)'} -> {change.after or '(none)'}"]


def _when(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))


def status(hosts: Sequence[HostStatus], proof: Mapping[str, Any] | None, state: StateDir, now: float) -> str:
    """What is installed on which host, what runs, and what is wrong. With many hosts, healthy hosts have one line each
    and come last."""
    healthy = sum(host.healthy for host in hosts)
    out = [f"{len(hosts)} host{'s' if len(hosts) != 1 else ''}, {healthy} healthy  ({state.folder})"]
    few = len(hosts) <= _FEW
    for host in sorted(hosts, key=lambda h: h.healthy):
        out += _host(host, now, whole=few or not host.healthy)
    if proof:
        out.append(f"last verification {_when(proof['at'])}: {'passed' if proof['ok'] else 'FAILED'}")
    else:
        out.append("not verified yet")
    return "\n".join(out)


_FEW = 8


def _host(host: HostStatus, now: float, *, whole: bool) -> list[str]:
    works = [c.name for c in host.components if c.works]
    fails = [c for c in host.components if c.works is False]
    plain = [c.name for c in host.components if c.works is None]
    if not whole:
        return [f"{host.host}: healthy, {len(host.components)} components"]
    out = [f"\n{host.host}" + ("" if host.asked else ": not asked")]
    rows: list[tuple[str, str]] = [("UNREACHABLE", line) for line in host.problem.splitlines()[:1]]
    rows += [("held by", host.held_by)] if host.held_by else []
    for run in host.running:
        name = run.name.rpartition(".")[0].removeprefix(f"{host.host}:")
        quiet = duration(max(0, now - run.last_output))
        rows.append(("running", f"{name} for {duration(max(0, now - run.started))}, last output {quiet} ago"))
    rows += [("FAILED", f"{c.name}: {c.said}") for c in fails]
    rows += [("works", ", ".join(works))] if works else []
    rows += [("installed", ", ".join(plain))] if plain else []
    for step in host.steps:
        if step.state == "failed":
            rows.append(("not done", f"{step.title}: failed {_when(step.at)}: {step.cause}"))
    if waiting := [s.title for s in host.steps if s.state == "waiting"]:
        rows.append(("not begun", "; ".join(waiting)))
    return [*out, *(f"  {name:<11} {text}" for name, text in rows)]
