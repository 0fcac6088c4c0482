"""What a difference is made of: price x volume x mix x FX x allocation x correction, exactly.

Against the usual hour, scaled to what was expected: with `A` the actual amount, `E` the expected one, `Q` what the
units of this hour would have cost at usual prices, and `v` events against usual events:

- correction: what was booked below zero in this hour (credits, refunds), itself;
- price = A - correction - Q: the same units cost another price;
- volume = E * (v - 1): more of the same (all of Q - E when there is one resource type);
- mix = Q - E - volume: other things, or other amounts of each.

FX and allocation are zero for metered cost, which is neither converted nor shared. The terms sum to `A - E` to the last
digit; only `E` itself comes out of a model and is rounded, once.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from domain.anomaly.bounds import MOST, to_float
from domain.money import RATIO, ZERO, add, add_up, to_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from domain.anomaly.hours import Observed

_PLACES: Final = Decimal("0.000001")


class Decomposition(NamedTuple):
    """The terms, in money; they sum to the difference."""

    price: Decimal
    volume: Decimal
    mix: Decimal
    fx: Decimal
    allocation: Decimal
    correction: Decimal

    @property
    def difference(self) -> Decimal:
        """The sum of the terms."""
        return add_up(self)

    @property
    def driver(self) -> str:
        """The name of the largest term."""
        return max(self._fields, key=lambda name: abs(getattr(self, name)))

    def as_dict(self) -> dict[str, str]:
        """Return the terms as decimal strings."""
        return {name: to_text(amount) for name, amount in self._asdict().items()}


def rounded(value: float) -> Decimal:
    """Return a figure of a model as money: to a millionth, and no more than anybody has."""
    return Decimal(max(-MOST, min(MOST, value))).quantize(_PLACES, context=RATIO)


def decompose(parts: Observed, expected: Decimal, usual: Mapping[str, list[float]]) -> Decomposition:
    """Split `actual - expected`; `usual` holds units, amount and events of a usual hour by resource type."""
    booked = [part.amount for part in parts.values()]
    correction = add_up(amount for amount in booked if amount < 0)
    actual = add_up(amount for amount in booked if amount >= 0)
    at_usual_prices = _at_usual_prices(parts, usual)
    if at_usual_prices is None:
        # Nothing here has a usual price: all of it is new.
        return Decomposition(ZERO, ZERO, add(actual, -expected), ZERO, ZERO, correction)
    price = add(actual, -at_usual_prices)
    if len({*parts, *usual}) == 1:
        return Decomposition(price, add(at_usual_prices, -expected), ZERO, ZERO, ZERO, correction)
    events = sum(part.events for part in parts.values())
    usually = sum(each[2] for each in usual.values())
    level = _usual_level(usual)
    scaled = usually * to_float(expected) / level if level else 0.0
    volume = rounded(to_float(expected) * (events / scaled - 1.0)) if scaled else ZERO
    mix = add_up((at_usual_prices, -expected, -volume))
    return Decomposition(price, volume, mix, ZERO, ZERO, correction)


def _at_usual_prices(parts: Observed, usual: Mapping[str, list[float]]) -> Decimal | None:
    """Return what the units would have cost; what has no usual price is taken at its own."""
    known = False
    total = ZERO
    for name, part in parts.items():
        if part.amount < 0:
            continue
        units, amount, _ = usual.get(name, (0.0, 0.0, 0.0))
        if units > 0 and amount > 0:
            known = True
            total = add(total, rounded(to_float(part.units) * amount / units))
        else:
            total = add(total, part.amount)
    return total if known or not parts else None


def _usual_level(usual: Mapping[str, list[float]]) -> float:
    return sum(amount for _, amount, _ in usual.values())
