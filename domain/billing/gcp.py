"""Google Cloud billing exports from BigQuery, standard and detailed, as CSV, JSON lines or parquet.

| basis | rule |
|---|---|
| billed, effective, contracted | `cost` |
| list | `cost_at_list` where the export has it |

Each credit nested in a record is a charge of its own, of category Credit, with its amount as billed and effective
cost. So cost and credits sum apart, and together they are the invoice. Promotions and free tiers are of kind
`credit`; what makes usage cheaper (sustained and committed use, resellers' margins) is of kind `discount`. The billing
period is `invoice.month`. Source: "Structure of Standard data export", Cloud Billing.
"""

from __future__ import annotations

import ast
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import msgspec

from domain.billing.amounts import parse_amount
from domain.billing.block import scopes_of
from domain.billing.formats import Format
from domain.billing.header import canonical
from domain.billing.instants import month_of, next_month
from domain.billing.row import ADJUSTMENT, CREDIT, TAX, USAGE
from domain.billing.tags import parse_tags

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from domain.billing.block import Block
    from domain.billing.formats import Columns, Context
    from domain.billing.header import Header
    from domain.billing.row import BillingRow

_CONSOLE: Final = ("service description", "sku description")
_CONSOLE_ALONE: Final = ("usage start date", "unrounded cost", "unrounded subtotal", "subtotal")
_INSTEAD: Final = (
    "a table of Google Cloud's console tells no cost by day and resource, names its currency by a sign, and leaves out"
    " what was not chosen to be shown: export to BigQuery (Billing export, detailed usage cost), and import that table"
)
COST_TYPES: Final[Mapping[str, tuple[str, str]]] = {
    "": (USAGE, "usage"),
    "regular": (USAGE, "usage"),
    "tax": (TAX, "tax"),
    "adjustment": (ADJUSTMENT, "adjustment"),
    "rounding_error": (ADJUSTMENT, "rounding"),
}
_GRANTED: Final = frozenset({"PROMOTION", "FREE_TIER", ""})
_Credit = dict[str, Any]


def instead(header: Header) -> str:
    """Tell what to export instead of a table that was downloaded from the console; nothing of any other header."""
    names = {canonical(name.partition("(")[0]) for name in header.names}
    is_table = names.issuperset(map(canonical, _CONSOLE)) and not names.isdisjoint(map(canonical, _CONSOLE_ALONE))
    return _INSTEAD if is_table else ""


def convert(block: Block, context: Context) -> Columns:
    """Turn usage records into FOCUS; credits follow in `more`."""
    cost = block.needed_amount("cost")
    start = block.needed_instant("usage_start_time")
    kinds = [COST_TYPES.get(text, (ADJUSTMENT, "adjustment")) for text in block.cells("cost_type")]
    services = block.text("service.description")
    tags = _tags(block)
    _credits(block)
    return {
        "billed_cost": cost,
        "effective_cost": cost,
        "contracted_cost": cost,
        "list_cost": block.amount("cost_at_list"),
        "billing_currency": [text or context.currency for text in block.text("currency")],
        "charge_category": [category for category, _ in kinds],
        "charge_kind": [
            "support" if service and "Support" in service and kind == "usage" else kind
            for (_, kind), service in zip(kinds, services, strict=True)
        ],
        "charge_period_start": start,
        "charge_period_end": [end or begin for end, begin in zip(block.instant("usage_end_time"), start, strict=True)],
        **_billing_periods(block, start),
        **_descriptions(block),
        "service_name": services,
        "tags": tags,
        "scope": scopes_of(block, tags),
    }


def more(block: Block, rows: Mapping[int, BillingRow]) -> list[BillingRow]:
    """Return the credits of the records as rows of their own."""
    credits_of = _credits(block)
    return [
        _credit_row(row, number, credit)
        for position, row in rows.items()
        for number, credit in enumerate(credits_of[position])
    ]


