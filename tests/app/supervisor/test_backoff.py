from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.supervisor.backoff import Backoff


def test_a_child_that_ends_at_once_waits_twice_as_long_each_time_up_to_ten_seconds() -> None:
    backoff = Backoff()
    assert [backoff.after(0.1) for _ in range(7)] == [0.5, 1, 2, 4, 8, 10, 10]


def test_half_a_minute_of_health_forgets_what_was() -> None:
    backoff = Backoff()
    lives = [0.0, 0.0, 29.9, 30.0, 0.0]
    assert [backoff.after(lived) for lived in lives] == [0.5, 1, 2, 0.5, 1]


@given(st.lists(st.floats(0, 100)))
def test_the_wait_is_never_outside_its_bounds(lives: list[float]) -> None:
    backoff = Backoff()
    assert all(0.5 <= backoff.after(lived) <= 10 for lived in lives)
