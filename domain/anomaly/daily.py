"""The model of a scope's billed days: what a day should have cost, whether it is odd, what is learnt of it.

Bills come late and by the day, so a scope has dozens of points, not thousands: everything is worked out anew from
the last 63 days, by medians. Expected is the median of the last week, with the share that working and rest days have
of each other once two weeks are known and it is a clear one; a day that is as the same day of the month before is as
it should be. The deviation is made of the steps from day to day. A day is odd when, strictly, it is more than 3
deviations away, further than any step of the last four weeks, by more than 20 % and by enough money. What is odd
teaches no more than one deviation, until it has lasted for five days.
"""

from __future__ import annotations

import math
from itertools import pairwise
from statistics import median
from struct import Struct
from typing import TYPE_CHECKING, Final

import msgspec

from domain.anomaly.bounds import to_float
from domain.anomaly.calendar import SATURDAY, weekday
from domain.anomaly.spend import Judgement
from domain.money import RATIO
from domain.windows import DAY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domain.anomaly.bills import Billed
    from domain.anomaly.hours import Observed

RECENT: Final = 63
WARM: Final = 7
SETTLED: Final = 14
ACCEPTED: Final = 5
LOOK_BACK: Final = 28
SIGMA: Final = 3.0
PERCENT: Final = 0.2
RISE: Final = 1.1
MAX_KINDS: Final = 40
OTHER: Final = "other"  # what is beyond them, by its money
MAX_RATES: Final = 4
_WEEK: Final = 7
_YOUNG: Final = 1.5
_RECORD: Final = 1.2
_FLOOR: Final = 0.03
_SPARSE: Final = 0.2
_DEARER: Final = 1.5
_MAD: Final = 1.4826
_REST_DAYS: Final = 4
_SHARE: Final = 0.2
_CLEAR: Final = 0.15
_MONTH: Final = (28, 29, 30, 31)
_GONE: Final = 1e-4
_LEAST_NOISE: Final = 0.01
_FOUR: Final = Struct("<4f")
_MOST: Final = 1e30
_EMPTY: Final = _FOUR.pack(math.nan, 0, 0, 0)


