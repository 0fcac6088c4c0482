"""The detector of `costguard score`: five rules, whose evidence adds up, and a sense of when to speak.

- out of the range seen so far;
- a larger step than any before;
- out of the range of this time of day, by the mean of some four values;
- the short mean of what a level with a daily season missed is far from what it misses usually, at all hours or at this;
- the same to the last digit for longer than ever.

Each rule counts 1 where it alone would be told of, and the root of the sum of squares is how odd a value is. One
configuration for every series. An anomaly goes on for many points: `Telling` has people told once.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

from domain.anomaly.predictors import DailySeason
from domain.anomaly.ranges import OutOfHours, OutOfRange, OutOfStep
from domain.anomaly.rules import ShortMean, Surprise, Unchanged
from domain.anomaly.telling import Telling

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from domain.anomaly.rules import Rule

THRESHOLD: Final = 0.5
_FEW: Final = 1000
_MOST: Final = 1e30  # seasons are kept as 32-bit floats


class Verdict(NamedTuple):
    """What a point is: `score` in 0..1, odd from `THRESHOLD` on."""

    score: float
    anomaly: bool


class Detector:
    """Scores a series online: `score_one` before `learn_one`, in the order of time.

    >>> detector = Detector()
    >>> verdicts = [detector.follow_one(300.0 * i, 5.0 + i % 3 + 40.0 * (i == 900)) for i in range(1000)]
    >>> [i for i, verdict in enumerate(verdicts) if verdict.anomaly and i > 150]
    [900]
    """

    def __init__(self) -> None:
        self._rules: tuple[Rule, ...] = (
            OutOfRange(0.055, doubt=_FEW),
            OutOfStep(0.12, doubt=_FEW),
            OutOfHours(0.07),
            Surprise(
                DailySeason(),
                plain=ShortMean(reach=4, tail=0.3, scale=5.0),
                of_hour=ShortMean(reach=4, tail=0.3, scale=3.6, least=0.25),
            ),
            Unchanged(1.2),
        )
        self._telling = Telling()

    def score_one(self, at: float, value: float) -> float:
        """Return how odd a value is, in 0..1; `at` is epoch seconds."""
        return _verdict(self._odd(at, max(-_MOST, min(_MOST, value)))).score

    def learn_one(self, at: float, value: float) -> None:
        """Take a value in."""
        self.follow_one(at, value)

    def follow_one(self, at: float, value: float) -> Verdict:
        """Score a value, then learn it: both in one pass."""
        value = max(-_MOST, min(_MOST, value))
        odd = self._odd(at, value)
        self._telling.learn_one(odd)
        for rule in self._rules:
            rule.learn_one(at, value)
        return _verdict(odd)

    def _odd(self, at: float, value: float) -> float:
        scores = [rule.score_one(at, value) for rule in self._rules]
        return self._telling.score_one(math.hypot(*scores))


def _verdict(odd: float) -> Verdict:
    """Keep a gap around `THRESHOLD`: whoever sets another one in 0.25 to 0.75 is told of the same points."""
    told = odd >= 1.0
    return Verdict(THRESHOLD * told + (1.0 - THRESHOLD) * (1.0 - math.pow(2.0, -odd)), told)


def follow(points: Iterable[tuple[float, float]]) -> Iterator[Verdict]:
    """Score a series of `(epoch seconds, value)` in one pass, as live."""
    detector = Detector()
    return (detector.follow_one(at, value) for at, value in points)
