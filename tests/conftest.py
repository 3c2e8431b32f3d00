"""For all tests: the same process environment however pytest was started, and no silent skips with CI=true."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from typing import Any

import hypothesis
import pytest

hypothesis.settings.register_profile(
    "busy machine",
    parent=hypothesis.settings(),
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("busy machine")  # a slow example is no failure: tests assert nothing on times


def _start_as_usual() -> None:
    """Gives tests what a login shell gives: signals that are heard, umask 022, UTF-8.

    A shell starts a job in the background with SIGINT and SIGQUIT ignored, and nohup ignores SIGHUP. Programs inherit
    that, so a test that presses Ctrl-C would wait for ever. pytest itself goes on ignoring SIGHUP's default action, the
    end of the process: what nohup was asked for.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, action in ((signal.SIGQUIT, signal.SIG_DFL), (signal.SIGHUP, lambda *_: None)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, action)
    os.umask(0o022)
    for name in [name for name in os.environ if name in ("LANG", "LANGUAGE") or name.startswith("LC_")]:
        del os.environ[name]
    os.environ["LC_ALL"] = "C.UTF-8"


_start_as_usual()

ALLOWED_SKIPS: tuple[str, ...] = (
    "root may write anywhere",  # about folders that cannot be written; CI is root
    "this machine has no IPv6",  # one connection over it; all else of IPv6 is about values
    "the corpus is not here",  # an extra; tests/data/answer-quirks has the same quirks
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
