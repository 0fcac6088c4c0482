"""FOCUS 1.0 to 1.4 as it comes: names and values are taken over, spelling of column names aside.

Version 1.3 renamed `ProviderName` to `ServiceProviderName` and brought `HostProviderName`. `BillingCurrency` is
mandatory, but published examples lack it; the importer then says which currency it assumed. Oracle's export still has
the names of the preview of 1.0 (`Provider`, `Publisher`, `UsageQuantity`); 0.5 had `AmortizedCost` and `ChargeType`.
An empty `EffectiveCost` is not told, but that of a purchase which is no commitment's is its billed cost, spread over
its charge period.
Source: https://focus.finops.org/focus-specification/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from domain.billing import amortising
from domain.billing.block import scopes_of
from domain.billing.formats import Format
from domain.billing.row import ADJUSTMENT, CATEGORIES, CORRECTION, CREDIT, PURCHASE, TAX, USAGE
from domain.billing.tags import parse_tags

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from domain.billing.block import Block
    from domain.billing.formats import Columns, Context
    from domain.billing.header import Header

# Columns that a version brought; the newest found names the version.
VERSIONS: Final = (
    ("1.3", ("ServiceProviderName", "HostProviderName", "AllocatedMethodId", "ContractApplied")),
    ("1.2", ("InvoiceId", "PricingCurrency", "BillingAccountType", "SubAccountType")),
    ("1.1", ("CapacityReservationId", "CommitmentDiscountQuantity", "ServiceSubcategory", "SkuMeter")),
    ("0.5", ("AmortizedCost",)),
)
_TEXTS: Final[Mapping[str, tuple[str, ...]]] = {
    "charge_class": ("ChargeClass",),
    "charge_description": ("ChargeDescription",),
    "charge_frequency": ("ChargeFrequency",),
    "service_name": ("ServiceName",),
    "service_category": ("ServiceCategory",),
    "provider_name": ("ServiceProviderName", "ProviderName", "Provider"),
    "publisher_name": ("PublisherName", "Publisher"),
    "invoice_issuer_name": ("InvoiceIssuerName", "InvoiceIssuer"),
    "invoice_id": ("InvoiceId",),
    "billing_account_id": ("BillingAccountId",),
    "billing_account_name": ("BillingAccountName",),
    "sub_account_id": ("SubAccountId",),
    "sub_account_name": ("SubAccountName",),
    "region_id": ("RegionId", "Region"),
    "availability_zone": ("AvailabilityZone",),
    "resource_id": ("ResourceId",),
    "resource_name": ("ResourceName",),
    "sku_id": ("SkuId",),
    "sku_price_id": ("SkuPriceId",),
    "pricing_category": ("PricingCategory",),
    "pricing_currency": ("PricingCurrency",),
    "pricing_unit": ("PricingUnit",),
    "consumed_unit": ("ConsumedUnit", "UsageUnit"),
    "commitment_discount_id": ("CommitmentDiscountId",),
    "commitment_discount_name": ("CommitmentDiscountName",),
    "commitment_discount_category": ("CommitmentDiscountCategory",),
    "commitment_discount_status": ("CommitmentDiscountStatus",),
    "commitment_discount_type": ("CommitmentDiscountType",),
}
_AMOUNTS: Final[Mapping[str, tuple[str, ...]]] = {
    "list_cost": ("ListCost",),
    "contracted_cost": ("ContractedCost",),
    "pricing_quantity": ("PricingQuantity",),
    "consumed_quantity": ("ConsumedQuantity", "UsageQuantity"),
}
_EFFECTIVE: Final = ("EffectiveCost", "AmortizedCost")
_CATEGORY: Final = ("ChargeCategory", "ChargeType")
_KINDS: Final = {USAGE: "usage", PURCHASE: "purchase", TAX: "tax", CREDIT: "credit", ADJUSTMENT: "adjustment"}


def version_of(header: Header) -> str:
    """Return the oldest version of FOCUS that has all the columns seen; 1.4 reads as 1.3."""
    return next((version for version, names in VERSIONS if header.first_of(names)), "1.0")


def convert(block: Block, context: Context) -> Columns:
    """Take over the columns of FOCUS."""
    tags = block.tags(parse_tags, "Tags")
    columns: Columns = {field: block.text(*names) for field, names in _TEXTS.items() if _has(block, names)}
    columns |= {field: block.amount(*names) for field, names in _AMOUNTS.items() if _has(block, names)}
    category = _categories(block)
    columns["charge_period_start"] = block.needed_instant("ChargePeriodStart")
    columns["charge_period_end"] = block.needed_instant("ChargePeriodEnd")
    columns["billed_cost"] = block.needed_amount("BilledCost")
    return (
        columns
        | _effective(block, columns, category)
        | {
            "billing_currency": [(code or context.currency).strip().upper() for code in block.text("BillingCurrency")],
            "charge_category": category,
            "charge_kind": [
                "refund" if kind == CORRECTION and each != USAGE else _KINDS.get(each, "usage")
                for each, kind in zip(category, columns.get("charge_class", [None] * len(block)), strict=True)
            ],
            "billing_period_start": block.needed_instant("BillingPeriodStart"),
            "billing_period_end": block.needed_instant("BillingPeriodEnd"),
            "tags": tags,
            "scope": scopes_of(block, tags),
        }
    )


def _effective(block: Block, columns: Columns, category: Sequence[str]) -> Columns:
    costs = block.money(*_EFFECTIVE)
    told = {"effective_cost": costs}
    if PURCHASE not in category or None not in costs:
        return told
    purchased: list[datetime | None] = [None] * len(block)
    commitments = zip(block.text("CommitmentDiscountId"), block.text("CommitmentDiscountCategory"), strict=True)
    committed = [bool(name or kind) for name, kind in commitments]
    for at, cost in enumerate(costs):
        billed = columns["billed_cost"][at]
        if cost is not None or category[at] != PURCHASE or not billed or at in block.rejected:
            continue
        start, end = columns["charge_period_start"][at], columns["charge_period_end"][at]
        why = amortising.why_not(start, end, committed=committed[at])
        if why is None:
            costs[at], purchased[at] = amortising.spread(billed, start, end)[0].amount, start
        else:
            block.note(at, f"EffectiveCost: empty, and not spread: {why}")
    return told | {"purchased": purchased}


def _has(block: Block, names: tuple[str, ...]) -> bool:
    return any(name in block for name in names)


def _categories(block: Block) -> list[str]:
    found = list(block.cells(*_CATEGORY))
    if not set(found) <= _KINDS.keys():
        for position, category in enumerate(found):
            found[position] = str(category).strip().capitalize()
            if found[position] not in CATEGORIES:
                # What was billed is billed in any category: without its money the bill would not be the invoice's.
                block.note(position, f"ChargeCategory: {category!r:.40} is not one of {', '.join(CATEGORIES)}")
                found[position] = ADJUSTMENT
    return found


FORMAT: Final = Format(
    name="focus",
    provider="",
    needs=(
        ("BilledCost",),
        _EFFECTIVE,
        _CATEGORY,
        ("ChargePeriodStart",),
        ("ChargePeriodEnd",),
        ("BillingPeriodStart",),
        ("BillingPeriodEnd",),
    ),
    uses=(
        "BillingCurrency",
        "Tags",
        *(name for names in _TEXTS.values() for name in names),
        *(name for names in _AMOUNTS.values() for name in names),
    ),
    convert=convert,
    more=amortising.following_days,
    dataset="focus",
    label=version_of,
)
