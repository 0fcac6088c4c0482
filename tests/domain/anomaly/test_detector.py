from __future__ import annotations

import math
import pickle
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.anomaly.detector import THRESHOLD, Detector, follow
from domain.anomaly.telling import Telling

FIVE_MINUTES = 300.0
MAX_STATE = 4096


def told(values: list[float], after: int = 0) -> list[int]:
    points = ((FIVE_MINUTES * i, value) for i, value in enumerate(values))
    return [i for i, verdict in enumerate(follow(points)) if verdict.anomaly and i >= after]


def ordinary(rows: int, seed: int = 1) -> list[float]:
    rng = random.Random(seed)  # noqa: S311 - a series, not a secret
    return [50 + 20 * math.sin(i / 288 * 2 * math.pi) + rng.gauss(0, 1) for i in range(rows)]


def test_a_spike_is_told_once_at_its_first_point() -> None:
    values = ordinary(3000)
    values[2000:2010] = [value + 80 for value in values[2000:2010]]
    assert [row for row in told(values, after=600) if 1990 <= row < 2000 + Telling.REST] == [2000]


def test_a_stream_that_stops_is_told() -> None:
    values = ordinary(3000)
    values[2000:] = [0.0] * 1000
    assert 2000 in told(values)


def test_a_constant_is_never_odd_and_its_first_change_is() -> None:
    assert told([7.0] * 2000 + [7.5] * 10) == [2000]


def test_short_histories_of_ordinary_noise_are_told_of_by_nothing() -> None:
    rng = random.Random(2)  # noqa: S311 - a series, not a secret
    for rows in range(2, 51):
        values = [100 + 5 * rng.gauss(0, 1) for _ in range(rows)]
        assert [
            day for day, verdict in enumerate(follow((86400.0 * i, v) for i, v in enumerate(values))) if verdict.anomaly
        ] == []
        assert told([5.0] * rows) == told([100.0 + i for i in range(rows)]) == []


def test_a_leap_in_a_short_history_is_told() -> None:
    values = [100.0 + i % 5 for i in range(30)]
    values[25] = 300.0
    assert told(values) == [25]


def test_a_first_season_of_zeros_divides_by_nothing() -> None:
    assert told([0.0] * 600 + [1.0] + [0.0] * 600) == [600]


def test_learning_after_scoring_is_the_same_as_both_in_one_pass() -> None:
    one, two = Detector(), Detector()
    for i, value in enumerate(ordinary(400)):
        score = one.score_one(FIVE_MINUTES * i, value)
        one.learn_one(FIVE_MINUTES * i, value)
        assert two.follow_one(FIVE_MINUTES * i, value).score == score


def test_the_state_of_a_series_fits_into_four_kilobytes() -> None:
    detector = Detector()
    for i, value in enumerate(ordinary(3000)):
        detector.follow_one(FIVE_MINUTES * i, value)
    assert len(pickle.dumps(detector, pickle.HIGHEST_PROTOCOL)) <= MAX_STATE


@settings(max_examples=60)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=200))
def test_any_series_gets_scores_between_zero_and_one(values: list[float]) -> None:
    for i, verdict in enumerate(follow((60.0 * i, value) for i, value in enumerate(values))):
        assert 0.0 <= verdict.score <= 1.0, i
        assert verdict.anomaly == (verdict.score >= THRESHOLD)
