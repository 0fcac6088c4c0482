from __future__ import annotations

from domain.forecast.grid import evenly
from domain.windows import DAY


def test_a_history_without_gaps_stays_as_it_is() -> None:
    assert evenly([0.0, 10.0, 21.0], [1.0, 5.0, 2.0], 10.0) == ([0.0, 10.0, 21.0], [1.0, 5.0, 2.0])


def test_what_is_missing_lies_on_the_line_between_its_neighbours() -> None:
    assert evenly([0.0, 10.0, 40.0], [1.0, 5.0, 2.0], 10.0) == (
        [0.0, 10.0, 20.0, 30.0, 40.0],
        [1.0, 5.0, 4.0, 3.0, 2.0],
    )


def test_months_have_no_constant_spacing() -> None:
    months = [0.0, 31.0 * DAY, 59.0 * DAY, 90.0 * DAY]
    assert evenly(months, [1.0, 2.0, 3.0, 4.0], 31.0 * DAY)[0] == months


def test_a_year_without_values_is_not_made_up() -> None:
    times = [0.0, DAY, 2.0 * DAY, 400.0 * DAY]
    assert evenly(times, [1.0, 2.0, 3.0, 4.0], DAY)[0] == times
