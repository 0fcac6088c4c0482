"""AWS Cost and Usage Reports: CUR (`lineItem/UnblendedCost`), its Athena spelling, and CUR 2.0.

Cost bases, by line item type (source: the CUR dictionary, and "amortized cost" of Cost Explorer):

| basis | rule |
|---|---|
| billed | net unblended cost where the report has it, else unblended |
| effective | covered usage: the effective cost of its reservation or plan; recurring fees: their unused part; \
upfront fees and negations: 0; all else as billed |
| contracted | unblended; usage under a reservation: public on-demand cost; negations: 0 |
| list | public on-demand cost of usage, else unblended; negations: 0 |

A report without the columns of amortisation tells commitments as they were billed: that is their effective cost, too,
but for fees, which are spread (`domain.billing.aws_commitments`).

Negations of savings plans stay among the billed cost of usage, so that sums are the invoice's.
Net columns (after negotiated discounts) win over the plain ones wherever they hold a number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from domain.billing import aws_commitments
from domain.billing.aws_commitments import Commitments, effective, spread_fees
from domain.billing.block import scopes_of
from domain.billing.datasets import CUR
from domain.billing.formats import Format
from domain.billing.header import canonical
from domain.billing.row import ADJUSTMENT, CORRECTION, CREDIT, PURCHASE, TAX, USAGE
from domain.billing.tags import parse_tags
from domain.money import ZERO
from domain.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from domain.billing.block import Block
    from domain.billing.formats import Columns, Context
    from domain.billing.tags import TagTable

TAG_PREFIXES: Final = ("resourceTags/", "resource_tags_")
_TAGS_FOLDED: Final = tuple(prefix.casefold() for prefix in TAG_PREFIXES)


class LineType(NamedTuple):
    """What a line item type is in FOCUS, and what it is to us."""

    category: str
    kind: str
    charge_class: str | None = None
    status: str | None = None


_DISCOUNT: Final = LineType(CREDIT, "discount")
LINE_TYPES: Final[Mapping[str, LineType]] = {
    "Usage": LineType(USAGE, "usage"),
    "DiscountedUsage": LineType(USAGE, "usage", status="Used"),
    "SavingsPlanCoveredUsage": LineType(USAGE, "usage", status="Used"),
    "SavingsPlanNegation": LineType(USAGE, "usage"),
    "Fee": LineType(PURCHASE, "purchase"),
    "RIFee": LineType(PURCHASE, "purchase", status="Unused"),
    "SavingsPlanUpfrontFee": LineType(PURCHASE, "purchase"),
    "SavingsPlanRecurringFee": LineType(PURCHASE, "purchase", status="Unused"),
    "Tax": LineType(TAX, "tax"),
    "Credit": LineType(CREDIT, "credit"),
    "Refund": LineType(ADJUSTMENT, "refund", charge_class=CORRECTION),
    "Discount": _DISCOUNT,
    "BundledDiscount": _DISCOUNT,
    "EdpDiscount": _DISCOUNT,
    "PrivateRateDiscount": _DISCOUNT,
    "RiVolumeDiscount": _DISCOUNT,
    "SppDiscount": _DISCOUNT,
    "DistributorDiscount": _DISCOUNT,
}
_OTHER: Final = LineType(ADJUSTMENT, "adjustment")


def convert(block: Block, context: Context) -> Columns:
    """Turn line items into FOCUS."""
    types = block.readers.memo(_line_type)
    line_types, commitments = _kinds(block), Commitments(block)
    kinds = [types[each] for each in zip(line_types, _products(block), strict=True)]
    start = block.needed_instant("lineItem/UsageStartDate")
    tags, scopes = _tags(block)
    columns = {
        **_costs(block, line_types, commitments),
        "billing_currency": [text or context.currency for text in block.text("lineItem/CurrencyCode")],
        "charge_category": [kind.category for kind in kinds],
        "charge_kind": [kind.kind for kind in kinds],
        "charge_class": [kind.charge_class for kind in kinds],
        "commitment_discount_status": [kind.status for kind in kinds],
        "charge_period_start": start,
        "charge_period_end": [
            end or begin for end, begin in zip(block.instant("lineItem/UsageEndDate"), start, strict=True)
        ],
        "billing_period_start": block.needed_instant("bill/BillingPeriodStartDate"),
        "billing_period_end": block.needed_instant("bill/BillingPeriodEndDate"),
        **_descriptions(block),
        "tags": tags,
        "scope": scopes,
    }
    spread_fees(block, line_types, columns, commitments)
    return columns


def _kinds(block: Block) -> Sequence[str]:
    return block.cells(aws_commitments.KIND)


def _products(block: Block) -> Sequence[str]:
    return block.cells("lineItem/ProductCode", "product/servicecode")


def _line_type(of: tuple[str, str]) -> LineType:
    kind, product = of
    found = LINE_TYPES.get(kind, _OTHER)
    return found._replace(kind="support") if product.startswith("AWSSupport") and found.category != TAX else found


def _costs(block: Block, kinds: Sequence[str], commitments: Commitments) -> Columns:
    unblended = block.needed_amount("lineItem/UnblendedCost")
    billed = _net(block.money("lineItem/NetUnblendedCost"), unblended)
    public = block.amount("pricing/publicOnDemandCost")
    return {
        "billed_cost": billed,
        "effective_cost": [effective(kind, billed[i], i, commitments) for i, kind in enumerate(kinds)],
        "list_cost": [_list(*each) for each in zip(kinds, unblended, public, strict=True)],
        "contracted_cost": [_contracted(*each) for each in zip(kinds, unblended, public, strict=True)],
    }


def _net(net: Sequence[Decimal | None], gross: Sequence[Any]) -> list[Any]:
    if net.count(None) == len(net):
        return list(gross)
    return [plain if better is None else better for better, plain in zip(net, gross, strict=True)]


def _list(kind: str, unblended: Decimal, public: Decimal | None) -> Decimal:
    if kind == aws_commitments.NEGATION:
        return ZERO
    covered = kind in ("Usage", "DiscountedUsage", "SavingsPlanCoveredUsage")
    return public if covered and public is not None else unblended


def _contracted(kind: str, unblended: Decimal, public: Decimal | None) -> Decimal:
    if kind == aws_commitments.NEGATION:
        return ZERO
    return public if kind == "DiscountedUsage" and public is not None else unblended


def _descriptions(block: Block) -> Columns:
    plans = block.text("savingsPlan/SavingsPlanARN", "savingsPlan/SavingsPlanA_R_N")
    reservations = block.text(*aws_commitments.RESERVATION)
    return {
        "charge_description": block.text("lineItem/LineItemDescription"),
        "service_name": _first(_product_names(block), block.text("lineItem/ProductCode")),
        "provider_name": "AWS",
        "publisher_name": block.text("lineItem/LegalEntity"),
        "invoice_issuer_name": block.text("bill/InvoicingEntity", "bill/BillingEntity"),
        "invoice_id": block.text("bill/InvoiceId"),
        "billing_account_id": block.text("bill/PayerAccountId"),
        "billing_account_name": block.text("bill/PayerAccountName"),
        "sub_account_id": block.text("lineItem/UsageAccountId"),
        "sub_account_name": block.text("lineItem/UsageAccountName"),
        "region_id": block.text("product/regionCode", "product/region"),
        "availability_zone": block.text("lineItem/AvailabilityZone"),
        "resource_id": block.text("lineItem/ResourceId"),
        "sku_id": block.text("product/sku"),
        "sku_price_id": block.text("pricing/RateCode", "pricing/RateId"),
        "pricing_unit": block.text("pricing/unit"),
        "pricing_quantity": block.amount("lineItem/UsageAmount"),
        "consumed_unit": block.text("lineItem/UsageType"),
        "consumed_quantity": block.amount("lineItem/UsageAmount"),
        "commitment_discount_id": _first(plans, reservations),
        "commitment_discount_type": [
            "Savings Plan" if plan else "Reserved" if reservation else None
            for plan, reservation in zip(plans, reservations, strict=True)
        ],
    }


def _product_names(block: Block) -> list[str | None]:
    """Return the product's name: a column of its own, or in the map that CUR 2.0 has instead."""
    if "product" in block and "product/ProductName" not in block:
        maps = block.tags(parse_tags, "product")
        return [each.get("product_name") for each in maps]
    return block.text("product/ProductName", "product/servicename")


