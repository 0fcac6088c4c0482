"""What `bench.forecasts` forecasts: shipped with packages, made up, and real daily cost that is given.

Shipped are monthly passengers (river) and what vega-datasets has. Made up are hourly and daily cost: weekdays, growth,
levels that change, charges on the first of a month and once. Given are CSV files with `timestamp,value`, or charges in
FOCUS columns (`.csv.gz`): their total, and the dearest accounts and services.
"""

from __future__ import annotations

import csv
import gzip
import json
import subprocess
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from river import datasets

from bench.environments import python_of
from bench.synthetic import FAMILIES, START
from domain.rejection import Rejected
from domain.series import read_series
from domain.windows import DAY, HOUR

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

HERE: Final = Path(__file__).parent / "forecasting"
SEEDS: Final = range(200, 205)
DAILY_SEEDS: Final = range(300, 330)
DEAREST: Final = 12


@dataclass(frozen=True, slots=True)
class Series:
    """A series, the corpus that it belongs to, how far ahead is asked, and from how many origins."""

    corpus: str
    name: str
    times: list[float]
    values: list[float]
    horizon: int
    origins: int = 6


def corpus(files: Sequence[str]) -> Iterator[Series]:
    """Yield what is forecast."""
    yield from _shipped()
    for name in ("requests-hourly", "instances"):
        for seed in SEEDS:
            times: Floats = START + HOUR * np.arange(1500, dtype=np.float64)
            made = FAMILIES[name].make(np.random.default_rng(seed), times)
            yield Series("hourly cost, made up", f"{name}/{seed}", times.tolist(), made.tolist(), 48)
    for seed in DAILY_SEEDS:
        yield daily_cost(seed)
    for file in files:
        yield from _focus(file) if file.endswith(".gz") else _given(file)


def _shipped() -> Iterator[Series]:
    river: Any = datasets
    passengers = [(x["month"].timestamp(), float(y)) for x, y in river.AirlinePassengers()]
    yield Series("shipped", "passengers", [at for at, _ in passengers], [value for _, value in passengers], 12)
    python = python_of(HERE / "statsforecast.txt")
    command = [str(python), "-W", "ignore", str(HERE / "shipped.py")]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    for one in json.loads(done.stdout):
        yield Series("shipped", one["name"], one["times"], one["values"], one["horizon"])


def daily_cost(seed: int, days: int = 140) -> Series:
    """Return days of cost: weekdays, growth that wanders, noise that lasts, new levels, charges once and monthly."""
    rng = np.random.default_rng([seed, 11])
    day = np.arange(days)
    times = START + DAY * day
    weekend = np.where((times // DAY + 3) % 7 >= 5, rng.choice([1.0, 0.97, 0.9, 0.7, 0.5]), 1.0)
    wander = np.cumsum(rng.normal(0, rng.choice([0.003, 0.008, 0.015]), days))
    noise, lasting = rng.choice([0.005, 0.015, 0.03, 0.06]), np.zeros(days)
    for at in range(1, days):
        lasting[at] = 0.6 * lasting[at - 1] + noise * rng.normal()
    growth = rng.choice([0.0, 0.0, 0.001, 0.003, -0.001]) * day
    usual = 10 ** rng.uniform(1, 5)
    values = usual * weekend * np.exp(wander + lasting + growth)
    for at in rng.integers(0, days, rng.poisson(days / 45)):
        values[at:] *= np.exp(rng.normal(0, 0.08))
    if rng.random() < 0.3:
        values[rng.integers(0, days)] += usual * rng.uniform(0.5, 5)
    if rng.random() < 0.35:
        values[[datetime.fromtimestamp(at, UTC).day == 1 for at in times]] += usual * rng.uniform(0.05, 2)
    return Series("daily cost, made up", f"daily/{seed}", times.tolist(), values.tolist(), 7)


def _given(file: str) -> Iterator[Series]:
    points = read_series(Path(file).read_text().splitlines())
    if isinstance(points, Rejected):
        raise SystemExit(f"{file}: {points.reason}")
    yield Series(file, file, [point.at for point in points], [point.value for point in points], 7)


def _focus(file: str) -> Iterator[Series]:
    """Yield the total of each day, and the dearest accounts and services."""
    days: defaultdict[tuple[str, str], defaultdict[float, float]] = defaultdict(lambda: defaultdict(float))
    with gzip.open(file, "rt") as rows:
        for row in csv.DictReader(rows):
            at = datetime.fromisoformat(row["ChargePeriodStart"]).timestamp()
            for column in ("", "SubAccountId", "ServiceName"):
                days[column, row.get(column, "")][at] += float(row["EffectiveCost"])
    for column in ("", "SubAccountId", "ServiceName"):
        mine = {name: each for (of, name), each in days.items() if of == column}
        times = sorted({at for each in mine.values() for at in each})
        for name in sorted(mine, key=lambda name: -sum(mine[name].values()))[:DEAREST]:
            values = [mine[name].get(at, 0.0) for at in times]
            yield Series("real daily cost", name or TOTAL, times, values, 7)


TOTAL: Final = "total"
