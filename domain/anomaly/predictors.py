"""What a value should have been: level, hour of day, season around a level, and a blend that trusts whoever was right.

Each predictor has `predict_one(at)` (None before it knows anything) and `learn_one(at, value)`; `at` is epoch
seconds. A season is kept as an offset from a level, so that a change of level moves all hours at once.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Final, Protocol

from domain.windows import DAY

if TYPE_CHECKING:
    from collections.abc import Sequence

_MAX_COUNT: Final = 255


class Predictor(Protocol):
    """Foresees the next value of a series."""

    def predict_one(self, at: float) -> float | None:
        """Return the value expected at an instant."""

    def learn_one(self, at: float, value: float) -> None:
        """Take the value in that came."""


class Level:
    """The value as it was lately: an exponentially weighted mean that moves by `share` of each surprise."""

    __slots__ = ("_share", "value")

    def __init__(self, share: float) -> None:
        self._share = share
        self.value: float | None = None

    def predict_one(self, at: float) -> float | None:  # noqa: ARG002 - the level does not depend on when
        """Return the level."""
        return self.value

    def learn_one(self, at: float, value: float) -> None:  # noqa: ARG002
        """Move towards a value."""
        self.value = value if self.value is None else self.value + self._share * (value - self.value)


class HourOfDay:
    """The value at this time of day, in `BINS` of a quarter of an hour; the slow level where a bin is new."""

    __slots__ = ("_bins", "_known", "_level")

    BINS: Final = 96
    SHARE: Final = 0.3
    _LEVEL_SHARE: Final = 0.01

    def __init__(self) -> None:
        self._bins = array("f", bytes(4 * self.BINS))
        self._known = bytearray(self.BINS)
        self._level = Level(self._LEVEL_SHARE)

    def predict_one(self, at: float) -> float | None:
        """Return what came at this time of day before."""
        here = int(at % DAY * self.BINS / DAY)
        return self._bins[here] if self._known[here] else self._level.value

    def learn_one(self, at: float, value: float) -> None:
        """Move the bin of this time of day towards a value."""
        here = int(at % DAY * self.BINS / DAY)
        known = self._bins[here]
        self._bins[here] = known + self.SHARE * (value - known) if self._known[here] else value
        self._known[here] = 1
        self._level.learn_one(at, value)


class DailySeason:
    """A level, and an offset from it for each quarter of an hour of the day.

    A surprise moves the level a little and the offset of its quarter much more; one that was seen `n` times moves
    by `1/n`, in the long run by `SHARE`.
    """

    __slots__ = ("_counts", "_level", "_offsets")

    BINS: Final = 96
    SHARE: Final = 0.2
    LEVEL_SHARE: Final = 0.02
    _KEPT: Final = 0.8

    def __init__(self) -> None:
        self._level: float | None = None
        self._offsets = array("f", bytes(4 * self.BINS))
        self._counts = bytearray(self.BINS)

    @staticmethod
    def _bin(at: float) -> int:
        return int(at % DAY * DailySeason.BINS / DAY)

    def predict_one(self, at: float) -> float | None:
        """Return level and offset of this time of day."""
        return None if self._level is None else self._level + self._offsets[self._bin(at)]

    def learn_one(self, at: float, value: float) -> None:
        """Move level and offset towards a value."""
        if self._level is None:
            self._level = value
            return
        here = self._bin(at)
        self._counts[here] = min(self._counts[here] + 1, _MAX_COUNT)
        surprise = value - self._level - self._offsets[here]
        self._level += self.LEVEL_SHARE * surprise
        self._offsets[here] += max(self.SHARE, 1.0 / self._counts[here]) * surprise * self._KEPT


class Blend:
    """A mean of predictors, weighed by the inverse of the squared error that each had lately."""

    __slots__ = ("_errors", "_members")

    _SHARE: Final = 0.01
    _TINY: Final = 1e-30

    def __init__(self, members: Sequence[Predictor]) -> None:
        self._members = tuple(members)
        self._errors = array("d", [1e-12] * len(self._members))

    def predict_one(self, at: float) -> float | None:
        """Return the weighed mean of those who know something."""
        total = weight = 0.0
        for member, error in zip(self._members, self._errors, strict=True):
            predicted = member.predict_one(at)
            if predicted is not None:
                trust = 1.0 / (error + self._TINY)
                total += trust * predicted
                weight += trust
        return total / weight if weight else None

    def learn_one(self, at: float, value: float) -> None:
        """Judge the members by a value, and let them learn it."""
        for index, member in enumerate(self._members):
            predicted = member.predict_one(at)
            if predicted is not None:
                missed = value - predicted
                self._errors[index] += self._SHARE * (missed * missed - self._errors[index])
            member.learn_one(at, value)
