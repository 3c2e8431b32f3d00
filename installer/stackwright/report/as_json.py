"""A run as JSON. Keys are stable; empty values of steps are left out."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from stackwright.report.advice import next_steps, verdict
from stackwright.report.profile import by_kind, critical_path, slowest
from stackwright.report.run import RunReport, StepReport

VERSION = 1
"""Version of the format."""


def as_json(report: RunReport) -> str:
    """The report as JSON. Durations are in seconds, times in seconds since the epoch."""
    path = critical_path(report)
    on_path = {link.step for link in path if link.step}
    data = {
        "stackwright-report": VERSION,
        "verdict": verdict(report),
        "state": report.state,
        "ok": report.state == "ok",
        "proved": report.proved,
        "began": round(report.began, 3),
        "seconds": round(report.seconds, 1),
        "changed": report.changed,
        "steps": [_step(step, step.step in on_path) for step in report.steps.values()],
        "before": [asdict(span) for span in report.before],
        "critical_path": [_rounded(asdict(link)) for link in path],
        "by_kind": {kind: round(seconds, 1) for kind, seconds in by_kind(report).items()},
        "slowest": [_rounded(asdict(slow)) for slow in slowest(report)],
        "checks": [asdict(check) for check in report.checks],
        "proof": _rounded(asdict(report.proof)) if report.proof else None,
        "tempest": report.tempest or None,
        "afterwards": report.afterwards or None,
        "bundle": report.bundle or None,
        "warnings": report.warnings,
        "notes": report.notes,
        "next": next_steps(report),
        **{key: report.about.get(key) for key in ("version", "control", "digest", "hosts", "answers", "summary")},
    }
    return json.dumps(data, indent=1, ensure_ascii=False, default=str) + "\n"


def _step(step: StepReport, critical: bool) -> dict[str, Any]:
    data = {k: v for k, v in _rounded(asdict(step)).items() if v not in ("", [], {}, (), 0.0)}
    return {**data, "critical": critical}


def _rounded(values: dict[str, Any]) -> dict[str, Any]:
    return {k: round(v, 3) if isinstance(v, float) else v for k, v in values.items()}
