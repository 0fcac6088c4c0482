from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.forecast import forecast
from domain.forecast.bands import _from
from domain.forecast.seasons import profiles, season_of
from domain.forecast.smoothing import rates_for
from domain.windows import DAY, HOUR


def weekly(days: int, seed: int = 1, growth: float = 0.0) -> list[float]:
    rng = random.Random(seed)  # noqa: S311 - a series, not a secret
    return [(100 + growth * day) * (0.6 if day % 7 >= 5 else 1.0) + rng.gauss(0, 3) for day in range(days)]


def days(count: int) -> list[float]:
    return [float(DAY * day) for day in range(count)]


def test_a_weekly_rhythm_is_continued() -> None:
    steps = forecast(days(70), weekly(70), 7)
    assert [round(step.mean, -1) for step in steps] == [100, 100, 100, 100, 100, 60, 60]


def test_the_band_holds_about_eight_of_ten_values() -> None:
    inside = []
    for seed in range(12):
        values = weekly(84, seed)
        inside += [
            low <= value <= high
            for (_, low, high), value in zip(forecast(days(70), values[:70], 14), values[70:], strict=True)
        ]
    assert 0.7 <= sum(inside) / len(inside) <= 0.95


def drifting(count: int, seed: int) -> list[float]:
    rng = random.Random(seed)  # noqa: S311 - a series, not a secret
    level, values = 0.0, []
    for _ in range(count):
        level += rng.gauss(0, 0.02)
        values.append(100 * math.exp(level + rng.gauss(0, 0.03)))
    return values


@pytest.mark.parametrize("known", [10, 12, 15, 20, 30])
def test_the_band_of_a_short_history_holds_as_many(known: int) -> None:
    inside = []
    for seed in range(250):
        values = drifting(known + 7, seed)
        steps = forecast(days(known), values[:known], 7)
        inside += [low <= value <= high for (_, low, high), value in zip(steps, values[known:], strict=True)]
    assert 0.74 <= sum(inside) / len(inside) <= 0.88


def test_what_was_foreseen_at_earlier_origins_does_not_know_what_came_after() -> None:
    series = np.array(drifting(60, 1))
    changed = np.concatenate([series[:40], series[40:] * 3])
    (before, _), (after, _) = (smooth_at(values, 7, [40, 60]) for values in (series, changed))
    assert before.ahead(7).tolist() == after.ahead(7).tolist() == smooth(series[:40], 7).ahead(7).tolist()


def test_the_band_widens_with_the_distance() -> None:
    rng = random.Random(3)  # noqa: S311
    walk = [100.0]
    for _ in range(200):
        walk.append(walk[-1] + rng.gauss(0, 1))
    steps = forecast(days(201), walk, 20)
    assert steps[-1].upper - steps[-1].lower > 1.5 * (steps[0].upper - steps[0].lower)


def test_spend_is_not_forecast_to_be_negative() -> None:
    falling = [max(0.0, 50.0 - day) for day in range(60)]
    assert min(min(step) for step in forecast(days(60), falling, 30)) >= 0


def test_the_season_is_found_from_the_spacing_and_the_values() -> None:
    hours = [float(HOUR * i) for i in range(24 * 10)]
    assert season_of(hours, np.array([math.sin(i / 12 * math.pi) for i in range(240)])) == 24
    rng = random.Random(2)  # noqa: S311
    assert season_of(hours, np.array([rng.gauss(0, 1) for _ in range(240)])) == 1


@settings(max_examples=30)
@given(st.lists(st.floats(0, 1e9), min_size=3, max_size=40), st.integers(1, 10))
def test_any_history_has_a_forecast_inside_its_band(values: list[float], horizon: int) -> None:
    steps = forecast(days(len(values)), values, horizon)
    assert len(steps) == horizon
    assert all(step.lower <= step.mean <= step.upper and math.isfinite(step.upper) for step in steps)


def test_one_value_is_not_a_history() -> None:
    with pytest.raises(ValueError, match="two values"):
        forecast([0.0], [1.0], 3)
