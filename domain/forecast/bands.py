"""A forecast with a band that holds: the mean of smoothing, and a width that the series' own past misses justify.

The band is 80 %: between `lower` and `upper` lie eight of ten values. Its width is the model's, times what would have
been needed at earlier origins (a conformal factor, within bounds).
"""

from __future__ import annotations

import statistics
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from domain.forecast.smoothing import smooth_at
from domain.windows import DAY, HOUR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from domain.forecast.smoothing import Smoothed

    Floats = NDArray[np.float64]

COVERAGE: Final = 0.8
NORMAL: Final = 1.2816
ORIGINS: Final = 8
MIN_FACTOR: Final = 0.6
MAX_FACTOR: Final = 3.0
# More is not better: what was years ago says little of the next weeks.
MAX_VALUES: Final = 3_000
LEAST_SEASONS: Final = 2
MAX_RATIO: Final = 1000.0
_RHYTHM: Final = 0.3
_FEW: Final = 8
# A history too short to look for earlier misses promises little.
_UNPROVED: Final = 1.6
# Parameters that were chosen on few values fit those better than what comes: so many more are counted as one deviation.
_SHORT: Final = 3.0


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
    period = season_of(times, series)
    floor = 0.0 if series.min() >= 0 else -np.inf
    origins = _origins(series, period, horizon)
    fits = smooth_at(series, period, origins)
    logged = _may_grow_in_proportion(series)
    if logged:
        logs = np.log(series)
        of_logs = smooth_at(logs, period, origins)
        # Season and noise that go with the level are foreseen better in logarithms; compared at equal scale.
        logged = bool(of_logs[-1].spread.mean() * float(np.exp(logs.mean())) < fits[-1].spread.mean())
        if logged:
            series, fits = logs, of_logs
    fitted = fits[-1]
    means, widths = (
        fitted.ahead(horizon),
        fitted.spreads(horizon) * _factor(series, origins, fits[:-1], _reach(period, horizon)),
    )
    steps = np.stack([means, means - widths, means + widths], axis=1)
    steps = np.exp(steps) if logged else np.maximum(steps, floor)
    return [Forecast(*map(float, step)) for step in steps]


def _may_grow_in_proportion(series: Floats) -> bool:
    return bool(series.min() > 0 and series.max() <= MAX_RATIO * series.min())


def season_of(times: Sequence[float], series: Floats) -> int:
    """Return the steps of the season that a spacing suggests and the series shows; 1 for none."""
    for period in _periods(spacing(times)):
        if len(series) >= LEAST_SEASONS * period + 1 and _repeats(series, period):
            return period
    return 1


def spacing(times: Sequence[float]) -> float:
    """Return the usual distance between two values (seconds)."""
    return statistics.median(after - before for before, after in pairwise(times[-MAX_VALUES:]))


def _periods(step: float) -> tuple[int, ...]:
    if step >= 27 * DAY:
        return (12,) if step < 32 * DAY else (4,)
    if step >= DAY:
        return (7,) if step < 2 * DAY else ()
    day = round(DAY / step)
    return (7 * day, day) if step >= HOUR else (day,)


def _repeats(series: Floats, period: int) -> bool:
    """Tell whether changes repeat after a period: autocorrelation of what a straight line leaves."""
    steps = np.arange(len(series))
    rest = series - np.polyval(np.polyfit(steps, series, 1), steps)
    variance = float((rest**2).mean())
    return variance > 0 and float((rest[period:] * rest[:-period]).mean()) > _RHYTHM * variance


def _reach(period: int, horizon: int) -> int:
    return min(horizon, max(period, 1) * 2, 30)


def _origins(series: Floats, period: int, horizon: int) -> list[int]:
    """Return the earlier origins whose misses are looked at, and the end."""
    reach = _reach(period, horizon)
    # How a short history was missed says little of how a long one will be.
    least, most = max(LEAST_SEASONS * period + 1, _FEW, len(series) * 2 // 3 - reach), len(series) - reach
    earlier = [] if most <= least else np.unique(np.linspace(least, most, ORIGINS).astype(int)).tolist()
    return [*earlier, len(series)]


def _factor(series: Floats, origins: Sequence[int], earlier: Sequence[Smoothed], reach: int) -> float:
    """Return how many deviations would have held `COVERAGE` of the values after some earlier origins."""
    if not earlier:
        return NORMAL * _UNPROVED
    misses = []
    for origin, fitted in zip(origins, earlier, strict=False):
        spreads = np.maximum(fitted.spreads(reach), 1e-12)
        misses.append(np.abs(series[origin : origin + reach] - fitted.ahead(reach)) / spreads)
    few = 1.0 + _SHORT / len(series)
    return few * float(np.clip(np.quantile(np.concatenate(misses), COVERAGE), MIN_FACTOR, MAX_FACTOR))
