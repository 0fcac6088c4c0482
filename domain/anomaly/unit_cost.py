"""Unit cost at stable volume: the same units for more money.

The price index of an hour is its cost over what its units would have cost at usual prices. It has risen when it is at
least 10 % above, by more than 3 deviations of its own noise, while the cost of the volume at usual prices stays
within 20 % of what was expected, two hours in a row. Usual prices are learnt slowly, and not while they are risen.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

from domain.anomaly.bounds import to_float
from domain.anomaly.state import MAX_PRICES

if TYPE_CHECKING:
    from domain.anomaly.hours import Observed
    from domain.anomaly.spend import Judgement
    from domain.anomaly.state import SpendState

RISE: Final = 1.1
HOURS: Final = 2
ACCEPTED: Final = 72
_STABLE: Final = 0.2
_SIGMA: Final = 3.0
_SHARE: Final = 0.03
_NOISE_SHARE: Final = 0.02
_LEAST_NOISE: Final = 0.01
_WARM: Final = 72


class PriceIndex(NamedTuple):
    """`value` is 1 at usual prices; `volume_cost` is what the units would have cost at them."""

    value: float
    volume_cost: float
    risen: bool


def index(state: SpendState, parts: Observed, judged: Judgement, minimum: float) -> PriceIndex | None:
    """Judge the unit cost of an hour; None when nothing in it has a usual price."""
    cost = volume_cost = 0.0
    for name, part in parts.items():
        usual = state.prices.get(name)
        if usual is not None and usual[0] > 0 and usual[1] > 0 and part.units > 0:
            cost += to_float(part.amount)
            volume_cost += to_float(part.units) * usual[1] / usual[0]
    if volume_cost <= 0 or cost <= 0:
        return None
    value = cost / volume_cost
    noise = max(math.sqrt(state.price_variance), _LEAST_NOISE)
    risen = bool(
        # A rise of exactly a tenth counts, whatever floats make of it.
        value >= RISE - 1e-9
        and math.log(value) > _SIGMA * noise
        # Once it has risen, what is expected follows the new price.
        and (state.rises or abs(volume_cost - judged.expected) <= _STABLE * abs(judged.expected))
        and (cost - volume_cost) * 24 >= minimum
        and state.hours >= _WARM
    )
    return PriceIndex(value, volume_cost, risen)


def learn(state: SpendState, parts: Observed, found: PriceIndex | None) -> None:
    """Take the prices of an hour in."""
    state.rises = state.rises + 1 if found is not None and found.risen else 0
    if 0 < state.rises < ACCEPTED:
        return
    if found is not None and not found.risen:
        state.price_variance += _NOISE_SHARE * (min(abs(math.log(found.value)), 0.5) ** 2 - state.price_variance)
    share = 1.0 if state.rises >= ACCEPTED else _SHARE
    for name, part in parts.items():
        if part.units > 0 and part.amount > 0:
            _learn_price(state, name, (to_float(part.units), to_float(part.amount), float(part.events)), share)


def _learn_price(state: SpendState, name: str, seen: tuple[float, float, float], share: float) -> None:
    usual = state.prices.get(name)
    if usual is None:
        if len(state.prices) < MAX_PRICES:
            state.prices[name] = list(seen)
        return
    for at, value in enumerate(seen):
        usual[at] += share * (value - usual[at])
