"""Made-up traffic of scopes: a rhythm of day and week, noise, and what can go wrong with it.

Events come on the clock, or by chance (Poisson), each with a size of its own, under noise that lasts for hours. The
same seed gives the same traffic, whatever is wrong with it.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from domain.anomaly.calendar import SATURDAY, weekday
from domain.anomaly.fast_state import WIDTH
from domain.anomaly.hours import HourLine
from domain.windows import DAY, HOUR

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Shape = Callable[[int], float]

START: Final = 1_788_134_400  # 2026-08-31, a Monday
METER: Final = "compute.requests"
FOR_EVER: Final = 2**40


class Wrong(NamedTuple):
    """What is wrong from `start` on, with volume or price; it may be told as one of `kinds`, within so many minutes."""

    name: str
    start: int
    volume: Shape
    price: Shape
    kinds: frozenset[str]
    minutes: int


def times(factor: float, start: int, end: int = FOR_EVER) -> Shape:
    """Return a shape that is `factor` between two instants, and 1 elsewhere."""
    return lambda instant: factor if start <= instant < end else 1.0


def usual(_: int) -> float:
    """Nothing is wrong."""
    return 1.0


def growing(a_day: float, start: int) -> Shape:
    """Return a shape that grows by a share every day."""
    return lambda instant: (1.0 + a_day) ** (max(0, instant - start) / DAY)


def wrongs(at: int, leak: int) -> list[Wrong]:
    """Return what can be wrong, from `at` on; a leak begins at `leak`, a weekend's drop before `at`."""
    saturday = at - at % DAY - (weekday(at) + 2) * DAY
    more, below = frozenset({"spike", "level-shift"}), frozenset({"drop", "level-shift"})
    return [
        Wrong("spike x5, an hour", at, times(5.0, at, at + HOUR), usual, more, 30),
        Wrong("spike x3, two hours", at, times(3.0, at, at + 2 * HOUR), usual, more, 30),
        Wrong("level x3", at, times(3.0, at), usual, more, 30),
        Wrong("level x2", at, times(2.0, at), usual, more, 30),
        Wrong("level x1.5", at, times(1.5, at), usual, more, 30),
        Wrong("price + 20 %", at, usual, times(1.2, at), frozenset({"unit-cost"}), 30),
        Wrong("stops", at, times(0.0, at), usual, frozenset({"stopped"}), 30),
        Wrong("weekend drop", saturday, times(0.3, saturday, saturday + 2 * DAY), usual, below, 60),
        Wrong("leak of 2 % a day", leak, growing(0.02, leak), usual, frozenset({"leak"}), 16 * DAY // 60),
    ]


@dataclass(frozen=True)
class Source:
    """How one scope spends: an event every `spacing` seconds, or, by chance, `an_hour` (`spacing` 0).

    `size` is what an event costs, about; `noise` is that of one event, `lasting` that of hours, both as shares.
    """

    tenant: str
    feature: str
    seed: str
    spacing: int
    an_hour: float
    size: float
    noise: float
    lasting: float
    weekend: float = 0.5
    meter: str = METER

    def windows(self, start: int, end: int, wrong: Wrong | None = None) -> Iterator[HourLine | None]:
        """Yield what each five minutes cost, None for nothing."""
        rng = random.Random(self.seed)  # noqa: S311 - traffic, not a secret
        phase, swing, wander = rng.uniform(0, 2 * math.pi), rng.uniform(0.2, 0.6), 0.0
        first = rng.uniform(0, self.spacing)
        scope = self.tenant, "production", self.feature, f"{self.feature}-api", "core"
        for hour in range(start, end, HOUR):
            wander = 0.7 * wander + 0.7 * rng.gauss(0, self.lasting)
            calm = math.exp(wander) * (self.weekend if weekday(hour) >= SATURDAY else 1.0)
            for window in range(hour, hour + HOUR, WIDTH):
                rhythm = calm * (1 + swing * math.sin((window + WIDTH / 2) % DAY / DAY * 2 * math.pi + phase))
                volume, price = (wrong.volume(window), wrong.price(window)) if wrong else (1.0, 1.0)
                if self.spacing:
                    count, each = _ticks(window, first, self.spacing) if volume else 0, rhythm * volume
                else:
                    count, each = poisson(rng, self.an_hour * WIDTH / HOUR * rhythm * volume), 1.0
                units = sum(math.exp(rng.gauss(0, self.noise)) for _ in range(count)) * each * self.size
                amount = Decimal(f"{units * price:.8f}")
                yield HourLine(scope, self.meter, count, Decimal(f"{units:.8f}"), amount) if count else None


def _ticks(window: int, first: float, spacing: int) -> int:
    return math.ceil((window + WIDTH - first) / spacing) - math.ceil((window - first) / spacing)


def poisson(rng: random.Random, mean: float) -> int:
    """Return how many events come by chance when so many are due."""
    if mean > 50:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    count, left, chance = 0, math.exp(-mean), rng.random()
    while chance > left:
        chance *= rng.random()
        count += 1
    return count
