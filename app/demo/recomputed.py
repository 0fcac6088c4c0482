"""The demo's second opinion: what the month must cost, event by event, without the streams.

Shares with the system only the price book: no codec, no batches, no tables, no sums by cell.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import msgspec

from app.sample import Emission, Trouble
from domain.money import EXACT, add_up
from domain.pricing import disjoint
from domain.rejection import Rejected
from domain.usage import NO_ATTRIBUTES, UsageEvent, UsageMetered

if TYPE_CHECKING:
    from domain.pricing import PriceBook

_decode = msgspec.json.Decoder(UsageEvent).decode
UNLABELLED: Final = "unattributed"


@dataclass(slots=True)
class Recomputed:
    """Running totals of what was sent; `amounts` by (tenant, feature), exact."""

    book: PriceBook
    amounts: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    troubles: Counter[Trouble] = field(default_factory=Counter)
    records: int = 0
    events: int = 0
    unpriced: int = 0

    @property
    def total(self) -> Decimal:
        """Cost of all distinct valid events that have a price."""
        return add_up(self.amounts.values())

    def add(self, emission: Emission) -> None:
        """Count one emission and, unless it is a repeat or broken on purpose, its cost."""
        self.records += 1
        self.troubles[emission.trouble] += 1
        if emission.trouble in {Trouble.DUPLICATE, Trouble.MALFORMED}:
            return
        self.events += 1
        event = _decode(emission.value)
        amount = self._price(event)
        if amount is None:
            self.unpriced += 1
            return
        cell = (event.data.tenant or UNLABELLED, event.data.feature or UNLABELLED)
        self.amounts[cell] = EXACT.add(self.amounts.get(cell, Decimal(0)), amount)

    def by(self, position: int) -> dict[str, Decimal]:
        """Return totals by tenant (0) or feature (1)."""
        sums: dict[str, Decimal] = {}
        for cell, amount in self.amounts.items():
            sums[cell[position]] = EXACT.add(sums.get(cell[position], Decimal(0)), amount)
        return sums

    def _price(self, event: UsageEvent) -> Decimal | None:
        data = event.data
        quantities = _quantities(data)
        quote = self.book.quote(
            data.resource_type,
            data.attributes or NO_ATTRIBUTES,
            int(event.time.timestamp()),
            data.usage.input_tokens if data.usage else 0,
        )
        if quote is None:
            return None
        return add_up(
            EXACT.multiply(quantity, rate) for quantity, rate in zip(quantities, quote.rates, strict=True) if quantity
        )


def _quantities(data: UsageMetered) -> tuple[Decimal, ...]:
    if data.usage is None:
        return (data.units or Decimal(0),)
    counts = disjoint(data.usage)
    if isinstance(counts, Rejected):
        raise TypeError(f"the sample made an inconsistent event: {counts.reason}")
    return tuple(Decimal(count) for count in counts)
