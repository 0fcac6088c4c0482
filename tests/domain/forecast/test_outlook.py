"""The sum of what is left: right on average, and in the band as often as it says."""

from __future__ import annotations

import math
from random import Random

import pytest

from domain.forecast.outlook import LEAST_STEPS, outlook

WEEK = 7


def series(rng: Random, days: int, *, noise: float, weekend: float = 1.0, growth: float = 0.0) -> list[float]:
    level, wander, values = 10 ** rng.uniform(0, 4), 0.0, []
    for day in range(days):
        wander = 0.6 * wander + rng.gauss(0, 0.8 * noise)
        rhythm = weekend if day % WEEK >= 5 else 1.0
        values.append(level * rhythm * (1 + growth * day / 30) * math.exp(wander))
    return values


def test_steps_that_are_all_alike_go_on_like_that() -> None:
    found = outlook([10.0] * 20, 0, WEEK, [0.5, 1.0, 1.0])
    assert found is not None
    assert found.mean == pytest.approx(25.0)
    assert found.lower == pytest.approx(25.0) == found.upper


def test_weekdays_cost_what_weekdays_cost() -> None:
    history = [100.0 if day % WEEK < 5 else 20.0 for day in range(8 * WEEK)]
    found = outlook(history, 0, WEEK, [1.0] * 5)
    weekend = outlook(history, 5, WEEK, [1.0] * 2)
    assert found is not None
    assert weekend is None or weekend.mean != found.mean
    assert found.mean == pytest.approx(500, rel=0.05)


def test_a_one_off_charge_says_nothing_of_the_days_to_come() -> None:
    history = [10.0] * 27 + [900.0]
    found = outlook(history, 0, WEEK, [1.0] * 10)
    assert found is not None
    assert found.mean == pytest.approx(100, rel=0.15)


def test_three_days_on_another_level_are_the_new_one() -> None:
    found = outlook([10.0] * 25 + [30.0] * 4, 0, WEEK, [1.0] * 10)
    assert found is not None
    assert found.mean == pytest.approx(300, rel=0.1)


@pytest.mark.parametrize("history", [[], [5.0] * (LEAST_STEPS - 1)])
def test_a_short_history_says_nothing(history: list[float]) -> None:
    assert outlook(history, 0, WEEK, [1.0]) is None


def test_zeros_and_huge_figures_are_no_trouble() -> None:
    for history in ([0.0] * 30, [1e18] * 30, [0.0] * 20 + [1.0] * 10):
        found = outlook(history, 0, WEEK, [1.0] * 7)
        assert found is not None
        assert all(math.isfinite(value) for value in (*found[:4], *found.steps))


def test_what_was_never_negative_is_not_foreseen_to_be() -> None:
    rng = Random(3)  # noqa: S311 - a series, not a secret
    found = outlook([rng.choice([0.0, 0.0, 50.0]) for _ in range(40)], 0, WEEK, [1.0] * 20)
    assert found is not None
    assert found.lower >= 0


def test_eight_of_ten_periods_end_in_the_band() -> None:
    rng = Random(11)  # noqa: S311 - series, no secrets
    inside = total = 0
    for noise, weekend, growth in (
        (0.05, 1.0, 0.0),
        (0.05, 0.4, 0.0),
        (0.05, 0.5, 0.2),
        (0.2, 0.6, 0.0),
        (0.3, 1.0, 0.1),
    ):
        for _ in range(40):
            days = series(rng, 90, noise=noise, weekend=weekend, growth=growth)
            for origin in (63, 70, 80):
                found = outlook(days[:origin], origin % WEEK, WEEK, [1.0] * (90 - origin))
                assert found is not None
                inside += found.lower <= sum(days[origin:]) <= found.upper
                total += 1
    assert 0.75 <= inside / total <= 0.88
