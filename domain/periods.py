"""Calendar periods of budgets: day, week, month and quarter as people in a time zone count them.

A period starts at the first midnight of its first day in its IANA zone and ends where the next one starts, so
periods tile time without gap or overlap, whatever clocks do: a day has 23, 24 or 25 hours, a month 28 to 31
days. Bounds are whole seconds since 1970-01-01T00:00:00Z, half open.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo, available_timezones

KINDS: Final = ("day", "week", "month", "quarter")
WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONDAY: Final = 0
HOUR: Final = 3600
_MONTHS_IN_QUARTER: Final = 3
# What some systems list beside the IANA names; it means another zone on each machine, or none.
_NOT_ZONES: Final = frozenset({"localtime", "Factory"})
# More days than the period has, fewer than two of them: lands inside the next one.
_INTO_NEXT: Final = {"month": timedelta(days=32), "quarter": timedelta(days=100)}


class Period(NamedTuple):
    """One period: `name` is its kind (`month`), `start` and `end` epoch seconds, `timezone` an IANA name."""

    name: str
    start: int
    end: int
    timezone: str


@cache
def timezones() -> frozenset[str]:
    """Return the IANA names that can be used."""
    return frozenset(available_timezones() - _NOT_ZONES)


@lru_cache(maxsize=16_384)
def period_at(kind: str, timezone: str, instant: int, week_start: int = MONDAY) -> Period:
    """Return the period of a kind that holds an instant (epoch seconds).

    `week_start` is the first day of a week, 0 (Monday, as ISO 8601 has it) to 6. Raises `ValueError` for an
    unknown kind and `zoneinfo.ZoneInfoNotFoundError` for an unknown zone.
    """
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is not one of {', '.join(KINDS)}")
    zone = ZoneInfo(timezone)
    first = _first_day(kind, datetime.fromtimestamp(instant, zone).date(), week_start)
    # A clock that is set back over midnight shows the end of the day before once more: that is the new day still.
    while instant >= (end := _midnight(_first_day_of_next(kind, first), zone)):
        first = _first_day_of_next(kind, first)
    return Period(kind, _midnight(first, zone), end, timezone)


def step_at(period: Period, instant: int) -> Period:
    """Return the step of a period that holds an instant: a day of the zone, or an hour when the period is a day."""
    if period.name == "day":
        start = instant - instant % HOUR
        return Period("hour", start, start + HOUR, period.timezone)
    return period_at("day", period.timezone, instant)


def _first_day(kind: str, day: date, week_start: int) -> date:
    if kind == "week":
        return day - timedelta(days=(day.weekday() - week_start) % len(WEEKDAYS))
    if kind == "month":
        return day.replace(day=1)
    if kind == "quarter":
        return day.replace(month=day.month - (day.month - 1) % _MONTHS_IN_QUARTER, day=1)
    return day


def _first_day_of_next(kind: str, first: date) -> date:
    if kind in _INTO_NEXT:
        return _first_day(kind, first + _INTO_NEXT[kind], MONDAY)
    return first + timedelta(days=len(WEEKDAYS) if kind == "week" else 1)


def _midnight(day: date, zone: ZoneInfo) -> int:
    # Of a midnight that comes twice this is the first; of one that is skipped, the moment of the jump.
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())
