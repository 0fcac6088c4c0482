"""`python -m bench.nab DIRECTORY`: the detector by the rules of the Numenta Anomaly Benchmark, beside peers.

Scores labelled files (a directory with `labels.json` and CSV files in the benchmark's format, such as
`../shared/data/nab_half`) and the synthetic families of `bench.synthetic` and `bench.synthetic_watched`, of seeds that
nothing was chosen on. One JSON line per figure. Each peer gets the threshold that is best for it on the files it is
judged on (`best_score`, which is given for ours too); ours is judged at the one it has.
"""

from __future__ import annotations

import csv
import json
import math
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.nab_scoring import Scored, best_outcome, outcome_at
from bench.synthetic import generate, generate_watched
from domain.anomaly.detector import THRESHOLD, follow
from domain.anomaly.ranges import OutOfRange

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from bench.synthetic import Series

    Scorer = Callable[[Sequence[float], Sequence[float]], list[float]]

HELD_OUT: Final = range(100, 106)


@dataclass(frozen=True, slots=True)
class Labelled:
    """A series with its labelled windows as (first, last) rows."""

    name: str
    times: Sequence[float]
    values: Sequence[float]
    windows: Sequence[tuple[int, int]]


def read_labelled(directory: Path) -> list[Labelled]:
    """Read the files that `labels.json` names."""
    labels = json.loads((directory / "labels.json").read_text())
    return [_read(directory / Path(name).name, windows) for name, windows in labels.items()]


def _read(path: Path, windows: Sequence[tuple[str, str]]) -> Labelled:
    with path.open() as file:
        rows = list(csv.DictReader(file))
    times = [_instant(row["timestamp"]) for row in rows]
    spans = [(times.index(_instant(first)), times.index(_instant(last))) for first, last in windows]
    return Labelled(path.stem, times, [float(row["value"]) for row in rows], spans)


def _instant(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def synthetic(series: Iterable[Series]) -> list[Labelled]:
    """Return made-up series to be judged like files."""
    return [Labelled(one.name, one.timestamps, one.values, one.windows) for one in series]


def ours(times: Sequence[float], values: Sequence[float]) -> list[float]:
    """Score with our detector."""
    return [verdict.score for verdict in follow(zip(times, values, strict=True))]


def windowed_gaussian(times: Sequence[float], values: Sequence[float]) -> list[float]:
    """Score by the tail of a normal distribution over the last 6,400 values, as the benchmark's own peer does."""
    del times
    scores, seen, mean, spread = [0.0] * len(values), 0, 0.0, 0.0
    for row, value in enumerate(values):
        if row:
            scores[row] = 1.0 - 0.5 * math.erfc(min(abs(value - mean) / max(spread, 1e-9), 8.0) / math.sqrt(2))
        seen = min(seen + 1, 6400)
        missed = value - mean
        mean += missed / seen
        spread = math.sqrt((1 - 1 / seen) * (spread * spread + missed * missed / seen))
    return scores


def ewma_z(times: Sequence[float], values: Sequence[float]) -> list[float]:
    """Score by the distance from an exponentially weighted mean, in its deviations."""
    del times
    mean, variance, scores = values[0], 0.0, []
    for value in values:
        missed = value - mean
        scores.append(min(abs(missed) / math.sqrt(variance), 1e6) if variance else 0.0)
        mean += 0.01 * missed
        variance = 0.99 * (variance + 0.01 * missed * missed)
    return scores


def range_so_far(times: Sequence[float], values: Sequence[float]) -> list[float]:
    """Score by how far a value leaves the range of all earlier ones, in ranges."""
    rule, scores = OutOfRange(1.0), []
    for at, value in zip(times, values, strict=True):
        scores.append(rule.score_one(at, value))
        rule.learn_one(at, value)
    return scores


PEERS: Final[dict[str, Scorer]] = {
    "windowed gaussian": windowed_gaussian,
    "EWMA z": ewma_z,
    "range so far": range_so_far,
}


def _lines(corpus: str, files: Sequence[Labelled]) -> None:
    rows = sum(len(file.values) for file in files)
    for name, scorer in {"costguard": ours, **PEERS}.items():
        started = time.process_time()
        scored = [Scored(file.name, scorer(file.times, file.values), file.windows) for file in files]
        micros = (time.process_time() - started) / rows * 1e6
        best = best_outcome(scored)
        outcome = outcome_at(scored, THRESHOLD) if scorer is ours else best
        line = {
            "figure": "nab_standard", "corpus": corpus, "detector": name, "files": len(files), "rows": rows,
            "score": round(outcome.score, 1), "found": outcome.found, "windows": outcome.windows,
            "false_rows": outcome.false_alarms, "best_score": round(best.score, 1),
            "cpu_us_per_point": round(micros, 1),
        }  # fmt: skip
        print(json.dumps(line), flush=True)


def main(directories: Sequence[str]) -> None:
    """Judge on every directory given, and on synthetic seeds that nothing was chosen on."""
    for directory in directories:
        _lines(directory, read_labelled(Path(directory)))
    _lines("cost, held out", synthetic(generate(HELD_OUT)))
    _lines("watched, held out", synthetic(generate_watched(HELD_OUT)))


if __name__ == "__main__":
    main(sys.argv[1:])
