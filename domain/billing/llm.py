"""Cost exports of LLM providers: OpenAI (Costs API and the dashboard's CSV) and Anthropic (Cost API and console CSV).

One amount a record, which is all bases at once: nothing is amortised. OpenAI writes an empty amount for a day without
cost. Anthropic's API writes amounts in cents ("lowest units"); its console writes dollars. The billing period is the
calendar month. Sources: `GET /v1/organization/costs`, `GET /v1/organizations/cost_report`.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from domain.billing.block import scopes_of
from domain.billing.formats import Format
from domain.billing.instants import month_of
from domain.billing.row import USAGE
from domain.money import EXACT, ZERO

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from domain.billing.block import Block
    from domain.billing.formats import Columns, Context

_CENT: Final = Decimal("0.01")
_DAY: Final = timedelta(days=1)
_SERVICE_CATEGORY: Final = "AI and Machine Learning"


def convert_openai(block: Block, context: Context) -> Columns:
    """Turn cost buckets of OpenAI into FOCUS."""
    cost = [amount or ZERO for amount in block.amount("amount_value", "amount.value")]
    start = block.needed_instant("start_time_iso", "start_time")
    end = block.instant("end_time_iso", "end_time")
    return {
        **_common(block, context, cost, start, end, block.text("amount_currency", "amount.currency")),
        "charge_description": block.text("line_item"),
        "service_name": "OpenAI API",
        "provider_name": "OpenAI",
        "billing_account_id": block.text("organization_id"),
        "billing_account_name": block.text("organization_name"),
        "sub_account_id": block.text("project_id"),
        "sub_account_name": block.text("project_name"),
        "sku_id": block.text("line_item"),
    }


def convert_anthropic_api(block: Block, context: Context) -> Columns:
    """Turn cost buckets of Anthropic's Cost API into FOCUS; amounts are cents."""
    cost = [EXACT.multiply(amount, _CENT) for amount in block.needed_amount("amount")]
    start = block.needed_instant("starting_at")
    return {
        **_common(block, context, cost, start, block.instant("ending_at"), block.text("currency")),
        "charge_description": block.text("description"),
        "service_name": "Claude API",
        "provider_name": "Anthropic",
        "sub_account_id": block.text("workspace_id"),
        "sku_id": _sku(block),
    }


def convert_anthropic_csv(block: Block, context: Context) -> Columns:
    """Turn a cost CSV of Anthropic's console into FOCUS; amounts are dollars."""
    cost = block.needed_amount("cost_usd")
    start = block.needed_instant("usage_date_utc", "usage_date")
    return {
        **_common(block, context, cost, start, [None] * len(block), ["USD"] * len(block)),
        "charge_description": block.text("cost_type", "usage_type"),
        "service_name": "Claude API",
        "provider_name": "Anthropic",
        "sub_account_id": block.text("workspace"),
        "resource_id": block.text("api_key"),
        "list_cost": block.amount("list_price_usd"),
        "sku_id": _sku(block),
    }


def _common(
    block: Block,
    context: Context,
    cost: Sequence[Decimal],
    start: Sequence[datetime],
    end: Sequence[datetime | None],
    currency: Sequence[str | None],
) -> Columns:
    periods = [month_of(day) for day in start]
    nothing: dict[str, str] = {}
    return {
        "billed_cost": cost,
        "effective_cost": cost,
        "contracted_cost": cost,
        "billing_currency": [(code or context.currency).upper() for code in currency],
        "charge_category": USAGE,
        "charge_kind": "usage",
        "charge_period_start": start,
        "charge_period_end": [last or begin + _DAY for last, begin in zip(end, start, strict=True)],
        "billing_period_start": [begin for begin, _ in periods],
        "billing_period_end": [last for _, last in periods],
        "service_category": _SERVICE_CATEGORY,
        "scope": scopes_of(block, [nothing] * len(block)),
    }


def _sku(block: Block) -> list[str | None]:
    names = zip(block.text("model"), block.text("token_type"), strict=True)
    return ["/".join(filter(None, each)) or None for each in names]


OPENAI: Final = Format(
    name="openai",
    provider="OpenAI",
    needs=(("amount_value", "amount.value"), ("start_time_iso", "start_time"), ("amount_currency", "amount.currency")),
    uses=(
        "end_time_iso", "end_time", "line_item", "project_id", "project_name", "organization_id", "organization_name",
        "user_id", "api_key_id",
    ),
    convert=convert_openai,
    currencies=("amount_currency", "amount.currency"),
    dataset="costs",
)  # fmt: skip
ANTHROPIC_API: Final = Format(
    name="anthropic",
    provider="Anthropic",
    needs=(("starting_at",), ("ending_at",), ("amount",), ("currency",)),
    uses=("description", "workspace_id", "model", "token_type", "cost_type", "context_window", "service_tier"),
    convert=convert_anthropic_api,
    dataset="cost-report",
)
ANTHROPIC_CSV: Final = Format(
    name="anthropic-csv",
    provider="Anthropic",
    needs=(("usage_date_utc", "usage_date"), ("cost_usd",), ("model",)),
    uses=(
        "workspace", "api_key", "usage_type", "context_window", "token_type", "cost_type", "list_price_usd",
        "service_tier", "inference_geo", "speed",
    ),
    convert=convert_anthropic_csv,
    currencies=("cost_usd",),
    dataset="console",
)  # fmt: skip
