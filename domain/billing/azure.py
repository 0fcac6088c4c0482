"""Azure cost and usage exports: EA, MCA and pay-as-you-go, of actual and of amortised cost, any header spelling.

Cost bases (source: "Understand cost details fields" of Microsoft Cost Management):

| basis | rule |
|---|---|
| billed | the cost; usage that a reservation or savings plan covers was billed with its purchase: 0 |
| effective | the cost; a purchase of a reservation or plan: 0, or spread in an export of actual cost, \
where covered usage is not told |
| contracted | unit price x quantity, in billing currency; None without a unit price |
| list | pay-as-you-go cost, else pay-as-you-go price x quantity; None where Azure gives neither, or a price of 0 |

Actual and amortised exports of one month tell the same charges twice, so they are two data sets: billed cost is to
be taken from `actual`, effective cost from `amortised` where there is one. The first record that only one of them has
decides, wherever in the file it is; without any, they are the same.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from domain.billing import azure_purchases
from domain.billing.block import scopes_of
from domain.billing.datasets import ACTUAL, AMORTISED
from domain.billing.formats import Format
from domain.billing.instants import next_month
from domain.billing.row import ADJUSTMENT, CORRECTION, CREDIT, PURCHASE, TAX, USAGE
from domain.billing.tags import parse_tags
from domain.money import EXACT, ZERO

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from decimal import Decimal

    from domain.billing.block import Block
    from domain.billing.formats import Columns, Context

COST: Final = ("CostInBillingCurrency", "PreTaxCost", "Cost", "ExtendedCost")
DATE: Final = ("Date", "UsageDateTime", "UsageDate")
# What is downloaded from a cost analysis has services in place of meters.
SERVICE: Final = ("MeterCategory", "ServiceName")
_DAY: Final = timedelta(days=1)
_COMMITTED: Final = ("Reservation", "SavingsPlan")


class ChargeType(NamedTuple):
    """What a charge type is in FOCUS, and what it is to us."""

    category: str
    kind: str
    charge_class: str | None = None
    unused: bool = False


_USAGE: Final = ChargeType(USAGE, "usage")
_UNUSED: Final = ChargeType(USAGE, "usage", unused=True)
_OTHER: Final = ChargeType(ADJUSTMENT, "adjustment")
CHARGE_TYPES: Final[Mapping[str, ChargeType]] = {
    "": _USAGE,
    "usage": _USAGE,
    "unusedreservation": _UNUSED,
    "unusedsavingsplan": _UNUSED,
    "purchase": ChargeType(PURCHASE, "purchase"),
    "refund": ChargeType(ADJUSTMENT, "refund", CORRECTION),
    "tax": ChargeType(TAX, "tax"),
    "credit": ChargeType(CREDIT, "credit"),
}


class _Cost(NamedTuple):
    billed: Decimal
    effective: Decimal | None


def convert(block: Block, context: Context) -> Columns:
    """Turn cost details into FOCUS."""
    types = [CHARGE_TYPES.get(text.strip().lower(), _OTHER) for text in block.cells("ChargeType")]
    committed = _committed(block)
    costs = [_bases(*each, context.dataset) for each in zip(block.needed_amount(*COST), types, committed, strict=True)]
    start = block.needed_instant(*DATE)
    tags = block.tags(parse_tags, "Tags")
    columns = {
        "billed_cost": [cost.billed for cost in costs],
        "effective_cost": [cost.effective for cost in costs],
        **_prices(block),
        "billing_currency": [
            text or context.currency for text in block.text("BillingCurrency", "BillingCurrencyCode", "Currency")
        ],
        "charge_category": [each.category for each in types],
        "charge_kind": _kinds(block, types),
        "charge_class": [each.charge_class for each in types],
        "commitment_discount_status": [
            "Unused" if each.unused else "Used" if covered and each is _USAGE else None
            for each, covered in zip(types, committed, strict=True)
        ],
        "charge_period_start": start,
        "charge_period_end": [day + _DAY for day in start],
        **_billing_periods(block, start),
        **_descriptions(block),
        "tags": tags,
        "scope": scopes_of(block, tags),
    }
    if context.dataset == ACTUAL:
        bought = [at for at, each in enumerate(types) if each.category == PURCHASE and committed[at]]
        azure_purchases.spread_purchases(block, bought, columns)
    return columns


def dataset_of(block: Block) -> str | None:
    """Tell amortised from actual cost; None where these records are in neither of them different.

    Only amortised cost prices what a commitment covers, or leaves unused; only actual cost has its purchase.
    """
    charges = block.cells("ChargeType")
    told = {text: CHARGE_TYPES.get(text.strip().lower(), _OTHER) for text in set(charges)}
    # Most exports have no commitment: all of such a file is looked through, so no cost of it is read in vain.
    if not _any_committed(block) and not any(charge.unused for charge in told.values()):
        return None
    types = [told[text] for text in charges]
    shown = None
    for charge, covered, cost in zip(types, _committed(block), block.amount(*COST), strict=True):
        if charge.unused or (covered and charge is _USAGE and cost):
            return AMORTISED
        if covered and charge.category == PURCHASE and cost:
            shown = ACTUAL
    return shown


def _any_committed(block: Block) -> bool:
    return any(
        not set(block.cells(name)).isdisjoint(_COMMITTED) if name == "PricingModel" else any(block.cells(name))
        for name in ("ReservationId", "BenefitId", "PricingModel")
    )


def _committed(block: Block) -> list[bool]:
    columns = (block.cells("ReservationId"), block.cells("BenefitId"), block.cells("PricingModel"))
    return [
        bool(reservation or benefit) or model in _COMMITTED
        for reservation, benefit, model in zip(*columns, strict=True)
    ]


def _bases(cost: Decimal, charge: ChargeType, committed: bool, dataset: str) -> _Cost:  # noqa: FBT001 - of a row
    if charge.unused or (charge is _USAGE and committed and cost):
        return _Cost(ZERO, cost)
    if not committed:
        return _Cost(cost, cost)
    if charge is _USAGE:
        return _Cost(cost, cost if dataset == AMORTISED else None)
    return _Cost(cost, ZERO)


def _kinds(block: Block, types: Sequence[ChargeType]) -> list[str]:
    services = block.cells(*SERVICE)
    return [
        "support" if "Support" in service and each.category in (USAGE, PURCHASE) else each.kind
        for each, service in zip(types, services, strict=True)
    ]


def _prices(block: Block) -> Columns:
    quantity = block.amount("Quantity", "UsageQuantity", "ConsumedQuantity")
    rate = block.amount("ExchangeRatePricingToBilling")
    market = [price or None for price in block.amount("PayGPrice")]
    told = [cost or None for cost in block.amount("PaygCostInBillingCurrency")]
    return {
        "list_cost": [
            cost or _product(*each) for cost, each in zip(told, zip(market, quantity, rate, strict=True), strict=True)
        ],
        "contracted_cost": [_product(*each) for each in zip(block.amount("UnitPrice"), quantity, rate, strict=True)],
        "pricing_quantity": quantity,
        "consumed_quantity": quantity,
    }


def _product(price: Decimal | None, quantity: Decimal | None, rate: Decimal | None) -> Decimal | None:
    if price is None or quantity is None:
        return None
    amount = EXACT.multiply(price, quantity)
    return amount if rate is None else EXACT.multiply(amount, rate)


def _billing_periods(block: Block, days: Sequence[datetime]) -> Columns:
    """Azure's last day is inclusive, that of FOCUS is not; without a period it is the month of the charge."""
    starts = [
        start or day.replace(day=1) for start, day in zip(block.instant("BillingPeriodStartDate"), days, strict=True)
    ]
    ends = [
        next_month(start) if start.day == 1 or last is None else last + _DAY
        for start, last in zip(starts, block.instant("BillingPeriodEndDate"), strict=True)
    ]
    return {"billing_period_start": starts, "billing_period_end": ends}


