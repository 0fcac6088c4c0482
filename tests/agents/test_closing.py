"""When an hour of a partition is over: by the slowest of its sources, for as long as that one is under way."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from agents.closing import IDLE, IDLE_BEHIND, QUIET, RESEND_EVERY, RESENT_AT_ONCE, RESENT_WHEN_QUIET, SETTLE, Hours
from domain.anomaly.closing import advance
from domain.windows import DAY, HOUR

START = 1_788_134_400
NOW = START + 60 * DAY


def hours(begun: float = NOW) -> Hours:
    nothing: Any = SimpleNamespace(get=lambda _: None)
    made = Hours(nothing)
    made.touch([START], begun)
    return made


def test_history_waits_for_the_slowest_source_though_it_is_busy_elsewhere() -> None:
    found = hours()
    found.heard("metered", 0, START + 10 * HOUR, NOW)
    found.heard("metered", 1, START + 3 * HOUR, NOW)
    later = NOW + IDLE_BEHIND - 1
    found.heard("metered", 0, START + 20 * HOUR, later)
    assert found.until(START + 20 * HOUR, later) == START + 2 * HOUR
    assert found.is_on_its_way(later)


def test_a_source_that_says_nothing_any_more_is_not_waited_for() -> None:
    found = hours()
    found.heard("metered", 1, START + 3 * HOUR, NOW)
    later = NOW + IDLE_BEHIND + 1
    found.heard("metered", 0, START + 20 * HOUR, later)
    assert found.until(START + 20 * HOUR, later) == START + 19 * HOUR


def test_a_source_that_is_live_is_not_waited_for_after_some_seconds() -> None:
    found = hours(START)
    live = START + 30 * HOUR
    found.heard("metered", 1, live, live)
    found.heard("metered", 0, live + HOUR, live + IDLE + 1)
    assert found.until(live + HOUR, live + IDLE + 1) == live


def test_history_that_has_stopped_is_closed_up_to_its_newest_hour() -> None:
    found = hours()
    found.heard("metered", 0, START + 10 * HOUR, NOW)
    found.until(START + 10 * HOUR, NOW)
    found.touch([START + 12 * HOUR], NOW)
    quiet = NOW + QUIET + SETTLE
    assert found.until(START + 10 * HOUR, quiet) == START + 12 * HOUR
    assert not found.is_on_its_way(quiet)


def test_an_hour_that_is_just_being_written_stays_open() -> None:
    found = hours()
    found.heard("metered", 0, START + 10 * HOUR, NOW)
    found.touch([START + 4 * HOUR], NOW)
    assert found.until(START + 10 * HOUR, NOW + SETTLE / 2) == START
    assert found.until(START + 10 * HOUR, NOW + SETTLE + 1) == START + 9 * HOUR


def late(found: Hours, count: int, now: float) -> None:
    found.touch([START + number * HOUR for number in range(count)], now)


def test_late_events_all_the_time_send_a_few_hours_now_and_then_each_in_its_turn() -> None:
    found = hours()
    found.closing = advance(found.closing, START + 48 * HOUR)
    seen: list[int] = []
    for round_ in range(1, 13):
        now = NOW + round_ * RESEND_EVERY
        late(found, 12, now - SETTLE - 1)
        found.heard("metered", 0, START + 48 * HOUR, now)
        found.until(START + 48 * HOUR, now)
        some = found.changed(now)
        assert len(some) == RESENT_AT_ONCE
        found.sent_again(some, now)
        assert found.changed(now + 1) == []
        seen += some
    assert sorted(seen) == sorted([START + number * HOUR for number in range(12)] * 4)


def test_once_nothing_comes_any_more_all_that_changed_is_sent_soon() -> None:
    found = hours()
    found.closing = advance(found.closing, START + 48 * HOUR)
    late(found, 30, NOW)
    found.until(START + 48 * HOUR, NOW)
    found.until(START + 48 * HOUR, quiet := NOW + QUIET + 1)
    first = found.changed(quiet)
    found.sent_again(first, quiet)
    assert len(first) == RESENT_WHEN_QUIET
    assert len(found.changed(quiet)) == 30 - RESENT_WHEN_QUIET
