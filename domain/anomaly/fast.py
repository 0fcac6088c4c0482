"""The model of a fast scope's five minutes: what they should have cost, whether they are odd, what is learnt of them.

The hour's model says what an hour should cost; between the middles of hours it is drawn as a line, and multiplied by
the share that this twelfth of an hour usually has, and by how far the last hours were off. So five minutes need no
season of their own, and a scope that turns fast is judged after a day. Two things are looked at, each with a spread, a
tail and a largest surprise of its own:

- the five minutes alone, for spikes: above what was expected by a fifth of the *hour*, as the hour's own rule wants;
- the last twenty minutes together, for changes of level, up or down.

What is missed is counted in a scale between the level and its root: money has noise in proportion, and counts of
events have Poisson's. Two more: nothing at all while `SILENT` events were expected has stopped; and a unit cost that
has risen by a tenth for three windows at stable volume (`unit_cost` has the rule of the hour).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

from domain.anomaly import spend
from domain.anomaly.bounds import to_float
from domain.anomaly.fast_state import AN_HOUR, WIDTH, FastState
from domain.windows import HOUR

if TYPE_CHECKING:
    from collections.abc import Mapping

    from domain.anomaly.hours import Observed
    from domain.anomaly.state import SpendState

A_DAY: Final = 24 * AN_HOUR
REACH: Final = 4
WARM: Final = A_DAY
SIGMA: Final = 3.0
PERCENT: Final = 0.2
RISE: Final = 1.1
RISES: Final = 3
SILENT: Final = 15.0
STEADY: Final = 0.1  # a scope that spends nothing in more of its five minutes is not fast
_ZERO_WINDOWS: Final = 3
_TAILS: Final = (2.4, 1.8)  # of the 99th percentile: five minutes alone come oftener than twenty together
_LEAST_EXTREME: Final = 2.3
_FLOORS: Final = (0.05, 0.03)
_STEPS: Final = 0.6
_PEAKS: Final = (1.5, 1.2)
_FADE: Final = 0.99983  # a window: a surprise is half forgotten after two weeks
_MOST_SURPRISE: Final = 50.0
_STEP_UP: Final = 0.01
_STEP_DOWN: Final = 0.01 * 0.01 / 0.99
_SHAPE: Final = 0.03
_DRIFT: Final = 0.05
_MOST_DRIFT: Final = 0.3
_MOST_RATIO: Final = 10.0
_PRICE_NOISE: Final = 0.01
_LEAST_PRICE_NOISE: Final = 0.01
_STABLE: Final = 0.2


class Expected(NamedTuple):
    """What the hour's model says of five minutes: `level` is that of a mean window, `events` those of a usual hour.

    `slope` is how far the line between hours is from the hour's own mean: a rhythm may as well have steps there.
    `cold` makes a young scope harder to impress; `prices` are those of a usual hour, by resource type.
    """

    amount: float
    slope: float
    level: float
    events: float
    cold: float
    prices: Mapping[str, list[float]]


class Glance(NamedTuple):
    """What five minutes were; `reach` is how many windows a finding rests on, 0 when there is none.

    `z` and `limit` are those of whatever is furthest out; `price` is 1 at usual prices, `volume` what the units would
    have cost at them.
    """

    actual: float
    expected: float
    deviation: float
    z: float
    limit: float
    kind: str
    reach: int
    price: float = 1.0
    volume: float = 0.0
    risen: bool = False


def foresee(state: SpendState, hour: int, rests: tuple[bool, bool, bool]) -> list[Expected]:
    """Return what the twelve windows of an hour should cost; `rests` tell whether the hours around and it are of rest.

    Empty before anything is known of such an hour.
    """
    around = [
        spend.expect(state, hour + shift * HOUR, rest=rest) for shift, rest in zip((-1, 0, 1), rests, strict=True)
    ]
    before, here, after = around
    if here is None or state.hours < spend.WARM:
        return []
    level = max(state.slow, 0.0) / AN_HOUR
    events = sum(usual[2] for usual in state.prices.values())
    usual_amount = sum(usual[1] for usual in state.prices.values())
    cold = spend.coldness(state) * state.tolerance
    found = []
    for at in range(AN_HOUR):
        place = (at + 0.5) / AN_HOUR - 0.5
        other = (before if place < 0 else after) if place else here
        drawn = here + ((other if other is not None else here) - here) * abs(place)
        amount = max(drawn, 0.0) / AN_HOUR
        per_window = events * amount / usual_amount if usual_amount > 0 else 0.0
        slope = abs(drawn - here) / AN_HOUR
        found.append(Expected(amount, slope, level, per_window, cold, state.prices))
    return found


def judge(state: FastState, window: int, parts: Observed, value: float, usual: Expected, minimum: float) -> Glance:
    """Judge five minutes by what was learnt before them."""
    expected = usual.amount * state.shape[window // WIDTH % AN_HOUR] * state.drift
    price, volume, risen = _price(state, parts, usual, minimum)
    # The line between two hours may be a step, and what the last hours were off by may be over.
    unsure = _STEPS * (usual.slope + abs(1.0 - state.drift) * expected)
    alone = math.hypot(_spread(state, 0, expected, usual.level), unsure)
    if state.windows < WARM or state.zeros > STEADY or not alone:
        return Glance(value, expected, alone, 0.0, math.inf, "", 0, price, volume)
    before = state.last(window, REACH - 1)
    actuals, expecteds = value + sum(each[0] for each in before), expected + sum(each[1] for each in before)
    together = _spread(state, 1, expecteds, usual.level * (1 + len(before)))
    together = math.hypot(together, unsure * (1 + len(before)))
    zs = (value - expected) / alone, (actuals - expecteds) / together if together else 0.0
    limits = limits_of(state, usual.cold)
    seen = Glance(value, expected, alone, zs[0], limits[0], "", 0, price, volume, risen)
    stable = abs(_volume(value, volume, before) - expecteds) <= max(_STABLE * expecteds, 2.0 * together)
    if risen and state.rises + 1 >= RISES and (stable or state.odd):
        return seen._replace(kind="unit-cost", reach=min(RISES, 1 + len(before)))
    silent = state.silent + usual.events
    if not value and silent >= SILENT * usual.cold and not any(each[0] for each in before[: _ZERO_WINDOWS - 1]):
        return seen._replace(kind="stopped" if expected * A_DAY >= minimum else "", reach=_ZERO_WINDOWS, z=zs[1])
    if zs[0] > limits[0] and value - expected > PERCENT * AN_HOUR * expected and (value - expected) * A_DAY >= minimum:
        return seen._replace(kind="spike", reach=1)
    limit = max(SIGMA, 0.5 * limits[1]) if state.odd else limits[1]
    away = actuals - expecteds
    if abs(zs[1]) > limit and abs(away) > PERCENT * expecteds and abs(away) * A_DAY / REACH >= minimum:
        below = "drop" if value else "stopped"
        kind = below if away < 0 else "unit-cost" if risen and stable else "spike"
        return seen._replace(z=zs[1], limit=limit, kind=kind, reach=_onset(seen, before))
    return seen


def limits_of(state: FastState, cold: float) -> tuple[float, float]:
    """Return how many deviations five minutes alone, and twenty together, have to be away."""
    alone, together = (
        max(SIGMA, tail * max(extreme, _LEAST_EXTREME), least * peak) * cold
        for tail, extreme, least, peak in zip(_TAILS, state.extremes, _PEAKS, state.peaks, strict=True)
    )
    return alone, together


def learn(state: FastState, window: int, usual: Expected, seen: Glance) -> None:
    """Take five minutes in."""
    state.skip(window - WIDTH)
    missed = seen.actual - seen.expected
    before = state.last(window, REACH - 1)
    state.zeros += max(0.002, 1.0 / (state.windows + 1)) * ((seen.actual == 0) - state.zeros)
    state.silent = 0.0 if seen.actual else state.silent + usual.events
    state.rises = state.rises + 1 if seen.risen else 0
    state.odd = state.odd + 1 if seen.kind else 0
    sums = missed, missed + sum(each[0] - each[1] for each in before)
    wholes = seen.expected, seen.expected + sum(each[1] for each in before)
    found = [
        _learn_spread(state, at, more, _scale(whole, usual.level * (1 + at * len(before))), odd=bool(seen.kind))
        for at, (more, whole) in enumerate(zip(sums, wholes, strict=True))
    ]
    if state.odd:
        # What led up to it is part of it.
        state.fresh.clear()
    else:
        ratio = min(seen.actual / usual.amount, _MOST_RATIO) if usual.amount > 0 else math.nan
        state.fresh.append([*found, ratio, window // WIDTH % AN_HOUR])
        if seen.volume > 0 and not seen.risen and seen.price > 0:
            state.price_variance += _PRICE_NOISE * (min(abs(math.log(seen.price)), 0.5) ** 2 - state.price_variance)
    if len(state.fresh) > REACH:
        _learn_late(state, *state.fresh.pop(0))
    state.remember(window, seen.actual, seen.expected, seen.deviation)
    state.window = window
    state.windows += 1


def _learn_late(state: FastState, alone: float, together: float, ratio: float, place: float) -> None:
    """Learn tails and level of a window once `REACH` others were ordinary: never of one that begins something."""
    if state.windows >= WARM // 4:
        for at, own in enumerate((alone, together)):
            step = _STEP_UP if own > state.extremes[at] else -_STEP_DOWN
            state.extremes[at] = min(state.extremes[at] * math.exp(step), 12.0)
            state.peaks[at] = max(state.peaks[at] * _FADE, min(own, _MOST_SURPRISE))
    if math.isnan(ratio):
        return
    here = int(place)
    usual = state.shape[here]
    state.shape[here] += _SHAPE * (min(ratio / state.drift, _MOST_RATIO * max(usual, 0.1)) - usual)
    if usual > 0:
        state.drift += _DRIFT * (ratio / usual - state.drift)
        state.drift = max(1.0 - _MOST_DRIFT, min(1.0 + _MOST_DRIFT, state.drift))


def _learn_spread(state: FastState, at: int, missed: float, scale: float, *, odd: bool) -> float:
    """Learn what was missed, unless it goes on being odd; return it in deviations."""
    if not scale:
        return 0.0
    sigma = max(math.sqrt(state.variances[at]), _FLOORS[at])
    own = abs(missed) / scale / sigma
    if state.odd <= 1:
        share = max(0.002, 1.0 / (state.windows + 20))
        state.variances[at] += share * ((min(own, SIGMA if odd else 2 * SIGMA) * sigma) ** 2 - state.variances[at])
    return own


def _price(state: FastState, parts: Observed, usual: Expected, minimum: float) -> tuple[float, float, bool]:
    cost = volume = 0.0
    for name, part in parts.items():
        known = usual.prices.get(name)
        if known is not None and known[0] > 0 and known[1] > 0 and part.units > 0:
            cost += to_float(part.amount)
            volume += to_float(part.units) * known[1] / known[0]
    if cost <= 0 or volume <= 0:
        return 1.0, 0.0, False
    index, noise = cost / volume, max(math.sqrt(state.price_variance), _LEAST_PRICE_NOISE)
    risen = index >= RISE - 1e-9 and math.log(index) > SIGMA * noise and (cost - volume) * A_DAY >= minimum
    return index, volume, risen


def _volume(value: float, volume: float, before: list[tuple[float, float, float]]) -> float:
    """Return what the volume of the last windows costs at usual prices, were this window's price that of all."""
    share = volume / value if value > 0 and volume > 0 else 1.0
    return (value + sum(each[0] for each in before)) * share


def _onset(seen: Glance, before: list[tuple[float, float, float]]) -> int:
    """Return how many windows back it began: where the mean of what was missed since is furthest out."""
    whole, best, reach = 0.0, 0.0, 1
    sign = 1.0 if seen.z > 0 or seen.actual > seen.expected else -1.0
    for count, (actual, expected, _) in enumerate([(seen.actual, seen.expected, 0.0), *before], 1):
        whole += sign * (actual - expected)
        if whole / math.sqrt(count) > best:
            best, reach = whole / math.sqrt(count), count
    return reach


def _spread(state: FastState, at: int, expected: float, level: float) -> float:
    return max(math.sqrt(state.variances[at]), _FLOORS[at]) * _scale(expected, level)


def _scale(expected: float, level: float) -> float:
    return math.sqrt(abs(expected) * (0.5 * abs(expected) + 0.5 * abs(level)))
