"""Outside of all that was: the surest sign there is, whatever the distribution of a series.

A record gets rarer the longer a series is known, so these rules need no tail to be estimated and grow quiet by
themselves. Money jumps by decades and comes back; both are judged by the range, not by a deviation.
"""

from __future__ import annotations

import math
from array import array
from typing import Final

from domain.windows import DAY

_NEVER: Final = -1
_MAX_COUNT: Final = 255
MOST: Final = 100.0  # ranges; beyond, it does not matter


class OutOfRange:
    """How far a value leaves the range of all earlier ones, in ranges, over `scale`.

    A range of few values is soon left: `doubt` is how many values have to be known before half of it is believed.

    >>> rule = OutOfRange(0.5)
    >>> for value in (1.0, 3.0):
    ...     rule.learn_one(0.0, value)
    >>> rule.score_one(0.0, 4.0)
    1.0
    """

    __slots__ = ("_count", "_doubt", "_high", "_low", "_scale")

    def __init__(self, scale: float, doubt: int = 0) -> None:
        self._scale = scale
        self._doubt = doubt
        self._count = 0
        self._low = math.inf
        self._high = -math.inf

    def score_one(self, at: float, value: float) -> float:  # noqa: ARG002 - the range does not depend on when
        """Return the excess."""
        if self._low <= value <= self._high or self._low > self._high:
            return 0.0
        belief = self._count / (self._count + self._doubt)
        return belief * excess(value, self._low, self._high, self._high - self._low) / self._scale

    def learn_one(self, at: float, value: float) -> None:  # noqa: ARG002
        """Widen the range."""
        self._count += 1
        self._low = min(self._low, value)
        self._high = max(self._high, value)


class OutOfStep:
    """How far the step from one value to the next leaves the range of all earlier steps, in ranges, over `scale`."""

    __slots__ = ("_before", "_steps")

    def __init__(self, scale: float, doubt: int = 0) -> None:
        self._steps = OutOfRange(scale, doubt)
        self._before: float | None = None

    def score_one(self, at: float, value: float) -> float:
        """Return the excess of the step to this value."""
        return 0.0 if self._before is None else self._steps.score_one(at, value - self._before)

    def learn_one(self, at: float, value: float) -> None:
        """Widen the range of steps."""
        if self._before is not None:
            self._steps.learn_one(at, value - self._before)
        self._before = value


class OutOfHours:
    """How far the short mean leaves what it was at about this time of day before, in ranges of all times, over `scale`.

    A night as busy as a day is no record, and still odd. The range of a time of day is that of its `BINS`th of a day
    and of both neighbours, once each was seen on `DAYS` days; a bin narrows by `NARROWER` a day, so that one odd day
    is not what its hour is judged by for ever. The mean is over about `REACH` values: in a band as narrow as
    this one a single value is often just outside.
    """

    __slots__ = ("_days", "_highs", "_last", "_lows", "_range", "_scale", "_short")

    BINS: Final = 12
    DAYS: Final = 2
    NARROWER: Final = 0.02
    REACH: Final = 4

    def __init__(self, scale: float) -> None:
        self._scale = scale
        self._short: float | None = None
        self._range = math.inf, -math.inf
        self._lows = array("d", [math.inf] * self.BINS)
        self._highs = array("d", [-math.inf] * self.BINS)
        self._days = bytearray(self.BINS)
        self._last = array("q", [_NEVER] * self.BINS)

    def score_one(self, at: float, value: float) -> float:
        """Return the excess; 0 while this time of day is not known."""
        here = int(at % DAY * self.BINS / DAY)
        after = here + 1 - self.BINS  # as an index from the end: midnight needs no care
        if min(self._days[here - 1], self._days[here], self._days[after]) < self.DAYS:
            return 0.0
        mean = self._mean(value)
        low = min(self._lows[here - 1], self._lows[here], self._lows[after])
        high = max(self._highs[here - 1], self._highs[here], self._highs[after])
        if low <= mean <= high:
            return 0.0
        return excess(mean, low, high, self._range[1] - self._range[0]) / self._scale

    def learn_one(self, at: float, value: float) -> None:
        """Widen the range of this time of day."""
        mean = self._short = self._mean(value)
        here = int(at % DAY * self.BINS / DAY)
        if (day := int(at // DAY)) != self._last[here]:
            self._begin_day(here, day)
        self._lows[here] = min(self._lows[here], mean)
        self._highs[here] = max(self._highs[here], mean)
        low, high = self._range
        if not low <= mean <= high:
            self._range = min(low, mean), max(high, mean)

    def _begin_day(self, here: int, day: int) -> None:
        self._last[here] = day
        if self._days[here]:
            narrower = self.NARROWER * (self._highs[here] - self._lows[here])
            self._lows[here] += narrower
            self._highs[here] -= narrower
        self._days[here] = min(self._days[here] + 1, _MAX_COUNT)

    def _mean(self, value: float) -> float:
        return value if self._short is None else self._short + 2 / (self.REACH + 1) * (value - self._short)


def excess(value: float, low: float, high: float, width: float) -> float:
    """Return how many widths a value is outside of `low` to `high`, at most `MOST`."""
    return min(max(value - high, low - value) / width, MOST) if width > 0 else MOST
