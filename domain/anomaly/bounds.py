"""Floats for judging, whatever a sender says: an amount of 1e400 must neither end a worker nor become NaN."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from decimal import Decimal

MOST: Final = 1e18


def to_float(amount: Decimal) -> float:
    """Return an amount or a quantity as a float, at most `MOST` either way."""
    return max(-MOST, min(MOST, float(amount)))
