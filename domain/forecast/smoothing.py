"""Exponential smoothing with damped trend and additive season, for a grid of parameters at once.

Model ETS(A,Ad,A) as in Hyndman and Athanasopoulos, "Forecasting: Principles and Practice", chapter 8. The parameters
that missed least one step ahead are taken, and the forecasts of the best few are averaged: which of them is the very
best is mostly chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_DAMPINGS: Final = (0.9, 0.98)
BEST: Final = 3
_LEVELS: Final = (0.05, 0.1, 0.2, 0.4, 0.7, 0.95)
_TRENDS: Final = (0.0, 0.02, 0.1)
_LEAST_FOR_TREND: Final = 40
_SEASONS: Final = (0.02, 0.1, 0.3)


@dataclass(frozen=True, slots=True)
class Smoothed:
    """A fit after the last value, for each of the best parameters (columns); `spread` is that of its misses."""

    phi: Floats
    alpha: Floats
    beta: Floats
    gamma: Floats
    level: Floats
    trend: Floats
    season: Floats  # (period, parameters), the next step first
    spread: Floats

    def ahead(self, horizon: int) -> Floats:
        """Return the mean of the forecasts for each of `horizon` steps."""
        damped = np.cumsum(self.phi ** np.arange(1, horizon + 1)[:, None], axis=0)
        repeats = -(-horizon // len(self.season))
        seasons = np.tile(self.season, (repeats, 1))[:horizon]
        means: Floats = (self.level + damped * self.trend + seasons).mean(axis=1)
        return means

    def spreads(self, horizon: int) -> Floats:
        """Return one standard deviation of what each step misses; it grows with the distance."""
        steps = np.arange(1, horizon)
        damped = np.cumsum(self.phi ** steps[:, None], axis=0)
        moves = self.alpha * (1 + self.beta * damped) + self.gamma * (steps % len(self.season) == 0)[:, None]
        variances = np.vstack([np.ones_like(self.alpha), 1 + np.cumsum(moves**2, axis=0)])
        deviations: Floats = (self.spread * np.sqrt(variances)).mean(axis=1)
        return deviations


def smooth(values: Floats, period: int) -> Smoothed:
    """Fit a series; `period` is the length of its season in steps, 1 for none."""
    return smooth_at(values, period, [len(values)])[-1]


def smooth_at(values: Floats, period: int, origins: Sequence[int]) -> list[Smoothed]:
    """Fit what comes before each of some origins (ascending, the last may be the end), in one pass."""
    seasons = _SEASONS if period > 1 else (0.0,)
    # What looks like a trend in a few values is chance more often than not.
    dampings, trends = (_DAMPINGS, _TRENDS) if len(values) >= _LEAST_FOR_TREND else (_DAMPINGS[:1], _TRENDS[:1])
    grid = np.array(list(product(dampings, _LEVELS, trends, seasons)))
    phi, alpha, beta, gamma = grid.T
    slope, turn = alpha * beta, gamma * (1 - alpha)
    season = _first_season(values[: origins[0]], period)[:, None] * np.ones(len(grid))
    start = float(np.mean(values[: max(period, 3)]))
    level, trend = np.full(len(grid), start), np.zeros(len(grid))
    missed = np.empty((len(values), len(grid)))
    fits: list[Smoothed] = []
    for at, value in enumerate(values[: origins[-1]]):
        here = season[at % period]
        damped = phi * trend
        error = value - (level + damped + here)
        level = level + damped + alpha * error
        trend = damped + slope * error
        season[at % period] = here + turn * error
        missed[at] = error
        if at + 1 == origins[len(fits)]:
            counted = missed[min(period, (at + 1) // 2) : at + 1]
            spread = np.sqrt((counted**2).mean(axis=0))
            best = np.argsort(spread, kind="stable")[:BEST]
            following = np.roll(season[:, best], -((at + 1) % period), axis=0)
            fits.append(
                Smoothed(phi[best], alpha[best], slope[best], turn[best], level[best], trend[best], following,
                         spread[best])
            )  # fmt: skip
    return fits


def _first_season(values: Floats, period: int) -> Floats:
    """Return the offsets of the first whole seasons from their means."""
    if period == 1:
        return np.zeros(1)
    whole = values[: min(len(values) // period, 4) * period].reshape(-1, period)
    offsets: Floats = (whole - whole.mean(axis=1, keepdims=True)).mean(axis=0)
    return offsets
