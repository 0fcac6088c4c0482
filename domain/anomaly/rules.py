"""Two ways for a value to be odd: it does not change any more, or is away from what was expected for a while.

Each rule has `score_one(at, value)`, 0 for what is ordinary and above 1 for what is not, and `learn_one(at, value)`.
The scale of a score is a parameter of the rule, the same for every series.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, Protocol

from domain.anomaly.moments import Moments, TailQuantile

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


class Surprise:
    """The short mean of what a predictor missed, against its own long spread and its own tail.

    With `z` the short mean (over about `reach` values) of the residual, less its long mean, in standard deviations
    of such a mean: the score is `z / quantile(|z|) ** tail / scale`. `tail` 0 is a plain z-score; 1 makes every
    series equally odd at its own 99th percentile. In between, a series that is wild by nature has to be wilder,
    though not in proportion.
    """

    LONG: Final = 0.0003
    WARM: Final = 30

    def __init__(self, predictor: Predictor, *, reach: int, tail: float, scale: float) -> None:
        self._predictor = predictor
        self._share = 2.0 / (reach + 1)
        self._root = math.sqrt(reach)
        self._tail = tail
        self._scale = scale
        self._short = 0.0
        self._long = Moments(self.LONG)
        self._extreme = TailQuantile()
        self._judged: tuple[float, float, float, float] | None = None

    def score_one(self, at: float, value: float) -> float:
        """Return how far what was missed lately is from what is missed usually."""
        missed = self._missed(at, value)
        z = abs(self._z(missed))
        self._judged = at, value, missed, z
        return z / math.pow(self._extreme.value, self._tail) / self._scale

    def learn_one(self, at: float, value: float) -> None:
        """Take a value in; an extreme one as well: the spread is that of everything."""
        if self._judged is not None and self._judged[:2] == (at, value):
            missed, z = self._judged[2:]
        else:
            missed = self._missed(at, value)
            z = abs(self._z(missed))
        self._judged = None
        self._extreme.learn_one(z)
        self._short += self._share * (missed - self._short)
        self._long.learn_one(missed)
        self._predictor.learn_one(at, value)

    def _missed(self, at: float, value: float) -> float:
        expected = self._predictor.predict_one(at)
        return 0.0 if expected is None else value - expected

    def _z(self, missed: float) -> float:
        spread = self._long.spread
        if spread <= 0 or self._long.count < self.WARM:
            return 0.0
        short = self._short + self._share * (missed - self._short)
        return (short - self._long.mean) / spread * self._root
