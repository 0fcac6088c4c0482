"""Spend that comes in lumps: jobs, renders, nightly exports. One of its hours says little, so it is judged by the day.

A day is odd, as soon as it is, when what it has cost so far is beyond 3 sigma of the days before, and beyond the
dearest of them by half and more: the fewer of them there were, the more. It is told of an hour that has much of the
excess. A day that ends far below every other has stopped.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

from domain.windows import DAY, HOUR

if TYPE_CHECKING:
    from domain.anomaly.state import SpendState

# A scope is lumpy when it spends nothing in this share of its hours.
LUMPY: Final = 0.1
_SIGMA: Final = 3.0
_LEAST_DAYS: Final = 7
_DEARER: Final = 1.5
# How many spending days make the dearest of them half as believable as it will ever be.
_FEW: Final = 3.0
_FLOOR: Final = 0.02
_MUCH: Final = 0.25
_STOPPED: Final = 0.5
_DAYS_TO_STOP: Final = 14


class Lump(NamedTuple):
    """What a day was when an hour was over: sigma, how many would be odd, and whether it is odd by now."""

    z: float
    limit: float
    odd: bool


_ORDINARY: Final = Lump(0.0, math.inf, odd=False)


def judge_day(state: SpendState, hour: int, value: float, minimum: float) -> Lump:
    """Judge the day to which an hour belongs, with what it has cost by the end of that hour."""
    is_over = hour % DAY == DAY - HOUR
    if not value and not is_over:
        return _ORDINARY
    days = [day for day in state.last_days() if not math.isnan(day)]
    spending = sum(day > 0 for day in days)
    if len(days) < _LEAST_DAYS or not spending:
        return _ORDINARY
    so_far, mean = state.today + value, sum(days) / len(days)
    deviation = max(math.sqrt(sum((day - mean) ** 2 for day in days) / len(days)), _FLOOR * mean)
    z = (so_far - mean) / deviation
    limit = _SIGMA * state.tolerance
    away = abs(so_far - mean)
    if z < 0:
        stopped = is_over and len(days) >= _DAYS_TO_STOP and so_far < _STOPPED * min(days)
        return Lump(z, limit, odd=stopped and -z > limit and away >= minimum)
    dearer = _DEARER * (1.0 + _FEW / spending) * state.tolerance
    odd = z > limit and so_far > dearer * max(days) and value >= _MUCH * away >= _MUCH * minimum
    return Lump(z, limit, odd=odd)
