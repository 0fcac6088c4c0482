"""What made-up series are made of: the shape of a day, and noise that lasts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

DAY: Final = 86_400.0


def season(rng: np.random.Generator, times: Floats, *, weekly: bool = False) -> Floats:
    """Return a smooth day shape in 0..1, lower at weekends if `weekly`."""
    hours = times % DAY / DAY * 2 * np.pi
    phase = rng.uniform(0, 2 * np.pi, 3)
    shape = np.sin(hours + phase[0]) + 0.4 * np.sin(2 * hours + phase[1]) + 0.15 * np.sin(3 * hours + phase[2])
    shape = (shape - shape.min()) / (np.ptp(shape) + 1e-9)
    weekend = (times // DAY + 3) % 7 >= 5  # epoch day 0 was a Thursday; Monday is 0
    days: Floats = np.where(weekend & weekly, rng.uniform(0.3, 0.7), 1.0)
    shaped: Floats = shape * days
    return shaped


def smooth_noise(rng: np.random.Generator, rows: int, persistence: float) -> Floats:
    """Return noise of unit variance whose next value keeps `persistence` of the last."""
    shocks = rng.normal(size=rows) * np.sqrt(1 - persistence**2)
    noise = np.empty(rows)
    level = rng.normal()
    for i, shock in enumerate(shocks):
        level = persistence * level + shock
        noise[i] = level
    return noise
