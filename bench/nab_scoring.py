"""The scoring rules of the Numenta Anomaly Benchmark, standard profile, from anomaly scores to 0..100.

A detection counts by where it falls in a labelled window: 1 at its first point, 0.99 a point after that less and less
along a sigmoid, near 0 at its last; only the best one of a window counts. A window without one costs 1. A detection
outside of all windows costs up to 0.11, less when a window has just ended. The first 15 % of a file (of 5,000 rows at
most) are for learning and count for nothing. 0 is what a detector that never speaks gets; 100 takes the first point
of every window, and no other. One threshold serves all files.

Source: Lavin and Ahmad, "Evaluating real-time anomaly detection algorithms: the Numenta Anomaly Benchmark" (2015),
section III, and the sweeper of github.com/numenta/NAB.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

PROBATION: Final = 0.15
PROBATION_ROWS: Final = 5000
FAR: Final = 3.0
NEVER: Final = math.inf


@dataclass(frozen=True, slots=True)
class Profile:
    """What a found window earns, and what a false alarm and a missed window cost."""

    found: float = 1.0
    false_alarm: float = 0.11
    missed: float = 1.0


STANDARD: Final = Profile()


@dataclass(frozen=True, slots=True)
class Scored:
    """A file after detection: one score a row, and the labelled windows as (first, last) rows, both inside."""

    name: str
    scores: Sequence[float]
    windows: Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The benchmark's figure at a threshold, with what it is made of."""

    score: float
    threshold: float
    found: int
    windows: int
    false_alarms: int


@dataclass(frozen=True, slots=True)
class _Row:
    score: float
    worth: float  # in a window of its own: what it earns; outside of all: what it costs, negative
    window: tuple[str, int] | None


def sigmoid(position: float) -> float:
    """Return the worth of a detection: `position` is -1 at a window's first row, 0 at its end, then grows."""
    return -1.0 if position > FAR else 2 / (1 + math.exp(5 * position)) - 1


def outcome_at(files: Sequence[Scored], threshold: float, profile: Profile = STANDARD) -> Outcome:
    """Return the outcome when every row with a score of `threshold` or more is a detection."""
    last = Outcome(0.0, NEVER, 0, _window_count(files), 0)
    for outcome in _sweep(files, profile):
        if outcome.threshold < threshold:
            break
        last = outcome
    return Outcome(last.score, threshold, last.found, last.windows, last.false_alarms)


def best_outcome(files: Sequence[Scored], profile: Profile = STANDARD) -> Outcome:
    """Return the best outcome that one threshold for all files can have."""
    silent = Outcome(0.0, NEVER, 0, _window_count(files), 0)
    return max(chain([silent], _sweep(files, profile)), key=lambda outcome: outcome.score)


def _sweep(files: Sequence[Scored], profile: Profile) -> Iterator[Outcome]:
    """Yield the outcome at each threshold, falling: rows become detections one after the other."""
    rows = sorted(chain.from_iterable(_rows(file, profile) for file in files), key=lambda row: -row.score)
    count = _window_count(files)
    scale = 100 / (count * (profile.found + profile.missed)) if count else 0.0
    best: dict[tuple[str, int], float] = {}
    total, false_alarms = 0.0, 0
    for row, after in zip(rows, [*rows[1:], None], strict=True):
        if row.window is None:
            total += row.worth
            false_alarms += 1
        else:
            before = best.get(row.window, -profile.missed)
            best[row.window] = max(before, row.worth)
            total += best[row.window] - before
        if after is None or after.score != row.score:
            yield Outcome(total * scale, row.score, len(best), count, false_alarms)


def _rows(file: Scored, profile: Profile) -> Iterable[_Row]:
    probation = int(PROBATION * min(len(file.scores), PROBATION_ROWS))
    inside = {row: i for i, (first, last) in enumerate(file.windows) for row in range(first, last + 1)}
    ended: tuple[int, int] | None = None
    for row, score in enumerate(file.scores):
        at = inside.get(row)
        if at is not None:
            ended = file.windows[at]
            first, last = ended
            worth = profile.found * sigmoid((row - last - 1) / (last - first + 1)) / sigmoid(-1.0)
        else:
            worth = profile.false_alarm * _outside(row, ended)
        if row >= probation:
            yield _Row(score, worth, None if at is None else (file.name, at))


def _outside(row: int, ended: tuple[int, int] | None) -> float:
    if ended is None:
        return -1.0
    first, last = ended
    return sigmoid((row - last) / max(last - first, 1))


def _window_count(files: Sequence[Scored]) -> int:
    return sum(len(file.windows) for file in files)