def _first(preferred: Sequence[str | None], otherwise: Sequence[str | None]) -> list[str | None]:
    return [text or other for text, other in zip(preferred, otherwise, strict=True)]


def _tags(block: Block) -> tuple[Sequence[dict[str, str]], Sequence[Scope]]:
    """Return tags and scopes: from a column per tag, or from CUR 2.0's one column of all."""
    found = block.starting_with(_TAGS_FOLDED)
    if not found:
        tags = _maps(block)
        return tags, scopes_of(block, tags)
    names = [name for name, _ in found]
    cells = zip(*[column for _, column in found], strict=True)
    tags = [{name: cell for name, cell in zip(names, each, strict=True) if cell} for each in cells]
    # Names of hosts are tags, too, so lines differ in their tags; those that say whose cost it is repeat.
    telling = [(name, column) for name, column in found if block.readers.table.tells(name)]
    if not telling:
        return tags, [Scope()] * len(block)
    scopes = block.readers.memo(_scope_of, tuple(name for name, _ in telling), block.readers.table)
    keys = zip(*[column for _, column in telling], strict=True)
    return tags, [scopes[key] for key in keys]


def _maps(block: Block) -> list[dict[str, str]]:
    """Return the tags of resources, then what CUR 2.0 adds of accounts and users in a map of its own."""
    maps = [block.tags(parse_tags, name) for name in ("resource_tags", "tags") if name in block]
    if len(maps) < 2:  # noqa: PLR2004 - both
        return maps[0] if maps else block.tags(parse_tags, "tags")
    return [
        resource | {key: more[key] for key in more if key not in resource} for resource, more in zip(*maps, strict=True)
    ]


