"""Budgets that will be crossed: where a period is heading, and what is worth telling of it before it happens.

A threshold is foreseen when the chosen edge of the forecast's 80 % band reaches it: with `lower`, the default, nine
times of ten it will be crossed if things go on as they do. What is foreseen is told once, and taken back when it is
reached (`reached`: then the crossing itself is told) or when the forecast falls below it (`receded`): the mean for
the lower edge, a twentieth below the threshold for the others. Only complete steps are looked back on.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import msgspec

from domain.budgets.kinds import FORECAST
from domain.budgets.thresholds import NEW, Episode, State, ThresholdCrossed, crossing_amount
from domain.forecast.outlook import outlook
from domain.money import RATIO, add, multiply
from domain.periods import step_at
from domain.windows import MINUTE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from domain.budgets.definition import Budget
    from domain.periods import Period

# Steps that are looked back on: eight weeks of days, eight days of hours.
LOOK_BACK: Final = {"day": 56, "hour": 192}
_SEASON: Final = {"day": 7, "hour": 24}
_PLACES: Final = Decimal("0.000001")
_RECEDED: Final = Decimal("0.95")


class Foreseen(msgspec.Struct, frozen=True, array_like=True):
    """What a whole period will cost, as foreseen at `at`; `breach` is when the mean reaches the limit.

    Instants are epoch seconds.
    """

    at: int
    mean: Decimal
    lower: Decimal
    upper: Decimal
    breach: int | None = None


def foresee(budget: Budget, period: Period, spent: Decimal, at: int, steps: Mapping[int, Decimal]) -> Foreseen | None:
    """Look ahead from the newest event time `at`; None when history is too short, or the period is over.

    `steps` holds what was spent by the start of each step (`domain.periods.step_at`).
    """
    if not period.start <= at < period.end:
        return None
    now = step_at(period, at)
    history = [float(steps.get(start, 0)) for start in _past(period, now, steps)]
    moment = datetime.fromtimestamp(now.start, ZoneInfo(period.timezone))
    phase = moment.weekday() if now.name == "day" else moment.hour
    left = list(_left(period, now, at))
    ahead = outlook(history, phase, _SEASON[now.name], [share for share, _ in left])
    if ahead is None:
        return None
    mean, lower, upper = (add(spent, _money(value)) for value in (ahead.mean, ahead.lower, ahead.upper))
    ends = [end for _, end in left]
    return Foreseen(at, mean, lower, upper, _breach(budget, spent, at, list(zip(ahead.steps, ends, strict=True))))


def warn(
    budget: Budget, period: Period, state: State, foreseen: Foreseen | None, spent: Decimal
) -> tuple[State, list[ThresholdCrossed]]:
    """Return the new state and what happened: thresholds foreseen ascending, then those taken back descending."""
    if foreseen is None:
        return state, []
    episodes = {episode.threshold: episode for episode in state}
    told: list[ThresholdCrossed] = []
    taken_back: list[ThresholdCrossed] = []
    for threshold in budget.forecast.at:
        episode = episodes.get(threshold, Episode(threshold, 0, open=False))
        amount = crossing_amount(budget, threshold)
        if not episode.open and spent < amount <= getattr(foreseen, budget.forecast.edge):
            episodes[threshold] = Episode(threshold, episode.number + 1, open=True)
            told.append(
                ThresholdCrossed(budget, period, threshold, "crossed", episode.number + 1, spent, kind=FORECAST)
            )
        elif episode.open and (reason := _taken_back(budget, foreseen, spent, amount)):
            episodes[threshold] = Episode(threshold, episode.number, open=False)
            cleared = ThresholdCrossed(budget, period, threshold, "cleared", episode.number, spent, reason, FORECAST)
            taken_back.append(cleared)
    if not told and not taken_back:
        return state, []
    return tuple(episodes[threshold] for threshold in sorted(episodes)) or NEW, told + taken_back[::-1]


def _taken_back(budget: Budget, foreseen: Foreseen, spent: Decimal, amount: Decimal) -> str | None:
    if spent >= amount:
        return "reached"
    if budget.forecast.edge == "lower":
        return "receded" if foreseen.mean < amount else None
    edge: Decimal = getattr(foreseen, budget.forecast.edge)
    return "receded" if edge < multiply(amount, _RECEDED) else None


def _past(period: Period, now: Period, steps: Mapping[int, Decimal]) -> list[int]:
    """Return the starts of the complete steps before now, oldest first; the first one of all is seldom complete."""
    first = min(steps, default=now.start)
    starts: list[int] = []
    step = now
    while len(starts) < LOOK_BACK[now.name]:
        step = step_at(_as_period(period, step.start - 1), step.start - 1)
        if step.start <= first:
            break
        starts.append(step.start)
    return starts[::-1]


def _as_period(period: Period, instant: int) -> Period:
    """Return something of the same kind that holds an instant; for steps only kind and zone count."""
    return period._replace(start=instant, end=instant + 1)


def _left(period: Period, now: Period, at: int) -> Iterator[tuple[float, int]]:
    """Yield how much of each step is still to come, and when it ends; the present one first."""
    yield max(now.end - at - MINUTE, 0) / (now.end - now.start), now.end
    step = step_at(period, now.end)
    while step.start < period.end:
        yield 1.0, step.end
        step = step_at(period, step.end)


def _breach(budget: Budget, spent: Decimal, at: int, ahead: Iterable[tuple[float, int]]) -> int | None:
    """Return when the limit is reached; `ahead` is what each step is expected to cost, and when it ends."""
    missing = float(budget.limit) - float(spent)
    if missing <= 0:
        return at
    begin = at
    for cost, end in ahead:
        if 0 < missing <= cost:
            return begin + int(missing / cost * (end - begin))
        missing -= cost
        begin = end
    return None


def _money(value: float) -> Decimal:
    return Decimal(value).quantize(_PLACES, context=RATIO)
