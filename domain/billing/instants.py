"""Dates and times as billing files write them, in UTC.

Providers write ISO 8601 with and without seconds, fraction or zone, `2024-09-01 00:00:00 UTC`, and, from
spreadsheets and Azure, `M/D/YYYY` and `YYYY/M/D`; day before month is never guessed. A time of day of 24 hours or more
carries over into the days after, as ISO 8601 allows for `24:00`. APIs and data frames count seconds, milliseconds or
microseconds since 1970, also as `1.7883072E9`; within the years that are read, their lengths tell them apart.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from domain.windows import FIRST_YEAR, LAST_YEAR

_SLASHED: Final = re.compile(
    r"(\d{1,2})/(\d{1,2})/(\d{4}|\d{2})(?:[ T](\d{1,2}):(\d{2})(?::(\d{2})(?:\.0+)?)?(?: ?([AP]M))?)?Z?"
)
_DOTTED: Final = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")
_YEAR_FIRST: Final = re.compile(r"(\d{4})([-/])(\d{1,2})\2(\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:\.0+)?)?)?Z?")
_EPOCH: Final = re.compile(r"(?:\d{9,10}|\d{12,13}|\d{15,16})(?:\.0+)?|\d\.\d{1,15}[Ee]\+?\d{1,2}")
_UNITS: Final = ((Decimal(10) ** 11, 1), (Decimal(10) ** 14, 1_000), (Decimal(10) ** 17, 1_000_000))
_NOON: Final = 12
_CENTURY: Final = 2000
_TWO_DIGITS: Final = 100


def parse_instant(text: str) -> datetime:
    """Read a date or time of 2000 to 2099; a date is its midnight, a time without zone is UTC. Raises `ValueError`."""
    try:
        instant = datetime.fromisoformat(text.removesuffix(" UTC"))
    except ValueError:
        instant = _otherwise(text.strip())
    if not FIRST_YEAR <= instant.year < LAST_YEAR:
        raise ValueError(f"{text[:40]!r} is not of the years 2000 to 2099")
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def month_of(instant: datetime) -> tuple[datetime, datetime]:
    """Return the first instants of the calendar month that holds `instant`, and of the next."""
    start = instant.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return start, next_month(start)


def next_month(start: datetime) -> datetime:
    """Return the first instant of the month after the one that begins at `start`."""
    return (start + timedelta(days=31)).replace(day=1)


def _otherwise(text: str) -> datetime:
    if found := _SLASHED.fullmatch(text):
        month, day, year, *clock = found.groups()
        return datetime(_year(year), int(month), int(day), tzinfo=UTC) + _clock(*clock)
    if found := _DOTTED.fullmatch(text):
        return datetime(int(found[3]), int(found[2]), int(found[1]), tzinfo=UTC)
    if found := _YEAR_FIRST.fullmatch(text):
        day = datetime(int(found[1]), int(found[3]), int(found[4]), tzinfo=UTC)
        return day + _clock(found[5], found[6], found[7], None)
    if _EPOCH.fullmatch(text):
        count = Decimal(text)
        unit = next((each for limit, each in _UNITS if count < limit), 1)
        return datetime.fromtimestamp(int(count / unit), UTC)
    raise ValueError(f"{text[:40]!r} is not a date or time")


def _year(text: str) -> int:
    year = int(text)
    return year + _CENTURY if year < _TWO_DIGITS else year


def _clock(hours: str | None, minutes: str | None, seconds: str | None, half: str | None) -> timedelta:
    hour = int(hours or 0)
    if half is not None:
        hour = hour % _NOON + (_NOON if half == "PM" else 0)
    return timedelta(hours=hour, minutes=int(minutes or 0), seconds=int(seconds or 0))
