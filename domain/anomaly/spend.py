"""The models of a scope's hourly spend: what an hour should have cost, whether it is odd, what is learnt of it.

Expected is a blend of three, each trusted by the inverse of its recent squared error: the hour of working or rest
days, the hour of the week, and the level of late. What is missed is counted in a scale that goes with the level, as the
noise of money does. An hour is odd when, strictly:

- it, or the short mean of some hours, is more than 3 standard deviations away, and further than the scope's own
  99th percentile asks for (a wild scope has to be wilder);
- and further than the largest surprises of late, which fade over weeks (bursts that come every day are its nature);
- and by more than 20 % of what was expected;
- and by enough money: the configured minimum a day, if it went on.

So is nothing at all where there was always something. What spends in lumps is judged by the day (`lumps`).

An odd hour teaches no more than one standard deviation, so that an anomaly does not become normal within a day; when it
has lasted for `ACCEPTED` hours, its level is the new one. An anomaly that has begun goes on at half the limit.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from domain.anomaly.lumps import LUMPY, judge_day
from domain.anomaly.state import HOURS_A_DAY, HOURS_A_WEEK, SpendState
from domain.windows import DAY, HOUR

SIGMA: Final = 3.0
PERCENT: Final = 0.2
WARM: Final = 48
SETTLED: Final = 14 * 24
ACCEPTED: Final = 72
CALM: Final = 6  # ordinary hours in a row end what is odd
MAX_RATIO: Final = 1e6
_FLOOR: Final = 0.02  # nothing is steadier than 2 %
_REACH_ROOT: Final = math.sqrt(3.0)
_TAIL: Final = 2.0
_LEAST_EXTREME: Final = 1.6
_STEP_UP: Final = 0.02
_STEP_DOWN: Final = 0.02 * 0.01 / 0.99
_COLD: Final = 1.5
_COLDER: Final = 2.0  # in its first week
_HOURS_TO_STOP: Final = 72
_SILENT_HOURS: Final = 3
_PEAK: Final = 1.15
_FADE: Final = 0.998  # an hour: a surprise is half forgotten after two weeks
_MOST_SURPRISE: Final = 50.0
_NEVER: Final = 0.02
_MOST_DRIFT: Final = 10.0
_LATE: Final = 0.15  # an hour, of what is learnt of late


class Judgement(NamedTuple):
    """What an hour was: `z` in standard deviations, the larger of the hour's own and the short mean's.

    `frequency` is the share of hours in which the scope spends anything.
    """

    actual: float
    expected: float
    deviation: float
    z: float
    limit: float
    odd: bool
    frequency: float = 1.0

    @property
    def difference(self) -> float:
        """Actual less expected."""
        return self.actual - self.expected


def begin(version: int, hour: int, value: float, like: SpendState | None) -> SpendState:
    """Start a scope; `like` is a wider one whose rhythm and noise it is believed to share until it shows its own."""
    state = SpendState(version, hour - HOUR, fast=value, slow=value)
    if like is not None and like.hours >= WARM and like.slow > 0:
        share = value / max(expect(like, hour, rest=False) or like.slow, 1e-12)
        state.slow = state.fast = like.slow * share
        state.variance = max(like.variance * 2.0, state.variance)
        for rest in (False, True):
            for at in range(0, DAY, HOUR):
                state.set_day_bin(at, like.day_bin(at, rest=rest) * share, rest=rest)
    return state


def expect(state: SpendState, hour: int, *, rest: bool) -> float | None:
    """Return what an hour should cost; None before anything is known of such an hour."""
    day, week = state.day_bin(hour, rest=rest), state.week_bin(hour)
    usual = _season(state, day, week)
    return None if usual is None else _blend((day, week, _of_late(state, usual)), state.errors)


def season(state: SpendState, hour: int, *, rest: bool) -> float | None:
    """Return what an hour usually costs, whatever came of late; None before anything is known of such an hour."""
    return _season(state, state.day_bin(hour, rest=rest), state.week_bin(hour))


def _season(state: SpendState, day: float, week: float) -> float | None:
    """Return what is usual at this time of the day and of the week."""
    if math.isnan(day):
        return None if math.isnan(week) else week
    return day if math.isnan(week) else _blend((day, week), state.errors)


def _of_late(state: SpendState, usual: float) -> float:
    """Return the season at the level of late: a Saturday begins as far from usual as its Friday was."""
    return usual * min(state.fast / state.base, _MOST_DRIFT) if state.base > 0 else state.fast


def _blend(values: tuple[float, ...], errors: list[float]) -> float:
    total = weight = 0.0
    for value, error in zip(values, errors, strict=False):
        if value == value:  # noqa: PLR0124 - neither NaN nor a call
            trust = 1.0 / (error + 1e-9)
            total += trust * value
            weight += trust
    return total / weight


def judge(state: SpendState, hour: int, value: float, *, rest: bool, minimum: float) -> Judgement:
    """Judge an hour by what was learnt before it."""
    expected = expect(state, hour, rest=rest)
    if expected is None or state.hours < WARM:
        return Judgement(value, value if expected is None else expected, math.sqrt(state.variance) * abs(value),
                         0.0, SIGMA, odd=False)  # fmt: skip
    scale = _scale(state, expected)
    deviation = max(math.sqrt(state.variance), _FLOOR) * scale
    if not deviation:
        return Judgement(value, expected, 0.0, 0.0, SIGMA, odd=False)
    if state.zeros >= LUMPY:
        day = judge_day(state, hour, value, minimum)
        return Judgement(value, expected, deviation, day.z, day.limit, day.odd, 1.0 - state.zeros)
    z = (value - expected) / deviation
    short = (state.short + 0.5 * (_clipped(z, 12.0) - state.short)) * _REACH_ROOT
    worst = z if abs(z) >= abs(short) or short * z < 0 else short
    limit = limit_of(state)
    if state.odd and not state.calm:
        limit = max(SIGMA, 0.5 * limit)
    away = abs(value - expected)
    unusual = abs(worst) > limit and is_news(value, expected, season(state, hour, rest=rest))
    odd = (unusual or _has_stopped(state, hour, value, z)) and away > PERCENT * abs(expected) and away * 24 >= minimum
    return Judgement(value, expected, deviation, worst, limit, odd)


def is_news(value: float, expected: float, season: float | None) -> bool:
    """Tell whether what is away from the level of late is also away from what is usual: to return is no alarm."""
    if season is None:
        return True
    away = value - season
    return away * (value - expected) > 0 and abs(away) > PERCENT * abs(season)


def _has_stopped(state: SpendState, hour: int, value: float, z: float) -> bool:
    """Tell whether there is nothing where there was always something: clearly, or for some hours."""
    if value or state.zeros >= _NEVER or state.hours < _HOURS_TO_STOP:
        return False
    return -z >= SIGMA or all(state.at(hour - back * HOUR)[0] == 0 for back in range(1, _SILENT_HOURS))


def limit_of(state: SpendState) -> float:
    """Return how many deviations an hour has to be away; infinite for a scope that is too new, or lumpy, to say."""
    if state.hours < WARM or state.zeros >= LUMPY:
        return math.inf
    limit = max(SIGMA, _TAIL * max(state.extreme, _LEAST_EXTREME)) * state.tolerance
    return max(limit, _PEAK * state.peak) * coldness(state)


def coldness(state: SpendState) -> float:
    """Return by how much a young scope is harder to impress."""
    if state.hours >= SETTLED:
        return 1.0
    return _COLDER if state.hours < HOURS_A_WEEK else _COLD


def learn(state: SpendState, hour: int, judged: Judgement, *, rest: bool) -> None:
    """Take an hour in."""
    value = judged.actual
    if judged.odd and state.odd < ACCEPTED:
        value = judged.expected + _clipped(judged.difference, judged.deviation)
    _count(state, judged)
    _learn_spread(state, judged)
    _learn_level(state, hour, value, rest=rest)
    state.remember(hour, judged.actual, judged.expected, judged.deviation)
    state.today += judged.actual
    if hour % DAY == DAY - HOUR:
        state.end_day()
    state.hour = hour
    state.hours += 1


def _count(state: SpendState, judged: Judgement) -> None:
    """Count odd hours: those of a level that has changed may have ordinary ones between them."""
    if judged.odd:
        state.odd, state.calm = state.odd + 1, 0
    elif state.odd:
        state.calm += 1
        if state.calm >= CALM:
            state.odd = state.calm = 0


def _learn_spread(state: SpendState, judged: Judgement) -> None:
    if judged.actual or not judged.odd:
        # What has stopped is not lumpy for that.
        state.zeros += max(0.01, 1.0 / (state.hours + 1)) * ((judged.actual == 0) - state.zeros)
    if not judged.deviation or not state.hours:
        return
    own = judged.difference / judged.deviation
    state.short += 0.5 * (_clipped(own, 12.0) - state.short)
    if state.odd > 1:
        return
    scale = _scale(state, judged.expected)
    missed = judged.difference / scale if scale else 0.0
    share = max(0.005, 1.0 / (state.hours + 20))
    most = max(math.sqrt(state.variance), _FLOOR) * (SIGMA if judged.odd else 2 * SIGMA)
    state.variance += share * (_clipped(missed, most) ** 2 - state.variance)
    if state.hours >= WARM:
        step = _STEP_UP if abs(own) > state.extreme else -_STEP_DOWN
        state.extreme = min(state.extreme * math.exp(step), 12.0)
        surprise = min(abs(own), 2.0 * judged.limit, _MOST_SURPRISE)
        state.peak = max(state.peak * _FADE, state.peak + 0.5 * (surprise - state.peak))


def _learn_level(state: SpendState, hour: int, value: float, *, rest: bool) -> None:
    day, week = state.day_bin(hour, rest=rest), state.week_bin(hour)
    scale = _scale(state, value) or 1.0
    known = _season(state, day, week)
    of_late = math.nan if known is None else _of_late(state, known)
    for index, predicted in enumerate((day, week, of_late)):
        if not math.isnan(predicted):
            state.errors[index] += 0.02 * (((value - predicted) / scale) ** 2 - state.errors[index])
    state.set_day_bin(hour, value if math.isnan(day) else day + 0.25 * (value - day), rest=rest)
    state.set_week_bin(hour, value if math.isnan(week) else week + 0.35 * (value - week))
    state.fast += _LATE * (value - state.fast) if state.hours else value - state.fast
    usual = value if known is None else known
    state.base += _LATE * (usual - state.base) if state.base > 0 else usual - state.base
    share = max(0.01, 1.0 / (state.hours + 1))
    state.slow += share * (value - state.slow)


def rebase(state: SpendState) -> None:
    """Take the level of the recent hours as the new normal, by hour of the day: the rhythm may have changed with it."""
    late = min(state.fast / state.base, _MOST_DRIFT) if state.base > 0 else 1.0
    ratios = [ratio * late for ratio in _ratios(state)]
    for at in range(0, DAY, HOUR):
        for rest in (False, True):
            state.set_day_bin(at, state.day_bin(at, rest=rest) * ratios[at // HOUR], rest=rest)
    for at in range(0, 7 * DAY, HOUR):
        state.set_week_bin(at, state.week_bin(at) * ratios[at // HOUR % HOURS_A_DAY])
    whole = sum(ratios) / HOURS_A_DAY
    state.base *= ratios[state.hour % DAY // HOUR]
    state.fast = state.base or state.fast * whole
    state.slow *= whole
    state.odd = state.calm = 0
    state.short = 0.0


def _ratios(state: SpendState) -> list[float]:
    """Return by what recent hours were away from what was expected, by hour of the day with those beside it.

    What was expected had followed a little already (`late`), the season has not.
    """
    actual, expected = [0.0] * HOURS_A_DAY, [0.0] * HOURS_A_DAY
    for hour, came, due, _ in state.series():
        for beside in (-1, 0, 1):
            at = (hour // HOUR + beside) % HOURS_A_DAY
            actual[at] += came
            expected[at] += due
    every = _clipped(sum(actual) / sum(expected), MAX_RATIO) if sum(expected) else 1.0
    return [_clipped(came / due, MAX_RATIO) if due else every for came, due in zip(actual, expected, strict=True)]


def _scale(state: SpendState, expected: float) -> float:
    return 0.5 * abs(expected) + 0.5 * abs(state.slow)


def _clipped(value: float, most: float) -> float:
    return max(-most, min(most, value))
