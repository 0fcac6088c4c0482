"""The stretch of time a question is about: `24h`, `mtd`, or a start and an end.

Short windows end with the current minute. Those of days end with the current hour and start with one, since
minutes are kept for days only; what was really covered is reported with the answer.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, NamedTuple

from domain.rejection import Rejected
from domain.windows import DAY, HOUR, MINUTE, floor, parse_instant

MONTH_TO_DATE: Final = "mtd"
DEFAULT_WINDOW: Final = "24h"
# Name: length, and the width its edges are multiples of.
_LENGTHS: Final = {
    "15m": (15 * MINUTE, MINUTE),
    "1h": (HOUR, MINUTE),
    "24h": (DAY, MINUTE),
    "7d": (7 * DAY, HOUR),
    "30d": (30 * DAY, HOUR),
}
WINDOW_NAMES: Final = (*_LENGTHS, MONTH_TO_DATE)


class TimeRange(NamedTuple):
    """`[start, end)` in epoch seconds, both whole minutes."""

    start: int
    end: int

    @property
    def preceding(self) -> TimeRange:
        """The range of the same length that ends where this one starts."""
        return TimeRange(self.start - (self.end - self.start), self.start)


def parse_range(window: str | None, start: str | None, end: str | None, now: float) -> TimeRange | Rejected:
    """Read a named window or `start` and `end` (RFC 3339); nothing given is the last 24 hours.

    A start within a minute means that whole minute, an end within one too.
    """
    if start is None and end is None:
        return _named(DEFAULT_WINDOW if window is None else window, int(now))
    if window is not None:
        return Rejected("give window, or start and end, not both")
    if start is None or end is None:
        return Rejected("start and end go together")
    try:
        return _between(parse_instant(start), parse_instant(end))
    except (ValueError, OverflowError) as error:
        return Rejected(str(error))


def _named(name: str, now: int) -> TimeRange | Rejected:
    if name == MONTH_TO_DATE:
        month = datetime.fromtimestamp(now, UTC).replace(day=1, hour=0, minute=0, second=0)
        return TimeRange(int(month.timestamp()), _after(now, HOUR))
    if name not in _LENGTHS:
        return Rejected(f"window {name!r} is not one of {', '.join(WINDOW_NAMES)}; or give start and end")
    length, width = _LENGTHS[name]
    end = _after(now, width)
    return TimeRange(end - length, end)


def _after(now: int, width: int) -> int:
    """Return the end of the window of `width` that `now` is in."""
    return floor(now, width) + width


def _between(start: datetime, end: datetime) -> TimeRange | Rejected:
    if start >= end:
        return Rejected("start must be before end")
    # The last microsecond inside decides: an end at 12:00 exactly does not take in the minute 12:00.
    last = int(end.timestamp()) if end.microsecond else int(end.timestamp()) - 1
    return TimeRange(floor(int(start.timestamp()), MINUTE), _after(last, MINUTE))
