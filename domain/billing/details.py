"""What a bill says beyond cost by scope and hour: accounts, services, SKUs, regions and quantities, by day.

Details are kept beside the sums that cost tables are made from: one row holds all four bases. They answer what
the cost tables do not tell apart, and, as an edition keeps its own, what was known when.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from domain.money import EXACT, ZERO
from domain.windows import DAY, floor

if TYPE_CHECKING:
    from domain.billing.charges import Booked
    from domain.billing.row import BillingRow

# By `domain.sources.BASES`: None where no line tells the basis.
Amounts = tuple[Decimal | None, Decimal | None, Decimal | None, Decimal | None]


class DetailKey(NamedTuple):
    """What is summed together; `day` is the first second of that in which the charge period begins."""

    day: int
    tenant: str
    environment: str
    feature: str
    service: str
    team: str
    resource_type: str
    provider: str
    category: str
    account: str
    billing_account: str
    service_name: str
    sku: str
    region: str
    unit: str


class DetailPlace(NamedTuple):
    """Whose row it is: an edition of a statement, or rows that stand for themselves and came at `recorded` (ms)."""

    statement: int
    edition: int
    recorded: int
    key: DetailKey


class DetailRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What it comes to, by `domain.sources.BASES`: None where no line tells it; `version` is the newest line's offset.

    `quantity` is None where a line tells none: then it says nothing of the amount. `original` is the effective cost
    (the billed one where no line tells it) in the currency of the bill, None where its lines have several.
    """

    version: int
    rows: int
    quantity: Decimal | None
    amounts: Amounts
    original: Decimal | None = None
    currency: str = ""


def detail_of(row: BillingRow, booked: Booked) -> DetailKey:
    """Return the key of a line. Its account is the sub-account, as FOCUS names it; its SKU the one that has a price."""
    key = booked.key
    return DetailKey(
        floor(key.hour, DAY),
        *key[1:7],
        booked.provider,
        booked.category,
        row.sub_account_id or "",
        row.billing_account_id or "",
        row.service_name or "",
        row.sku_id or "",
        row.region_id or "",
        unit_of(row),
    )


def quantity_of(row: BillingRow) -> Decimal | None:
    """Return what was priced, or else what was consumed."""
    return row.consumed_quantity if row.pricing_quantity is None else row.pricing_quantity


def unit_of(row: BillingRow) -> str:
    """Return the unit of that quantity, also where a line has the unit alone."""
    is_consumed = row.pricing_quantity is None and row.consumed_quantity is not None
    return (row.consumed_unit if is_consumed else row.pricing_unit or row.consumed_unit) or ""


def original_of(row: BillingRow) -> tuple[Decimal, str]:
    """Return what was billed, as it was billed: the effective cost where the bill tells it."""
    cost = row.billed_cost if row.effective_cost is None else row.effective_cost
    return cost or ZERO, row.billing_currency


def plus(
    known: DetailRow | None, offset: int, quantity: Decimal | None, amounts: Amounts, original: tuple[Decimal, str]
) -> DetailRow:
    """Return the row with one more line in it; a line that is in it already changes nothing."""
    if known is None:
        return DetailRow(offset, 1, quantity, amounts, *original)
    if offset <= known.version:
        return known
    both = None if known.quantity is None or quantity is None else EXACT.add(known.quantity, quantity)
    old, new = known.amounts, amounts
    sums = _sum(old[0], new[0]), _sum(old[1], new[1]), _sum(old[2], new[2]), _sum(old[3], new[3])
    billed, currency = original
    if known.original is None or known.currency != currency:
        return DetailRow(offset, known.rows + 1, both, sums)
    return DetailRow(offset, known.rows + 1, both, sums, EXACT.add(known.original, billed), currency)


def _sum(left: Decimal | None, right: Decimal | None) -> Decimal | None:
    return None if left is None and right is None else EXACT.add(left or ZERO, right or ZERO)
