"""`python -m bench.fast_detection`: detection every five minutes, on made-up traffic; one JSON line per figure.

Events come by Poisson, each with a cost of its own, under a rhythm of day and week and noise that lasts for hours.
False alarms a scope and month; how many injected anomalies are found within half an hour of event time, of which five
minutes are for the window to close; and what five minutes of the fast scopes cost, with the traffic of a thousand.
"""

from __future__ import annotations

import json
import math
import random
import time
from dataclasses import dataclass, field
from decimal import Decimal
from statistics import median
from typing import TYPE_CHECKING, Final

from bench.injected.traffic import poisson
from domain.anomaly import fast, fast_learning, foreseen, spend, unit_cost
from domain.anomaly.calendar import SATURDAY, AnomalySettings, weekday
from domain.anomaly.fast_state import AN_HOUR, WIDTH, FastState, encode_fast
from domain.anomaly.hours import HourLine, Part, observe
from domain.anomaly.quick import Quick
from domain.windows import DAY, HOUR

if TYPE_CHECKING:
    from collections.abc import Callable

    from domain.anomaly.hours import Observed
    from domain.anomaly.state import SpendState

    Shape = Callable[[int], float]

START: Final = 1_788_134_400  # a Monday
DAYS: Final = 30
SEEDS: Final = 20
WHEN: Final = START + 22 * DAY + 13 * HOUR + 600
GRACE: Final = 300
APART: Final = 6 * HOUR
METER: Final = "compute.requests"
TRAFFIC: Final = ((120, 0.0, 0.0), (120, 0.05, 0.5), (600, 0.0, 0.0), (600, 0.1, 0.5), (6000, 0.05, 0.5))
INJECTED: Final[dict[str, tuple[Shape, Shape]]] = {
    "spike x5, ten minutes": (lambda at: 5.0 if WHEN <= at < WHEN + 600 else 1.0, lambda _: 1.0),
    "level x1.5": (lambda at: 1.5 if at >= WHEN else 1.0, lambda _: 1.0),
    "level x2": (lambda at: 2.0 if at >= WHEN else 1.0, lambda _: 1.0),
    "level x3": (lambda at: 3.0 if at >= WHEN else 1.0, lambda _: 1.0),
    "stops": (lambda at: 0.0 if at >= WHEN else 1.0, lambda _: 1.0),
    "price + 12 %": (lambda _: 1.0, lambda at: 1.12 if at >= WHEN else 1.0),
}


def steady(_: int) -> float:
    return 1.0


@dataclass
class Played:
    """A scope by hours and five minutes, as detection goes through it; `found` are the odd windows."""

    hourly: SpendState | None = None
    state: FastState | None = None
    found: list[tuple[int, str]] = field(default_factory=list)

    def hour(self, hour: int, windows: list[Observed]) -> None:
        """Judge and learn an hour and its five minutes."""
        expected = [] if self.hourly is None else foreseen.foresee(self.hourly, hour, _rests(hour))
        whole = Part()
        for at, parts in enumerate(windows):
            window = hour + at * WIDTH
            for part in parts.values():
                whole.add(HourLine((), METER, part.events, part.units, part.amount))
            if expected:
                self.state = self.state or FastState(0, window - WIDTH)
                amount = float(sum(part.amount for part in parts.values()))
                glance = fast.judge(self.state, window, parts, amount, expected[at], 1.0)
                fast_learning.learn(self.state, window, expected[at], glance)
                if glance.kind:
                    self.found.append((window, glance.kind))
        self._learn(hour, {METER: whole} if whole.events else {}, float(whole.amount))

    def _learn(self, hour: int, parts: Observed, amount: float) -> None:
        rest = _rests(hour)[1]
        state = self.hourly = self.hourly or spend.begin(0, hour, amount, None)
        judged = spend.judge(state, hour, amount, rest=rest, minimum=1.0)
        price = unit_cost.index(state, parts, judged, 1.0)
        if not judged.odd:
            unit_cost.learn(state, parts, price)
        spend.learn(state, hour, judged, rest=rest)

    def began(self) -> list[tuple[int, str]]:
        """Return the first windows of what was found, six hours and more apart."""
        return [each for before, each in zip([(0, ""), *self.found], self.found) if each[0] - before[0] > APART]  # noqa: B905


