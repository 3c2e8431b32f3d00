"""What a run came to in one sentence, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stackwright.output.live import duration
from stackwright.report.run import RunReport


def verdict(report: RunReport) -> str:
    """One sentence."""
    release = report.summary.get("release", "")
    what = f"OpenStack {release}".strip()
    failed = report.failed_checks
    if report.failures:
        number = len(report.failures)
        return f"{what} is not installed: {number} step{'s' if number > 1 else ''} failed"
    if failed:
        return f"{what} is installed, and {_checks(len(failed))} failed"
    match report.state:
        case "ok" if report.proved:
            return f"{what} is installed and verified{_tried(report)}"
        case "ok":
            return f"{what} is installed, and was not verified"
        case "interrupted":
            return f"{what} is not installed yet: the run was interrupted"
        case "failed":
            return f"{what} is installed, and the verification did not come to its end"
    return f"{what} is not installed: the run was cut off"


def _tried(report: RunReport) -> str:
    """What Tempest adds to that, where it is not simply good."""
    if not report.tempest or (report.tempest.get("ok") and not _mended(report)):
        return ""
    if not report.tempest.get("complete", True):
        return "; Tempest did not come to its end"
    if number := len(report.tempest.get("failed") or ()):
        return f"; {number} of Tempest's tests failed"
    if number := len(_mended(report)):
        return f"; {number} of the known failures {'passes' if number == 1 else 'pass'} now"
    return "; none of Tempest's tests passed"


def lead(report: RunReport) -> str:
    """How long it took, and how much was done, in a sentence or two."""
    done, kept = report.count("ok"), report.count("kept")
    hosts = len(report.hosts)
    nothing = "nothing was to do" if report.state == "ok" else "nothing was done"
    out = [f"{_steps(done)} done" if done else nothing]
    if kept:
        out.append(f"{kept} kept from before" if done else f"{_steps(kept)} kept from before")
    for state in ("failed", "skipped", "running", "waiting"):
        if number := report.count(state):
            words = {"running": "cut off", "waiting": "not begun"}
            out.append(f"{number} {words.get(state, state)}")
    text = f"{duration(report.seconds)} on {hosts} host{'s' if hosts != 1 else ''}: {', '.join(out)}."
    if report.checks:
        passed = sum(check.state == "ok" for check in report.checks)
        text += f" {passed} of {_checks(len(report.checks))} passed."
    return text


def _steps(number: int) -> str:
    return f"{number} step{'s' if number != 1 else ''}"


def _checks(number: int) -> str:
    return f"{number} check{'s' if number != 1 else ''}"


def _mended(report: RunReport) -> list[Mapping[str, Any]]:
    """Tests that are known to fail, and passed."""
    return list(report.tempest.get("mended") or ())


def _tempest(report: RunReport) -> list[str]:
    """What to do about Tempest's failures, where they are what is wrong."""
    if not report.tempest or report.tempest.get("ok") or report.failed_checks:
        return []
    if not report.tempest.get("complete", True):
        return ["See why Tempest did not come to its end, then run it again: `stackwright test -a FILE`."]
    failed = [str(one["test"]) for one in report.tempest.get("failed") or ()]
    return [
        f"See why {failed[0] if failed else 'no test'} {'failed' if failed else 'passed'}: its lines stand below.",
        "If that is a bug of OpenStack's, list it as known to fail, with the link: `stackwright test --known LIST`.",
        "To report it, send the text at the end of this page with a bundle: `stackwright bundle create -a FILE`.",
        *_off_the_list(report),
    ]


def _off_the_list(report: RunReport) -> list[str]:
    return [f"Take {one['test']} off the list of known failures: it passes." for one in _mended(report)]


def next_steps(report: RunReport) -> list[str]:
    """What a person does now. `command` stands in backquotes."""
    out: list[str] = []
    if report.failures:
        for step in report.failures[:3]:
            hint = str(step.failure.get("hint") or "")
            cause = str(step.failure.get("cause") or "")
            out.append(f"{step.host}: {hint}" if hint else f"{step.host}: find out why {cause or step.title} failed")
        out.append("Fix the problem, then run the same command again; finished steps are skipped.")
        out.append("If it is not the host's fault, report it with the text at the end of this page.")
        return out
    if report.state in ("interrupted", "unfinished"):
        return ["Run the same command again; finished steps are skipped."]
    if out := _tempest(report):
        return out
    if report.failed_checks:
        for check in report.failed_checks[:3]:
            where = f", in {check.log}" if check.log else ""
            out.append(f"{check.service}: see what it says{where}: {check.title} failed.")
        out.append("Then prove it again with `stackwright verify -a FILE`.")
        return out
    if report.state == "ok" and not report.proved:
        out.append("Verify the cloud: `stackwright verify -a FILE`.")
    if dashboard := report.summary.get("dashboard"):
        out.append(f"Open the dashboard, {dashboard}, and log in as admin. Passwords are in /root/keystonerc_admin.")
    if report.summary.get("endpoints"):
        out.append("On the controller: `. /root/keystonerc_admin`, then `openstack catalog list`.")
    if report.denials:
        out.append("Look at what SELinux denied, below: `audit2why < /var/log/audit/audit.log` says why.")
    if report.afterwards.get("locked") and report.not_as_locked:
        out.append("It is not all as it was locked: see the packages below.")
    if report.state == "ok" and not report.tempest and report.proved:
        out.append("Let OpenStack's own tests try it: `stackwright test -a FILE`; `stackwright test --list` has more.")
    out += _off_the_list(report)
    if report.warnings:
        out.append(
            f"Look at the warnings below: there are {len(report.warnings)}."
            if len(report.warnings) > 1
            else "Look at the warning below."
        )
    if not report.bundle:
        out.append("To let others repeat this: `stackwright bundle create -a FILE`.")
    out.append("To change something, edit the answers and apply them again: only what they touch is done.")
    return out
