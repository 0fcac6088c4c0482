"""Exact money: decimals in a context that refuses to round.

Sums and products of amounts and quantities are exact; an operation that would have to round raises
`decimal.Inexact` instead. Rounding happens only where a function of this module says so.
"""

from __future__ import annotations

from decimal import Clamped, Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow, Rounded
from functools import reduce
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

# 28 digits of quantity times 40 of price, summed 10^30 times, still fits.
EXACT: Final = Context(prec=120, traps=[Inexact, Rounded, InvalidOperation, DivisionByZero, Overflow, Clamped])
# Ratios (spent / limit) are for people and thresholds on screen, never folded into an amount.
RATIO: Final = Context(prec=34)
ZERO: Final = Decimal(0)
CENTS: Final = -2


def parse_amount(text: str) -> Decimal:
    """Read a finite decimal string; `ValueError` when it is not one."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text!r} is not a decimal number") from None
    if not amount.is_finite():
        raise ValueError(f"{text!r} is not a finite number")
    return amount


def add(left: Decimal, right: Decimal) -> Decimal:
    """Sum exactly."""
    return EXACT.add(left, right)


def add_up(amounts: Iterable[Decimal]) -> Decimal:
    """Sum any number of amounts exactly; zero for none."""
    return reduce(EXACT.add, amounts, ZERO)


def multiply(left: Decimal, right: Decimal) -> Decimal:
    """Multiply exactly."""
    return EXACT.multiply(left, right)


def to_text(amount: Decimal) -> str:
    """Write an amount without exponent, all its digits, and at least two decimals: `68.40`, `0.0000025`."""
    plain = format(quantity_to_text(amount))
    whole, _, decimals = plain.partition(".")
    return f"{whole}.{decimals:0<2}"


def quantity_to_text(quantity: Decimal) -> str:
    """Write a quantity without exponent and without trailing zeros: `1834`, `12.5`."""
    if not quantity:
        return "0"
    plain = format(quantity, "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def ratio(spent: Decimal, limit: Decimal) -> Decimal:
    """Divide for presentation (34 significant digits); a zero limit is fully spent by anything."""
    if not limit:
        return Decimal(1) if spent > 0 else ZERO
    return RATIO.divide(spent, limit)
