"""Purchases whose effective cost a bill leaves out, spread over the days of their charge period.

What a bill says of effective cost always wins: a purchase is spread only where its effective cost is empty. A
purchase of a commitment is not spread even then: by FOCUS its effective cost is told by the usage that it covers, in
the same bill or in a later month's, and would count twice.

The parts are the billed cost by seconds of each UTC day, and sum to it, to the last unit (largest remainder). The line
itself keeps what it says and has the part of its first day; each further day is a row of its own, of the same
statement and edition, so that a newer edition replaces all of them at once. All are converted by the rate of the month
in which the purchase begins: it was paid then, rates of coming months are not known, and parts at different rates
would not sum to the whole.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from domain.allocation.split import apportion
from domain.money import ZERO

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from domain.billing.block import Block
    from domain.billing.row import BillingRow

_DAY: Final = timedelta(days=1)
# As long as the longest terms that providers sell; what is longer is a mistake, and would be thousands of rows.
MAX_TERM: Final = timedelta(days=5 * 366)


class Part(NamedTuple):
    """What of a purchase belongs to a UTC day, or to that part of it which the term covers."""

    start: datetime
    end: datetime
    amount: Decimal


def spread(cost: Decimal, start: datetime, end: datetime) -> list[Part]:
    """Return the parts of a cost by day of its term (`end` is not in it), in order; they sum to it."""
    bounds = [start]
    while (following := _next_day(bounds[-1])) < end:
        bounds.append(following)
    ends = [*bounds[1:], end]
    weights = [Decimal((until - since) // timedelta(seconds=1)) for since, until in zip(bounds, ends, strict=True)]
    return [Part(*each) for each in zip(bounds, ends, apportion(cost, weights), strict=True)]


def why_not(start: datetime, end: datetime, *, committed: bool) -> str | None:
    """Return why a purchase without effective cost cannot be spread; None when it can."""
    if committed:
        return "what the commitment covers tells it"
    if end <= _next_day(start):
        return "the charge period is not longer than a day"
    if end - start > MAX_TERM:
        return f"the charge period ends {end:%Y-%m-%d}"
    return None


def following_days(_block: Block, rows: Mapping[int, BillingRow]) -> list[BillingRow]:
    """Return a row for each day after the first of those purchases that are spread."""
    return [each for row in rows.values() for each in following(row)]


def following(row: BillingRow) -> list[BillingRow]:
    """Return a row for each day after the first of a purchase that is spread."""
    if row.purchased is None:
        return []
    parts = spread(row.billed_cost or ZERO, row.charge_period_start, row.charge_period_end)
    return [
        msgspec.structs.replace(
            row,
            row_id=f"{row.row_id}/{number}",
            billed_cost=ZERO,
            effective_cost=part.amount,
            list_cost=None if row.list_cost is None else ZERO,
            contracted_cost=None if row.contracted_cost is None else ZERO,
            pricing_quantity=None if row.pricing_quantity is None else ZERO,
            consumed_quantity=None if row.consumed_quantity is None else ZERO,
            charge_period_start=part.start,
            charge_period_end=part.end,
        )
        for number, part in enumerate(parts[1:], start=1)
    ]


def _next_day(instant: datetime) -> datetime:
    return instant.replace(hour=0, minute=0, second=0, microsecond=0) + _DAY
