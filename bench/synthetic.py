"""Families of made-up series with known anomalies, to develop detectors on: costs, counts, gauges, prices.

Each family is a behaviour that spend and its drivers have: seasons of a day and a week, business hours, nightly jobs,
sparse and heavy-tailed counts, drifting gauges, quantised and bounded values, hourly prices. Nuisances that are
normal for a family (its own outliers, noise that grows with the level, gaps) carry no label; what `synthetic_anomalies`
injects does. Windows follow the benchmark's way: a tenth of the series, shared by its anomalies, each centred on the
onset. The same seed gives the same series; choose on some seeds, judge on others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from bench.synthetic_anomalies import inject
from bench.synthetic_noise import DAY, season, smooth_noise
from bench.synthetic_watched import KINDS, make

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from bench.synthetic_watched import Kind

    Floats = NDArray[np.float64]

START: Final = 1_396_310_400.0  # 2014-04-01, a Tuesday
WINDOW_SHARE: Final = 0.1
UNLABELLED: Final = 0.15  # of the series have no anomaly at all


@dataclass(frozen=True, slots=True)
class Series:
    """Timestamps in epoch seconds, values, and the labelled windows as (first, last) rows."""

    name: str
    timestamps: list[float]
    values: list[float]
    windows: list[tuple[int, int]]
    kinds: list[str]


@dataclass(frozen=True, slots=True)
class Family:
    """How a family makes its normal values: `make(rng, times)`; `noise` is what an anomaly's size is counted in."""

    make: Callable[[np.random.Generator, Floats], Floats]
    spacing: float = 300.0
    rows: int = 4032
    floor: float | None = 0.0
    quantum: float = 0.0
    jitter: bool = False


def requests(rng: np.random.Generator, times: Floats) -> Floats:
    """Return the cost of traffic: a season of day and week, noise in proportion."""
    level = 20 + 80 * season(rng, times, weekly=True)
    return level * (1 + rng.uniform(0.03, 0.12) * smooth_noise(rng, len(times), rng.uniform(0, 0.9)))


def demand(rng: np.random.Generator, times: Floats) -> Floats:
    """Return a demand that grows slowly over months, with little noise."""
    growth = 1 + 0.3 * rng.normal() * np.linspace(0, 1, len(times))
    level = (5 + 15 * season(rng, times, weekly=True)) * np.clip(growth, 0.5, 2)
    return 1000 * level * (1 + 0.05 * smooth_noise(rng, len(times), 0.8))


def business_hours(rng: np.random.Generator, times: Floats) -> Floats:
    """Return two levels, one for business hours, with noise that grows with the level."""
    hour = times % DAY / 3600
    start, end = rng.uniform(6, 10), rng.uniform(16, 21)
    level = np.where((hour >= start) & (hour < end), rng.uniform(50, 120), rng.uniform(10, 30))
    return level * (1 + rng.uniform(0.01, 0.1) * rng.uniform(-1, 1, len(times)))


def nightly_job(rng: np.random.Generator, times: Floats) -> Floats:
    """Return a flat, quantised base with one short spike a day (a backup, a batch)."""
    base = rng.uniform(0.1, 2) + 0.05 * np.abs(rng.normal(size=len(times)))
    at = rng.uniform(0, DAY)
    spike = (times - at) % DAY < 300 * rng.integers(1, 4)
    return base + spike * rng.uniform(1, 3) * rng.uniform(0.85, 1.15, len(times))


def mentions(rng: np.random.Generator, times: Floats) -> Floats:
    """Return counts: a season, over-dispersed, with ordinary bursts of up to ten times that mean nothing."""
    rate = rng.uniform(2, 60) * (0.3 + season(rng, times)) * np.exp(0.3 * smooth_noise(rng, len(times), 0.97))
    counts = rng.poisson(rate * rng.gamma(3, 1 / 3, len(times))).astype(float)
    bursts = rng.random(len(times)) < 0.002
    return counts + bursts * rate * (1 + 1.5 * rng.pareto(2.2, len(times)))


def unit_price(rng: np.random.Generator, times: Floats) -> Floats:
    """Return an hourly price of clicks: skewed noise around a slow level."""
    noise = 0.35 * rng.standard_t(5, len(times)) * 0.8 + 0.3 * smooth_noise(rng, len(times), 0.9)
    return rng.uniform(0.05, 2) * np.exp(noise) * (0.8 + 0.4 * season(rng, times))


def flat_gauge(rng: np.random.Generator, times: Floats) -> Floats:
    """Return a steady utilisation with a short cycle and rare small spikes."""
    level = rng.uniform(1, 60)
    noise = rng.uniform(0.01, 0.05) * level
    spikes = (rng.random(len(times)) < 0.005) * rng.exponential(6, len(times))
    return level + noise * (np.sin(times / 3600 * 2 * np.pi) + rng.normal(size=len(times)) + spikes)


def sensor(rng: np.random.Generator, times: Floats) -> Floats:
    """Return a gauge that wanders within bounds and a little by the hour of day."""
    wander = smooth_noise(rng, len(times), 0.998)
    return 80 + 8 * wander + 3 * season(rng, times) + 0.8 * rng.normal(size=len(times))


def speed(rng: np.random.Generator, times: Floats) -> Floats:
    """Return a bounded value with a sharp edge above and a long tail below, read at uneven times."""
    dip = season(rng, times, weekly=True) ** 4 * rng.uniform(5, 20)
    slow = np.abs(rng.standard_t(4, len(times))) * 3
    values: Floats = np.minimum(75.0, 68 - dip - slow + rng.normal(size=len(times)))
    return values


