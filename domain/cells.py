"""A line of cost, as the view hands it to queries."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from decimal import Decimal

    from domain.windows import Window


class Detail(NamedTuple):
    """What a bill says of a charge that the cost tables do not tell apart; empty where it says nothing.

    `unit` is that of the row's units, None where the bill tells no quantity.
    """

    account: str = ""
    billing_account: str = ""
    service_name: str = ""
    sku: str = ""
    region: str = ""
    unit: str | None = None


class Kind(NamedTuple):
    """What a line of cost is of, apart from its window: see `CostRow`."""

    scope: tuple[str, ...]
    resource_type: str
    source: str
    cost_unit: str


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
    detail: Detail | None = None
    """Of a bill's details; None of cost from the tables."""
