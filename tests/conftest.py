"""What holds for every test: properties try the same examples each time, and no machine is too slow for them.

And what is told after all of them, whichever process ran them: the first process loads this file alone.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

from tests.live.chaos import report

settings.register_profile("costguard", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("costguard")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the table of the faults that were endured."""
    calls = [
        told
        for reports in terminalreporter.stats.values()
        for told in reports
        if isinstance(told, pytest.TestReport) and told.when == "call"
    ]
    if rows := [str(value) for told in calls for name, value in told.user_properties if name == report.ROW]:
        terminalreporter.section("faults endured")
        for line in report.table(rows):
            terminalreporter.write_line(line)
