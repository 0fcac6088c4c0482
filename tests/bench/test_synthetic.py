from __future__ import annotations

from itertools import pairwise

from bench.synthetic import WINDOW_SHARE, generate_watched

ROUNDING = 10


def test_the_same_seed_makes_the_same_series() -> None:
    assert list(generate_watched(range(1))) == list(generate_watched(range(1)))


def test_windows_are_apart_and_a_tenth_of_the_series() -> None:
    for series in generate_watched(range(2)):
        rows = sum(last - first + 1 for first, last in series.windows)
        assert rows <= WINDOW_SHARE * len(series.values) + ROUNDING, series.name
        assert all(before[1] < after[0] for before, after in pairwise(series.windows)), series.name
        assert len(series.timestamps) == len(series.values)
