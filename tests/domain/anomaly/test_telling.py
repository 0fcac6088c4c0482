from __future__ import annotations

from domain.anomaly.telling import Telling


def known() -> Telling:
    telling = Telling()
    for _ in range(Telling.KNOWN):
        telling.learn_one(telling.score_one(0.0))
    return telling


def told(oddness: list[float]) -> list[int]:
    telling = known()
    rows = []
    for row, odd in enumerate(oddness):
        score = telling.score_one(odd)
        telling.learn_one(score)
        if score >= 1:
            rows.append(row)
    return rows


def test_nothing_is_told_before_something_is_known_however_odd() -> None:
    telling, rows = Telling(), []
    for row in range(Telling.KNOWN + 1):
        score = telling.score_one(1e6)
        telling.learn_one(score)
        if score >= 1:
            rows.append(row)
        else:
            assert score <= Telling.QUIET
    assert rows == [Telling.KNOWN]


def test_what_goes_on_is_told_again_only_after_a_rest() -> None:
    assert told([2.0] * (2 * Telling.REST)) == [0, Telling.REST]


def test_something_much_odder_is_told_at_once() -> None:
    assert told([1.2, 2.0, 1.2 * Telling.LOUDER * 1.2, 1.0]) == [0, 2]


def test_what_is_not_told_stays_far_below_what_is() -> None:
    telling = known()
    telling.learn_one(telling.score_one(5.0))
    assert telling.score_one(14.0) <= Telling.QUIET


def test_a_series_that_is_odd_all_the_time_is_told_less_and_less() -> None:
    rows = told([1.5] * 8000)
    assert len([row for row in rows if row < 1000]) > len([row for row in rows if row >= 7000]) > 0


def test_the_bar_comes_down_again_but_never_below_one() -> None:
    telling = known()
    telling.learn_one(telling.score_one(2.0))
    assert telling.score_one(1.0) < 1
    for _ in range(2 * Telling.MEMORY):
        telling.learn_one(telling.score_one(0.0))
    assert telling.score_one(1.0) == 1.0
