"""The result of a run in one sentence, and the next steps."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stackwright.output.live import duration
from stackwright.platforms import PLATFORMS
from stackwright.report.anonymize import is_neutral
from stackwright.report.run import RunReport


def given(report: RunReport, *, short: bool = False) -> str:
    """How commands name the answer files of the run: `-a cloud.answers`. `short` leaves out the folders."""
    files = [str(file) for file in report.about.get("answer_files") or ()]
    if not files or not all(file.isprintable() and "`" not in file and not is_neutral(file) for file in files):
        return "-a FILE"
    return " ".join(f"-a {shlex.quote(Path(file).name if short else file)}" for file in files)


def documentation(report: RunReport) -> str:
    """The URL of OpenStack's documentation of this release; empty if the release is unknown."""
    wanted = str(report.summary.get("release", ""))
    for known in (release for platform in PLATFORMS for release in platform.releases):
        if wanted and wanted in (known.name, known.series):
            # Since 2023.1, the documentation is kept by number; earlier releases by name.
            return f"https://docs.openstack.org/{known.series if known.series >= '2023.1' else known.name}/"
    return "https://docs.openstack.org/" if wanted == "master" else ""


def explanation(report: RunReport) -> tuple[str, str]:
    """Why the run failed, and what to do about it: the first failure. Empty if nothing failed."""
    for step in report.failures:
        cause = str(step.failure.get("cause") or "unknown cause").removeprefix(f"{step.host}: ")
        return f"{step.host}: {step.title or step.step}: {cause}", str(step.failure.get("hint") or "")
    for check in report.failed_checks:
        where = f"see {check.log}" if check.log else f"see the log of {check.service}"
        return f"{check.title} ({check.service}): {check.detail or 'no details'}", where
    return "", ""


def verdict(report: RunReport) -> str:
    """The result in one sentence."""
    release = report.summary.get("release", "")
    what = f"OpenStack {release}".strip()
    failed = report.failed_checks
    if report.state == "running":
        number = len(report.failures)
        so_far = f"; {number} step{'s' if number > 1 else ''} failed so far" if number else ""
        return f"{what} is being installed{so_far}"
    if report.failures:
        number = len(report.failures)
        return f"{what} is not installed: {number} step{'s' if number > 1 else ''} failed"
    if failed:
        return f"{what} is installed, but {_checks(len(failed))} failed"
    match report.state:
        case "ok" if report.verifying:
            return f"{what} is installed, and is being verified"
        case "ok" if report.proved:
            return f"{what} is installed and verified{_tempest_note(report)}"
        case "ok":
            return f"{what} is installed, but was not verified"
        case "interrupted":
            return f"{what} is not installed yet: the run was interrupted"
        case "failed":
            return f"{what} is installed, but the verification did not finish"
    return f"{what} is not installed: the run did not finish"


def _tempest_note(report: RunReport) -> str:
    """An addition about Tempest, unless it passed as expected."""
    if not report.tempest or (report.tempest.get("ok") and not _unexpected_passes(report)):
        return ""
    if not report.tempest.get("complete", True):
        return "; Tempest did not finish"
    if number := len(report.tempest.get("failed") or ()):
        return f"; {number} of Tempest's tests failed"
    if number := len(_unexpected_passes(report)):
        return f"; {number} known failure{'' if number == 1 else 's'} passed unexpectedly"
    return "; no Tempest test passed"


def lead(report: RunReport) -> str:
    """Duration and number of steps, in one or two sentences."""
    done, kept = report.count("ok"), report.count("kept")
    hosts = len(report.hosts)
    going_on = report.state == "running"
    nothing = "nothing to do" if report.state == "ok" else "nothing done yet" if going_on else "nothing done"
    out = [f"{_steps(done)} done" if done else nothing]
    if kept:
        out.append(f"{kept} unchanged" if done else f"{_steps(kept)} unchanged")
    for state in ("failed", "skipped", "running", "waiting"):
        if number := report.count(state):
            words = {} if going_on else {"running": "unfinished", "waiting": "not started"}
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


