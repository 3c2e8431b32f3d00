"""The commands for the cloud in an answer file: check, plan, apply, verify, status, logs."""

from __future__ import annotations

import argparse
import contextlib
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from stackwright import executor, planner
from stackwright.answers import Reading
from stackwright.cli import streams
from stackwright.cli.options import (
    access_options,
    answer_options,
    apply_options,
    check_options,
    console,
    required_answers,
)
from stackwright.model import ExitCode
from stackwright.operations import access, apply, expectation, inspection, quickstart, security, status, verify
from stackwright.operations.answers import read_answers, state_of
from stackwright.operations.context import RunContext
from stackwright.operations.options import Console, QuickStartOptions
from stackwright.output import junit, text
from stackwright.ssh.pool import Hosts
from stackwright.state.directory import StateDir, scratch
from stackwright.verify import security as checklist


def run(arguments: argparse.Namespace, command: str) -> int:
    """Runs one of the commands; returns the exit status."""
    given, reach, out = required_answers(arguments, command), access_options(arguments), console(arguments)
    preview = command == "apply" and arguments.dry_run
    resolve = command == "verify" or (command == "apply" and not preview)
    reading = read_answers(given, getattr(arguments, "locked", None), resolve=resolve)
    state = state_of(reading.answers, given.state)
    with contextlib.ExitStack() as cleanup:
        if preview:
            state = cleanup.enter_context(scratch(state))
        hosts = cleanup.enter_context(access.connect(reach, state, note=out.note, preview=preview))
        hosts.public_key = access.public_key(reading.answers, reach, out.note)
        match command:
            case "check":
                inspection.check(reading, hosts, state, check_options(arguments), out)
                return ExitCode.OK
            case "plan":
                return _plan(arguments, reading, hosts, state, out)
            case "verify" if arguments.security:
                return _security(inspection.begin(reading.answers, hosts, state), out)
            case "verify":
                result = verify.run(inspection.begin(reading.answers, hosts, state), out)
                if arguments.junit:
                    junit.write(arguments.junit, result)
                return ExitCode.OK if result.ok else ExitCode.FAILED
            case "status":
                return _status(arguments, reading, hosts, state, out)
            case "logs":
                lines = status.logs(reading.answers, hosts, state, arguments.host, arguments.step, out.note)
                if out.as_json:
                    streams.result({"host": arguments.host, "lines": lines[-arguments.lines :]})
                else:
                    print(*lines[-arguments.lines :], sep="\n", end="\n" if lines else "")
                return ExitCode.OK
        return show(apply.install(reading, hosts, state, apply_options(arguments), out), out)


def install(arguments: argparse.Namespace) -> int:
    """--allinone and --install-hosts; returns the exit status."""
    names = tuple(h.strip() for h in (arguments.install_hosts or "").split(",") if h.strip())
    debian, release = quickstart.debian_and_release(arguments.release, on_node=arguments.lab is not None)
    options = QuickStartOptions(names, arguments.allinone, arguments.lab, debian)
    given, out = answer_options(arguments, release), console(arguments)
    return show(
        quickstart.install(options, given, access_options(arguments), apply_options(arguments), out).result, out
    )


def _plan(arguments: argparse.Namespace, reading: Reading, hosts: Hosts, state: StateDir, out: Console) -> int:
    found = apply.preview(reading, hosts, state, check_options(arguments), out)
    if arguments.out:
        text.write(found.run.plan, arguments.out)
        streams.result({"folder": str(arguments.out)})
        print(f"wrote the plan to {arguments.out} (with passwords: only you can read it)")
    else:
        _show_plan(found, whole=arguments.all, as_json=out.as_json)
        if not out.as_json:
            print(text.following(("apply",), (document.name for document in reading.documents)))
    return ExitCode.OK


def _show_plan(found: apply.Preview, *, whole: bool = False, as_json: bool = False) -> None:
    """Shows the changes that a plan would make; or, if nothing was applied yet, all steps."""
    if as_json:
        streams.result(text.data(found.run.plan, found.difference, found.answers))
        streams.result({"expected": asdict(expectation.expectation(found.run))})
        return
    if found.answers:
        print(streams.fitted(text.changed(found.answers)) + "\n")
    if whole or not found.difference.at:
        print(streams.fitted(text.text(found.run.plan)))
    else:
        print(
            streams.fitted(text.difference(found.difference))
            + "\n\n`stackwright plan --all` shows every step and every open port"
        )
    print("\n" + text.expected(expectation.expectation(found.run), str(found.run.plan.summary.get("release", ""))))


def show(result: apply.Installed | apply.Preview, out: Console) -> ExitCode:
    """Shows the result of an installation; returns its exit status."""
    if isinstance(result, apply.Preview):
        _show_plan(result, as_json=out.as_json)
        if not out.as_json:
            print("\nnothing was changed (--dry-run)")
        return ExitCode.OK
    applied = result.applied
    if out.as_json:
        streams.result(_installed(result))
    if not applied.outcome.ok:
        out.note(text.not_installed([one.key for one in result.changed], applied.log, applied.report))
    elif not out.as_json:
        file = result.run.certificates.file
        authority = Path(file) if file else None
        print(
            text.summary(
                applied.plan, result.files, applied.log, applied.report, proved=result.verified, authority=authority
            )
        )
        if result.code is ExitCode.OK and (first := apply.first_instance(result.run)):
            print(text.first_instance(*first))
        if result.verdict:
            print(text.not_verified(result.verdict, applied.log, result.answer_files))
    return result.code


def _security(context: RunContext, out: Console) -> int:
    items = security.run(context)
    found = security.to_json(items)
    if out.as_json:
        streams.result(found)
    else:
        print("\n".join(checklist.text(items)))
    return ExitCode.OK if found["ok"] else ExitCode.FAILED


def _installed(result: apply.Installed) -> dict[str, Any]:
    """What a program gets of an installation: where everything is."""
    applied, summary = result.applied, result.applied.plan.summary
    return {
        "release": str(summary.get("release", "")),
        "installed": applied.outcome.ok,
        "verified": result.verified,
        "dashboard": str(summary.get("dashboard", "")),
        "endpoints": dict(summary.get("endpoints", {})),
        "files": [str(path) for path in result.files],
        "authority": str(result.run.certificates.file),
        "log": str(applied.log),
        "report": str(applied.report or ""),
        "answers": [str(path) for path in result.answer_files],
        "changed": [one.key for one in result.changed],
    }


def _status(arguments: argparse.Namespace, reading: Reading, hosts: Hosts, state: StateDir, out: Console) -> int:
    with out.busy("asking the hosts"):
        found = status.status(hosts, state, offline=arguments.offline)
    redact = executor.redactor(planner.secrets(reading.answers))  # a failed probe may print anything
    if arguments.json:
        each = [redact(asdict(host)) | {"healthy": host.healthy} for host in found.hosts]
        streams.result({"hosts": each, "verification": found.verification})
    elif not found.hosts:
        lost = "the record of what was applied is missing; run `stackwright apply` to create it again"
        print(f"{lost if found.outdated else 'nothing was applied yet'} ({state.folder})")
    else:
        print(redact(text.status(found.hosts, found.verification, state, time.time())))
    return found.code
