"""`python -m bench.forecasts [DAILY.csv ...]`: forecasts from rolling origins, beside peers; one JSON line per figure.

Peers are the seasonal naive forecast, the line from first to last, river's Holt-Winters, and StatsForecast's AutoETS
and AutoTheta in an environment of their own. MASE is the mean absolute miss over that of the seasonal naive forecast in
the history (below 1 is better than it); coverage is the share of values inside the 80 % band. Series: monthly
passengers that river ships, hourly cost of the synthetic families, and CSV files with `timestamp,value` that are given.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from river import datasets
from river.time_series import HoltWinters

from bench.environments import python_of
from bench.synthetic import FAMILIES, START
from domain.forecast import forecast
from domain.forecast.bands import season_of
from domain.rejection import Rejected
from domain.series import read_series

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    Peer = Callable[[Sequence[float], int, int], Sequence[float]]

SEEDS: Final = range(200, 205)


@dataclass(frozen=True, slots=True)
class Series:
    """A series, how far ahead is asked, and from how many origins."""

    name: str
    times: list[float]
    values: list[float]
    horizon: int
    origins: int = 10


def corpus(files: Sequence[str]) -> Iterator[Series]:
    """Yield what is forecast."""
    river: Any = datasets
    shipped = river.AirlinePassengers()
    passengers = [(x["month"].timestamp(), float(y)) for x, y in shipped]
    yield Series("airline passengers", [at for at, _ in passengers], [value for _, value in passengers], 12, 8)
    for name in ("requests-hourly", "instances"):
        family = FAMILIES[name]
        for seed in SEEDS:
            times: NDArray[np.float64] = START + 3600.0 * np.arange(1500, dtype=np.float64)
            made = family.make(np.random.default_rng(seed), times)
            yield Series(f"{name}/{seed}", times.tolist(), made.tolist(), 48)
    for file in files:
        points = read_series(Path(file).read_text().splitlines())
        if isinstance(points, Rejected):
            raise SystemExit(f"{file}: {points.reason}")
        yield Series(file, [point.at for point in points], [point.value for point in points], 7)


def seasonal_naive(values: Sequence[float], period: int, horizon: int) -> Sequence[float]:
    """Say what came a season ago."""
    return [values[len(values) - period + step % period] for step in range(horizon)]


def drift(values: Sequence[float], period: int, horizon: int) -> Sequence[float]:
    """Go on along the line from the first value to the last."""
    del period
    slope = (values[-1] - values[0]) / (len(values) - 1)
    return [values[-1] + slope * (step + 1) for step in range(horizon)]


def holt_winters(values: Sequence[float], period: int, horizon: int) -> Sequence[float]:
    """Smooth with river's model at its usual parameters."""
    kind: Any = HoltWinters
    model = kind(alpha=0.3, beta=0.05, gamma=0.2, seasonality=period)
    for value in values:
        model.learn_one(value)
    return list(model.forecast(horizon=horizon))


PEERS: Final[dict[str, Peer]] = {"seasonal naive": seasonal_naive, "drift": drift, "river HoltWinters": holt_winters}


def statsforecast(questions: Sequence[Any]) -> list[dict[str, dict[str, list[float]]]]:
    """Ask the models of StatsForecast."""
    here = Path(__file__).parent / "forecasting"
    python = python_of(here / "statsforecast.txt")
    command = [str(python), "-W", "ignore", str(here / "statsforecast_models.py")]
    done = subprocess.run(command, input=json.dumps(questions).encode(), stdout=subprocess.PIPE, check=True)
    answers: list[dict[str, dict[str, list[float]]]] = json.loads(done.stdout)
    return answers


def _count_inside(
    inside: dict[str, list[bool]], name: str, actual: Sequence[float], lower: Sequence[float], upper: Sequence[float]
) -> None:
    counted = inside.setdefault(name, [])
    counted += [low <= value <= high for low, value, high in zip(lower, actual, upper, strict=True)]


def main(files: Sequence[str]) -> None:
    """Forecast everything from every origin."""
    scores: dict[str, list[float]] = {}
    inside: dict[str, list[bool]] = {}
    seconds = []
    for series in corpus(files):
        one: dict[str, list[float]] = {}
        values = np.array(series.values)
        least = len(values) * 6 // 10
        questions, actuals, scales = [], [], []
        for origin in np.linspace(least, len(values) - series.horizon, series.origins).astype(int):
            history, actual = series.values[:origin], values[origin : origin + series.horizon]
            period = season_of(series.times[:origin], values[:origin])
            scale = float(np.abs(values[period:origin] - values[: origin - period]).mean()) or 1.0
            started = time.perf_counter()
            steps = forecast(series.times[:origin], history, series.horizon)
            seconds.append(time.perf_counter() - started)
            lower, upper = ([getattr(step, edge) for step in steps] for edge in ("lower", "upper"))
            _count_inside(inside, "costguard", list(actual), lower, upper)
            answers = {"costguard": [step.mean for step in steps]}
            answers |= {name: list(peer(history, period, series.horizon)) for name, peer in PEERS.items()}
            for name, answer in answers.items():
                one.setdefault(name, []).append(float(np.abs(actual - np.array(answer)).mean()) / scale)
            questions.append({"values": history, "season": period, "horizon": series.horizon})
            actuals.append(actual)
            scales.append(scale)
        for asked, actual, scale in zip(statsforecast(questions), actuals, scales, strict=True):
            for name, said in asked.items():
                one.setdefault(name, []).append(float(np.abs(actual - np.array(said["mean"])).mean()) / scale)
                _count_inside(inside, name, list(actual), said["lower"], said["upper"])
        for name, missed in one.items():
            scores.setdefault(name, []).append(float(np.mean(missed)))
            line = {"figure": "forecast_mase", "series": series.name, "model": name, "value": round(np.mean(missed), 3)}
            print(json.dumps(line))
    for name, missed in scores.items():
        print(json.dumps({"figure": "forecast_mase_mean", "model": name, "value": round(float(np.mean(missed)), 3)}))
    for name, found in inside.items():
        print(json.dumps({"figure": "forecast_coverage", "model": name, "value": round(float(np.mean(found)), 3)}))
    print(json.dumps({"figure": "forecast_ms", "value": round(1000 * float(np.median(seconds)), 1)}))


if __name__ == "__main__":
    main(sys.argv[1:])
