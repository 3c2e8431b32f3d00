"""A run as plain text: a bug report, and a table of what took longest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stackwright.output.live import duration
from stackwright.report.advice import given, lead, verdict
from stackwright.report.profile import by_kind, critical_path, slowest
from stackwright.report.run import RunReport

_MOST_ANSWERS = 40
_MOST_LINES = 15


def digest(report: RunReport) -> str:
    """The text of a bug report: title, steps to repeat, expected, seen, logs, environment."""
    about = report.about
    where = sorted({str(host.get("os", "")) for host in report.hosts.values()} - {""})
    title = verdict(report) + (f" on {', '.join(where)}" if where else "")
    title += "".join(f": {step.failure.get('cause') or step.title}" for step in report.failures[:1])
    out = [f"Title: {title}", "", "Steps to repeat:"]
    if report.bundle:
        out.append("  stackwright bundle reproduce FILE, with the bundle of this run:")
        out.append(f"  {report.bundle.get('file', '')} {report.bundle.get('digest', '')}")
    else:
        out.append(f"  stackwright apply {given(report, short=True)}")
    out.append(f"  plan: {len(report.steps)} steps on {', '.join(report.hosts) or 'no host'}")
    if about.get("digest"):
        out.append(f"  digest of the plan: {about['digest']}")
    if answers := about.get("answers"):
        out.append("  answers that differ from the defaults:")
        out += [f"    {key}={value}" for key, value in list(answers.items())[:_MOST_ANSWERS]]
        if len(answers) > _MOST_ANSWERS:
            out.append(f"    and {len(answers) - _MOST_ANSWERS} more")
    out += ["", "Expected:", "  all steps succeed, and the verification passes", "", "Seen:", f"  {lead(report)}"]
    for step in report.failures:
        out.append(f"  {step.host}: {step.title or step.step}: failed after {duration(step.seconds)}")
        out.append(f"    {step.failure.get('cause') or ''}")
        out += [f"    {line}" for line in (step.failure.get("lines") or ())[-_MOST_LINES:]]
    for check in report.failed_checks:
        out.append(f"  {check.title} ({check.service}): {check.state}: {check.detail}")
    out += _tempest(report)
    out += [f"  {title}: {line}" for title, line in report.not_as_locked[:10] if report.afterwards.get("locked")]
    out += [f"  SELinux on {host}: {line}" for host, line in report.denials[:10]]
    out += [f"  warning: {warning}" for warning in report.warnings[:10]]
    if logs := list(_logs(report)):
        out += ["", "Logs:", *logs]
    out += ["", "Environment:", f"  stackwright {about.get('version', '')} on {about.get('control', '')}"]
    out += [f"  {name}: {', '.join(machine(host))}" for name, host in report.hosts.items()]
    return "\n".join(line.rstrip() for line in out) + "\n"


def _tempest(report: RunReport) -> list[str]:
    if not report.tempest:
        return []
    found = report.tempest
    failed = found.get("failed") or ()
    out = [f"  Tempest ({found.get('scenario', '')}): {found.get('passed', 0)} passed, {len(failed)} failed"]
    for one in failed[:10]:
        out += [f"    {one['test']}", *(f"      {line}" for line in (one.get("lines") or ())[-5:])]
    out += [f"    unexpected pass: {one['test']}" for one in found.get("mended") or ()]
    return out


def _logs(report: RunReport) -> list[str]:
    out: list[str] = []
    for step in report.failures:
        if lines := step.failure.get("log"):
            out.append(f"  {step.failure.get('service') or 'the service'} on {step.host}:")
            out += [f"    {line}" for line in lines[-_MOST_LINES:]]
    for check in report.failed_checks:
        if check.lines:
            out.append(f"  {check.service}, {check.log}:")
            out += [f"    {line}" for line in check.lines[-_MOST_LINES:]]
    return out


def machine(host: Mapping[str, Any]) -> list[str]:
    """A host in short: operating system, kernel, size."""
    memory = int(host.get("memory") or 0)
    parts = [
        host.get("os"),
        host.get("arch"),
        host.get("kernel") and f"kernel {host['kernel']}",
        host.get("cpus") and f"{host['cpus']} CPUs",
        memory and f"{memory / 2**30:.0f} GiB",
        host.get("virtualization") != "none" and host.get("virtualization"),
        host.get("selinux") and f"SELinux {host['selinux']}",
    ]
    return [str(part) for part in parts if part]


def slowest_table(report: RunReport, most: int) -> str:
    """The critical path, time by kind of work, and the slowest parts, as columns."""
    path = critical_path(report)
    out = []
    if not any(step.state in ("ok", "failed") for step in report.steps.values()):
        out += ["This run changed nothing: the times are those of earlier runs.", ""]
    if path:
        out.append(f"critical path, {duration(report.seconds)} in total:")
        for link in path:
            host = f"{link.host}: " if link.host else ""
            waited = f"  (after waiting {duration(link.waited)})" if link.waited >= 1 else ""
            out.append(f"{link.seconds:9.1f} s  {host}{link.name}{waited}")
        out += ["", "by kind of work, along that path:"]
        out += [f"{seconds:9.1f} s  {kind}" for kind, seconds in by_kind(report).items() if seconds >= 0.05]
        out.append("")
    out.append("slowest:")
    found = slowest(report, most)
    kinds = max((len(slow.kind) for slow in found), default=0)
    out += [f"{slow.seconds:9.1f} s  {slow.kind:<{kinds}}  {slow.host}: {slow.name}" for slow in found]
    return "\n".join(out)
