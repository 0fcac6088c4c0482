"""Rhythms of a series: how long one is by the spacing of its values, and what each place in it costs.

There are several ways to see a rhythm, and what serves best differs: none at all, the mean of all seasons, of the
newest ones above all, or the last one. They are tried beside each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from domain.windows import DAY, HOUR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LEAST_SEASONS: Final = 2
_MOST_SEASONS: Final = 8
_LEAST_WEEKS: Final = 3  # of hours
_WEEK: Final = 7
# A rhythm is believed as far as this many seasons against those that were seen.
_DOUBT: Final = 0.5
_NEWEST: Final = 0.6 ** np.arange(_MOST_SEASONS)[::-1]  # weights of seasons, the last one's last
_NEWEST_DOUBT: Final = 0.25
# How much less each way is believed while little is known (see `bands`).
DOUBTS: Final = np.array([0.0, 0.0, 0.1, 0.6])
_SPACED: Final = 500


def spacing(times: Sequence[float]) -> float:
    """Return the usual distance between two values (seconds)."""
    return float(np.median(np.diff(times[-_SPACED:])))


def season_of(step: float, count: int) -> int:
    """Return the steps of the season that a spacing suggests and so many values can show; 1 for none."""
    for period in _periods(step):
        least = _LEAST_WEEKS * period if _of_hours(period) else LEAST_SEASONS * period + max(2, period // 3)
        if count >= least:
            return period
    return 1


def _periods(step: float) -> tuple[int, ...]:
    if step >= 27 * DAY:
        return (12,) if step < 32 * DAY else (4,) if step < 93 * DAY else ()
    if step >= DAY:
        return (_WEEK,) if step < 2 * DAY else ()
    day = round(DAY / step)
    return (_WEEK * day, day) if step >= HOUR else (day,)


def profiles(values: Floats, period: int) -> Floats:
    """Return the offsets of the `period` steps that come next, as (way to see the rhythm, step)."""
    found = np.zeros((ways(period), period))
    seen = min(len(values) // period, _MOST_SEASONS)
    if period == 1 or not seen:
        return found
    seasons = values[len(values) - seen * period :].reshape(seen, period)
    means = seasons.sum(axis=1) / period
    slope = (means[-1] - means[0]) / ((seen - 1) * period) if seen > 1 else 0.0
    offsets = seasons - means[:, None] - slope * (np.arange(period) - (period - 1) / 2)
    found[1] = offsets.sum(axis=0) / (seen + _DOUBT)
    if _of_hours(period):
        # Few of each hour of the week were seen, and most of their rhythm is that of the day.
        found[2:] = np.tile(profiles(values, period // _WEEK)[1:3], _WEEK)
    else:
        found[2] = _NEWEST[_MOST_SEASONS - seen :] @ offsets / (_NEWEST[_MOST_SEASONS - seen :].sum() + _NEWEST_DOUBT)
        found[3] = offsets[-1]
    return found


def ways(period: int) -> int:
    """Return how many ways there are to see a rhythm of so many steps."""
    return 1 if period == 1 else len(DOUBTS)


def _of_hours(period: int) -> bool:
    return period > _WEEK and period % _WEEK == 0