def mostly_zero(rng: np.random.Generator, times: Floats) -> Floats:
    """Return a scope that spends now and then, and nothing in between."""
    busy = (smooth_noise(rng, len(times), 0.9) > rng.uniform(1.2, 1.8)) | (rng.random(len(times)) < 0.01)
    return np.where(busy, rng.lognormal(1, 0.5, len(times)), 0.0)


def network(rng: np.random.Generator, times: Floats) -> Floats:
    """Return bytes: a floor, and transfers of heavy-tailed size that are ordinary."""
    floor = rng.uniform(1e4, 1e5) * rng.lognormal(0, 0.2, len(times))
    transfers = (rng.random(len(times)) < 0.03) * rng.lognormal(0, 1.0, len(times)) * 1e6
    return floor + np.minimum(transfers, 2e7)


def instances(rng: np.random.Generator, times: Floats) -> Floats:
    """Return a count of machines that scales in steps with the day."""
    wanted = rng.uniform(4, 40) * (0.4 + season(rng, times, weekly=True)) + smooth_noise(rng, len(times), 0.95)
    return np.maximum(1, np.round(wanted))


def filling_disk(rng: np.random.Generator, times: Floats) -> Floats:
    """Return a saw-tooth: what grows until it is emptied."""
    period = DAY * rng.uniform(0.2, 2)
    return 20 + 60 * ((times - START) % period / period) + 0.5 * rng.normal(size=len(times))


def constant(rng: np.random.Generator, times: Floats) -> Floats:
    """Return a committed rate: the same to the last digit, but for rounding."""
    return np.full(len(times), np.round(rng.uniform(1, 100), 2))


FAMILIES: Final[dict[str, Family]] = {
    "requests": Family(requests),
    "requests-hourly": Family(requests, spacing=3600.0, rows=2200),
    "demand": Family(demand, spacing=1800.0, rows=6000),
    "business-hours": Family(business_hours),
    "nightly-job": Family(nightly_job, quantum=0.002),
    "mentions": Family(mentions, rows=9000, quantum=1.0),
    "mentions-more": Family(mentions, rows=9000, quantum=1.0),
    "unit-price": Family(unit_price, spacing=3600.0, rows=1640),
    "flat-gauge": Family(flat_gauge),
    "sensor": Family(sensor, rows=8000),
    "speed": Family(speed, rows=2500, quantum=1.0, jitter=True),
    "mostly-zero": Family(mostly_zero),
    "network": Family(network),
    "instances": Family(instances, quantum=1.0),
    "filling-disk": Family(filling_disk),
    "constant": Family(constant, floor=None),
}


def generate(seeds: range) -> Iterator[Series]:
    """Yield one series of each family for each seed."""
    for seed in seeds:
        for number, (name, family) in enumerate(FAMILIES.items()):
            yield _one(f"{name}/{seed}", family, np.random.default_rng([seed, number]))


def generate_watched(seeds: range) -> Iterator[Series]:
    """Yield one series of each kind of `synthetic_watched` for each seed."""
    for seed in seeds:
        for number, (name, kind) in enumerate(KINDS.items()):
            yield _watched(f"{name}/{seed}", kind, np.random.default_rng([seed, 1000 + number]))


def _one(name: str, family: Family, rng: np.random.Generator) -> Series:
    times: Floats = START + family.spacing * np.arange(family.rows, dtype=np.float64)
    if family.jitter:
        times = START + np.cumsum(family.spacing * rng.choice([1.0, 1.0, 1.0, 2.0, 3.0, 12.0], family.rows))
    values = family.make(rng, times)
    count = 0 if rng.random() < UNLABELLED else int(rng.integers(1, 5))
    values, injected = inject(rng, values, count, steps_a_day=int(DAY / family.spacing))
    if family.floor is not None and not any(kind == "negative correction" for _, kind in injected):
        values = np.maximum(values, family.floor)
    if family.quantum:
        values = np.round(values / family.quantum) * family.quantum
    half = int(WINDOW_SHARE * family.rows / max(count, 1) / 2)
    windows = [(max(0, row - half), min(family.rows - 1, row + half)) for row, _ in injected]
    return Series(name, times.tolist(), values.tolist(), windows, [kind for _, kind in injected])


def _watched(name: str, kind: Kind, rng: np.random.Generator) -> Series:
    rows = int(rng.integers(*kind.rows))
    times: Floats = START + kind.spacing * np.arange(rows, dtype=np.float64)
    count = int(rng.integers(kind.anomalies[0], kind.anomalies[1] + 1))
    onsets = sorted(int(row) for row in rng.choice(np.arange(int(0.2 * rows), int(0.95 * rows)), count, replace=False))
    values = make(kind, rng, times, onsets)
    half = int(WINDOW_SHARE * rows / max(count, 1) / 2)
    windows = _apart([(max(0, row - half), min(rows - 1, row + half)) for row in onsets])
    return Series(name, times.tolist(), values.tolist(), windows, [kind.make.__name__] * len(windows))


def _apart(windows: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join windows that overlap."""
    joined: list[tuple[int, int]] = []
    for first, last in windows:
        if joined and first <= joined[-1][1]:
            joined[-1] = joined[-1][0], last
        else:
            joined.append((first, last))
    return joined
