"""The model of a fast scope's five minutes: what they should have cost, whether they are odd, what is learnt of them.

The hour's model says what an hour should cost; between the middles of hours it is drawn as a line, and multiplied by
the share that this twelfth of an hour usually has, and by how far the last hours were off. So five minutes need no
season of their own, and a scope that turns fast is judged after a day. Two things are looked at, each with a spread, a
tail and a largest surprise of its own:

- the five minutes alone, for spikes: above what was expected by a fifth of the *hour*, as the hour's own rule wants;
- the last twenty minutes together, for changes of level, up or down; half an hour, or an hour, of what has an event
  every ten minutes and more.

What is missed is counted in a scale between the level and its root: money has noise in proportion, and counts of
events have Poisson's; one event that came too early or too late is no difference. While so few events are due that
chance alone moves them far (`fano`), neither says anything; events on the clock are few and say much. Two more:
nothing at all while `SILENT` events were expected, or for longer than ever by the clock, has stopped; and a unit cost
that has risen by a tenth for some windows at stable volume (`unit_cost` has the rule of the hour). What is as usual at
this time of the week is odd in no way.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

from domain.anomaly.bounds import to_float
from domain.anomaly.fast_state import AN_HOUR, WIDTH, FastState

if TYPE_CHECKING:
    from domain.anomaly.foreseen import Expected
    from domain.anomaly.hours import Observed

A_DAY: Final = 24 * AN_HOUR
REACH: Final = 4
_LONG: Final = 6
_HALF: Final = 0.55
_THREE_QUARTERS: Final = 0.75
STOPPED: Final = "stopped"
UNIT_COST: Final = "unit-cost"
WARM: Final = A_DAY
SIGMA: Final = 3.0
PERCENT: Final = 0.2
RISE: Final = 1.1
RISES: Final = 3
_FEW_RISES: Final = 2  # of windows with events that are far between
SILENT: Final = 15.0
_SPARSE: Final = 0.88  # a scope that spends nothing in more of its five minutes is not fast
_UNSTEADY: Final = 0.15  # nor is one whose events of some windows vary more: seven that come by chance do so
_CLOCK: Final = 0.3  # of the variance that chance has
_SHORTEST: Final = 3  # empty windows in a row
_LONGER: Final = 1.5
_TAILS: Final = (2.4, 1.8)  # of the 99th percentile: five minutes alone come oftener than twenty together
_LEAST_EXTREME: Final = 2.3
FLOORS: Final = (0.05, 0.03)
_STEPS: Final = 0.45
_PEAKS: Final = (1.5, 1.2)
_LEAST_PRICE_NOISE: Final = 0.01
_STABLE: Final = 0.2


class Glance(NamedTuple):
    """What five minutes were; `reach` is how many windows a finding rests on, 0 when there is none.

    `z` and `limit` are those of whatever is furthest out; `price` is 1 at usual prices, `volume` what the units would
    have cost at them. `missed` is by how much the five minutes, and the last ones together, are away; `whole` what was
    expected of those together, of so many `windows` with `all_events`. `doubt` is by how much the line may be wrong.
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
    events: int = 0
    missed: tuple[float, float] = (0.0, 0.0)
    whole: float = 0.0
    windows: int = 1
    doubt: float = 0.0
    all_events: float = 0.0


