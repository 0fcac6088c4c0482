"""The table of a chaos run, for the terminal and for the README."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.live.chaos.run import Outcome

# The property of a test's report that is its line of the table.
ROW: Final = "endured"
HEAD: Final = (
    "| fault | times | events | lost | double | recovered within | worker |",
    "|---|---|---|---|---|---|---|",
)


def row(outcome: Outcome) -> str:
    """Return a line of a Markdown table: fault, times, events, lost, double, longest recovery, memory."""
    within = f"{max(outcome.recoveries):.1f} s" if outcome.recoveries else ""
    return (
        f"| {outcome.fault} | {outcome.times} | {outcome.events:,} | {outcome.lost} | {outcome.double} | {within} "
        f"| {outcome.peak_mb} MB |"
    )


def table(rows: Iterable[str]) -> list[str]:
    """Return the lines of the table."""
    return [*HEAD, *rows]
