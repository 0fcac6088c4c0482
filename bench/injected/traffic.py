"""Made-up traffic of tenants and features: a rhythm of day and week, noise, and one thing wrong with each of some.

Events come at a spacing, with jitter, or by chance (Poisson). Each has a size of its own; what lasts for hours wanders,
too. The same seed gives the same traffic.
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

START: Final = 1_788_134_400  # a Monday
METER: Final = "compute.requests"
WEEKEND: Final = 0.5


class Wrong(NamedTuple):
    """What is wrong from `start` on, with the volume and with the price; `begins` tells when it can be seen at all."""

    name: str
    start: int
    volume: Shape
    price: Shape
    kinds: tuple[str, ...]
    minutes: int | None  # within which it is to be told, of event time


def usual(_: int) -> float:
    """Nothing is wrong."""
    return 1.0


def wrongs(at: int) -> list[Wrong]:
    """Return what can be wrong; `at` is when it begins."""
    monday = at - at % DAY - weekday(at) * DAY
    saturday = monday + SATURDAY * DAY

    def times(factor: float, end: int = 2**40, start: int = at) -> Shape:
        return lambda instant: factor if start <= instant < end else 1.0

    return [
        Wrong("spike x5, an hour", at, times(5.0, at + HOUR), usual, ("spike",), 30),
        Wrong("spike x3, two hours", at, times(3.0, at + 2 * HOUR), usual, ("spike",), 30),
        Wrong("level x3", at, times(3.0), usual, ("spike", "level-shift"), 30),
        Wrong("level x2", at, times(2.0), usual, ("spike", "level-shift"), 30),
        Wrong("level x1.5", at, times(1.5), usual, ("spike", "level-shift"), 30),
        Wrong(
            "leak of 2 % a day",
            at,
            lambda t: 1.02 ** (max(0, t - at) / DAY),
            usual,
            ("leak", "level-shift", "spike"),
            None,
        ),  # noqa: E501
        Wrong("price + 20 %", at, usual, times(1.2), ("unit-cost",), 30),
        Wrong("weekend drop", saturday, times(0.3, saturday + 2 * DAY, saturday), usual, ("drop", "level-shift"), 30),
        Wrong("stops", at, times(0.0), usual, ("stopped",), 30),
    ]


@dataclass(frozen=True)
class Source:
    """How one scope spends: `spacing` seconds between events (0: by chance), `a_day` money, `noise` of an event's size.

    `lasting` is the noise that lasts for hours.
    """

    tenant: str
    feature: str
    seed: str
    spacing: int
    an_hour: float
    a_day: float
    noise: float
    lasting: float
    weekend: float = WEEKEND
    jitter: float = 0.1

    def windows(self, start: int, days: int, wrong: Wrong | None = None) -> Iterator[HourLine | None]:
        """Yield what each five minutes cost."""
        rng = random.Random(self.seed)  # noqa: S311 - traffic, not a secret
        phase, swing, wander = rng.uniform(0, 2 * math.pi), rng.uniform(0.2, 0.6), 0.0
        first = rng.uniform(0, self.spacing) if self.spacing else 0.0
        size = self.a_day / 24 / self.an_hour
        left = 0.0
        for hour in range(start, start + days * DAY, HOUR):
            wander = 0.7 * wander + 0.7 * rng.gauss(0, self.lasting)
            calm = math.exp(wander) * (self.weekend if weekday(hour) >= SATURDAY else 1.0)
            for window in range(hour, hour + HOUR, WIDTH):
                rhythm = calm * (1 + swing * math.sin((window + WIDTH / 2) % DAY / DAY * 2 * math.pi + phase))
                volume, price = (wrong.volume(window), wrong.price(window)) if wrong else (1.0, 1.0)
                if self.spacing:
                    count, each = self._on_the_clock(rng, window, first), rhythm * volume
                    count = count if volume else 0
                else:
                    count, each = poisson(rng, self.an_hour * WIDTH / HOUR * rhythm * volume), 1.0
                left = sum(math.exp(rng.gauss(0, self.noise)) for _ in range(count)) * each
                units = Decimal(f"{left * 100:.4f}")
                amount = Decimal(f"{left * size * price:.8f}")
                scope = self.tenant, "production", self.feature, f"{self.feature}-api", "core"
                yield HourLine(scope, METER, count, units, amount) if count else None

    def _on_the_clock(self, rng: random.Random, window: int, first: float) -> int:
        """Return how many events of a clock are in a window; each is late by some jitter."""
        ticks = math.ceil((window + WIDTH - first) / self.spacing) - math.ceil((window - first) / self.spacing)
        del rng
        return ticks


def poisson(rng: random.Random, mean: float) -> int:
    """Return how many events come by chance when so many are due."""
    if mean > 50:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    count, left, chance = 0, math.exp(-mean), rng.random()
    while chance > left:
        chance *= rng.random()
        count += 1
    return count
