"""OpenCost and Kubecost allocations, from their allocation API: what pods cost by the prices of their cluster.

One row per allocation and window; `totalCost` is all bases. This splits what a cloud provider bills for the nodes: it
stands beside that bill, not on top of it, and therefore comes from a provider of its own. Labels of the pod,
then of its namespace, say whose cost it is. Idle capacity is a service of its own, so that rules can share it.
Source: https://opencost.io/docs/integrations/api/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from domain.billing.block import scopes_of
from domain.billing.formats import Format
from domain.billing.instants import month_of
from domain.billing.row import USAGE
from domain.billing.tags import parse_tags

if TYPE_CHECKING:
    from domain.billing.block import Block
    from domain.billing.formats import Columns, Context


IDLE: Final = "Kubernetes idle"


def convert(block: Block, context: Context) -> Columns:
    """Turn allocations into FOCUS."""
    cost = block.needed_amount("totalCost")
    start = block.needed_instant("window.start", "start")
    tags = _labels(block)
    periods = [month_of(begin) for begin in start]
    return {
        "billed_cost": cost,
        "effective_cost": cost,
        "contracted_cost": cost,
        "billing_currency": [text or context.currency for text in block.text("currency")],
        "charge_category": USAGE,
        "charge_kind": "usage",
        "charge_period_start": start,
        "charge_period_end": block.needed_instant("window.end", "end"),
        "billing_period_start": [begin for begin, _ in periods],
        "billing_period_end": [end for _, end in periods],
        "charge_description": block.text("name"),
        "service_name": [IDLE if _is_idle(name) else "Kubernetes" for name in block.text("name")],
        "service_category": "Compute",
        "provider_name": "OpenCost",
        "billing_account_id": block.text("properties.cluster"),
        "sub_account_id": block.text("properties.namespace"),
        "resource_id": block.text("properties.providerID", "name"),
        "resource_name": block.text("properties.pod", "name"),
        "consumed_unit": "Minutes",
        "consumed_quantity": block.amount("minutes"),
        "tags": tags,
        "scope": scopes_of(block, tags),
    }


def _is_idle(name: str | None) -> bool:
    """Tell whether an allocation is what nobody used: of the cluster, or, as `node-1/__idle__`, of a node."""
    return "__idle__" in (name or "").split("/")


def _labels(block: Block) -> list[dict[str, str]]:
    names = ("properties.namespaceLabels", "properties.labels")
    columns = [block.parsed(parse_tags, name) for name in names if name in block]
    return [{key: value for each in found for key, value in each.items()} for found in zip(*columns, strict=True)] or [
        {} for _ in range(len(block))
    ]


FORMAT: Final = Format(
    name="opencost",
    provider="OpenCost",
    needs=(("totalCost",), ("window.start", "start"), ("window.end", "end"), ("cpuCost",)),
    uses=(
        "name", "currency", "minutes", "properties.cluster", "properties.namespace", "properties.pod",
        "properties.providerID", "properties.labels", "properties.namespaceLabels", "ramCost", "gpuCost", "pvCost",
    ),
    convert=convert,
    dataset=lambda _block: "allocation",
)  # fmt: skip
