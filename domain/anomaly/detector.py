"""The detector of `costguard score`: three rules, the oddest one speaks, and then it keeps quiet for a while.

- out of the range seen so far, by more than a fortieth of it;
- the short mean of what a blend of levels and the hour of day missed, over some ten values;
- the same over four values around a level with a season, weighed more by the series' own tail.

One configuration for every series. An anomaly goes on for many points; after it has been told, the next
`REFRACTORY` points are quiet unless one is `LOUDER` times odder: people are told once.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

from domain.anomaly.predictors import Blend, DailySeason, HourOfDay, Level
from domain.anomaly.rules import OutOfRange, Surprise

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from domain.anomaly.rules import Rule

THRESHOLD: Final = 0.5
REFRACTORY: Final = 75
LOUDER: Final = 3.0
_QUIET: Final = 0.99


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
            OutOfRange(0.025),
            Surprise(Blend((Level(0.3), Level(0.05), HourOfDay())), reach=10, tail=0.5, scale=2.45),
            Surprise(DailySeason(), reach=4, tail=0.7, scale=2.75),
        )
        self._since = REFRACTORY
        self._told = 0.0

    def score_one(self, at: float, value: float) -> float:
        """Return how odd a value is, in 0..1; `at` is epoch seconds."""
        return 1.0 - math.pow(2.0, -self._excess(at, value))

    def learn_one(self, at: float, value: float) -> None:
        """Take a value in."""
        self.follow_one(at, value)

    def follow_one(self, at: float, value: float) -> Verdict:
        """Score a value, then learn it: both in one pass."""
        excess = self._excess(at, value)
        self._since += 1
        if excess >= 1.0:
            self._since, self._told = 0, excess
        for rule in self._rules:
            rule.learn_one(at, value)
        score = 1.0 - math.pow(2.0, -excess)
        return Verdict(score, score >= THRESHOLD)

    def _excess(self, at: float, value: float) -> float:
        excess = max([rule.score_one(at, value) for rule in self._rules])
        quiet = self._since + 1 < REFRACTORY and excess <= LOUDER * self._told
        return min(excess, _QUIET) if quiet else excess


def follow(points: Iterable[tuple[float, float]]) -> Iterator[Verdict]:
    """Score a series of `(epoch seconds, value)` in one pass, as live."""
    detector = Detector()
    return (detector.follow_one(at, value) for at, value in points)