def _credit_row(row: BillingRow, number: int, credit: _Credit) -> BillingRow:
    kind = str(credit.get("type") or "")
    amount = credit["amount"]
    return msgspec.structs.replace(
        row,
        row_id=f"{row.row_id}/{number}",
        charge_category=CREDIT,
        charge_kind="credit" if kind in _GRANTED else "discount",
        charge_description=credit.get("full_name") or credit.get("name"),
        billed_cost=amount,
        effective_cost=amount,
        contracted_cost=None,
        list_cost=None,
        pricing_quantity=None,
        consumed_quantity=None,
        commitment_discount_id=credit.get("id") if kind.startswith("COMMITTED") else None,
    )


def _credits(block: Block) -> list[list[_Credit]]:
    return block.structured(parse_credits, "credits")


def parse_credits(cell: Any) -> list[_Credit]:
    """Read `[{"name", "amount", "type", ...}]`, JSON or as Python prints it; `ValueError` when it is not that."""
    if isinstance(cell, str):
        cell = _structure(cell)
    if not isinstance(cell, list) or not all(isinstance(each, dict) and "amount" in each for each in cell):
        raise ValueError(f"{cell!r:.60} are not credits")
    return [{**each, "amount": _exact(each["amount"])} for each in cell]


def _structure(text: str) -> Any:
    if text.strip() in ("", "[]", "null"):
        return []
    try:
        return json.loads(text, parse_float=Decimal, parse_int=Decimal)
    except ValueError:
        pass
    try:
        return ast.literal_eval(text)
    except (SyntaxError, MemoryError, RecursionError):
        raise ValueError(f"{text[:60]!r} are not credits") from None


def _exact(amount: Any) -> Decimal:
    # A float prints as the shortest decimal that reads back as itself: what the file said.
    return parse_amount(str(amount))


def _billing_periods(block: Block, days: Sequence[datetime]) -> Columns:
    months = block.structured(_invoice_month, "invoice.month")
    starts = [month or month_of(day)[0] for month, day in zip(months, days, strict=True)]
    return {"billing_period_start": starts, "billing_period_end": [next_month(start) for start in starts]}


def _invoice_month(text: str) -> datetime | None:
    return datetime.strptime(text, "%Y%m").replace(tzinfo=UTC) if text else None


def _tags(block: Block) -> list[dict[str, str]]:
    """Labels of the resource win over those of its project."""
    columns = [block.tags(parse_tags, name) for name in ("project.labels", "tags", "labels") if name in block]
    if len(columns) == 1:
        return columns[0]
    return [_merged(each) for each in zip(*columns, strict=True)] if columns else [{}] * len(block)


def _merged(found: tuple[dict[str, str], ...]) -> dict[str, str]:
    filled = [each for each in found if each]
    if not filled:
        return found[0]
    return filled[0] if len(filled) == 1 else {key: value for each in filled for key, value in each.items()}


def _descriptions(block: Block) -> Columns:
    return {
        "charge_description": block.text("sku.description"),
        "provider_name": "Google Cloud",
        "publisher_name": block.text("seller_name"),
        "billing_account_id": block.text("billing_account_id"),
        "sub_account_id": block.text("project.id"),
        "sub_account_name": block.text("project.name"),
        "region_id": block.text("location.region", "location.location"),
        "availability_zone": block.text("location.zone"),
        "resource_id": block.text("resource.global_name", "resource.name"),
        "resource_name": block.text("resource.name"),
        "sku_id": block.text("sku.id"),
        "pricing_unit": block.text("usage.pricing_unit"),
        "pricing_quantity": block.amount("usage.amount_in_pricing_units"),
        "consumed_unit": block.text("usage.unit"),
        "consumed_quantity": block.amount("usage.amount"),
    }


_USES: Final = (
    "usage_end_time", "cost_type", "cost_at_list", "invoice.month", "labels", "project.labels", "tags", "sku.id",
    "sku.description", "project.id", "project.name", "location.location", "location.region", "location.zone",
    "resource.name", "resource.global_name", "seller_name", "usage.amount", "usage.unit",
    "usage.amount_in_pricing_units", "usage.pricing_unit", "export_time",
)  # fmt: skip

FORMAT: Final = Format(
    name="gcp",
    provider="Google Cloud",
    needs=(
        ("billing_account_id",),
        ("service.description",),
        ("usage_start_time",),
        ("cost",),
        ("currency",),
        ("credits",),
    ),
    uses=_USES,
    convert=convert,
    more=more,
    instead=instead,
    dataset="bigquery",
)
