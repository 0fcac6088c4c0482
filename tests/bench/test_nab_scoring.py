from __future__ import annotations

import pytest

from bench.nab_scoring import Scored, best_outcome, outcome_at


def scored(rows: list[int], length: int = 1000) -> Scored:
    return Scored("one", [1.0 if row in rows else 0.0 for row in range(length)], [(500, 599)])


def test_the_first_row_of_every_window_and_no_other_is_a_hundred() -> None:
    assert outcome_at([scored([500])], 0.5).score == pytest.approx(100.0)


def test_silence_is_zero() -> None:
    assert outcome_at([scored([])], 0.5).score == pytest.approx(0.0)


def test_a_false_alarm_far_from_any_window_costs_eleven_hundredths_of_a_window() -> None:
    assert outcome_at([scored([500, 300])], 0.5).score == pytest.approx(100.0 - 11.0 / 2)


def test_the_probation_counts_for_nothing() -> None:
    assert outcome_at([scored([500, 10, 149])], 0.5).score == pytest.approx(100.0)


def test_the_best_outcome_is_over_all_thresholds() -> None:
    file = Scored("one", [0.9 if row == 500 else 0.5 for row in range(1000)], [(500, 599)])
    assert best_outcome([file]).threshold == 0.9
