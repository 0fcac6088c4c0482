"""Questions as a person types them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from domain.queries import Span, parse_filters, parse_group_by, parse_span
from domain.rejection import Rejected
from domain.windows import DAY, MINUTE, to_rfc3339

# 2026-11-24T10:37:20.5Z
NOW = datetime(2026, 11, 24, 10, 37, 20, 500_000, UTC).timestamp()


def covered(window: str | None, start: str | None = None, end: str | None = None) -> tuple[str, str]:
    span = parse_span(window, start, end, NOW)
    assert isinstance(span, Span), span
    return to_rfc3339(span.start), to_rfc3339(span.end)


def test_a_named_window_ends_with_the_current_minute() -> None:
    assert covered("15m") == ("2026-11-24T10:22:00Z", "2026-11-24T10:38:00Z")


def test_month_to_date_starts_with_the_month_in_utc() -> None:
    assert covered("mtd") == ("2026-11-01T00:00:00Z", "2026-11-24T10:38:00Z")


@pytest.mark.parametrize("window", ["15m", "1h", "24h", "7d", "30d"])
def test_a_named_window_is_as_long_as_its_name_and_at_most_a_minute_longer(window: str) -> None:
    length = int(window[:-1]) * {"m": 60, "h": 3600, "d": DAY}[window[-1]]
    span = parse_span(window, None, None, NOW)
    assert isinstance(span, Span)
    assert 0 <= span.end - span.start - length <= MINUTE


@pytest.mark.parametrize(
    ("end", "minute"),
    [
        ("2026-11-02T00:00:00Z", "2026-11-02T00:00:00Z"),
        ("2026-11-02T00:00:00.000001Z", "2026-11-02T00:01:00Z"),
        ("2026-11-02T00:00:59.9Z", "2026-11-02T00:01:00Z"),
        ("2026-11-02T01:00:00+01:00", "2026-11-02T00:00:00Z"),
    ],
)
def test_a_start_is_floored_and_an_end_ceiled_to_the_minute(end: str, minute: str) -> None:
    assert covered(None, "2026-11-01T00:00:59.9Z", end) == ("2026-11-01T00:00:00Z", minute)


@pytest.mark.parametrize(
    ("window", "start", "end"),
    [
        ("24", None, None),
        ("0h", None, None),
        ("yesterday", None, None),
        ("1h", "2026-11-01T00:00:00Z", None),
        (None, None, "2026-11-01T00:00:00Z"),
        (None, "2026-11-01T00:00:00", "2026-11-02T00:00:00Z"),
        (None, "2026-11-02T00:00:00Z", "2026-11-01T00:00:00Z"),
        (None, "2026-11-02T00:00:00Z", "2026-11-02T00:00:00Z"),
        (None, "0001-01-01T00:00:00+23:00", "2026-11-01T00:00:00Z"),
    ],
)
def test_time_that_makes_no_sense_is_refused_with_the_parameter(
    window: str | None, start: str | None, end: str | None
) -> None:
    rejected = parse_span(window, start, end, NOW)
    assert isinstance(rejected, Rejected)
    assert rejected.reason.split(":")[0] in {"window", "start", "end"}


def test_the_preceding_span_touches_and_is_as_long() -> None:
    assert Span(600, 720).preceding == Span(480, 600)


def test_group_by_keeps_its_order() -> None:
    assert parse_group_by("feature, tenant,driver") == ("feature", "tenant", "driver")
    assert parse_group_by(None) == ()


def test_an_unknown_grouping_is_refused() -> None:
    assert isinstance(parse_group_by("tenant,customer"), Rejected)


@pytest.mark.parametrize("given", [{"tenant": [f"t{i}" for i in range(51)]}, {"team": [""]}, {"driver": ["computer"]}])
def test_a_filter_that_cannot_be_met_is_refused(given: dict[str, list[str]]) -> None:
    rejected = parse_filters(given)
    assert isinstance(rejected, Rejected)
    assert rejected.reason.startswith(f"{next(iter(given))}: ")


def test_values_of_one_filter_are_alternatives_and_no_value_is_no_filter() -> None:
    assert parse_filters({"tenant": ["a", "b"], "team": []}) == {"tenant": frozenset({"a", "b"})}
