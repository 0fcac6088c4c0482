from __future__ import annotations

import math

from domain.anomaly.ranges import MOST, OutOfHours, OutOfRange, OutOfStep

HOUR = 3600.0


def test_the_first_value_is_no_record() -> None:
    assert OutOfRange(1.0).score_one(0.0, 5.0) == 0


def test_a_record_counts_in_ranges_either_way() -> None:
    rule = OutOfRange(0.5)
    for value in (10.0, 20.0):
        rule.learn_one(0.0, value)
    assert [rule.score_one(0.0, value) for value in (5.0, 15.0, 30.0)] == [1.0, 0.0, 2.0]


def test_a_record_among_few_values_counts_less() -> None:
    rule = OutOfRange(1.0, doubt=100)
    scores = []
    for at in range(300):
        if at in {10, 100, 299}:
            scores.append(rule.score_one(0.0, 2.0))
        rule.learn_one(0.0, float(at % 2))
    assert scores[0] < scores[1] < scores[2] < 1
    assert scores[1] == 0.5


def test_any_change_of_a_constant_is_as_odd_as_can_be() -> None:
    rule = OutOfRange(1.0)
    rule.learn_one(0.0, 7.0)
    assert rule.score_one(0.0, 7.0) == 0
    assert rule.score_one(0.0, 7.001) == MOST


def test_a_jump_within_the_range_is_a_record_of_steps() -> None:
    rule = OutOfStep(1.0)
    for i in range(200):
        rule.learn_one(0.0, 50 + 50 * math.sin(i / 20))
    assert rule.score_one(0.0, 0.0) > 1


def two_levels(hour: int) -> float:
    return 80.0 if 8 <= hour % 24 < 18 else 20.0


def hours_learnt(days: int) -> OutOfHours:
    rule = OutOfHours(1.0)
    for hour in range(24 * days):
        rule.learn_one(HOUR * hour, two_levels(hour))
    return rule


def test_a_night_as_busy_as_a_day_is_odd_and_a_day_is_not() -> None:
    rule = hours_learnt(5)
    assert rule.score_one(HOUR * (5 * 24 + 1), 80.0) > 0
    for hour in range(5 * 24, 6 * 24):
        assert rule.score_one(HOUR * hour, two_levels(hour)) < 0.05
        rule.learn_one(HOUR * hour, two_levels(hour))


def test_a_time_of_day_that_was_seen_once_says_nothing() -> None:
    assert hours_learnt(1).score_one(HOUR * 25, 1000.0) == 0


def test_one_odd_night_is_forgotten_in_time() -> None:
    def after(days: int) -> float:
        rule = hours_learnt(3)
        for hour in range(24 * 3, 24 * (4 + days)):
            rule.learn_one(HOUR * hour, 80.0 if hour < 24 * 3 + 6 else two_levels(hour))
        return rule.score_one(HOUR * (24 * (4 + days) + 1), 80.0)

    assert after(60) > after(20) >= after(1)
    assert after(60) > 0
