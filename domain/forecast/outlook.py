"""How a period will end: what is spent, plus what the steps that are left will cost, with an 80 % band for the sum.

Exponential smoothing with damped trend (Hyndman and Athanasopoulos, "Forecasting: Principles and Practice", chapter 8)
on steps that are freed of their rhythm (weekdays of days, hours of hours), as far as the history shows one. A single
wild step does not teach: a one-off charge says nothing of the days to come. Three in a row are a new level. The width
is that of a sum of such forecasts, whose errors go together, as far as sums have missed before.
"""

from __future__ import annotations

import math
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

LEAST_STEPS: Final = 7
MOST_SEASONS: Final = 8
_NORMAL: Final = 1.2816
_FAR: Final = 7
_LEAST_STRETCH: Final = 0.5
_MOST_STRETCH: Final = 9.0
_WILD: Final = 4.0
_NEW_LEVEL: Final = 3
# A rhythm is believed as far as this many seasons against those that were seen.
_DOUBT: Final = 0.25
_FLOOR: Final = 0.01
# What no model knows of: growth that turns, prices that change.
_WIDER: Final = 1.1
# Speeds that were chosen on few steps fit those better than what comes: so many more are counted as one deviation.
_SHORT: Final = 10.0


class Outlook(NamedTuple):
    """The cost of the steps that are left: in one of ten cases below `lower`, in one above `upper`.

    `level` is the usual cost of a step; `steps` is what each one that is left is expected to cost.
    """

    mean: float
    lower: float
    upper: float
    level: float
    steps: tuple[float, ...]


class _Speeds(NamedTuple):
    level: float
    trend: float
    damping: float


class _Fit(NamedTuple):
    """`missed` is the variance of a step, `far` that of the sum of `_FAR` steps (0 when too few were seen)."""

    speeds: _Speeds
    level: float
    trend: float
    missed: float
    far: float


_SPEEDS: Final = tuple(
    _Speeds(level, trend, damping)
    for level in (0.1, 0.25, 0.45)
    for trend, damping in ((0.0, 1.0), (0.05, 0.98), (0.2, 0.95))
)


def outlook(history: Sequence[float], phase: int, season: int, left: Sequence[float]) -> Outlook | None:
    """Look at the steps that are left; None when the history is too short to say.

    `history` holds complete steps, oldest first; `phase` is the place in the season (0 to `season` - 1) of the step
    after them; `left` is how much of each step from there is still to come, 1 for a whole one.
    """
    steps = list(history[-MOST_SEASONS * season :])
    if len(steps) < LEAST_STEPS or not left:
        return None
    rhythm = _rhythm(steps, phase, season)
    first = phase - len(steps)
    plain = [value / rhythm[(first + at) % season] for at, value in enumerate(steps)]
    scale = max(_spread(plain), _FLOOR * abs(median(plain)), 1e-12)
    fits = [_smooth(plain, scale, speeds) for speeds in _SPEEDS]
    fit = min(fits, key=lambda each: each.far or each.missed)
    weights = [share * rhythm[(phase + at) % season] for at, share in enumerate(left)]
    moved = _damped(fit.speeds.damping, len(weights))
    steps_ahead = tuple(weight * (fit.level + moved[at] * fit.trend) for at, weight in enumerate(weights))
    mean = sum(steps_ahead)
    deviation = math.sqrt(fit.missed * _reach(fit.speeds, weights) * _stretch(fit))
    width = _NORMAL * _WIDER * (1.0 + _SHORT / len(steps)) * deviation
    floor = 0.0 if min(steps) >= 0 else -math.inf
    mean, lower, upper = (max(edge, floor) for edge in (mean, mean - width, mean + width))
    return Outlook(mean, lower, upper, fit.level, steps_ahead)


def _rhythm(steps: Sequence[float], phase: int, season: int) -> list[float]:
    """Return what each place in the season costs against the mean; 1 where nothing is known."""
    seasons = len(steps) // season
    whole = steps[len(steps) - seasons * season :]
    mean = sum(whole) / len(whole) if whole else 0.0
    if mean <= 0 or seasons < 2:  # noqa: PLR2004 - once is no rhythm
        return [1.0] * season
    trust = seasons / (seasons + _DOUBT)
    factors = [1.0] * season
    for place in range(season):
        own = [value for at, value in enumerate(whole) if (phase + at) % season == place]
        factors[place] = max(1.0 + trust * (median(own) / mean - 1.0), 0.05)
    usual = sum(factors) / season
    return [factor / usual for factor in factors]


def _spread(values: Sequence[float]) -> float:
    """Return the usual change from one step to the next."""
    changes = [abs(after - before) for before, after in pairwise(values)]
    return 1.05 * median(changes)  # of normal changes: sqrt(2) * 0.6745 deviations


def _smooth(values: Sequence[float], scale: float, speeds: _Speeds) -> _Fit:
    level, trend, wild, near, far = median(values[:LEAST_STEPS]), 0.0, 0, [], []
    ahead = _damped(speeds.damping, _FAR)[-1]
    for at, value in enumerate(values):
        if at >= LEAST_STEPS and at + _FAR <= len(values):
            far.append(sum(values[at : at + _FAR]) - _FAR * level - ahead * trend)
        error = value - (level + speeds.damping * trend)
        most = _WILD * scale
        if abs(error) > most:
            wild = wild + 1 if wild * error >= 0 else 1
            if wild >= _NEW_LEVEL:
                level, trend, wild = median(values[at - _NEW_LEVEL + 1 : at + 1]), 0.0, 0
                continue
            error = math.copysign(most, error)
        else:
            wild = 0
        level += speeds.damping * trend + speeds.level * error
        trend = speeds.damping * trend + speeds.level * speeds.trend * error
        if at >= LEAST_STEPS // 2:
            near.append(error)
    return _Fit(speeds, level, trend, _square(near), _square(far) if len(far) >= _FAR else 0.0)


def _square(errors: Sequence[float]) -> float:
    return sum(error * error for error in errors) / max(len(errors) - 1, 1)


def _damped(damping: float, count: int) -> list[float]:
    """Return how often a trend has been added up to each step; the last element sums them all up."""
    moved, added, total = 0.0, [], 0.0
    for at in range(1, count + 1):
        moved += damping**at
        total += moved
        added.append(moved)
    return [*added, total]


def _stretch(fit: _Fit) -> float:
    """Return how much more sums of steps have missed than the model says, in variances."""
    if not fit.far or not fit.missed:
        return 1.0
    return min(max(fit.far / (fit.missed * _reach(fit.speeds, [1.0] * _FAR)), _LEAST_STRETCH), _MOST_STRETCH)


def _reach(speeds: _Speeds, weights: Sequence[float]) -> float:
    """Return the variance of the sum, in those of one step: what is missed first moves all that comes after."""
    count = len(weights)
    moved = _damped(speeds.damping, count)
    moves = [1.0, *(speeds.level * (1.0 + speeds.trend * each) for each in moved[: count - 1])]
    return sum(sum(weights[later] * moves[later - at] for later in range(at, count)) ** 2 for at in range(count))
