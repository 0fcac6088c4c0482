from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.periods import KINDS, Period, period_at, timezones

ZONES = [
    "UTC",
    "Europe/Paris",
    "America/New_York",
    "America/Sao_Paulo",  # clocks went forward at midnight
    "America/Havana",  # midnight comes twice
    "America/Goose_Bay",  # clocks went back at one minute past midnight
    "Asia/Kolkata",
    "Australia/Lord_Howe",  # half an hour of daylight saving
    "Pacific/Apia",  # skipped a day
    "Pacific/Chatham",
]
INSTANTS = st.integers(
    int(datetime(2001, 1, 1, tzinfo=UTC).timestamp()), int(datetime(2099, 1, 1, tzinfo=UTC).timestamp())
)


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def bounds(kind: str, zone: str, instant: str, week_start: int = 0) -> tuple[str, str]:
    period = period_at(kind, zone, at(instant), week_start)
    return tuple(datetime.fromtimestamp(edge, ZoneInfo(zone)).isoformat() for edge in period[1:3])  # type: ignore[return-value]


@given(st.sampled_from(KINDS), st.sampled_from(ZONES), INSTANTS, st.integers(0, 6))
@example("day", "America/Goose_Bay", at("2010-11-07T03:30:00+00:00"), 0)
@example("day", "Pacific/Apia", at("2011-12-30T09:59:59+00:00"), 0)
@example("day", "America/Havana", at("2024-11-03T04:30:00+00:00"), 0)
def test_consecutive_periods_tile_time_without_gap_or_overlap(
    kind: str, zone: str, instant: int, week_start: int
) -> None:
    period = period_at(kind, zone, instant, week_start)
    assert period.start <= instant < period.end
    assert period_at(kind, zone, period.start, week_start) == period
    assert period_at(kind, zone, period.end - 1, week_start) == period
    following = period_at(kind, zone, period.end, week_start)
    assert following.start == period.end
    assert period_at(kind, zone, period.start - 1, week_start).end == period.start


@given(st.sampled_from(ZONES), INSTANTS)
def test_a_calendar_month_is_a_calendar_month_and_not_30_days(zone: str, instant: int) -> None:
    period = period_at("month", zone, instant)
    first, last = (datetime.fromtimestamp(edge, ZoneInfo(zone)) for edge in (period.start, period.end - 1))
    inside = datetime.fromtimestamp((period.start + period.end) // 2, ZoneInfo(zone))
    assert first.month == last.month == inside.month
    assert first.day == 1


def test_a_day_has_23_or_25_hours_when_the_clocks_change() -> None:
    def hours(instant: str) -> float:
        period = period_at("day", "Europe/Paris", at(instant))
        return (period.end - period.start) / 3600

    assert hours("2026-03-29T12:00:00+02:00") == 23
    assert hours("2026-10-25T12:00:00+01:00") == 25
    assert hours("2026-10-26T12:00:00+01:00") == 24


def test_the_offset_of_a_zone_moves_the_bounds() -> None:
    assert bounds("month", "Europe/Paris", "2026-03-31T21:59:59+00:00") == (
        "2026-03-01T00:00:00+01:00",
        "2026-04-01T00:00:00+02:00",
    )
    assert bounds("month", "Europe/Paris", "2026-03-31T22:00:00+00:00")[0] == "2026-04-01T00:00:00+02:00"


def test_a_leap_day_belongs_to_february() -> None:
    assert bounds("day", "UTC", "2028-02-29T13:00:00+00:00") == (
        "2028-02-29T00:00:00+00:00",
        "2028-03-01T00:00:00+00:00",
    )
    february = period_at("month", "UTC", at("2028-02-29T23:59:59+00:00"))
    assert (february.end - february.start) // 86400 == 29


def test_a_day_whose_midnight_is_skipped_starts_when_the_clocks_jump() -> None:
    period = period_at("day", "America/Sao_Paulo", at("2018-11-04T12:00:00-02:00"))
    assert period.start == at("2018-11-04T01:00:00-02:00")


def test_a_day_whose_midnight_comes_twice_starts_with_the_first() -> None:
    period = period_at("day", "America/Havana", at("2024-11-03T12:00:00-05:00"))
    assert period.start == at("2024-11-03T00:00:00-04:00")
    assert period.end - period.start == 25 * 3600


@pytest.mark.parametrize(
    ("week_start", "first"), [(0, "2026-11-02"), (6, "2026-11-01"), (5, "2026-10-31"), (2, "2026-11-04")]
)
def test_a_week_starts_on_monday_or_where_one_says(week_start: int, first: str) -> None:
    assert bounds("week", "UTC", "2026-11-04T12:00:00+00:00", week_start)[0] == f"{first}T00:00:00+00:00"


@pytest.mark.parametrize("month", range(1, 13))
def test_quarters_start_in_january_april_july_and_october(month: int) -> None:
    start, end = bounds("quarter", "Asia/Tokyo", f"2026-{month:02}-15T00:00:00+09:00")
    first = 3 * ((month - 1) // 3) + 1
    assert start == f"2026-{first:02}-01T00:00:00+09:00"
    assert end == (f"2026-{first + 3:02}-01T00:00:00+09:00" if first < 10 else "2027-01-01T00:00:00+09:00")


def test_a_period_names_its_kind_and_zone() -> None:
    assert period_at("day", "UTC", 86400 + 5) == Period("day", 86400, 2 * 86400, "UTC")


def test_unknown_kinds_and_zones_are_our_mistake() -> None:
    with pytest.raises(ValueError, match="fortnight"):
        period_at("fortnight", "UTC", 0)
    with pytest.raises(ZoneInfoNotFoundError):
        period_at("day", "Mars/Olympus", 0)


def test_zones_that_mean_something_else_on_each_machine_are_not_offered() -> None:
    assert "Europe/Paris" in timezones()
    assert "UTC" in timezones()
    assert "localtime" not in timezones()


def test_an_evening_that_comes_twice_belongs_to_one_day() -> None:
    """At one minute past midnight clocks went back to 23:01."""
    midnight = at("2010-11-07T00:00:00-03:00")
    assert period_at("day", "America/Goose_Bay", at("2010-11-06T23:30:00-03:00")).end == midnight
    assert period_at("day", "America/Goose_Bay", at("2010-11-06T23:30:00-04:00")).start == midnight
