"""How fast a budget burns, and where a straight line leads."""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Context, Decimal
from typing import TYPE_CHECKING, Final

from domain.money import multiply
from domain.windows import MINUTE

if TYPE_CHECKING:
    from domain.periods import Period

# A line through less than a tenth of a period says more about its first day than about its end.
_FORECAST_FROM: Final = 10
# Wide enough for the largest amount over the shortest time; figures here are rounded for people to read.
_WIDE: Final = Context(prec=160)


def rounded(value: Decimal, decimals: int, rounding: str = ROUND_DOWN) -> Decimal:
    """Cut to so many decimals: a ratio of 0.9999999 must not read as 1."""
    return value.quantize(Decimal(1).scaleb(-decimals), rounding, _WIDE)


def burn_rate(spent: Decimal, limit: Decimal, period: Period, at: int) -> Decimal:
    """Return share spent / share of the period elapsed: above 1 the limit is reached before the end.

    `at` is the newest minute that is in `spent`. The same figure as the burn rate of an error budget (Google,
    The Site Reliability Workbook, chapter 5).
    """
    return rounded(_WIDE.divide(multiply(spent, Decimal(_length(period))), multiply(limit, _elapsed(period, at))), 3)


def forecast(spent: Decimal, period: Period, at: int) -> Decimal | None:
    """Return the cost of the whole period at the average pace so far; None in its first tenth."""
    elapsed = _elapsed(period, at)
    if elapsed * _FORECAST_FROM < _length(period):
        return None
    return rounded(_WIDE.divide(multiply(spent, Decimal(_length(period))), elapsed), 2, ROUND_HALF_EVEN)


def _length(period: Period) -> int:
    return period.end - period.start


def _elapsed(period: Period, at: int) -> Decimal:
    return Decimal(min(max(at + MINUTE - period.start, MINUTE), _length(period)))
