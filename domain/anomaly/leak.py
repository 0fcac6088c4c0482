"""A leak: spend that grows by a little every day, which no single hour shows.

Told when the last seven days cost more than 20 % above the seven that ended a fortnight before, by weekday (at least
six of the seven rose by a tenth), and the week in between lies in between: a step is not a leak. Lumps come as they
like and show no trend.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

from domain.anomaly.lumps import LUMPY
from domain.windows import DAY

if TYPE_CHECKING:
    from domain.anomaly.state import SpendState

WEEK: Final = 7
_RISE: Final = 1.2
_STEP: Final = 1.06
_EACH: Final = 1.1
_MOST_DAYS: Final = 6
_QUIET: Final = 21 * DAY


class Leak(NamedTuple):
    """What a day costs now and what it cost a fortnight ago, as means of a week."""

    before: float
    now: float


def find(state: SpendState, minimum: float) -> Leak | None:
    """Look for a leak in the days that ended with the newest hour."""
    days = state.last_days()[-3 * WEEK :]
    if any(math.isnan(day) for day in days) or state.zeros >= LUMPY or state.hour - state.told < _QUIET:
        return None
    first, middle, last = days[:WEEK], days[WEEK : 2 * WEEK], days[2 * WEEK :]
    risen = sum(now > _EACH * before for now, before in zip(last, first, strict=True))
    is_steady = sum(middle) > _STEP * sum(first) and sum(last) > _STEP * sum(middle)
    if risen < _MOST_DAYS or not is_steady or sum(last) <= _RISE * sum(first):
        return None
    leak = Leak(sum(first) / WEEK, sum(last) / WEEK)
    return leak if leak.now - leak.before >= minimum else None
