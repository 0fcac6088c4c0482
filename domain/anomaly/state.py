"""What is remembered of the spend of one scope and driver: under two kilobytes, one table row.

Arrays are packed 32-bit floats: money for judging, never for adding up. NaN is "not known yet".
"""

from __future__ import annotations

import math
from struct import Struct
from typing import TYPE_CHECKING, Final

import msgspec

from domain.windows import DAY, HOUR

if TYPE_CHECKING:
    from collections.abc import Iterator

HOURS_A_DAY: Final = 24
HOURS_A_WEEK: Final = 168
RECENT: Final = 48
DAYS: Final = 28
MAX_PRICES: Final = 16
_FLOAT: Final = Struct("<f")
_TRIPLE: Final = Struct("<3f")
_UNKNOWN: Final = _FLOAT.pack(math.nan)

_read = _FLOAT.unpack_from
_MOST: Final = 1e30  # of a 32-bit float, with room to spare


def _write(row: bytearray, at: int, value: float) -> None:
    _FLOAT.pack_into(row, at, _bounded(value))


def _bounded(value: float) -> float:
    """Keep NaN, and what fits."""
    return value if math.isnan(value) else max(-_MOST, min(_MOST, value))


class SpendState(msgspec.Struct, array_like=True, gc=False):
    """State of the models of one scope and driver after the hour `hour` (its first second)."""

    version: int
    hour: int
    hours: int = 0  # learnt so far
    fast: float = 0.0
    slow: float = 0.0
    by_day: bytearray = msgspec.field(default_factory=lambda: bytearray(_UNKNOWN * 2 * HOURS_A_DAY))
    by_week: bytearray = msgspec.field(default_factory=lambda: bytearray(_UNKNOWN * HOURS_A_WEEK))
    errors: list[float] = msgspec.field(default_factory=lambda: [1.0, 1.0, 1.0])
    variance: float = 0.02
    short: float = 0.0
    extreme: float = 3.0
    peak: float = 0.0  # largest surprise of late
    zeros: float = 0.0  # share of hours without any cost
    tolerance: float = 1.0  # grows when people say that an alarm was none
    recent: bytearray = msgspec.field(default_factory=lambda: bytearray(_TRIPLE.pack(math.nan, 0, 0) * RECENT))
    days: bytearray = msgspec.field(default_factory=lambda: bytearray(_UNKNOWN * DAYS))
    today: float = 0.0
    prices: dict[str, list[float]] = msgspec.field(default_factory=dict)  # units, amount, events of a usual hour
    price_variance: float = 0.0004
    rises: int = 0  # hours in a row with a risen unit cost
    odd: int = 0  # hours away from what was expected, without a rest between them
    told: int = 0  # newest hour that was told of
    base: float = 0.0  # what was usual of late: beside `fast`, what came
    calm: int = 0  # ordinary hours in a row since the last odd one, of those that `odd` counts

    def day_bin(self, hour: int, *, rest: bool) -> float:
        """Return what this hour of a working or a rest day usually costs."""
        found: float = _read(self.by_day, 4 * (hour % DAY // HOUR + HOURS_A_DAY * rest))[0]
        return found

    def set_day_bin(self, hour: int, value: float, *, rest: bool) -> None:
        """Remember what this hour of the day usually costs."""
        _write(self.by_day, 4 * (hour % DAY // HOUR + HOURS_A_DAY * rest), value)

    def week_bin(self, hour: int) -> float:
        """Return what this hour of the week usually costs."""
        found: float = _read(self.by_week, 4 * (hour // HOUR % HOURS_A_WEEK))[0]
        return found

    def set_week_bin(self, hour: int, value: float) -> None:
        """Remember what this hour of the week usually costs."""
        _write(self.by_week, 4 * (hour // HOUR % HOURS_A_WEEK), value)

    def at(self, hour: int) -> tuple[float, float, float]:
        """Return actual, expected and one standard deviation of a recent hour; NaN when it is not remembered."""
        found: tuple[float, float, float] = _TRIPLE.unpack_from(self.recent, _TRIPLE.size * (hour // HOUR % RECENT))
        return found

    def remember(self, hour: int, actual: float, expected: float, deviation: float) -> None:
        """Keep an hour for those who ask how it came."""
        kept = _bounded(actual), _bounded(expected), _bounded(deviation)
        _TRIPLE.pack_into(self.recent, _TRIPLE.size * (hour // HOUR % RECENT), *kept)

    def series(self) -> Iterator[tuple[int, float, float, float]]:
        """Yield `(hour, actual, expected, deviation)` of the recent hours, oldest first."""
        for back in range(min(self.hours, RECENT) - 1, -1, -1):
            hour = self.hour - back * HOUR
            actual, expected, deviation = self.at(hour)
            if not math.isnan(actual):
                yield hour, actual, expected, deviation

    def end_day(self) -> None:
        """Begin a new day."""
        self.days = self.days[4:] + _FLOAT.pack(_bounded(self.today))
        self.today = 0.0

    def last_days(self) -> list[float]:
        """Return the totals of the last `DAYS` days, oldest first."""
        return [value for (value,) in _FLOAT.iter_unpack(self.days)]


encode_state = msgspec.msgpack.Encoder().encode
decode_state = msgspec.msgpack.Decoder(SpendState).decode
