"""`python -m bench.guardrails`: how early forecasts warn of a budget, and how often they are right; JSON lines.

Monthly budgets on made-up daily spend (rhythm of the week, growth, lasting noise), limits from well below to well
above what the month comes to. A warning is right when the limit is reached in that month. Beside ours: the straight
line through the month so far, which warns as soon as it ends above the limit.
"""

from __future__ import annotations

import json
import math
import random
from dataclasses import dataclass, field
from decimal import Decimal
from statistics import median
from typing import TYPE_CHECKING, Final

from domain.budgets import NEW, Budget, define, foresee, warn
from domain.budgets.pace import forecast
from domain.scope import ScopeFilter
from domain.windows import DAY, MINUTE

if TYPE_CHECKING:
    from collections.abc import Callable

    from domain.periods import Period

    Warns = Callable[[Budget, Period, Decimal, int, dict[int, Decimal]], bool]

SERIES: Final = 200
HISTORY: Final = 56
MONTH: Final = 1_793_491_200  # November 2026
DAYS: Final = 30
LIMITS: Final = (0.7, 0.85, 0.95, 1.05, 1.15, 1.3)


@dataclass
class Tally:
    """What warnings came to; `leads` are days from a right warning to the breach."""

    right: int = 0
    wrong: int = 0
    missed: int = 0
    leads: list[int] = field(default_factory=list)

    def line(self, name: str) -> str:
        """Return the figures as JSON."""
        warned, breaches = self.right + self.wrong, self.right + self.missed
        return json.dumps(
            {
                "figure": "forecast_warnings",
                "of": name,
                "precision": round(self.right / warned, 3) if warned else None,
                "recall": round(self.right / breaches, 3) if breaches else None,
                "median_lead_days": median(self.leads) if self.leads else None,
                "warnings": warned,
                "breaches": breaches,
            }
        )


def daily(seed: int) -> list[float]:
    """Return eight weeks and a month of days."""
    rng = random.Random(seed)  # noqa: S311 - a series, not a secret
    level, wander, values = 10 ** rng.uniform(0, 3), 0.0, []
    noise, weekend, growth = (
        rng.choice((0.05, 0.1, 0.2)),
        rng.choice((0.4, 0.7, 1.0)),
        rng.choice((-0.1, 0.0, 0.1, 0.2)),
    )
    for day in range(HISTORY + DAYS):
        wander = 0.6 * wander + rng.gauss(0, 0.8 * noise)
        rhythm = weekend if day % 7 >= 5 else 1.0
        values.append(level * rhythm * (1 + growth * day / 30) * math.exp(wander))
    return values


def ours(budget: Budget, period: Period, spent: Decimal, at: int, steps: dict[int, Decimal]) -> bool:
    """Tell whether the lower edge of the band reaches the limit."""
    return bool(warn(budget, period, NEW, foresee(budget, period, spent, at, steps), spent)[1])


def straight(budget: Budget, period: Period, spent: Decimal, at: int, steps: dict[int, Decimal]) -> bool:
    """Tell whether the pace so far reaches the limit."""
    del steps
    ahead = forecast(spent, period, at)
    return ahead is not None and ahead >= budget.limit


def play(values: list[float], budget: Budget, warns: Warns, tally: Tally) -> None:
    """Play a month day by day."""
    period = budget.period_at(MONTH)
    steps = {MONTH + (day - HISTORY) * DAY: Decimal(value) for day, value in enumerate(values[:HISTORY])}
    spent, warned = Decimal(0), None
    for day, value in enumerate(map(Decimal, values[HISTORY:])):
        spent += value
        if spent >= budget.limit:
            if warned is None:
                tally.missed += 1
            else:
                tally.right += 1
                tally.leads.append(day - warned)
            return
        steps[MONTH + day * DAY] = value
        if warned is None and warns(budget, period, spent, MONTH + (day + 1) * DAY - MINUTE, steps):
            warned = day
    if warned is not None:
        tally.wrong += 1


def main() -> None:
    """Print one line for each way to warn."""
    peers: dict[str, Warns] = {"costguard": ours, "straight line": straight}
    for name, warns in peers.items():
        tally = Tally()
        for seed in range(SERIES):
            values = daily(seed)
            whole = sum(values[HISTORY:])
            for share in LIMITS:
                budget = define(ScopeFilter(()), {"limit": f"{whole * share:.6f}"}, "USD")
                assert isinstance(budget, Budget)  # noqa: S101 - the body is ours
                play(values, budget, warns, tally)
        print(tally.line(name), flush=True)


if __name__ == "__main__":
    main()
