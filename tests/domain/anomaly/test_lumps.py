"""Spend in lumps: its nature is no news, a day that breaks it is."""

from __future__ import annotations

from random import Random

import pytest

from domain.anomaly import spend
from domain.windows import HOUR

START = 1_788_134_400  # a Monday
RENDER = 14  # the hour in which there may be one


def nightly(days: int, seed: int = 1) -> list[float]:
    """A job an hour long on most days, for 3 to 9."""
    rng = Random(seed)  # noqa: S311 - a series, not a secret
    hours = [0.0] * (days * 24)
    for day in range(days):
        if rng.random() < 0.8:
            hours[day * 24 + RENDER] = rng.uniform(3, 9)
    return hours


def odd_hours(values: list[float], *, minimum: float = 1.0) -> list[int]:
    state = spend.begin(0, START, values[0], None)
    odd = []
    for at, value in enumerate(values):
        judged = spend.judge(state, START + at * HOUR, value, rest=False, minimum=minimum)
        if judged.odd:
            odd.append(at)
        spend.learn(state, START + at * HOUR, judged, rest=False)
    return odd


@pytest.mark.parametrize("seed", range(10))
def test_lumps_that_come_as_they_always_did_are_no_news(seed: int) -> None:
    assert odd_hours(nightly(90, seed)) == []


def test_a_lump_that_is_far_larger_than_any_is_told_in_its_hour() -> None:
    hours = nightly(40)
    hours[30 * 24 + RENDER] = 60.0
    assert odd_hours(hours) == [30 * 24 + RENDER]


def test_ordinary_lumps_all_day_long_are_told_before_the_day_is_over() -> None:
    hours = nightly(40)
    hours[30 * 24 : 31 * 24] = [6.0] * 24
    first = odd_hours(hours)[0]
    assert 30 * 24 + 2 <= first <= 30 * 24 + 6


def test_a_job_that_came_every_day_and_does_not_come_is_told_at_the_end_of_that_day() -> None:
    hours = [6.0 if hour % 24 == RENDER else 0.0 for hour in range(40 * 24)]
    hours[30 * 24 + RENDER] = 0.0
    assert odd_hours(hours) == [31 * 24 - 1]


def test_small_money_is_not_told() -> None:
    hours = nightly(40)
    hours[30 * 24 + RENDER] = 60.0
    assert odd_hours(hours, minimum=100.0) == []


def test_a_few_lumps_say_little_of_what_is_usual() -> None:
    hours = [0.0] * (20 * 24)
    hours[100], hours[260], hours[400] = 2.0, 3.0, 5.0
    assert odd_hours(hours) == []


def test_what_a_day_may_cost_is_known_after_a_week_of_days() -> None:
    hours = nightly(5)
    hours[3 * 24 + RENDER] = 600.0
    assert odd_hours(hours) == []