def _scope_of(cells: tuple[str, ...], names: tuple[str, ...], table: TagTable) -> Scope:
    return table.scope_of(dict(zip(names, cells, strict=True)))


_USES: Final = (
    "bill/InvoiceId", "bill/BillingEntity", "bill/InvoicingEntity", "bill/PayerAccountId", "bill/PayerAccountName",
    "lineItem/UsageEndDate", "lineItem/UsageAccountName", "lineItem/ResourceId", "lineItem/UsageAmount",
    "lineItem/UsageType", "lineItem/CurrencyCode", "lineItem/LineItemDescription", "lineItem/AvailabilityZone",
    "lineItem/LegalEntity", "lineItem/NetUnblendedCost", "product/ProductName", "product/servicename", "product",
    "product/servicecode", "product/region", "product/regionCode", "product/sku", "pricing/publicOnDemandCost",
    "pricing/unit", "pricing/RateCode", "pricing/RateId", "identity/LineItemId", "identity/TimeInterval",
    *aws_commitments.USES, "tags",
    "resource_tags",
)  # fmt: skip

FORMAT: Final = Format(
    name="aws-cur",
    provider="AWS",
    needs=(
        ("lineItem/UnblendedCost",),
        ("lineItem/LineItemType",),
        ("lineItem/UsageStartDate",),
        ("lineItem/ProductCode",),
        ("lineItem/UsageAccountId",),
        ("bill/BillingPeriodStartDate",),
        ("bill/BillingPeriodEndDate",),
    ),
    uses=_USES,
    convert=convert,
    more=aws_commitments.following_days,
    amortises=aws_commitments.amortises,
    tags=TAG_PREFIXES,
    currencies=("lineItem/CurrencyCode",),
    dataset=CUR,
    label=lambda header: "2.0" if canonical("resource_tags") in header.positions else "1",
)
