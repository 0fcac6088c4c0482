"""What a batch adds to one cell: quantities are collected, summed once, and priced once."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from domain.money import ZERO

if TYPE_CHECKING:
    from domain.pricing import Quote


class CellSum:
    """The quantities of one cell; `first` and `last` are offsets of its events, `quote` is its price, if any."""

    __slots__ = ("first", "is_attributed", "is_replay", "last", "quantities", "quote")

    def __init__(self, quote: Quote | None, offset: int, *, is_attributed: bool) -> None:
        self.quote = quote
        self.is_attributed = is_attributed
        self.is_replay = False
        self.first = offset
        self.last = offset
        self.quantities: list[Any] = []

    def units_and_amount(self, *, tokens: bool) -> tuple[Decimal, Decimal | None]:
        """Return the quantity and its price, None without one; `tokens` tells that quantities are token counts."""
        quantities, quote = self.quantities, self.quote
        if not tokens:
            units = quantities[0] if len(quantities) == 1 else sum(quantities, ZERO)
            return units, None if quote is None else quote.rates[0] * units
        counts = quantities[0] if len(quantities) == 1 else [*map(sum, zip(*quantities, strict=True))]
        # The last class counts calls, not tokens.
        units = Decimal(sum(counts) - counts[-1])
        if quote is None:
            return units, None
        amount = ZERO
        for rate, count in zip(quote.rates, counts, strict=True):
            if count:
                amount += rate * count
        return units, amount
