"""Budgets of a chaos run: which thresholds they must cross follows from what the traffic costs."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.live.chaos.oracle import Expected

THRESHOLDS: Final = (Decimal("0.7"), Decimal("0.85"), Decimal(1))
# What the whole period comes to, as a share of the limit: three, two, one and no thresholds are crossed.
SHARES: Final = (Decimal("1.3"), Decimal("0.9"), Decimal("0.75"), Decimal("0.5"))
DAY: Final = "2026-11-02"


class Budget(NamedTuple):
    """A limit for a tenant, or for everybody together (None), by month or by day, in UTC."""

    tenant: str | None
    period: str
    limit: Decimal

    @property
    def scope(self) -> str:
        """Whose spend is limited."""
        return "all" if self.tenant is None else f"tenant={self.tenant}"


class Crossing(NamedTuple):
    """A threshold that must be crossed."""

    scope: str
    period: str
    start: str
    threshold: Decimal


def budgets(expected: Expected) -> list[Budget]:
    """Return budgets for eight tenants: by turns monthly and daily, and by turns crossed three times to not at all.

    A ninth one, for everybody, is daily and crossed three times.
    """
    found = []
    for number in range(9):
        tenant, period = f"tenant-{number}" if number < 8 else None, ("day", "month")[number % 2]
        spent = expected.spent(tenant, DAY if period == "day" else None)
        limit = (spent / SHARES[number // 2 % 4]).quantize(Decimal("0.01"), ROUND_HALF_EVEN)
        found.append(Budget(tenant, period, limit))
    return found


def toml(limits: list[Budget]) -> str:
    """Return them as a configuration."""
    return "".join(
        f'\n[[budgets]]\nscope = "{budget.scope}"\nlimit = "{budget.limit}"\nperiod = "{budget.period}"\n'
        for budget in limits
    )


def crossings(limits: list[Budget], expected: Expected) -> Iterator[Crossing]:
    """Yield the thresholds that are crossed in the end, by budget and period."""
    days = sorted({cell.hour[:10] for cell in expected.cells})
    for budget in limits:
        periods = days if budget.period == "day" else ["2026-10", "2026-11"]
        for period in periods:
            spent = expected.spent(budget.tenant, period)
            for threshold in THRESHOLDS:
                if spent >= threshold * budget.limit:
                    yield Crossing(budget.scope, budget.period, f"{period:<7}-01"[:10], threshold)
