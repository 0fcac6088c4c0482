from __future__ import annotations

import math
import random

import pytest

from domain.anomaly.moments import HourlySpread
from domain.anomaly.predictors import DailySeason
from domain.anomaly.rules import ShortMean, Surprise, Unchanged


def scores(values: list[float]) -> list[float]:
    rule = Unchanged(1.0)
    found = []
    for value in values:
        found.append(rule.score_one(0.0, value))
        rule.learn_one(0.0, value)
    return found


def test_a_constant_that_never_changed_is_not_stuck() -> None:
    assert scores([4.0] * 50) == [0.0] * 50


def test_a_value_that_stays_longer_than_any_before_is_odd() -> None:
    stuck = scores([1.0, 2.0, 2.0, 2.0, 2.0, 2.0, 3.0, *[5.0] * 8])
    assert stuck[6] == 0
    assert [score > 1 for score in stuck[8:]] == [False] * 4 + [True] * 3


def test_what_has_been_stuck_for_long_is_known() -> None:
    assert scores([1.0, 2.0, *[5.0] * 40])[-1] == 0


def test_runs_that_are_usual_are_never_odd() -> None:
    assert max(scores([float(i // 10 % 2) for i in range(500)])[30:]) <= 1


def surprise() -> Surprise:
    judge = ShortMean(reach=4, tail=0.3, scale=4.0)
    silent = ShortMean(reach=4, tail=0.3, scale=math.inf)
    return Surprise(DailySeason(), plain=silent, of_hour=judge)


def wild_days_quiet_nights(days: int) -> list[tuple[float, float]]:
    rng = random.Random(5)  # noqa: S311 - a series, not a secret
    return [(3600.0 * hour, 50 + rng.gauss(0, 20 if 8 <= hour % 24 < 20 else 0.5)) for hour in range(24 * days)]


def test_a_quiet_hour_is_odder_than_a_busy_one_that_is_as_far_away() -> None:
    rule = surprise()
    for at, value in wild_days_quiet_nights(40):
        rule.score_one(at, value)
        rule.learn_one(at, value)
    night, noon = (40 * 24 + hour for hour in (3, 12))
    assert rule.score_one(3600.0 * night, 90.0) > 1.4 * rule.score_one(3600.0 * noon, 90.0) > 0


def test_a_miss_counts_in_deviations_of_its_hour_once_that_is_known() -> None:
    spreads = HourlySpread()
    assert spreads.standardise_one(0.0, 5.0) == 0
    for day in range(60):
        for hour in range(24):
            spreads.learn_one(3600.0 * (24 * day + hour), (-1) ** day * (10.0 if hour == 9 else 1.0))
    assert spreads.standardise_one(3600.0 * 9, 10.0) == pytest.approx(1.2, abs=0.05)
    assert spreads.standardise_one(3600.0 * 10, 1.0) == pytest.approx(0.7, abs=0.05)
    assert spreads.standardise_one(3600.0 * 10, 1e9) == HourlySpread.MOST
