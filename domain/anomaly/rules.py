"""Two ways for a value to be odd: it does not change any more, or is away from what was expected for a while.

Each rule has `score_one(at, value)`, 0 for what is ordinary and above 1 for what is not, and `learn_one(at, value)`.
The scale of a score is a parameter of the rule, the same for every series.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, Protocol

from domain.anomaly.moments import HourlySpread, Moments, TailQuantile

if TYPE_CHECKING:
    from domain.anomaly.predictors import Predictor


class Rule(Protocol):
    """Judges one value after the other."""

    def score_one(self, at: float, value: float) -> float:
        """Return how odd a value is; above 1 is odd."""

    def learn_one(self, at: float, value: float) -> None:
        """Take a value in."""


class Unchanged:
    """For how long a value has been the same to the last digit, in the longest such times before, over `scale`.

    A source that stops often goes on reporting its last value. Before a series first changes nothing is known of it;
    after `KNOWN` times the longest it is known.
    """

    __slots__ = ("_last", "_longest", "_run", "_scale")

    LEAST: Final = 3
    KNOWN: Final = 3

    def __init__(self, scale: float) -> None:
        self._scale = scale
        self._last: float | None = None
        self._longest = 0
        self._run = 0

    def score_one(self, at: float, value: float) -> float:  # noqa: ARG002 - how often, not how long
        """Return the length of the run that this value would continue."""
        if value != self._last or not self._longest or self._run >= self.KNOWN * self._longest:
            return 0.0
        return (self._run + 1) / self._longest / self._scale

    def learn_one(self, at: float, value: float) -> None:  # noqa: ARG002
        """Go on with a run, or end it."""
        if value == self._last:
            self._run += 1
        else:
            if self._last is not None:
                self._longest = max(self._longest, self._run, self.LEAST)
            self._run = 0
        self._last = value


_Judged = tuple[float, float, float, float, float, float, float]


class Surprise:
    """What a predictor missed, judged twice: as it is, and in the spread that is usual at this hour of the day.

    A night that is quiet by nature is odd at a level that means nothing by day, and a busy hour may miss more. Either
    judge alone is fooled by some series; the root of the sum of their squares counts.
    """

    __slots__ = ("_judged", "_of_hour", "_plain", "_predictor", "_spreads")

    def __init__(self, predictor: Predictor, *, plain: ShortMean, of_hour: ShortMean) -> None:
        self._predictor = predictor
        self._plain = plain
        self._of_hour = of_hour
        self._spreads = HourlySpread()
        self._judged: _Judged | None = None

    def score_one(self, at: float, value: float) -> float:
        """Return how far what was missed lately is from what is missed usually."""
        return self._judge(at, value)[6]

    def learn_one(self, at: float, value: float) -> None:
        """Take a value in; an extreme one as well: the spread is that of everything."""
        missed, z, standard, standard_z = self._judge(at, value)[2:6]
        self._judged = None
        self._plain.learn_one(missed, z)
        self._of_hour.learn_one(standard, standard_z)
        self._spreads.learn_one(at, missed)
        self._predictor.learn_one(at, value)

    def _judge(self, at: float, value: float) -> _Judged:
        """Return time, value, what it missed with its z-score, both again in the spread of the hour, the score."""
        # What was scored is learnt next, as a rule.
        if self._judged is not None and self._judged[0] == at and self._judged[1] == value:
            return self._judged
        expected = self._predictor.predict_one(at)
        missed = 0.0 if expected is None else value - expected
        z = self._plain.z_one(missed)
        standard = self._spreads.standardise_one(at, missed)
        standard_z = self._of_hour.z_one(standard)
        score = math.hypot(self._plain.score_one(z), self._of_hour.score_one(standard_z))
        self._judged = at, value, missed, z, standard, standard_z, score
        return self._judged


class ShortMean:
    """The short mean of what was missed, against its own long spread and its own tail.

    With `z` the short mean (over about `reach` values), less the long mean, in standard deviations of such a mean:
    the score is `|z| / quantile(|z|) ** tail / scale`. `tail` 0 is a plain z-score; 1 makes every series equally odd at
    its own 99th percentile. In between, a series that is wild by nature has to be wilder, though not in proportion.
    `least` is the least variance to count in: of a series that hardly ever moves, the echo of a single move is not odd.
    """

    __slots__ = ("_extreme", "_least", "_long", "_root", "_scale", "_share", "_short", "_tail")

    LONG: Final = 0.0003
    WARM: Final = 30

    def __init__(self, *, reach: int, tail: float, scale: float, least: float = 0.0) -> None:
        self._least = least
        self._share = 2.0 / (reach + 1)
        self._root = math.sqrt(reach)
        self._tail = tail
        self._scale = scale
        self._short = 0.0
        self._long = Moments(self.LONG)
        self._extreme = TailQuantile()

    def z_one(self, missed: float) -> float:
        """Return how many deviations the short mean would be away with this value, 0 while little is known."""
        long = self._long
        if long.variance <= 0 or long.count < self.WARM:
            return 0.0
        short = self._short + self._share * (missed - self._short)
        return abs(short - long.mean) / math.sqrt(max(long.variance, self._least)) * self._root

    def score_one(self, z: float) -> float:
        """Return how odd so many deviations are for this series."""
        return z / math.pow(self._extreme.value, self._tail) / self._scale

    def learn_one(self, missed: float, z: float) -> None:
        """Take in what was missed, and what `z_one` said of it."""
        self._extreme.learn_one(z)
        self._short += self._share * (missed - self._short)
        self._long.learn_one(missed)
