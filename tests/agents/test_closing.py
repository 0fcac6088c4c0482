"""When hours that changed after they were closed are sent again: a few at a time, and all once nothing comes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from agents.closing import RESEND_EVERY, RESENT_AT_ONCE, RESENT_WHEN_CALM, SETTLE, Hours
from domain.anomaly.closing import advance
from domain.anomaly.sources import CALM, Report
from domain.windows import DAY, HOUR

START = 1_788_134_400
NOW = START + 60 * DAY


def hours() -> Hours:
    nothing: Any = SimpleNamespace(get=lambda _: None)
    made = Hours(nothing, 1)
    made.touch([START], NOW)
    return made


def late(found: Hours, count: int, now: float) -> None:
    found.touch([START + number * HOUR for number in range(count)], now)


def test_late_events_all_the_time_send_a_few_hours_now_and_then_each_in_its_turn() -> None:
    found = hours()
    found.closing = advance(found.closing, START + 48 * HOUR)
    seen: list[int] = []
    for round_ in range(1, 13):
        now = NOW + round_ * RESEND_EVERY
        late(found, 12, now - SETTLE - 1)
        found.heard([(0, Report(round_, START + 48 * HOUR))], now)
        some = found.changed(now)
        assert len(some) == RESENT_AT_ONCE
        found.sent_again(some, (), now)
        assert found.changed(now + 1) == []
        seen += some
    assert sorted(seen) == sorted([START + number * HOUR for number in range(12)] * 4)


def test_once_nothing_comes_any_more_all_that_changed_is_sent_soon() -> None:
    found = hours()
    found.closing = advance(found.closing, START + 48 * HOUR)
    late(found, 30, NOW)
    calm = NOW + CALM
    found.heard([(0, Report(1, START + 48 * HOUR, START + 48 * HOUR, calm, CALM))], calm)
    first = found.changed(calm)
    found.sent_again(first, (), calm)
    assert len(first) == RESENT_WHEN_CALM
    assert len(found.changed(calm)) == 30 - RESENT_WHEN_CALM
