"""`python -m bench.detection`: hourly detection on made-up spend; one JSON line per figure.

False alarms a scope and month over 60 days, by noise and by how sparse a scope is; how many injected anomalies are
found, after how many hours; and what an hour of many scopes costs, state read, judged, learnt and packed as in a table.
"""

from __future__ import annotations

import json
import math
import random
import time
from decimal import Decimal
from statistics import median
from typing import TYPE_CHECKING, Final

from domain.anomaly import spend
from domain.anomaly.calendar import SATURDAY, AnomalySettings, weekday
from domain.anomaly.detection import Hourly
from domain.anomaly.hours import HourLine
from domain.anomaly.state import decode_state, encode_state
from domain.windows import HOUR

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from domain.anomaly.hours import ScopeKey
    from domain.anomaly.state import SpendState

    Shape = Callable[[int, float], float]

DAYS: Final = 60
SEEDS: Final = 30
MONTHS: Final = DAYS / 30
WHEN: Final = 37 * 24 + 12
START: Final = 1_788_134_400  # a Monday
SCOPES: Final = 100_000
INJECTED: Final[dict[str, Shape]] = {
    "spike x4": lambda hour, value: value * 4 if hour == WHEN else value,
    "level x1.5": lambda hour, value: value * 1.5 if hour >= WHEN else value,
    "level x2": lambda hour, value: value * 2 if hour >= WHEN else value,
    "stops": lambda hour, value: 0.0 if hour >= WHEN else value,
}


def series(seed: int, noise: float, sparse: float = 0.0) -> list[float]:
    """Return hourly spend with the rhythm of day and week, lasting noise, and hours without any or with bursts."""
    rng = random.Random(seed)  # noqa: S311 - a series, not a secret
    level, phase, wander = 10 ** rng.uniform(-0.5, 2.5), rng.uniform(0, 2 * math.pi), 0.0
    values = []
    for hour in range(DAYS * 24):
        wander = 0.7 * wander + 0.7 * rng.gauss(0, noise)
        rest = 0.4 if weekday(START + hour * HOUR) >= SATURDAY else 1.0
        value = level * (1 + 0.6 * math.sin(hour / 12 * math.pi + phase)) * rest * math.exp(wander)
        if rng.random() < sparse:
            value = value * 10 if rng.random() < 0.1 else 0.0
        values.append(value)
    return values


def odd_hours(values: Iterable[float]) -> list[int]:
    """Return the hours at which an episode begins: odd, and not within half a day of another."""
    state: SpendState | None = None
    began: list[int] = []
    last = -HOUR
    for at, value in enumerate(values):
        hour = START + at * HOUR
        rest = weekday(hour) >= SATURDAY
        state = state or spend.begin(0, hour, value, None)
        judged = spend.judge(state, hour, value, rest=rest, minimum=1.0)
        spend.learn(state, hour, judged, rest=rest)
        if judged.odd:
            if at - last > 12:
                began.append(at)
            last = at
    return began


def false_alarms() -> None:
    for noise in (0.03, 0.1, 0.25):
        for sparse in (0.0, 0.3, 0.9):
            found = sum(len(odd_hours(series(seed, noise, sparse))) for seed in range(SEEDS))
            line = {"figure": "false_alarms_per_scope_month", "noise": noise, "sparse": sparse}
            print(json.dumps(line | {"value": round(found / SEEDS / MONTHS, 3)}), flush=True)


def injected() -> None:
    for name, shape in INJECTED.items():
        delays = []
        for seed in range(SEEDS):
            values = [shape(hour, value) for hour, value in enumerate(series(seed, 0.1))]
            delays += [at - WHEN for at in odd_hours(values) if at >= WHEN][:1]
        line = {"figure": "injected_found", "what": name, "found": len(delays), "of": SEEDS}
        print(json.dumps(line | {"median_hours": median(delays) if delays else None}), flush=True)


class Packed:
    """States as rows of a table."""

    def __init__(self) -> None:
        self.rows: dict[ScopeKey, bytes] = {}

    def get(self, key: ScopeKey) -> SpendState | None:
        """Return the models of a scope and driver."""
        row = self.rows.get(key)
        return None if row is None else decode_state(row)

    def known(self) -> list[ScopeKey]:
        """Return every scope and driver."""
        return list(self.rows)


def many_scopes(count: int = SCOPES) -> None:
    """Judge hours of so many scopes and drivers, counting those of every projection."""
    packed, seconds = Packed(), []
    for at in range(4):
        lines = [
            HourLine(
                (f"t{n}", "prod", f"f{n}", "s", "team"), "compute.requests", 10, Decimal(100), Decimal(f"{n % 50}.25")
            )
            for n in range(count // 4)  # a tenant, a feature, both, and the full scope: four each
        ]
        started = time.process_time()
        hourly = Hourly(packed, {}, AnomalySettings())
        for _ in hourly.hour(START + at * HOUR, lines, at):
            pass
        packed.rows |= {key: encode_state(state) for key, state in hourly.states.items()}
        seconds.append(time.process_time() - started)
    size = max(map(len, packed.rows.values()))
    line = {"figure": "hour_of_scopes_cpu_seconds", "scopes": len(packed.rows), "value": round(median(seconds), 2)}
    print(json.dumps(line | {"largest_state_bytes": size}), flush=True)


if __name__ == "__main__":
    false_alarms()
    injected()
    many_scopes()