def played(
    seed: int, traffic: tuple[int, float, float], days: int, volume: Shape = steady, price: Shape = steady
) -> Played:
    """Play so many events an hour with lasting noise, and events that cost alike or not."""
    an_hour, noise, apart = traffic
    rng = random.Random(seed)  # noqa: S311 - traffic, not a secret
    phase, swing, wander = rng.uniform(0, 2 * math.pi), rng.uniform(0.2, 0.7), 0.0
    scope = Played()
    for hour in range(START, START + days * DAY, HOUR):
        wander = 0.7 * wander + 0.7 * rng.gauss(0, noise)
        mean = an_hour / AN_HOUR * (0.4 if weekday(hour) >= SATURDAY else 1.0) * math.exp(wander)
        windows = []
        for window in range(hour, hour + HOUR, WIDTH):
            rhythm = 1 + swing * math.sin((window + WIDTH / 2) % DAY / DAY * 2 * math.pi + phase)
            count = poisson(rng, mean * rhythm * volume(window))
            units = Decimal(f"{sum(math.exp(rng.gauss(0, apart)) for _ in range(count)) if apart else count:.6f}")
            part = Part()
            part.add(HourLine((), METER, count, units, units * Decimal(str(price(window)))))
            windows.append({METER: part} if count else {})
        scope.hour(hour, windows)
    return scope


def false_alarms() -> None:
    for traffic in TRAFFIC:
        found = sum(len(played(seed, traffic, DAYS).began()) for seed in range(SEEDS))
        line = {"figure": "fast_false_alarms_per_scope_month", "events_an_hour": traffic[0], "noise": traffic[1]}
        print(json.dumps(line | {"costs_apart": traffic[2], "value": round(found / SEEDS * 30 / DAYS, 3)}), flush=True)


def injected() -> None:
    for traffic in TRAFFIC:
        for name, (volume, price) in INJECTED.items():
            delays = []
            for seed in range(SEEDS // 2):
                seen = [at for at, _ in played(seed, traffic, 23, volume, price).found if at >= WHEN]
                delays += [(at + WIDTH + GRACE - WHEN) / 60 for at in seen[:1]]
            line = {"figure": "fast_injected_found", "what": name, "events_an_hour": traffic[0], "noise": traffic[1]}
            within = sum(delay <= 30 for delay in delays)
            minutes = median(delays) if delays else None
            print(json.dumps(line | {"within_30_minutes": within, "of": SEEDS // 2, "median_minutes": minutes}))


def cost(scopes: int = 1_000, fast_scopes: int = 50) -> None:
    """Measure windows of fast scopes, whose traffic is that of many full ones."""
    lines = [
        HourLine((f"t{n % 50}", "prod", f"f{n % 20}", "s", "team"), METER, 10, Decimal(10), Decimal(f"{1 + n % 7}.25"))
        for n in range(scopes)
    ]
    keys = sorted(observe(lines), key=lambda key: (len(key[1]), key))[:fast_scopes]
    taught = played(1, (600, 0.05, 0.5), 3).hourly
    states: dict[tuple[str, tuple[str, ...], str], FastState] = {}
    seconds = []
    for hour in range(START + 3 * DAY, START + 5 * DAY, HOUR):
        quick = Quick(hour, states, keys, lambda _: taught, AnomalySettings())
        for window in range(hour, hour + HOUR, WIDTH):
            started = time.process_time()
            quick.window(window, lines)
            seconds.append(time.process_time() - started)
    line = {"figure": "fast_window_cpu_ms", "lines": scopes, "fast_scopes": len(keys)}
    largest = max(len(encode_fast(state)) for state in states.values())
    print(json.dumps(line | {"value": round(1000 * median(seconds), 2), "largest_state_bytes": largest}))


def _rests(hour: int) -> tuple[bool, bool, bool]:
    before, here, after = (weekday(hour + shift * HOUR) >= SATURDAY for shift in (-1, 0, 1))
    return before, here, after


if __name__ == "__main__":
    cost()
    false_alarms()
    injected()
