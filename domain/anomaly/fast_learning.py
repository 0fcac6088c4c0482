"""What five minutes teach the model of a fast scope: spreads, tails, each twelfth's share of an hour, the clock."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from domain.anomaly.fast import FLOORS, SIGMA, WARM, reach_of, scale
from domain.anomaly.fast_state import AN_HOUR, WIDTH, FastState

if TYPE_CHECKING:
    from domain.anomaly.fast import Glance
    from domain.anomaly.foreseen import Expected

_MOST_SURPRISE: Final = 50.0
_STEP_UP: Final = 0.01
_STEP_DOWN: Final = 0.01 * 0.01 / 0.99
_UP: Final = math.exp(_STEP_UP)
_DOWN: Final = math.exp(-_STEP_DOWN)
_SHAPE: Final = 0.03
_DRIFT: Final = 0.05
_RATE: Final = 0.05
_SLOW: Final = 0.002
_MOST_FANO: Final = 50.0
_MOST_DRIFT: Final = 0.3
_MOST_RATIO: Final = 10.0
_PRICE_NOISE: Final = 0.01
_FADE: Final = 0.99983  # a window: a surprise is half forgotten after two weeks


def learn(state: FastState, window: int, usual: Expected, seen: Glance) -> None:
    """Take five minutes in."""
    state.skip(window - WIDTH)
    reach = reach_of(state)
    _learn_silence(state, usual, seen)
    if seen.actual:
        state.rises = state.rises + 1 if seen.risen else 0
    state.odd = state.odd + 1 if seen.kind else 0
    alone = _learn_spread(state, 0, seen.missed[0], scale(seen.expected, usual.level), odd=bool(seen.kind))
    together = _learn_spread(
        state, 1, seen.missed[1], scale(seen.whole, usual.level * seen.windows), odd=bool(seen.kind)
    )
    if state.odd:
        # What led up to it is part of it.
        state.fresh.clear()
    else:
        ratio = min(seen.actual / usual.amount, _MOST_RATIO) if usual.amount > 0 else math.nan
        state.fresh.append([alone, together, ratio, window // WIDTH % AN_HOUR])
        if seen.volume > 0 and not seen.risen and seen.price > 0:
            state.price_variance += _PRICE_NOISE * (min(abs(math.log(seen.price)), 0.5) ** 2 - state.price_variance)
    while len(state.fresh) > reach:
        _learn_late(state, *state.fresh.pop(0))
    state.remember(window, seen.actual, seen.expected, seen.deviation)
    state.past.append([seen.actual, seen.expected, seen.events, seen.doubt])
    del state.past[: 1 - AN_HOUR]
    state.window = window
    state.windows += 1


def _learn_silence(state: FastState, usual: Expected, seen: Glance) -> None:
    share = max(_SLOW, 1.0 / (state.windows + 1))
    state.zeros += share * ((seen.actual == 0) - state.zeros)
    if not state.odd:
        due = state.rate * seen.windows
        off = seen.all_events - due
        state.fano += share * ((min(off * off / due, _MOST_FANO) if due > 0 else 1.0) - state.fano)
    state.often += share * (seen.events - state.often)
    state.rate += max(_RATE, 1.0 / (state.windows + 1)) * (seen.events - state.rate)
    if seen.actual:
        state.longest = max(state.longest * _FADE, state.quiet)
        state.silent, state.quiet = 0.0, 0
    else:
        state.silent += usual.events
        state.quiet += 1


def _learn_late(state: FastState, alone: float, together: float, ratio: float, place: float) -> None:
    """Learn tails and level of a window once `REACH` others were ordinary: never of one that begins something."""
    if state.windows >= WARM // 4:
        for at, own in enumerate((alone, together)):
            state.extremes[at] = min(state.extremes[at] * (_UP if own > state.extremes[at] else _DOWN), 12.0)
            state.peaks[at] = max(state.peaks[at] * _FADE, min(own, _MOST_SURPRISE))
    if math.isnan(ratio):
        return
    here = int(place)
    usual = state.shape[here]
    state.shape[here] += _SHAPE * (min(ratio / state.drift, _MOST_RATIO * max(usual, 0.1)) - usual)
    if usual > 0:
        state.drift += _DRIFT * (ratio - usual * state.drift)
        state.drift = max(1.0 - _MOST_DRIFT, min(1.0 + _MOST_DRIFT, state.drift))


def _learn_spread(state: FastState, at: int, missed: float, scale: float, *, odd: bool) -> float:
    """Learn what was missed, unless it goes on being odd; return it in deviations."""
    if not scale:
        return 0.0
    sigma = max(math.sqrt(state.variances[at]), FLOORS[at])
    own = abs(missed) / scale / sigma
    if state.odd <= 1:
        share = max(0.002, 1.0 / (state.windows + 20))
        state.variances[at] += share * ((min(own, SIGMA if odd else 2 * SIGMA) * sigma) ** 2 - state.variances[at])
    return own
