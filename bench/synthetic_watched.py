"""Families of made-up series as people watch them, each with the anomalies that belong to it.

Where `synthetic` injects the same anomalies everywhere, here a family brings its own: a machine whose processor is
busy in steps, a day that lacks its peak, a price of clicks that doubles for an hour, mentions that explode, a
machine that cools down before it fails, a holiday in the demand, a queue of requests that dries up. Bursts that are
ordinary for a family have no label. A maker returns the values and the rows at which its anomalies begin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from bench.synthetic_noise import DAY, season, smooth_noise

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Rng = np.random.Generator


OFTEN: Final = (0.001, 0.01)
HEIGHTS: Final = (0.5, 3.0)
RECORDS: Final = 0.45


class Kind(NamedTuple):
    """A family: `make(rng, times, onsets)` returns the values with an anomaly at each of the rows `onsets`."""

    make: Callable[[Rng, Floats, list[int]], Floats]
    rows: tuple[int, int] = (4000, 4800)
    spacing: float = 300.0
    anomalies: tuple[int, int] = (1, 3)
    sinks: bool = False  # as likely below all that was as above


def make(kind: Kind, rng: Rng, times: Floats, onsets: list[int]) -> Floats:
    """Return a series of a kind; a part of its anomalies also leave the range of all that was before.

    People label what they see, and a record is what they see first. `RECORDS`, `OFTEN` and `HEIGHTS` are such that the
    simplest detectors score here about what they do on the whole benchmark: the range rule 57, a z-score of an
    EWMA 41.
    """
    values = kind.make(rng, times, onsets)
    _add_ordinary_bursts(rng, values)
    for onset in onsets:
        if rng.random() < RECORDS:
            low, high = values[:onset].min(), values[:onset].max()
            beyond = _some(rng, 0.03, 1.0) * ((high - low) or 1.0)
            part = values[onset : onset + int(_some(rng, 1, 20))]
            part[:] = low - beyond if kind.sinks and rng.random() < 0.5 else high + beyond
    return values


def _add_ordinary_bursts(rng: Rng, values: Floats) -> None:
    """Add what happens now and then, early as late, of bounded height, and means nothing."""
    height = _some(rng, *HEIGHTS) * float(np.quantile(values, 0.995) - np.quantile(values, 0.005))
    whole = bool(np.all(values == np.round(values)))
    for row in np.flatnonzero(rng.random(len(values)) < _some(rng, *OFTEN)):
        part = values[row : row + int(_some(rng, 1, 60))]
        burst = height * rng.uniform(0.3, 1) * rng.uniform(0.5, 1, len(part))
        part += np.round(burst) if whole else burst


def _hump(length: int, rise: float = 0.3) -> Floats:
    """Return a burst that comes fast and goes slowly."""
    at = np.arange(length) / max(length - 1, 1)
    hump: Floats = np.where(at < rise, at / rise, np.exp(-3 * (at - rise)))
    return hump


def _some(rng: Rng, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def working_day(rng: Rng, times: Floats, onsets: list[int]) -> Floats:
    """Return two levels a day; once the day has no peak, a higher or a lower one, or the night has one."""
    noise = float(rng.choice([0.0, 1.0, 4.0, 10.0]))
    low, high = rng.uniform(15, 40), rng.uniform(60, 90)
    busy = (times % DAY >= DAY * rng.uniform(0.3, 0.4)) & (times % DAY < DAY * rng.uniform(0.65, 0.8))
    values = np.where(busy, high, low) + noise * rng.uniform(-1, 1, len(times))
    for onset in onsets:
        day = slice(onset, onset + int(rng.integers(100, 200)))
        what = rng.integers(4)
        here = busy[day] if what < 3 else ~busy[day]
        size = (low - high, rng.uniform(0.3, 1) * high, -rng.uniform(0.3, 0.9) * low, high - low)[what]
        values[day] += here * size if here.any() else size
    return values


def spikes_of_the_day(rng: Rng, times: Floats, onsets: list[int]) -> Floats:
    """Return short peaks at irregular times, which become denser."""
    rate = rng.uniform(0.005, 0.02)
    busy = rng.random(len(times)) < rate
    for onset in onsets:
        more = slice(onset, onset + int(rng.integers(100, 300)))
        busy[more] |= rng.random(len(busy[more])) < rate * rng.uniform(4, 10)
    values: Floats = rng.uniform(0, 20) + rng.normal(size=len(times)) * rng.choice([0.0, 0.5]) + 60 * busy
    return values


def _incident(rng: Rng, values: Floats, onset: int, size: float) -> None:
    """Add what happens to machines: a spike, a burst, a new level, noise, or less than ever."""
    what = rng.choice(["spike", "burst", "level", "noise", "less"], p=[0.3, 0.25, 0.25, 0.1, 0.1])
    long = int(_some(rng, 8, 120))
    if what == "spike":
        values[onset : onset + int(rng.integers(1, 4))] += size
    elif what == "burst":
        part = values[onset : onset + long]
        part += 0.8 * size * rng.uniform(0.4, 1.2, len(part))
    elif what == "level":
        values[onset : onset + long * int(rng.choice([3, 1000]))] += 0.6 * size
    elif what == "noise":
        part = values[onset : onset + 2 * long]
        part += 0.5 * size * np.abs(rng.normal(size=len(part)))
    else:
        part = values[onset : onset + long]
        part -= np.minimum(size, 0.8 * np.maximum(part, 0))


def processor(rng: Rng, times: Floats, onsets: list[int]) -> Floats:
    """Return utilisation in per cent: a level with a grid, noise, a cycle of some hours, and ordinary peaks."""
    level = _some(rng, 0.1, 60)
    noise = _some(rng, 0.01, 0.2) * level
    cycle = np.sin(times / (3600 * rng.uniform(0.5, 24)) * 2 * np.pi) * rng.choice([0.0, 1.5])
    peaks = (rng.random(len(times)) < _some(rng, 0.0005, 0.02)) * rng.gamma(2, 3, len(times))
    values: Floats = level + noise * (rng.normal(size=len(times)) + cycle + peaks)
    for onset in onsets:
        _incident(rng, values, onset, noise * _some(rng, 6, 60))
    grid = noise * float(rng.choice([0.01, 0.3, 1.5]))
    return np.clip(np.round(values / grid) * grid, 0, 100)


def transfers(rng: Rng, times: Floats, onsets: list[int]) -> Floats:
    """Return bytes in or written: a low floor, and transfers whose sizes differ by decades."""
    floor = _some(rng, 1e2, 1e6)
    values = floor * rng.lognormal(0, rng.uniform(0.05, 0.4), len(times))
    big = rng.random(len(times)) < _some(rng, 0.002, 0.06)
    if rng.random() < 0.4:
        big |= (times - times[0]) % (DAY * rng.choice([1 / 24, 0.25, 1])) < 600
    usual = floor * _some(rng, 3, 100)
    values += big * usual * rng.lognormal(0, rng.uniform(0.1, 0.7), len(times))
    for onset in onsets:
        part = values[onset : onset + int(_some(rng, 1, 80))]
        part += usual * _some(rng, 0.8, 8) * rng.uniform(0.5, 1, len(part))
    return values


def requests_of_many(rng: Rng, times: Floats, onsets: list[int]) -> Floats:
    """Return counts of requests with a day, over-dispersed; incidents multiply them or dry them up."""
    rate = _some(rng, 5, 300) * (0.3 + season(rng, times)) * np.exp(0.2 * smooth_noise(rng, len(times), 0.9))
    spread = rng.uniform(2, 12)
    wild = np.ones(len(times))
    for onset in onsets:
        part = wild[onset : onset + int(_some(rng, 2, 60))]
        part *= _some(rng, 2, 8) if rng.random() < 0.8 else 0.05
    return rng.poisson(rate * wild * rng.gamma(spread, 1 / spread, len(times))).astype(float)


def machines(rng: Rng, times: Floats, onsets: list[int]) -> Floats:
    """Return the size of a group of machines: steps, long stays, and once nearly none or far more."""
    wanted = rng.uniform(5, 40) + rng.uniform(0, 12) * season(rng, times)
    wanted += rng.uniform(0.5, 3) * smooth_noise(rng, len(times), 0.99)
    values = np.maximum(1, np.round(wanted))
    for onset in onsets:
        part = slice(onset, onset + int(_some(rng, 4, 150)))
        values[part] = np.round(values[part] * (rng.uniform(0.05, 0.5) if rng.random() < 0.6 else rng.uniform(1.6, 3)))
    return values


def rides(rng: Rng, times: Floats, onsets: list[int]) -> Floats:
    """Return demand by the half hour with day and week; holidays are quiet, storms empty, a feast has its own hour."""
    level = 2000 + 24000 * season(rng, times, weekly=True)
    values = level * (1 + rng.uniform(0.02, 0.06) * smooth_noise(rng, len(times), 0.9))
    for onset in onsets:
        what = rng.integers(4)
        part = values[onset : onset + int(rng.integers(20, 60))]
        if what == 0:
            part *= rng.uniform(0.4, 0.75)
        elif what == 1:
            part *= rng.uniform(0.02, 0.3)
        elif what == 2:
            part[: rng.integers(3, 10)] += values.max() * rng.uniform(0.25, 0.6)
        else:
            part[:] = np.roll(part, int(rng.integers(8, 24)))
    return values


def click_price(rng: Rng, times: Floats, onsets: list[int]) -> Floats:
    """Return the price of a click by the hour: skewed noise, and peaks of which only the higher ones are odd."""
    noise = rng.uniform(0.1, 0.35) * (0.8 * rng.normal(size=len(times)) + 0.6 * smooth_noise(rng, len(times), 0.8))
    values = _some(rng, 0.05, 2) * np.exp(noise) * (0.8 + 0.4 * season(rng, times))
    ordinary = rng.random(len(times)) < rng.uniform(0.002, 0.02)
    values *= 1 + ordinary * rng.gamma(2, 0.5, len(times))
    for onset in onsets:
        values[onset : onset + int(rng.integers(1, 5))] *= _some(rng, 2, 8)
    return values


def mentions_of_a_name(rng: Rng, times: Floats, onsets: list[int]) -> Floats:
    """Return counts of mentions: a day, clusters, ordinary bursts; news make a burst that goes on for hours."""
    rate = _some(rng, 2, 60) * (0.3 + season(rng, times)) * np.exp(0.4 * smooth_noise(rng, len(times), 0.97))
    crowd = np.ones(len(times))
    for row in np.flatnonzero(rng.random(len(times)) < _some(rng, 0.0005, 0.004)):
        hump = _hump(int(rng.integers(2, 20)), 0.1)
        crowd[row : row + len(hump)] += (rng.uniform(0.5, 6) * hump)[: len(crowd) - row]
    for onset in onsets:
        hump = _hump(int(_some(rng, 6, 150)), 0.15)
        crowd[onset : onset + len(hump)] += (_some(rng, 4, 40) * hump)[: len(crowd) - onset]
    return rng.poisson(rate * crowd * rng.gamma(3, 1 / 3, len(times))).astype(float)


def machine_heat(rng: Rng, times: Floats, onsets: list[int]) -> Floats:
    """Return the temperature of a machine that wanders; it falls off before and when it fails, or is switched off."""
    values = 85 + rng.uniform(4, 9) * smooth_noise(rng, len(times), 0.999)
    values += rng.uniform(0, 4) * season(rng, times) + 0.7 * rng.normal(size=len(times))
    for onset in onsets:
        long = int(_some(rng, 60, 600))
        part = values[onset : onset + long]
        fall = np.minimum(np.arange(len(part)) / (long * rng.uniform(0.02, 0.7)), 1)
        part -= fall * rng.uniform(15, 70)
    return np.maximum(values, 0)


def room_heat(rng: Rng, times: Floats, onsets: list[int]) -> Floats:
    """Return an hourly temperature with a day and weather; the cooling fails, or does too much."""
    values = 70 + 3 * season(rng, times) + 2.5 * smooth_noise(rng, len(times), 0.99) + 0.6 * rng.normal(size=len(times))
    for onset in onsets:
        part = values[onset : onset + int(_some(rng, 3, 60))]
        part += rng.uniform(5, 14) * rng.choice([-1, 1])
    return values


def misconfigured(rng: Rng, times: Floats, onsets: list[int]) -> Floats:
    """Return a gauge that swings between two levels many times a day; from the change on it swings otherwise."""
    period = DAY * rng.uniform(0.1, 1)
    share = rng.uniform(0.2, 0.8)
    phase = (times - times[0]) / period
    low, high = rng.uniform(5, 40), rng.uniform(50, 90)
    values = np.where(phase % 1 < share, high, low) + rng.uniform(0.5, 4) * rng.normal(size=len(times))
    for onset in onsets:
        part = slice(onset, onset + int(rng.choice([100, 400, 100000])))
        if rng.random() < 0.5:
            values[part] = rng.choice([low, high, 97]) + rng.normal(size=len(values[part]))
        else:
            values[part] += rng.uniform(0.3, 0.8) * (high - low) * (rng.random(len(values[part])) < 0.5)
    return np.clip(values, 0, 100)


def key_strokes(rng: Rng, times: Floats, onsets: list[int]) -> Floats:
    """Return a figure of small noise round zero with ordinary peaks; an agent behaves otherwise for a while."""
    values = rng.normal(0, 0.02, len(times)) + (rng.random(len(times)) < 0.01) * rng.normal(0, 0.3, len(times))
    for onset in onsets:
        part = values[onset : onset + int(_some(rng, 2, 60))]
        part += rng.uniform(0.1, 1.2) * rng.uniform(0.3, 1, len(part))
    return values


def road(rng: Rng, times: Floats, onsets: list[int]) -> Floats:
    """Return travel time or occupancy at uneven times: rush hours, ordinary queues, and a jam."""
    rush = season(rng, times, weekly=True) ** 3 * rng.uniform(0.1, 1.2)
    slow = rng.gamma(1.5, rng.uniform(0.05, 0.2), len(times)) * (1 + 3 * (rng.random(len(times)) < 0.01))
    values = 1 + rush + slow
    for onset in onsets:
        values[onset : onset + int(_some(rng, 1, 20))] += _some(rng, 0.8, 6)
    return np.round(values * 100)


KINDS: Final[dict[str, Kind]] = {
    "working-day": Kind(working_day, (4032, 4033), anomalies=(1, 1)),
    "working-day-2": Kind(working_day, (4032, 4033), anomalies=(0, 1)),
    "spikes-of-the-day": Kind(spikes_of_the_day, (4032, 4033), anomalies=(0, 1)),
    "processor": Kind(processor),
    "processor-2": Kind(processor),
    "processor-3": Kind(processor),
    "transfers": Kind(transfers),
    "transfers-2": Kind(transfers),
    "requests-of-many": Kind(requests_of_many),
    "machines": Kind(machines),
    "rides": Kind(rides, (6000, 10000), 1800.0, (3, 5)),
    "click-price": Kind(click_price, (1540, 1650), 3600.0, (1, 4)),
    "click-price-2": Kind(click_price, (1540, 1650), 3600.0, (1, 4)),
    "mentions-of-a-name": Kind(mentions_of_a_name, (15800, 15900), 300.0, (2, 4)),
    "mentions-of-a-name-2": Kind(mentions_of_a_name, (15800, 15900), 300.0, (2, 4)),
    "machine-heat": Kind(machine_heat, (18000, 22600), 300.0, (1, 4), sinks=True),
    "room-heat": Kind(room_heat, (7200, 7300), 3600.0, (1, 2), sinks=True),
    "misconfigured": Kind(misconfigured, (4000, 18000), 300.0, (1, 1)),
    "key-strokes": Kind(key_strokes, (1880, 5300), 300.0, (1, 2)),
    "road": Kind(road, (1120, 2500), 600.0, (1, 3)),
    "road-2": Kind(road, (1120, 2500), 600.0, (1, 3)),
}