def judge(state: FastState, window: int, parts: Observed, value: float, usual: Expected, minimum: float) -> Glance:
    """Judge five minutes by what was learnt before them."""
    expected = usual.amount * state.shape[window // WIDTH % AN_HOUR] * state.drift
    price, volume, risen = _price(state, parts, usual, minimum)
    # The line between two hours may be a step, and what the last hours were off by may be over.
    doubt = _STEPS * (usual.slope + abs(1.0 - state.drift) * expected)
    alone = math.hypot(_spread(state, 0, expected, usual.level), doubt)
    events = 0
    for part in parts.values():
        events += part.events
    count, actuals, whole, all_events, doubts = 1, value, expected, float(events), doubt
    for one in state.past[1 - reach_of(state) :]:
        count += 1
        actuals += one[0]
        whole += one[1]
        all_events += one[2]
        doubts += one[3]
    missed = (
        _more_than_one(state, value - expected, events, usual.amount, 1),
        _more_than_one(state, actuals - whole, all_events, whole, count),
    )
    together = math.hypot(_spread(state, 1, whole, usual.level * count), doubts)
    zs = (missed[0] / alone if alone else 0.0), (missed[1] / together if together else 0.0)
    seen = Glance(
        value, expected, alone, zs[0], math.inf, "", 0, price, volume, risen, events, missed, whole, count,
        doubt, all_events,
    )  # fmt: skip
    if state.windows < WARM or state.zeros > _SPARSE or not alone:
        return seen
    return _judged(state, seen, usual, minimum, zs, together)


def _judged(
    state: FastState, seen: Glance, usual: Expected, minimum: float, zs: tuple[float, float], together: float
) -> Glance:
    limits = limits_of(state, usual.cold)
    limit = max(SIGMA, 0.5 * limits[1]) if state.odd else limits[1]
    if seen.actual and not seen.risen and zs[0] <= limits[0] and abs(zs[1]) <= limit:
        return seen
    kind, reach = _kind(state, seen, usual, together, minimum)
    if not kind and state.fano <= _UNSTEADY * state.rate * seen.windows:
        if zs[0] > limits[0] and _is_spike(state, seen, usual, limits[0] * seen.deviation, minimum):
            kind, reach = "spike", 1
        elif abs(zs[1]) > limit and _is_level(state, seen, usual, limit * together, minimum):
            kind, reach = _level(state, seen, together), _onset(state, seen)
            return seen._replace(z=zs[1], limit=limit, kind=kind, reach=reach)
    return seen._replace(z=zs[1] if kind == STOPPED else zs[0], limit=limits[0], kind=kind, reach=reach)


def _kind(state: FastState, seen: Glance, usual: Expected, together: float, minimum: float) -> tuple[str, int]:
    """Return what holds whatever events come by chance: a risen unit cost, or a stop."""
    is_dense = reach_of(state) == REACH
    if seen.risen and state.rises + 1 >= (RISES if is_dense else _FEW_RISES):
        if state.odd or _is_stable(state, seen, together):
            return UNIT_COST, min(RISES if is_dense else AN_HOUR, seen.windows)
    elif _has_stopped(state, seen.actual, usual) and usual.amount * A_DAY >= minimum:
        return STOPPED, min(_SHORTEST, seen.windows)
    return "", 0


def _is_spike(state: FastState, seen: Glance, usual: Expected, far: float, minimum: float) -> bool:
    away = seen.missed[0]
    enough = away > PERCENT * AN_HOUR * usual.amount * state.drift and away * A_DAY >= minimum
    return enough and _is_news(state, seen.expected, away, usual, far)


def _is_level(state: FastState, seen: Glance, usual: Expected, far: float, minimum: float) -> bool:
    """Tell whether the last windows together, and the newest of them, too, are away by enough."""
    away = seen.missed[1]
    enough = abs(away) > PERCENT * seen.whole and abs(away) * A_DAY / seen.windows >= minimum
    return enough and away * (seen.actual - seen.expected) > 0 and _is_news(state, seen.whole, away, usual, far)


def _is_news(state: FastState, expected: float, away: float, usual: Expected, far: float) -> bool:
    """Tell whether it is `far` away from what is usual at this time of the week, too: to return is no alarm."""
    now = usual.amount * state.drift
    season = usual.high if away > 0 else usual.low
    season = expected * season / now if now > 0 else season
    beyond = (expected + away - season) * math.copysign(1.0, away)
    return beyond > max(PERCENT * season, far * max(1.0, season / expected) if expected > 0 else 0.0)


def _level(state: FastState, seen: Glance, together: float) -> str:
    if seen.missed[1] < 0:
        return STOPPED if not seen.actual and state.quiet >= state.longest else "drop"
    return UNIT_COST if seen.risen and _is_stable(state, seen, together) else "spike"


def _is_stable(state: FastState, seen: Glance, together: float) -> bool:
    """Tell whether the volume of the last windows is as expected, were this window's price that of all."""
    share = seen.volume / seen.actual if seen.actual > 0 and seen.volume > 0 else 1.0
    actuals = seen.actual + sum(each[0] for each in _before(state, seen))
    return abs(actuals * share - seen.whole) <= max(_STABLE * seen.whole, 2.0 * together)


def _before(state: FastState, seen: Glance) -> list[list[float]]:
    return state.past[1 - seen.windows :] if seen.windows > 1 else []


def is_steady(state: FastState) -> bool:
    """Tell whether a scope's five minutes say enough: many events, or events on the clock."""
    return state.zeros <= _SPARSE and state.fano <= _UNSTEADY * state.often * reach_of(state)


def reach_of(state: FastState) -> int:
    """Return how many windows are looked at together: two events on the clock, at least, if they are far between."""
    zeros = state.zeros
    return REACH if zeros <= _HALF else _LONG if zeros <= _THREE_QUARTERS else AN_HOUR


def _more_than_one(state: FastState, away: float, events: float, expected: float, count: int) -> float:
    """Return by how much windows are away, less what one event does that came a little too early or too late."""
    due = state.rate * count
    more = events - due
    if more * away <= 0 or due <= 0:
        return away
    slack = min(abs(more), 1.0) * expected / due
    return math.copysign(max(0.0, abs(away) - slack), away)


def _has_stopped(state: FastState, value: float, usual: Expected) -> bool:
    """Tell whether nothing has come for longer than ever: clearly so, or while many events were due."""
    quiet = state.quiet + 1
    if value or quiet < _SHORTEST:
        return False
    if state.fano <= _CLOCK and quiet > _LONGER * state.longest + 1:
        return True
    return state.silent + usual.events >= SILENT * usual.cold


def limits_of(state: FastState, cold: float) -> tuple[float, float]:
    """Return how many deviations five minutes alone, and twenty together, have to be away."""
    return _limit(state, 0) * cold, _limit(state, 1) * cold


def _limit(state: FastState, at: int) -> float:
    return max(SIGMA, _TAILS[at] * max(state.extremes[at], _LEAST_EXTREME), _PEAKS[at] * state.peaks[at])


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


def _onset(state: FastState, seen: Glance) -> int:
    """Return how many windows back it began: where the mean of what was missed since is furthest out."""
    whole, best, reach = 0.0, 0.0, 1
    sign = 1.0 if seen.missed[1] > 0 else -1.0
    missed = [seen.actual - seen.expected, *(each[0] - each[1] for each in reversed(_before(state, seen)))]
    for count, away in enumerate(missed, 1):
        whole += sign * away
        if whole / math.sqrt(count) > best:
            best, reach = whole / math.sqrt(count), count
    return reach


def _spread(state: FastState, at: int, expected: float, level: float) -> float:
    return max(math.sqrt(state.variances[at]), FLOORS[at]) * scale(expected, level)


def scale(expected: float, level: float) -> float:
    """Return the scale of what is missed: between the level and its root."""
    return math.sqrt(abs(expected) * (0.5 * abs(expected) + 0.5 * abs(level)))
