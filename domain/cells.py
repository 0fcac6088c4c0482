"""A line of cost, as the view hands it to queries."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from decimal import Decimal

    from domain.windows import Window


class CostRow(NamedTuple):
    """Cost of one kind in one window of one projection; lines with the same key are parts of one sum."""

    window: Window
    scope: tuple[str, ...]
    """Values aligned with the projection's dimensions."""
    resource_type: str
    source: str
    """As `domain.sources` spells it."""
    cost_unit: str
    """What an event produced (`request`, `task`, ...); empty when nobody said."""
    amount: Decimal
    units: Decimal
    events: int
    unpriced: int
    """Events without a price."""
