"""Splitting an amount so that the parts sum to the whole, to the last unit: the method of the largest remainder.

Every part is the exact share rounded down to a unit; the units that are left go one each to the largest remainders,
and among equal remainders to the first. So a part is never more than a unit from its exact share, a weight of zero
gets nothing, and a credit is split as a cost is.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from domain.money import EXACT, ZERO

if TYPE_CHECKING:
    from collections.abc import Sequence

# A millionth of a millionth of the currency: ten thousand parts are together within 1e-8 of their exact shares.
UNIT: Final = Decimal("1E-12")
_HUNDRED: Final = Decimal(100)


class Weights:
    """Non-negative weights, at least one above zero, made ready to split many amounts."""

    def __init__(self, weights: Sequence[Decimal]) -> None:
        """Raise `ValueError` for a negative weight, and when all are zero."""
        self._scaled = _integers(weights)
        self._sum = sum(self._scaled)
        if min(self._scaled, default=0) < 0 or self._sum == 0:
            raise ValueError("weights are not negative, and at least one is above zero")

    def __len__(self) -> int:
        return len(self._scaled)

    def split(self, amount: Decimal, unit: Decimal = UNIT) -> list[Decimal]:
        """Return one part per weight, each a multiple of `unit`, or of the amount's last digit if that is finer."""
        if not amount:
            return [ZERO] * len(self)
        whole, step = _integers([amount, unit])
        exponent = _exponent([amount, unit])
        if whole % step:
            step = 1
        parts = self._largest_remainders(abs(whole) // step)
        sign = -step if whole < 0 else step
        return [EXACT.scaleb(Decimal(sign * part), exponent) if part else ZERO for part in parts]

    def _largest_remainders(self, units: int) -> list[int]:
        total = self._sum
        shares = [divmod(units * weight, total) for weight in self._scaled]
        parts = [floor for floor, _ in shares]
        left = units - sum(parts)
        if left:
            order = sorted(range(len(shares)), key=lambda at: (-shares[at][1], at))
            for at in order[:left]:
                parts[at] += 1
        return parts


def apportion(amount: Decimal, weights: Sequence[Decimal], unit: Decimal = UNIT) -> list[Decimal]:
    """Split once; see `Weights`."""
    return Weights(weights).split(amount, unit)


def percentages(amounts: Sequence[Decimal], places: int = 1) -> list[Decimal]:
    """Return shares in percent for a report, rounded so that they sum to 100. Raises as `Weights` does."""
    return apportion(_HUNDRED, amounts, Decimal(1).scaleb(-places))


def _integers(values: Sequence[Decimal]) -> list[int]:
    """Return the values in the finest unit that any of them is written in."""
    exponent = _exponent(values)
    return [int(EXACT.scaleb(value, -exponent)) for value in values]


def _exponent(values: Sequence[Decimal]) -> int:
    return min((int(value.as_tuple().exponent) for value in values), default=0)
