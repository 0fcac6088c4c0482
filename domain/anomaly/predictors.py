"""What a value should have been: a season around a level.

A predictor has `predict_one(at)` (None before it knows anything) and `learn_one(at, value)`; `at` is epoch
seconds. A season is kept as an offset from a level, so that a change of level moves all hours at once.
"""

from __future__ import annotations

from array import array
from typing import Final, Protocol

from domain.windows import DAY

_MAX_COUNT: Final = 255


class Predictor(Protocol):
    """Foresees the next value of a series."""

    def predict_one(self, at: float) -> float | None:
        """Return the value expected at an instant."""

    def learn_one(self, at: float, value: float) -> None:
        """Take the value in that came."""


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
