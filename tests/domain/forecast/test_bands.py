from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.forecast import forecast
from domain.forecast.bands import from_origins
from domain.forecast.seasons import season_of
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
    assert 0.74 <= sum(inside) / len(inside) <= 0.95


def test_what_was_foreseen_at_earlier_origins_does_not_know_what_came_after() -> None:
    series = np.array(drifting(60, 1))
    changed = np.concatenate([series[:40], series[40:] * 3])
    before, after = (from_origins(values, 7, rates_for(60), [40, 60], 7) for values in (series, changed))
    assert before[:, 0].tolist() == after[:, 0].tolist()
    assert before[:, 1].tolist() != after[:, 1].tolist()


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


@pytest.mark.parametrize(
    ("step", "count", "season"),
    [
        (HOUR, 24 * 22, 168),
        (HOUR, 24 * 10, 24),
        (HOUR, 30, 1),
        (DAY, 16, 7),
        (DAY, 15, 1),
        (30 * DAY, 28, 12),
        (7 * DAY, 300, 1),
        (365 * DAY, 30, 1),
    ],
)
def test_the_season_is_that_of_the_spacing_once_it_was_seen_twice(step: float, count: int, season: int) -> None:
    assert season_of(step, count) == season


def test_noise_without_a_rhythm_is_forecast_flat() -> None:
    rng = random.Random(2)  # noqa: S311
    means = [step.mean for step in forecast(days(70), [100 + rng.gauss(0, 10) for _ in range(70)], 14)]
    assert max(means) - min(means) < 15


def test_growth_in_proportion_goes_on_and_ends() -> None:
    growing = [100 * 1.02**day for day in range(60)]
    means = [step.mean for step in forecast(days(60), growing, 200)]
    assert means[6] == pytest.approx(growing[-1] * 1.02**7, rel=0.03)
    assert means[-1] <= growing[-1] ** 2 / growing[0] * 1.001


def test_a_charge_that_came_once_is_not_expected_again() -> None:
    values = weekly(60)
    expected = forecast(days(60), values, 7)
    values[50] += 5000
    for plain, charged in zip(expected, forecast(days(60), values, 7), strict=True):
        assert charged.mean == pytest.approx(plain.mean, rel=0.05)


def test_a_day_of_which_most_is_missing_does_not_lower_what_comes() -> None:
    values = weekly(60)
    expected = forecast(days(60), values, 7)
    values[-1] *= 0.1
    for plain, cut in zip(expected, forecast(days(60), values, 7), strict=True):
        assert cut.mean == pytest.approx(plain.mean, rel=0.05)


@pytest.mark.parametrize("noise", [0.0, 3.0])
def test_a_new_level_is_believed_after_ten_days(noise: float) -> None:
    rng = random.Random(1)  # noqa: S311
    values = [level + day % 3 + rng.gauss(0, noise) for day, level in enumerate([100] * 56 + [200] * 10)]
    assert all(190 <= step.mean <= 212 for step in forecast(days(66), values, 7))


def test_what_is_charged_on_the_first_of_each_month_is_expected_on_the_next() -> None:
    start = 1_782_864_000  # 2026-07-01
    times = [float(start + DAY * day) for day in range(31 + 31 + 20)]
    values = [value + 500 * (day in {0, 31, 62}) for day, value in enumerate(weekly(len(times)))]
    means = [step.mean for step in forecast(times, values, 14)]  # from 2026-09-21; October begins with the 11th
    assert means[10] > 550
    assert max(means[:10] + means[11:]) < 120


@pytest.mark.parametrize(
    "values", [[0.0] * 40, [7.0] * 40, [-3.0] * 40, [0.0, 1.0], [1e300, -1e300] * 10, [1e-300] * 9]
)
def test_what_never_moves_or_is_extreme_is_forecast(values: list[float]) -> None:
    steps = forecast(days(len(values)), values, 5)
    assert all(math.isfinite(edge) and step.lower <= step.mean <= step.upper for step in steps for edge in step)
    if len(set(values)) == 1:
        assert [step.mean for step in steps] == pytest.approx([values[0]] * 5)


@settings(max_examples=30)
@given(st.lists(st.floats(0, 1e9), min_size=3, max_size=40), st.integers(1, 10))
def test_any_history_has_a_forecast_inside_its_band(values: list[float], horizon: int) -> None:
    steps = forecast(days(len(values)), values, horizon)
    assert len(steps) == horizon
    assert all(step.lower <= step.mean <= step.upper and math.isfinite(step.upper) for step in steps)


def test_one_value_is_not_a_history() -> None:
    with pytest.raises(ValueError, match="two values"):
        forecast([0.0], [1.0], 3)
