"""A test may skip only for a reason on this list: the environment that constraints.txt pins lacks no oracle."""

from __future__ import annotations

import pytest

EXPECTED = (
    "no real data here",
    "no Chromium",
    "no onnxruntime-web here",
    "no systemd-analyze",
    "/proc",
    "no /dev/full here",
    "no sha256sum here",
    "git is not installed",
    "could not import 'resource'",
    "could not import 'fcntl'",
    "Spark needs Java",
    "could not import 'pyspark",
)
"""Parts of the reasons: what depends on the machine, not on installed packages."""

_unexpected: list[str] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _note(report)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    _note(report)


def _note(report: pytest.TestReport | pytest.CollectReport) -> None:
    if not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if not any(expected in reason for expected in EXPECTED):
        _unexpected.append(f"{report.nodeid}: {reason}")


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail the run; under xdist the controller decides, to which the workers' reports come."""
    if _unexpected and not hasattr(session.config, "workerinput") and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in dict.fromkeys(_unexpected):
        terminalreporter.write_line(f"unexpected skip: {line} (expected ones: tests/skips.py)", red=True)