def _descriptions(block: Block) -> Columns:
    benefits = zip(block.text("BenefitId"), block.text("ReservationId"), strict=True)
    services = zip(block.text(*SERVICE), block.text("ConsumedService"), strict=True)
    return {
        "charge_description": block.text("ProductName", "Product", "MeterName"),
        "charge_frequency": block.text("Frequency"),
        "service_name": [category or consumed for category, consumed in services],
        "service_category": block.text("ServiceFamily"),
        "provider_name": "Microsoft",
        "publisher_name": block.text("PublisherName"),
        "invoice_id": block.text("InvoiceId"),
        "billing_account_id": block.text("BillingAccountId", "BillingProfileId"),
        "billing_account_name": block.text("BillingAccountName"),
        "sub_account_id": block.text("SubscriptionId", "SubscriptionGuid"),
        "sub_account_name": block.text("SubscriptionName"),
        "region_id": block.text("ResourceLocation", "Location", "MeterRegion"),
        "availability_zone": block.text("AvailabilityZone"),
        "resource_id": block.text("ResourceId", "InstanceId", "InstanceName"),
        "resource_name": block.text("ResourceName"),
        "sku_id": block.text("ProductId", "MeterId"),
        "sku_price_id": block.text("MeterId"),
        "pricing_category": block.text("PricingModel"),
        "pricing_currency": block.text("PricingCurrency"),
        "pricing_unit": block.text("UnitOfMeasure"),
        "consumed_unit": block.text("UnitOfMeasure"),
        "commitment_discount_id": [benefit or reservation for benefit, reservation in benefits],
        "commitment_discount_name": block.text("BenefitName", "ReservationName"),
    }


_DECIDING: Final = ("ChargeType", "ReservationId", "BenefitId", "PricingModel")
_USES: Final = (
    "BillingCurrency", "BillingCurrencyCode", "Currency", "ChargeType", "PricingModel", "ReservationId",
    "ReservationName", "BenefitId", "BenefitName", "Quantity", "UsageQuantity", "ConsumedQuantity", "UnitPrice",
    "PayGPrice", "PaygCostInBillingCurrency", "ExchangeRatePricingToBilling", "BillingPeriodStartDate",
    "BillingPeriodEndDate", "Tags", "ProductName", "Product", "MeterName", "MeterSubCategory", "Frequency",
    "ConsumedService", "ServiceFamily", "PublisherName", "InvoiceId", "BillingAccountId", "BillingProfileId",
    "BillingAccountName", "SubscriptionName", "ResourceLocation", "Location", "MeterRegion", "AvailabilityZone",
    "ResourceId", "InstanceId", "InstanceName", "ResourceName", "ResourceGroup", "ResourceGroupName", "ProductId",
    "MeterId", "PricingCurrency", "UnitOfMeasure", *azure_purchases.USES,
)  # fmt: skip

FORMAT: Final = Format(
    name="azure",
    provider="Microsoft",
    needs=(COST, DATE, SERVICE, ("SubscriptionId", "SubscriptionGuid")),
    uses=_USES,
    convert=convert,
    more=azure_purchases.following_days,
    dataset=ACTUAL,
    dataset_of=dataset_of,
    dataset_columns=(*COST, *_DECIDING),
    label=lambda header: next(
        (name for name, column in (("ea", "PartNumber"), ("mca", "ServicePeriodStartDate")) if column in header),
        "pay-as-you-go",
    ),
)
