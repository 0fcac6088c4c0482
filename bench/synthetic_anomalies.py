"""What is injected into made-up series: spikes, bursts, changes of level, leaks, outages, corrections.

Sizes go from what a person would just notice to jumps by decades. They are counted in the series' own spread: the
distance between its 10th and 90th percentile, but no less than half of the way to its ordinary extremes, and than a
share of its level (a constant has no spread).
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Injection = Callable[[np.random.Generator, Floats, int, float, int], None]

FIRST: Final = 0.17  # anomalies begin after the benchmark's probation
LEAK_A_DAY: Final = 0.02


def inject(
    rng: np.random.Generator, values: Floats, count: int, steps_a_day: int
) -> tuple[Floats, list[tuple[int, str]]]:
    """Return the values with `count` anomalies, and each one's first row and kind, in order of time."""
    values = values.copy()
    spread = _spread(values)
    rows = len(values)
    slots = np.linspace(FIRST + 0.05, 0.97, count + 1)
    found = []
    for low, high in pairwise(slots):
        row = int(rows * rng.uniform(low, low + 0.6 * (high - low)))
        kind = str(rng.choice(list(KINDS), p=np.array(list(WEIGHTS.values())) / sum(WEIGHTS.values())))
        KINDS[kind](rng, values, row, spread, steps_a_day)
        found.append((row, kind))
    return values, found


def _spread(values: Floats) -> float:
    low, median, high, extreme = (float(q) for q in np.quantile(values, (0.1, 0.5, 0.9, 0.995)))
    return max(high - low, 0.5 * (extreme - median), 0.05 * abs(median)) or float(values.std()) or 1.0


def _size(rng: np.random.Generator) -> float:
    return float(np.exp(rng.uniform(np.log(0.8), np.log(8))))


def spike(rng: np.random.Generator, values: Floats, row: int, spread: float, day: int) -> None:
    """Add a spike of one to three rows."""
    del day
    values[row : row + rng.integers(1, 4)] += 1.5 * _size(rng) * spread


def burst(rng: np.random.Generator, values: Floats, row: int, spread: float, day: int) -> None:
    """Add a burst of half an hour to a third of a day that comes and goes."""
    length = int(rng.integers(max(4, day // 48), max(6, day // 3)))
    part = values[row : row + length]
    part += _size(rng) * spread * np.sin(np.linspace(0.3, np.pi, len(part))) * rng.uniform(0.5, 1.5, len(part))


def dip(rng: np.random.Generator, values: Floats, row: int, spread: float, day: int) -> None:
    """Take most of the value away for a while."""
    length = int(rng.integers(max(3, day // 48), max(4, day // 3)))
    part = values[row : row + length]
    part -= np.minimum(np.maximum(part, 0) * rng.uniform(0.5, 1), _size(rng) * spread)


def level_shift(rng: np.random.Generator, values: Floats, row: int, spread: float, day: int) -> None:
    """Move the level, up or down, for good or for some days."""
    end = len(values) if rng.random() < 0.6 else row + int(day * rng.uniform(0.5, 3))
    values[row:end] += _size(rng) * spread * (1 if rng.random() < 0.7 else -0.5)


def ratio_shift(rng: np.random.Generator, values: Floats, row: int, spread: float, day: int) -> None:
    """Multiply everything: a price, a retry loop, a second region."""
    del spread
    end = len(values) if rng.random() < 0.6 else row + int(day * rng.uniform(0.5, 3))
    values[row:end] *= rng.uniform(1.3, 3)


def leak(rng: np.random.Generator, values: Floats, row: int, spread: float, day: int) -> None:
    """Let the cost grow by 2 % a day and more, until somebody looks."""
    del spread
    days = np.arange(len(values) - row) / day
    values[row:] *= (1 + LEAK_A_DAY * rng.uniform(1, 5)) ** days


def outage(rng: np.random.Generator, values: Floats, row: int, spread: float, day: int) -> None:
    """Report nothing but the last value, or zero."""
    del spread
    length = int(day * rng.uniform(0.2, 1.5))
    values[row : row + length] = values[row] if rng.random() < 0.5 or np.median(values) == 0 else 0.0


def noisier(rng: np.random.Generator, values: Floats, row: int, spread: float, day: int) -> None:
    """Multiply the noise around the level for some hours."""
    length = int(day * rng.uniform(0.2, 1))
    part = values[row : row + length]
    part += spread * rng.uniform(0.5, 2) * rng.normal(size=len(part))


def decade(rng: np.random.Generator, values: Floats, row: int, spread: float, day: int) -> None:
    """Jump by one to three decades: a wrong unit, a loop."""
    del spread, day
    values[row : row + rng.integers(1, 20)] *= 10 ** rng.uniform(1, 3)


def negative_correction(rng: np.random.Generator, values: Floats, row: int, spread: float, day: int) -> None:
    """Book a credit."""
    del day
    values[row] -= spread * rng.uniform(2, 10)


def shifted_season(rng: np.random.Generator, values: Floats, row: int, spread: float, day: int) -> None:
    """Play a day at the wrong hour."""
    del spread
    length = min(day, len(values) - row)
    values[row : row + length] = np.roll(values[row : row + length], int(day * rng.uniform(0.2, 0.8)))


KINDS: Final[dict[str, Injection]] = {
    "spike": spike,
    "burst": burst,
    "dip": dip,
    "level shift": level_shift,
    "ratio shift": ratio_shift,
    "leak": leak,
    "outage": outage,
    "noisier": noisier,
    "decade": decade,
    "negative correction": negative_correction,
    "shifted season": shifted_season,
}
WEIGHTS: Final = {
    "spike": 7.0,
    "burst": 5.0,
    "dip": 1.5,
    "level shift": 3.0,
    "ratio shift": 1.0,
    "leak": 0.5,
    "outage": 1.0,
    "noisier": 1.0,
    "decade": 0.5,
    "negative correction": 0.5,
    "shifted season": 0.5,
}
