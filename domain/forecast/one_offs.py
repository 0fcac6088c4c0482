"""Charges apart from the rest: what happened once says nothing of the days to come, what comes every month does.

A value is apart when it is far from the median of its neighbours (freed of the rhythm) by the series' own spread, and
by a good part of the level. A step to a new level is not: its neighbours are there, too. The newest values have no
neighbours after them: there only what is extreme is apart, such as a day of which the half is missing.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import numpy as np

from domain.windows import DAY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_NEIGHBOURS: Final = 7
_LEAST: Final = 8
_FAR: Final = 8.0  # deviations
_PART: Final = 0.3  # of the level
_NEWEST_PART: Final = 0.5
_NEWEST: Final = _NEIGHBOURS // 2
_SIGMAS: Final = 1.4826  # of normal values in a median absolute deviation
_FLOOR: Final = 1e-3
_TIMES: Final = 2  # a month's charge was seen so often at least


def without(values: Floats, period: int) -> tuple[Floats, Floats]:
    """Return the values with what is apart replaced by what was usual, and how far each was apart (0: not)."""
    none = np.zeros(len(values))
    if len(values) < _LEAST:
        return values, none
    rhythm = _rhythm(values, period)
    plain = values - rhythm
    padded = np.concatenate([plain[_NEWEST:0:-1], plain, plain[-2 : -_NEWEST - 2 : -1]])
    around = np.stack([padded[at : at + len(values)] for at in range(_NEIGHBOURS)])
    level = np.sort(around, axis=0)[_NEWEST]
    away = plain - level
    usual = max(_SIGMAS * float(np.median(np.abs(away))), _FLOOR * float(np.abs(values).mean()))
    part = np.full(len(values), _PART)
    part[-_NEWEST:] = _NEWEST_PART
    apart = np.abs(away) > np.maximum(_FAR * usual, part * np.abs(level))
    if not apart.any():
        return values, none
    return np.where(apart, level + rhythm, values), np.where(apart, away, 0.0)


def _rhythm(values: Floats, period: int) -> Floats:
    """Return the usual offset of each value by its place in the season; medians, so that no charge makes a rhythm."""
    seen = len(values) // period
    if period == 1 or seen < 2:  # noqa: PLR2004 - once is no rhythm
        return np.zeros(len(values))
    seasons = values[len(values) - seen * period :].reshape(seen, period)
    middle = np.median if seen > 2 else np.mean  # noqa: PLR2004
    offsets = middle(seasons - middle(seasons, axis=1, keepdims=True), axis=0)
    return np.asarray(offsets[np.arange(-len(values), 0) % period])


def monthly(times: Sequence[float], apart: Floats, step: float, horizon: int) -> Floats | None:
    """Return what is charged on days of the month that were apart each time lately; None for nothing."""
    if not DAY <= step < 2 * DAY or np.count_nonzero(apart) < _TIMES:
        return None
    days = [datetime.fromtimestamp(at, UTC).day for at in times]
    charges = {}
    for day in {days[at] for at in np.flatnonzero(apart)}:
        lately = apart[[at for at, each in enumerate(days) if each == day][-_TIMES - 1 :]]
        if len(lately) >= _TIMES and (np.all(lately > 0) or np.all(lately < 0)):
            charges[day] = float(np.median(lately))
    if not charges:
        return None
    coming = (datetime.fromtimestamp(times[-1] + step * (ahead + 1), UTC).day for ahead in range(horizon))
    return np.array([charges.get(day, 0.0) for day in coming])
