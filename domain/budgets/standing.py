"""Which period of a budget is the one to look at: the one of now, or of the history that is being played.

A budget that was just set stands in the period that holds the clock. Spend moves it to the newest period
that has any (one that has begun, if there is one: a sender's clock may be years ahead). A period that is
not over by the clock stands until its end; then the next one takes over, with or without spend. A period
that was over when its spend came (history) stands until a newer one has spend.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from domain.budgets.definition import Budget
    from domain.periods import Period


class Standing(msgspec.Struct, frozen=True, array_like=True):
    """The period that starts at `start`, until the clock says `until` (None: whatever it says).

    `earned` once spend has chosen it.
    """

    start: int
    until: int | None
    earned: bool


def begin(budget: Budget, now: int) -> Standing:
    """Stand in the period of now."""
    period = budget.period_at(now)
    return Standing(period.start, period.end, earned=False)


def move(standing: Standing, period: Period, now: int) -> Standing:
    """Look at a period that has spend, unless there is a better one."""
    if standing.earned and _rank(standing.start, now) > _rank(period.start, now):
        return standing
    return Standing(period.start, period.end if now < period.end else None, earned=True)


def roll_over(standing: Standing, budget: Budget, now: int) -> Standing:
    """Go on to the period of now when the clock has ended the one before."""
    if standing.until is None or now < standing.until:
        return standing
    period = budget.period_at(now)
    return Standing(period.start, period.end, standing.earned)


def _rank(start: int, now: int) -> tuple[bool, int]:
    return start <= now, start