def _unexpected_passes(report: RunReport) -> list[Mapping[str, Any]]:
    """Tests that are listed as known failures, but passed."""
    return list(report.tempest.get("mended") or ())


def _tempest(report: RunReport) -> list[str]:
    """The next steps after failures of Tempest, if nothing else failed."""
    if not report.tempest or report.tempest.get("ok") or report.failed_checks:
        return []
    if not report.tempest.get("complete", True):
        return [f"Find out why Tempest did not finish, then run it again: `stackwright test {given(report)}`."]
    failed = [str(one["test"]) for one in report.tempest.get("failed") or ()]
    return [
        f"Find out why {failed[0] if failed else 'no test'} {'failed' if failed else 'passed'}; its output is below.",
        "If that is a bug in OpenStack, list it as a known failure with a link: `stackwright test --known LIST`.",
        f"To report it, send the text below with a bundle: `stackwright bundle create {given(report)}`.",
        *_remove_from_list(report),
    ]


def _remove_from_list(report: RunReport) -> list[str]:
    return [f"Remove {one['test']} from the list of known failures; it passes." for one in _unexpected_passes(report)]


def next_steps(report: RunReport) -> list[str]:
    """What to do next; commands are in backquotes."""
    out: list[str] = []
    if report.state == "running" and not report.failures:
        return ["Wait for the end of the run. Ctrl-C where it was started stops it; the same command continues it."]
    if report.failures:
        for step in report.failures[:3]:
            hint = str(step.failure.get("hint") or "")
            cause = str(step.failure.get("cause") or "")
            out.append(f"{step.host}: {hint}" if hint else f"{step.host}: find out why {cause or step.title} failed")
        when = "When the run has ended, fix" if report.state == "running" else "Fix"
        out.append(f"{when} the problem, then run the same command again; finished steps are skipped.")
        out.append("If it is not the host's fault, report it with the text at the end of this page.")
        return out
    if report.state in ("interrupted", "unfinished"):
        return ["Run the same command again; finished steps are skipped."]
    if out := _tempest(report):
        return out
    if report.failed_checks:
        for check in report.failed_checks[:3]:
            where = f"; see {check.log}" if check.log else ""
            out.append(f"{check.service}: find out why this check failed: {check.title}{where}.")
        out.append(f"Then verify the cloud again with `stackwright verify {given(report)}`.")
        return out
    if report.verifying:
        out.append("Wait until the verification ends.")
    elif report.state == "ok" and not report.proved:
        out.append(f"Verify the cloud: `stackwright verify {given(report)}`.")
    if dashboard := report.summary.get("dashboard"):
        where = f"`stackwright dashboard {given(report)}` shows its address" if is_neutral(dashboard) else dashboard
        out.append(f"Open the dashboard, {where}, and log in as admin. Passwords are in /root/keystonerc_admin.")
    if report.summary.get("endpoints"):
        out.append("On the controller: `. /root/keystonerc_admin`, then `openstack catalog list`.")
    if report.denials:
        out.append("Check the SELinux denials below: `audit2why < /var/log/audit/audit.log` shows the reasons.")
    if report.afterwards.get("locked") and report.not_as_locked:
        out.append("Some versions differ from the lock file: see the packages below.")
    if report.state == "ok" and not report.tempest and report.proved:
        out.append(
            f"Run OpenStack's own tests: `stackwright test {given(report)}`; `stackwright test --list` lists scenarios."
        )
    out += _remove_from_list(report)
    if report.warnings:
        out.append(
            f"Check the {len(report.warnings)} warnings below."
            if len(report.warnings) > 1
            else "Check the warning below."
        )
    if not report.bundle:
        out.append(f"To let others reproduce this cloud: `stackwright bundle create {given(report)}`.")
    out.append("To change something, edit the answers and apply them again; only affected steps are repeated.")
    return out
