"""When a limit is reached is read off the steps that are left: a weekend without cost brings no breach."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from domain.budgets import Budget, define, foresee
from domain.scope import ScopeFilter
from domain.windows import DAY, MINUTE

if TYPE_CHECKING:
    from domain.budgets.foresight import Foreseen

MONDAY = 1_793_577_600  # 2026-11-02
FIRST = MONDAY - DAY


def budget(limit: int, **body: object) -> Budget:
    found = define(ScopeFilter(()), {"limit": str(limit), **body}, "USD")
    assert isinstance(found, Budget)
    return found


def weekdays_at_ten(of: Budget, until: int, spent: int) -> Foreseen:
    steps = {
        until - back * DAY: Decimal(10 if datetime.fromtimestamp(until - back * DAY, UTC).weekday() < 5 else 0)
        for back in range(1, 57)
    }
    found = foresee(of, of.period_at(until), Decimal(spent), until, steps)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("missing", "day"),
    [(5, "2026-11-12"), (15, "2026-11-13"), (25, "2026-11-16"), (45, "2026-11-18"), (-5, "2026-11-12")],
)
def test_the_day_of_the_breach_knows_weekends(missing: int, day: str) -> None:
    thursday = MONDAY + 10 * DAY
    found = weekdays_at_ten(budget(80 + missing), thursday, 80)
    assert found.breach is not None
    assert datetime.fromtimestamp(found.breach, UTC).strftime("%Y-%m-%d") == day


def test_a_limit_that_is_not_reached_has_no_day() -> None:
    assert weekdays_at_ten(budget(1000), MONDAY + 10 * DAY, 80).breach is None


@pytest.mark.parametrize(("period", "whole"), [("month", 210), ("quarter", 440)])
def test_a_period_is_foreseen_to_its_end(period: str, whole: int) -> None:
    """From 2026-11-12 on there are 13 weekdays left in November, and 36 until the year ends."""
    thursday, left = MONDAY + 10 * DAY, {"month": 130, "quarter": 360}[period]
    found = weekdays_at_ten(budget(10_000, period=period), thursday, 80)
    assert whole == left + 80
    assert float(found.mean) == pytest.approx(whole, rel=0.01)
    assert found.lower <= found.mean <= found.upper


def test_the_end_of_a_day_is_foreseen_by_the_hours_before() -> None:
    of = budget(10_000, period="day")
    noon = MONDAY + DAY // 2
    steps = {noon - back * 3600: Decimal(1 + (12 - back) % 24 // 12) for back in range(1, 193)}
    found = foresee(of, of.period_at(noon), Decimal(12), noon - MINUTE, steps)
    assert found is not None
    assert float(found.mean) == pytest.approx(12 + 1 + 24, rel=0.1)
