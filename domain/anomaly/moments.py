"""Running figures that forget: a mean, a variance, a quantile. A few floats each, updated in a microsecond."""

from __future__ import annotations

import math
from array import array
from typing import Final

from domain.windows import DAY


class Moments:
    """Mean and variance that weigh a new value by `1/n` at first, and by `share` in the long run.

    >>> moments = Moments(0.001)
    >>> for value in (1.0, 2.0, 3.0):
    ...     moments.learn_one(value)
    >>> round(moments.mean, 3), round(moments.variance, 3)
    (2.0, 0.667)
    """

    __slots__ = ("count", "mean", "share", "variance")

    def __init__(self, share: float) -> None:
        self.share = share
        self.count = 0
        self.mean = 0.0
        self.variance = 0.0

    def learn_one(self, value: float) -> None:
        """Take a value in."""
        self.count += 1
        share = max(self.share, 1.0 / self.count)
        difference = value - self.mean
        self.mean += share * difference
        self.variance = (1.0 - share) * (self.variance + share * difference * difference)

    @property
    def spread(self) -> float:
        """Standard deviation."""
        return math.sqrt(self.variance)


class TailQuantile:
    """Where the largest hundredth of positive values begins, followed by steps up and small steps down.

    A step is a factor, so the quantile finds its place over decades. It is never below `FLOOR`: a series that was
    quiet so far must not make its first noise a sensation.
    """

    __slots__ = ("_at",)

    SHARE: Final = 0.99
    STEP: Final = 0.02
    FLOOR: Final = 0.3
    START: Final = 3.0
    _UP: Final = math.exp(STEP)
    _DOWN: Final = math.exp(-STEP * (1.0 - SHARE) / SHARE)

    def __init__(self) -> None:
        self._at = self.START

    def learn_one(self, value: float) -> None:
        """Take a value in."""
        self._at *= self._UP if value > self._at else self._DOWN

    @property
    def value(self) -> float:
        """The quantile as far as it is known."""
        return max(self._at, self.FLOOR)


class HourlySpread:
    """How much is missed at each hour of the day, and at all hours: what a miss is to be counted in.

    An hour is believed once it was seen `KNOWN` times, and never alone: a share `COMMON` is the variance of all hours.
    """

    __slots__ = ("_all", "_counts", "_variances")

    HOURS: Final = 24
    KNOWN: Final = 12
    COMMON: Final = 0.3
    SHARE: Final = 0.01
    ALL_SHARE: Final = 0.0005
    MOST: Final = 5.0  # deviations; more of them in one value say no more

    def __init__(self) -> None:
        self._all = Moments(self.ALL_SHARE)
        self._variances = array("d", bytes(8 * self.HOURS))
        self._counts = array("H", bytes(2 * self.HOURS))

    def standardise_one(self, at: float, missed: float) -> float:
        """Return a miss in deviations, 0 while none is known."""
        hour = int(at % DAY * self.HOURS / DAY)
        variance = self._all.mean
        if self._counts[hour] >= self.KNOWN:
            variance = self.COMMON * variance + (1.0 - self.COMMON) * self._variances[hour]
        if variance <= 0:
            return 0.0
        return max(-self.MOST, min(self.MOST, missed / math.sqrt(variance)))

    def learn_one(self, at: float, missed: float) -> None:
        """Take in what was missed."""
        hour = int(at % DAY * self.HOURS / DAY)
        square = missed * missed
        self._all.learn_one(square)
        count = self._counts[hour] = min(self._counts[hour] + 1, self._MOST_COUNT)
        self._variances[hour] += max(self.SHARE, 1.0 / count) * (square - self._variances[hour])

    _MOST_COUNT: Final = 65_535
