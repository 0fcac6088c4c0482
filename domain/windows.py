"""Time as the tables see it: UTC windows of a minute, an hour and a day, named by their first second.

Instants are whole seconds since 1970-01-01T00:00:00Z. Windows are half open: `[start, start + width)`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Final, NamedTuple

import msgspec

MINUTE: Final = 60
HOUR: Final = 3600
DAY: Final = 86400
# Times before or after these are damage: `[FIRST_YEAR, LAST_YEAR)`.
FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2100
_LENGTH: Final = re.compile(r"([1-9][0-9]*)([mhd])")
_UNITS: Final = {"m": MINUTE, "h": HOUR, "d": DAY}
# Epoch seconds that are a date in every zone, and so are the days around it.
Instant = Annotated[int, msgspec.Meta(ge=-62_000_000_000, le=253_000_000_000)]
# The last of the year 9998: a day later is still a date, wherever it is.
_LAST_MILLISECOND: Final = 253_370_764_799_999


class Granularity(StrEnum):
    """Width of a window; the value is the word that the API uses."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"

    # An enumeration's own is a Python function, and windows are keys everywhere.
    __hash__ = str.__hash__

    @property
    def seconds(self) -> int:
        """Width in seconds."""
        return _SECONDS[self]


_SECONDS: Final = {Granularity.MINUTE: MINUTE, Granularity.HOUR: HOUR, Granularity.DAY: DAY}


class Window(NamedTuple):
    """One window of one granularity."""

    granularity: Granularity
    start: int

    @property
    def end(self) -> int:
        """First second after the window."""
        return self.start + self.granularity.seconds


def floor(instant: int, width: int) -> int:
    """Return the start of the window of `width` seconds that holds `instant`."""
    return instant - instant % width


def cover(start: int, end: int, finest: Granularity = Granularity.MINUTE) -> list[Window]:
    """Split `[start, end)` into the fewest whole windows: minutes at the edges, hours, days inside.

    `start` and `end` must be multiples of the width of `finest`.
    """
    windows: list[Window] = []
    at = start
    while at < end:
        for granularity in (Granularity.DAY, Granularity.HOUR, finest):
            width = granularity.seconds
            if at % width == 0 and at + width <= end:
                break
        windows.append(Window(granularity, at))
        at += granularity.seconds
    return windows


def parse_instant(text: str) -> datetime:
    """Read RFC 3339 with any fraction, into UTC; `ValueError` when it is not, or names no offset."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not an RFC 3339 time such as 2026-11-01T00:00:00Z") from None
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} names no UTC offset; write 2026-11-01T00:00:00Z")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{text!r} is not within the years 1 to 9999 in UTC") from None


@lru_cache(maxsize=16_384)
def to_rfc3339(instant: int) -> str:
    """Write whole seconds as `2026-11-01T00:00:00Z`."""
    day, second = divmod(instant, DAY)
    minute, second = divmod(second, MINUTE)
    return f"{_date(day)}T{minute // 60:02d}:{minute % 60:02d}:{second:02d}Z"


def parse_length(text: str, digits: int = 4) -> int | None:
    """Read `15m`, `6h` or `7d` into seconds: a number from 1, of so many digits at most; None of anything else."""
    found = _LENGTH.fullmatch(text)
    return int(found[1]) * _UNITS[found[2]] if found and len(found[1]) <= digits else None


def stamped(milliseconds: int | None) -> int:
    """Return when a record came, in milliseconds since 1970, within what a date can be: a sender may stamp anything."""
    return min(max(milliseconds or 0, 0), _LAST_MILLISECOND)


def bounds(start: int, end: int) -> dict[str, str]:
    """Write a window of time as questions and answers of the API name it."""
    return {"start": to_rfc3339(start), "end": to_rfc3339(end)}


@lru_cache(maxsize=4096)
def _date(day: int) -> str:
    return datetime.fromtimestamp(day * DAY, UTC).strftime("%Y-%m-%d")
