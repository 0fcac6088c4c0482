"""What is remembered of the five minutes of a fast scope: a row of its own, some 1.3 kilobytes."""

from __future__ import annotations

import math
from struct import Struct
from typing import TYPE_CHECKING, Final

import msgspec

from domain.windows import HOUR

if TYPE_CHECKING:
    from collections.abc import Iterator

WIDTH: Final = 300
AN_HOUR: Final = HOUR // WIDTH
RECENT: Final = 48
_TRIPLE: Final = Struct("<3f")
_MOST: Final = 1e30


class FastState(msgspec.Struct, array_like=True, gc=False):
    """State of a fast scope after the five minutes `window` (their start): a row of its own, some 1.3 kilobytes."""

    version: int
    window: int
    windows: int = 0  # learnt so far
    variances: list[float] = msgspec.field(default_factory=lambda: [0.1, 0.05])
    extremes: list[float] = msgspec.field(default_factory=lambda: [3.0, 3.0])
    peaks: list[float] = msgspec.field(default_factory=lambda: [0.0, 0.0])
    shape: list[float] = msgspec.field(default_factory=lambda: [1.0] * AN_HOUR)
    zeros: float = 0.0
    silent: float = 0.0  # events that were expected since anything came
    price_variance: float = 0.0004
    rises: int = 0
    odd: int = 0  # windows in a row that were found odd
    drift: float = 1.0  # of late, what came over what the hour's model said
    fresh: list[list[float]] = msgspec.field(default_factory=list)  # surprises, and ratio, of the last windows
    recent: bytearray = msgspec.field(default_factory=lambda: bytearray(_TRIPLE.pack(math.nan, 0, 0) * RECENT))
    past: list[list[float]] = msgspec.field(
        default_factory=list
    )  # actual, expected, events, doubt of the last ones, in a row
    rate: float = 0.0  # events of a window, of late
    quiet: int = 0  # windows in a row without anything
    longest: float = 0.0  # the most of them there were, of late
    often: float = 0.0  # events of a window, in the long run
    fano: float = 1.0  # variance of the events of some windows, over those due: 1 by chance, near 0 on the clock

    def at(self, window: int) -> tuple[float, float, float]:
        """Return actual, expected and one deviation of a recent window; NaN when it is not remembered."""
        if not 0 <= self.window - window < RECENT * WIDTH:
            return math.nan, 0.0, 0.0
        found: tuple[float, float, float] = _TRIPLE.unpack_from(self.recent, _TRIPLE.size * (window // WIDTH % RECENT))
        return found

    def remember(self, window: int, actual: float, expected: float, deviation: float) -> None:
        """Keep a window for those that come after it."""
        _TRIPLE.pack_into(
            self.recent, _TRIPLE.size * (window // WIDTH % RECENT), _bounded(actual), _bounded(expected),
            _bounded(deviation),
        )  # fmt: skip

    def correct(self, window: int, actual: float, events: int) -> None:
        """Take note that more, or less, came in a window than was known."""
        _, expected, deviation = self.at(window)
        self.remember(window, actual, expected, deviation)
        back = (self.window - window) // WIDTH + 1
        if back <= len(self.past):
            self.past[-back][0], self.past[-back][2] = actual, events

    def skip(self, until: int) -> None:
        """Forget what is known of windows that were not judged, up to and with one."""
        first = max(self.window + WIDTH, until - (RECENT - 1) * WIDTH)
        for window in range(first, until + WIDTH, WIDTH):
            _TRIPLE.pack_into(self.recent, _TRIPLE.size * (window // WIDTH % RECENT), math.nan, 0.0, 0.0)
        if self.window < until:
            self.past.clear()
            self.window = until

    def series(self) -> Iterator[tuple[int, float, float, float]]:
        """Yield `(start, actual, expected, deviation)` of the recent windows, oldest first."""
        for back in range(min(self.windows, RECENT) - 1, -1, -1):
            window = self.window - back * WIDTH
            actual, expected, deviation = self.at(window)
            if not math.isnan(actual):
                yield window, actual, expected, deviation


def _bounded(value: float) -> float:
    return max(-_MOST, min(_MOST, value))


encode_fast = msgspec.msgpack.Encoder().encode
decode_fast = msgspec.msgpack.Decoder(FastState).decode
