"""When a company is busy: load by local hour and weekday, as factors around 1.

The shapes are what request logs look like (office hours, evenings, nightly batches), not measurements.
"""

from __future__ import annotations

from collections.abc import Callable
from math import cos, pi
from typing import Final

Rhythm = Callable[[float, int], float]
"""`(local hour 0..24, weekday with 0 = Monday) -> load`, about 1 on average over a week."""

SATURDAY: Final = 5
_BATCH_START: Final = 2.5


def office(hour: float, weekday: int) -> float:
    """Busiest at 13:30 on working days; a third of that at the weekend."""
    share = 0.35 if weekday >= SATURDAY else 1.0
    daylight: float = max(0.0, cos((hour - 13.5) * pi / 13)) ** 1.5
    return 0.3 + 2.85 * share * daylight


def consumer(hour: float, weekday: int) -> float:
    """Busiest at 20:00, a little more at the weekend."""
    share = 1.2 if weekday >= SATURDAY else 0.95
    return share * (1 + 0.75 * cos((hour - 20) * pi / 12))


def nightly(hour: float, _weekday: int) -> float:
    """Batches between 22:30 and 06:30, little else."""
    distance = (hour - _BATCH_START + 12) % 24 - 12
    return 0.15 + 5.0 * max(0.0, cos(distance * pi / 8)) ** 2 * (abs(distance) < 4)  # noqa: PLR2004


def flat(_hour: float, _weekday: int) -> float:
    """Return 1: always on."""
    return 1.0
