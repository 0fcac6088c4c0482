"""Exponential smoothing with damped trend, for a grid of rates and many histories at once.

Level and trend of ETS(A,Ad,N) (Hyndman and Athanasopoulos, "Forecasting: Principles and Practice", chapter 8) are
linear filters of what was seen: with fixed rates each is a weighted sum of the values, the newest first. The weights
are known beforehand, so that all rates at all origins are one product of matrices.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# Beyond, the slowest level has forgotten all but a thousandth.
REMEMBERED: Final = 128
_LEVELS: Final = (0.05, 0.12, 0.25, 0.45, 0.7, 0.95)
_TRENDS: Final = ((0.0, 1.0), (0.1, 0.9), (0.3, 0.98), (0.4, 0.95))
# What looks like a trend in a few values is chance more often than not, and must not go far.
_LEAST_FOR_TREND: Final = 40
_STEADY_TRENDS: Final = 2


class Rates(NamedTuple):
    """Sets of rates, and the weights of level and trend at each age, as (set, level or trend, age)."""

    level: Floats
    trend: Floats
    damping: Floats
    weights: Floats


def _rates(trends: tuple[tuple[float, float], ...]) -> Rates:
    level, (trend, damping) = (
        np.repeat(_LEVELS, len(trends)),
        np.array([pair for _, pair in product(_LEVELS, trends)]).T,
    )
    gain = np.stack([level, level * trend], axis=1)
    state, weights = gain, np.empty((len(level), 2, REMEMBERED))
    for age in range(REMEMBERED):
        weights[:, :, age] = state
        moved = np.stack([state[:, 0] + damping * state[:, 1], damping * state[:, 1]], axis=1)
        state = moved - gain * moved[:, :1]
    return Rates(level, trend, damping, weights)


_ALL: Final = _rates(_TRENDS)
_STEADY: Final = _rates(_TRENDS[:_STEADY_TRENDS])


def rates_for(count: int) -> Rates:
    """Return the rates that may be tried on so many values."""
    return _ALL if count >= _LEAST_FOR_TREND else _STEADY


def ahead(rates: Rates, histories: Floats, start: float, horizon: int) -> Floats:
    """Forecast from histories (any shape, then ages: newest first, less `start`, 0 before the first value).

    Returns (set of rates, *shape of histories, horizon).
    """
    *shape, ages = histories.shape
    sets = len(rates.level)
    states = (rates.weights[:, :, :ages].reshape(-1, ages) @ histories.reshape(-1, ages).T).reshape(sets, 2, *shape)
    moved = damped(rates.damping[:, None], horizon).reshape(sets, *[1] * len(shape), horizon)
    found: Floats = start + states[:, 0, ..., None] + states[:, 1, ..., None] * moved
    return found


def damped(damping: Floats | float, horizon: int) -> Floats:
    """Return how often a trend has been added up to each step."""
    steps: Floats = np.cumsum(damping ** np.arange(1, horizon + 1), axis=-1)
    return steps


def widening(level: float, trend: float, horizon: int) -> Floats:
    """Return the standard deviation of what each step misses, in those of the first one.

    A trend is followed for `_FAR` steps: what was missed then says nothing of a trend that lasts.
    """
    moves = level * (1.0 + trend * np.minimum(np.arange(1, horizon), _FAR))
    grown: Floats = np.sqrt(1.0 + np.concatenate([[0.0], np.cumsum(moves**2)]))
    return grown


_FAR: Final = 8
