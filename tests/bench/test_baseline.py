from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench import baseline

if TYPE_CHECKING:
    from pathlib import Path

    from bench.rounds import Figure

OURS = "simple/embedded/costguard"


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    path = tmp_path / "baseline.json"
    baseline.record({OURS: {"ratio": 1.0}, "full/embedded/costguard-worker": {"ratio": 0.5}}, path)
    return path


def test_only_our_own_ratios_are_kept() -> None:
    figures: list[Figure] = [
        {"figure": OURS, "events_per_second": 100_000, "ratio_to_raw": 0.9, "cpu_ratio_to_raw": 0.8},
        {"figure": "simple/embedded/bytewax", "ratio_to_raw": 0.5},
        {"figure": "simple/embedded/costguard-that-failed", "skipped": "no disk"},
    ]
    assert baseline.ratios(figures) == {OURS: {"ratio_to_raw": 0.9, "cpu_ratio_to_raw": 0.8}}


@pytest.mark.parametrize(("now", "worse"), [(1.1, 0), (0.96, 0), (0.95, 0), (0.949, 1)])
def test_a_ratio_fails_when_it_is_more_than_five_percent_worse(recorded: Path, now: float, worse: int) -> None:
    assert len(list(baseline.regressions({OURS: {"ratio": now}}, ["simple"], recorded))) == worse


def test_a_recorded_figure_that_is_missing_is_a_regression(recorded: Path) -> None:
    (line,) = baseline.regressions({}, ["simple"], recorded)
    assert OURS in line


def test_recording_one_benchmark_keeps_the_others(recorded: Path) -> None:
    baseline.record({OURS: {"ratio": 2.0}}, recorded)
    assert len(list(baseline.regressions({OURS: {"ratio": 1.0}}, ["simple", "full"], recorded))) == 2


def test_a_check_without_a_baseline_fails(tmp_path: Path) -> None:
    assert len(list(baseline.regressions({OURS: {"ratio": 1.0}}, ["simple"], tmp_path / "none.json"))) == 1
