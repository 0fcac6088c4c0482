"""One line of a bill, in FOCUS columns, with our scope and what makes it countable once. Every format ends here.

**Cost bases.** `billed` is what the invoice says, `effective` amortises commitments over what they covered,
`contracted` is before commitment discounts, `list` before all discounts. A basis is None when the file does not
tell it: None is not zero, and a total of that basis must say that it is incomplete. Each row keeps its currency.

**Identity.** Three names say when a row counts, and when it stops counting:

- `statement` is what a provider restates as a whole: `provider/dataset/billing account/billing period` (the sub-account
  where a file names no billing account). It has no currency and no amount in it, so a bill corrected in another
  currency replaces the first.
- `part` and `assembly` say which edition of which piece this is. A manifest's assembly is the whole statement
  (`part` is empty). Without a manifest, the file's name is the part, and the digest of its bytes the assembly.
- `row_id` hashes the source cells of the line, with an ordinal among lines of the file that are the same in every
  cell. It does not depend on the order of lines, on compression, nor on which edition the line stands in.

The id of the event of a row is `event_id(row)`: a repeat of an import, after a crash or on purpose, repeats ids.
Which editions count is decided by `domain.billing.editions`: rows of an edition that is not closed, or that a newer
one supersedes, do not count.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

import msgspec

from domain.cloudevents import Cause, begun, continued
from domain.scope import UNATTRIBUTED, Scope

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BILLING_DELTA: Final = "costguard.billing.delta"

USAGE: Final = "Usage"
PURCHASE: Final = "Purchase"
TAX: Final = "Tax"
CREDIT: Final = "Credit"
ADJUSTMENT: Final = "Adjustment"
CATEGORIES: Final = (USAGE, PURCHASE, TAX, CREDIT, ADJUSTMENT)
CORRECTION: Final = "Correction"
# The kind of a row that gives cost another owner: see `domain.reattribution`.
REATTRIBUTED: Final = "reattributed"


class BillingRow(msgspec.Struct, frozen=True, rename="pascal", omit_defaults=True, gc=False):
    """A normalised charge; JSON names are those of FOCUS, ours begin with `x_`. Times are aware, in UTC."""

    billed_cost: Decimal | None
    effective_cost: Decimal | None
    billing_currency: str
    charge_category: str
    charge_period_start: datetime
    charge_period_end: datetime
    billing_period_start: datetime
    billing_period_end: datetime
    row_id: str = msgspec.field(name="x_RowId", default="")
    statement: str = msgspec.field(name="x_Statement", default="")
    part: str = msgspec.field(name="x_Part", default="")
    assembly: str = msgspec.field(name="x_Assembly", default="")
    charge_kind: str = msgspec.field(name="x_ChargeKind", default="usage")
    # When a purchase begins that is spread over its term (`domain.billing.amortising`).
    purchased: datetime | None = msgspec.field(name="x_PurchasedAt", default=None)
    list_cost: Decimal | None = None
    contracted_cost: Decimal | None = None
    charge_class: str | None = None
    charge_description: str | None = None
    charge_frequency: str | None = None
    service_name: str | None = None
    service_category: str | None = None
    provider_name: str | None = None
    publisher_name: str | None = None
    invoice_issuer_name: str | None = None
    invoice_id: str | None = None
    billing_account_id: str | None = None
    billing_account_name: str | None = None
    sub_account_id: str | None = None
    sub_account_name: str | None = None
    region_id: str | None = None
    availability_zone: str | None = None
    resource_id: str | None = None
    resource_name: str | None = None
    sku_id: str | None = None
    sku_price_id: str | None = None
    pricing_category: str | None = None
    pricing_currency: str | None = None
    pricing_unit: str | None = None
    pricing_quantity: Decimal | None = None
    consumed_unit: str | None = None
    consumed_quantity: Decimal | None = None
    commitment_discount_id: str | None = None
    commitment_discount_name: str | None = None
    commitment_discount_category: str | None = None
    commitment_discount_status: str | None = None
    commitment_discount_type: str | None = None
    tags: dict[str, str] = {}
    tenant: str = msgspec.field(name="x_Tenant", default=UNATTRIBUTED)
    environment: str = msgspec.field(name="x_Environment", default=UNATTRIBUTED)
    feature: str = msgspec.field(name="x_Feature", default=UNATTRIBUTED)
    service: str = msgspec.field(name="x_Service", default=UNATTRIBUTED)
    team: str = msgspec.field(name="x_Team", default=UNATTRIBUTED)

    @property
    def edition(self) -> tuple[str, str, str]:
        """Which edition of which piece of a statement the row is of."""
        return self.statement, self.part, self.assembly

    @property
    def scope(self) -> Scope:
        """Whose cost it is, by its tags; `unattributed` in a dimension that no tag names."""
        return Scope(self.tenant, self.environment, self.feature, self.service, self.team)


def grouped(rows: Sequence[BillingRow], *names: str) -> Iterator[tuple[Any, Sequence[BillingRow]]]:
    """Yield the rows by the values of some columns, two at least; most often they are the same in all."""
    key_of = attrgetter(*names)
    keys = set(map(key_of, rows))
    for key in keys:
        yield key, rows if len(keys) == 1 else [row for row in rows if key_of(row) == key]


class RejectedRow(msgspec.Struct, frozen=True):
    """A line that cannot be used: where it begins in its file (1 is the first line), and why."""

    line: int
    reason: str


def event_id(row: BillingRow) -> str:
    """Return the CloudEvents id of a row: the same row of the same edition has the same id for ever."""
    return continued(_of_edition(row.statement, row.part, row.assembly), row.row_id)


@lru_cache(maxsize=1_000)
def _of_edition(statement: str, part: str, assembly: str) -> Cause:
    return begun(BILLING_DELTA, statement, part, assembly)
