from __future__ import annotations

from domain.anomaly.rules import Unchanged


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
