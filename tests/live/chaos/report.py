"""The table of a chaos run, for the terminal and for the README."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.live.chaos.run import Outcome


def table(outcomes: Iterable[Outcome]) -> list[str]:
    """Return the lines of a Markdown table: fault, times, events, lost, double, longest recovery, memory."""
    lines = ["| fault | times | events | lost | double | recovered within | worker |", "|---|---|---|---|---|---|---|"]
    for outcome in outcomes:
        within = f"{max(outcome.recoveries):.1f} s" if outcome.recoveries else ""
        lines.append(
            f"| {outcome.fault} | {outcome.times} | {outcome.events:,} | {outcome.lost} | {outcome.double} | {within} "
            f"| {outcome.peak_mb} MB |"
        )
    return lines
