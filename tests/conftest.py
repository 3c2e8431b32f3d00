"""For all tests: with CI=true nothing is skipped in silence."""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import Any

import pytest

ALLOWED_SKIPS: tuple[str, ...] = (
    "root may write anywhere",  # about folders that cannot be written; CI is root
    "this machine has no IPv6",  # one connection over it; all else of IPv6 is about values
)
"""Beginnings of the reasons for which a test may be skipped in CI. Each is a gap in what CI proves: say why it is."""


def _in_ci() -> bool:
    return os.environ.get("CI", "").lower() in {"1", "true", "yes"}


def _reason(report: Any) -> str:
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    return str(report.longrepr)


def _judge(report: Any) -> None:
    """Turns a skip into a failure, unless its reason is on the list."""
    if report.outcome != "skipped" or hasattr(report, "wasxfail") or not _in_ci():
        return
    reason = _reason(report)
    if not any(reason.startswith(allowed) for allowed in ALLOWED_SKIPS):
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    report = yield
    _judge(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, Any]:
    report = yield
    _judge(report)
    return report


def pytest_terminal_summary(terminalreporter: Any) -> None:
    skipped = terminalreporter.stats.get("skipped", ())
    if skipped and _in_ci():
        terminalreporter.section("SKIPPED IN CI", sep="!")
        for report in skipped:
            terminalreporter.write_line(f"{report.nodeid}: {_reason(report)}")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the expected plans anew (tests/plans)")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether expected files are to be written rather than compared."""
    return bool(request.config.getoption("--update-golden"))
