"""Old time is answered from further away, and never with less than it cost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.queries import CostQuery, Plan, Span, coarsened, doubtful, parts, plan
from domain.rejection import Rejected
from domain.windows import DAY, HOUR, MINUTE, Granularity, Window

DAY_ONE = 20_000 * DAY
minutes = st.integers(0, 3 * DAY // MINUTE).map(lambda at: DAY_ONE + at * MINUTE)


def planned(query: CostQuery) -> list[Window]:
    found = plan(query)
    assert isinstance(found, Plan)
    return found.windows


@given(minutes, minutes)
def test_when_all_fine_windows_are_lost_whole_days_answer_all_that_was_asked(one: int, other: int) -> None:
    asked = CostQuery(Span(min(one, other), max(one, other) + MINUTE), {})
    query, now = asked, asked.span.end + 1000 * DAY
    while lost := doubtful(planned(query), now):
        wider = coarsened(query, lost)
        assert isinstance(wider, CostQuery)
        query = wider
    assert query.span.start <= asked.span.start < asked.span.end <= query.span.end
    assert {window.granularity for window in planned(query)} == {Granularity.DAY}
    assert query.span.end - query.span.start < asked.span.end - asked.span.start + 2 * DAY


def test_what_is_recent_is_not_doubted() -> None:
    query = CostQuery(Span(DAY_ONE + MINUTE, DAY_ONE + 2 * HOUR + MINUTE), {})
    assert doubtful(planned(query), query.span.end) == []


@pytest.mark.parametrize("window", [Window(Granularity.HOUR, DAY_ONE), Window(Granularity.DAY, DAY_ONE)])
def test_parts_tile_their_window(window: Window) -> None:
    tiles = parts(window)
    assert [tile.start for tile in tiles[1:]] == [tile.end for tile in tiles[:-1]]
    assert (tiles[0].start, tiles[-1].end) == (window.start, window.end)


def test_a_granularity_that_is_no_longer_kept_is_refused_with_the_one_that_is() -> None:
    query = CostQuery(Span(DAY_ONE, DAY_ONE + HOUR), {}, (), Granularity.MINUTE)
    rejected = coarsened(query, [Window(Granularity.HOUR, DAY_ONE)])
    assert isinstance(rejected, Rejected)
    assert rejected.reason.endswith("ask for hour")
