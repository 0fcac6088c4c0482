"""A forecast with a band that holds: the mean of smoothing, and a width that the series' own past misses justify.

At some earlier origins, and at the end, the next steps are forecast with each set of rates (`smoothing`) and each way
to see the rhythm (`seasons`). Those that missed least are averaged: which of them is the very best is mostly chance.
The band is 80 %: between `lower` and `upper` lie eight of ten values. It is as wide as would have been needed at the
earlier origins (a conformal band), and wider for a short history.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from domain.forecast.one_offs import monthly, without
from domain.forecast.seasons import DOUBTS, LEAST_SEASONS, profiles, season_of, spacing, ways
from domain.forecast.smoothing import REMEMBERED, ahead, rates_for, widening

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from domain.forecast.smoothing import Rates

    Floats = NDArray[np.float64]
    Places = NDArray[np.intp]


COVERAGE: Final = 0.8
ORIGINS: Final = 8
BEST: Final = 4
# More is not better: what was years ago says little of the next weeks.
MAX_VALUES: Final = 3_000
MAX_RATIO: Final = 50.0
MOST: Final = 1e300
# Parameters that were chosen on few values fit those better than what comes: so many more are counted as one deviation.
_SHORT: Final = 15.0
_MOST_SHORT: Final = 0.6
# A history too short to look for earlier misses promises little.
_UNPROVED: Final = 2.0
# How much less rates are believed than the others of about as good a past, over the number of values.
_DOUBT: Final = 10.0
_TREND_DOUBT: Final = 0.3
_LEVEL_DOUBTS: Final = ((0.05, 0.12, 0.25, 0.45, 0.7, 0.95), (0.5, 0.35, 0.2, 0.06, 0.0, 0.03))
_TREND_COST: Final = 0.06


class Forecast(NamedTuple):
    """One step ahead."""

    mean: float
    lower: float
    upper: float


def forecast(times: Sequence[float], values: Sequence[float], horizon: int) -> list[Forecast]:
    """Return the next `horizon` steps of a series with constant spacing; `times` are epoch seconds.

    A series that was never negative is not forecast to be. Raises `ValueError` for fewer than two values.
    """
    if len(values) < LEAST_SEASONS:
        raise ValueError("at least two values are needed")
    series = np.asarray(values[-MAX_VALUES:], dtype=np.float64)
    scale = float(np.abs(series).max()) or 1.0
    step = spacing(times)
    period = season_of(step, len(series))
    usual, apart = without(series / scale, period)
    # Season and noise of what is always positive go with the level.
    logged = usual.min() > 0 and usual.max() <= MAX_RATIO * usual.min()
    steps = _steps(np.log(usual) if logged else usual, period, horizon)
    steps = np.exp(steps) if logged else steps
    charges = monthly(times[-MAX_VALUES:], apart, step, horizon)
    steps = steps if charges is None else steps + charges[:, None]
    if series.min() >= 0:
        steps = np.maximum(steps, 0.0)
    # Rounding of a logarithm must not leave the mean outside of a band without width.
    steps = np.sort(np.clip(steps * scale, -MOST, MOST), axis=1)
    return [Forecast(mean, lower, upper) for lower, mean, upper in steps.tolist()]


def _steps(series: Floats, period: int, horizon: int) -> Floats:
    """Return lower, mean and upper of each step, as (step, 3)."""
    count = len(series)
    reach = min(horizon, max(2 * period, 14), max(count // 4, 1))
    origins = _origins(count, period, reach)
    rates = rates_for(count)
    expected = from_origins(series, period, rates, origins, max(horizon, reach))
    misses = np.stack([series[at : at + reach] for at in origins[:-1]]) if len(origins) > 1 else None
    best, way = _best(rates, expected, misses, count)
    means = expected[best, :, way, :].mean(axis=0)
    low, high = float(series.min()), float(series.max())
    # As far again as history went, and no farther.
    mean = np.clip(means[-1, :horizon], 2 * low - high, 2 * high - low)
    grown = widening(float(rates.level[best].mean()), float(rates.trend[best].mean()), max(horizon, reach))
    if misses is None:
        width = _UNPROVED * float(np.abs(np.diff(series)).mean())
    else:
        away = np.abs(means[:-1, :reach] - misses) / grown[:reach]
        width = float(np.sort(away, axis=None)[int(COVERAGE * away.size)]) * (1.0 + min(_SHORT / count, _MOST_SHORT))
    widths = width * grown[:horizon]
    return np.stack([mean - widths, mean, mean + widths], axis=1)


def _origins(count: int, period: int, reach: int) -> list[int]:
    """Return the earlier origins whose misses are looked at, and the end."""
    # How a short history was missed says little of how a long one will be.
    least = max(period + max(2, period // 3) if period > 1 else 4, count // 3, count - reach - max(6 * period, 60))
    most = count - reach
    if most <= least:
        return [count]
    return [*sorted({least + (most - least) * at // (ORIGINS - 1) for at in range(ORIGINS)}), count]


def from_origins(series: Floats, period: int, rates: Rates, origins: Sequence[int], horizon: int) -> Floats:
    """Forecast from each origin, as (rates, origin, way to see the rhythm, step)."""
    kept = min(REMEMBERED, len(series))
    first = max(origins[0] - kept, 0)
    start = float(series[first : first + max(period, 3)].mean())
    ages, coming = np.arange(1, kept + 1), np.arange(horizon) % period
    behind = -ages % period
    shape = len(origins), ways(period)
    histories, seasons = np.zeros((*shape, kept)), np.empty((*shape, horizon))
    for row, origin in enumerate(origins):
        known = min(kept, origin)
        offsets = profiles(series[:origin], period)
        histories[row, :, :known] = series[origin - ages[:known]] - start - offsets[:, behind[:known]]
        seasons[row] = offsets[:, coming]
    expected: Floats = ahead(rates, histories, start, horizon) + seasons
    return expected


def _best(rates: Rates, expected: Floats, actual: Floats | None, count: int) -> tuple[Places, Places]:
    """Return the best sets of rates with their way to see the rhythm, by what they missed and how likely they are."""
    doubt = np.interp(rates.level, *_LEVEL_DOUBTS) + _TREND_DOUBT * (rates.trend > 0)
    costs = (1.0 + _DOUBT / count * doubt)[:, None] * (1.0 + _DOUBT / count * DOUBTS[: expected.shape[2]])
    if actual is not None:
        reach = actual.shape[1]
        missed = np.abs(expected[:, :-1, :, :reach] - actual[:, None, :]).mean(axis=(1, 3))
        costs = costs * missed * (1.0 + _TREND_COST * (rates.trend > 0))[:, None]
    best, way = np.unravel_index(np.argsort(costs, axis=None, kind="stable")[:BEST], costs.shape)
    return best, way