class DailyState(msgspec.Struct, array_like=True, gc=False):
    """State of one billed scope and driver after the day `day` (its first second): below four kilobytes."""

    version: int
    day: int
    days: int = 0
    recent: bytearray = msgspec.field(default_factory=lambda: bytearray(_EMPTY * RECENT))
    kinds: dict[str, list[float]] = msgspec.field(default_factory=dict)  # units and amount of a usual day
    rates: dict[str, float] = msgspec.field(default_factory=dict)  # of a usual day, by billing currency
    price_variance: float = 0.0004
    odd: int = 0
    tolerance: float = 1.0

    def at(self, day: int) -> tuple[float, float, float, float]:
        """Return actual, expected, one deviation, and what was taught by a day; NaN when it is not remembered."""
        if not 0 <= self.day - day < RECENT * DAY:
            return math.nan, 0.0, 0.0, 0.0
        found: tuple[float, float, float, float] = _FOUR.unpack_from(self.recent, _FOUR.size * (day // DAY % RECENT))
        return found

    def remember(self, day: int, actual: float, expected: float, deviation: float, taught: float) -> None:
        """Keep a day."""
        kept = (max(-_MOST, min(_MOST, value)) for value in (actual, expected, deviation, taught))
        _FOUR.pack_into(self.recent, _FOUR.size * (day // DAY % RECENT), *kept)

    def last(self, count: int, before: int) -> list[tuple[int, float]]:
        """Return the days before one, and what each taught; oldest first."""
        days = range(before - count * DAY, before, DAY)
        return [(day, found[3]) for day in days if not math.isnan((found := self.at(day))[0])]

    def series(self) -> Iterator[tuple[int, float, float, float]]:
        """Yield `(day, actual, expected, deviation)` of the recent days, oldest first."""
        for day in range(self.day - (min(self.days, RECENT) - 1) * DAY, self.day + DAY, DAY):
            actual, expected, deviation, _ = self.at(day)
            if not math.isnan(actual):
                yield day, actual, expected, deviation


encode_daily = msgspec.msgpack.Encoder().encode
decode_daily = msgspec.msgpack.Decoder(DailyState).decode


def judge(state: DailyState, day: int, actual: float, minimum: float, *, rest: bool) -> Judgement:
    """Judge a day by those before it."""
    known = state.last(LOOK_BACK, day)
    if len(known) < WARM:
        return Judgement(actual, actual, 0.0, 0.0, math.inf, odd=False)
    ratio = _rest_ratio(known)
    factor = ratio if rest else 1.0
    # As if every day were a working day: a weekend is no step.
    plain = [taught / (ratio if weekday(day) >= SATURDAY else 1.0) for day, taught in known]
    expected = median(plain[-_WEEK:]) * factor
    level = max(abs(expected), factor * median(abs(each) for each in plain))
    steps = [factor * each for each in _steps(plain)]
    deviation = max(_MAD * median(steps), _FLOOR * level)
    if not deviation:
        return Judgement(actual, expected, 0.0, 0.0, SIGMA, odd=False)
    away = actual - expected
    limit = SIGMA * state.tolerance * (_YOUNG if len(known) < SETTLED else 1.0)
    if not state.odd:
        limit = max(limit, _RECORD * max(steps) / deviation)
    z = away / deviation
    # What has begun goes on at half of what it takes to begin.
    percent = 0.5 * PERCENT if state.odd else PERCENT
    odd = abs(z) > limit and abs(away) > percent * abs(expected) and abs(away) >= minimum
    return Judgement(actual, expected, deviation, z, limit, odd=odd and not _is_usual(state, day, actual, known))


def _steps(values: list[float]) -> list[float]:
    """Return by how much each day differs from the one before: a level that has moved counts once."""
    return [abs(after - before) for before, after in pairwise(values)]


def _rest_ratio(known: list[tuple[int, float]]) -> float:
    """Return what a day of rest costs over a working day, where that is known and clear; else 1."""
    rests = [taught for day, taught in known if weekday(day) >= SATURDAY]
    works = [taught for day, taught in known if weekday(day) < SATURDAY]
    if len(rests) < _REST_DAYS or median(works) <= 0 or median(rests) <= 0:
        return 1.0
    ratio = median(rests) / median(works)
    return ratio if abs(ratio - 1.0) > _CLEAR else 1.0


def _is_usual(state: DailyState, day: int, actual: float, known: list[tuple[int, float]]) -> bool:
    """Tell whether a day that is off is so by its nature: as in the month before, or one of many lumps."""
    for back in _MONTH:
        before = day - back * DAY
        twin = state.at(before)[0]
        if same_day_of_month(day, before) and not math.isnan(twin):
            week = [taught for _, taught in state.last(_WEEK, before + (_WEEK + 1) * DAY)]
            # Only what stood out of its week then is a habit.
            stood_out = abs(twin - median(week)) > PERCENT * abs(median(week)) if week else False
            if stood_out and abs(actual - twin) <= PERCENT * abs(twin):
                return True
    empty = sum(each[1] == 0 for each in known) / len(known)
    if empty <= _SPARSE:
        return False
    return actual <= _DEARER * max(each[1] for each in known) or len(known) < SETTLED


def same_day_of_month(one: int, other: int) -> bool:
    """Tell whether two days have the same place in their months."""
    return _day_of_month(one) == _day_of_month(other)


def _day_of_month(day: int) -> int:
    # Days since 1970 to a day of the month, as Howard Hinnant's `civil_from_days` has it.
    shifted = day // DAY + 719_468
    of_era = shifted - shifted // 146_097 * 146_097
    year = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    return of_year - (153 * ((5 * of_year + 2) // 153) + 2) // 5 + 1


def price_index(state: DailyState, parts: Observed, judged: Judgement, minimum: float) -> tuple[float, bool]:
    """Return what the units of a day cost over what they usually would, and whether that has risen at stable volume."""
    cost = volume = 0.0
    for kind, part in parts.items():
        usual = state.kinds.get(kind)
        if usual is not None and usual[0] > 0 and usual[1] > 0 and part.units > 0 and part.amount > 0:
            cost += to_float(part.amount)
            volume += to_float(part.units) * usual[1] / usual[0]
    if volume <= 0 or state.days < WARM:
        return 1.0, False
    index, noise = cost / volume, max(math.sqrt(state.price_variance), _LEAST_NOISE)
    stable = abs(volume - judged.expected) <= PERCENT * abs(judged.expected)
    risen = index >= RISE - 1e-9 and math.log(index) > SIGMA * noise and cost - volume >= minimum
    return index, risen and stable


def learn(state: DailyState, day: int, billed: Billed, judged: Judgement, index: float, *, odd: bool) -> None:
    """Take a day in."""
    taught = judged.actual
    if odd and state.odd < ACCEPTED:
        taught = judged.expected + max(-judged.deviation, min(judged.deviation, judged.difference))
    state.odd = state.odd + 1 if odd else 0
    for missing in range(max(state.day + DAY, day - RECENT * DAY), day, DAY):
        _FOUR.pack_into(state.recent, _FOUR.size * (missing // DAY % RECENT), math.nan, 0.0, 0.0, 0.0)
    state.remember(day, judged.actual, judged.expected, judged.deviation, taught)
    state.day = day
    state.days += 1
    if odd and state.odd < ACCEPTED:
        return
    state.price_variance += _SHARE * (min(abs(math.log(max(index, 1e-9))), 0.5) ** 2 - state.price_variance) / 4
    seen = lumped(state, billed.parts)
    for kind, (units, cost) in seen.items():
        known = state.kinds.setdefault(kind, [units, cost])
        known[0] += _SHARE * (units - known[0])
        known[1] += _SHARE * (cost - known[1])
    for kind in set(state.kinds) - set(seen):
        # What is not used any more is forgotten within weeks.
        state.kinds[kind] = [(1.0 - _SHARE) * each for each in state.kinds[kind]]
    state.kinds = {kind: usual for kind, usual in state.kinds.items() if usual[1] > _GONE}
    for currency, (original, amount) in billed.originals.items():
        if original and (currency in state.rates or len(state.rates) < MAX_RATES):
            rate = to_float(RATIO.divide(amount, original))
            usual = state.rates.get(currency, rate)
            state.rates[currency] = usual + _SHARE * (rate - usual)


def accept(state: DailyState) -> None:
    """Take what lasted as the normal: the days that were odd teach what they were."""
    for day in range(state.day - ACCEPTED * DAY, state.day + DAY, DAY):
        actual, _, deviation, _ = state.at(day)
        if not math.isnan(actual):
            state.remember(day, actual, actual, deviation, actual)
    state.odd = 0


def lumped(state: DailyState, parts: Observed) -> dict[str, tuple[float, float]]:
    """Return units and amount of a day by kind: those that are known, and the dearest others; the rest as `OTHER`."""
    dear = sorted(parts, key=lambda kind: (kind not in state.kinds, -parts[kind].amount, kind))[: MAX_KINDS - 1]
    found: dict[str, tuple[float, float]] = {}
    other = 0.0
    for kind, part in parts.items():
        if part.amount <= 0 or part.units <= 0:
            continue
        if kind in dear:
            found[kind] = to_float(part.units), to_float(part.amount)
        else:
            other += to_float(part.amount)
    return found | {OTHER: (other, other)} if other > 0 else found
