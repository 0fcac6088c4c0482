"""OpenCost and Kubecost allocations, from their allocation API or as CSV: what pods cost by their cluster's prices.

One row per allocation and window; `totalCost` is all bases. This splits what a cloud provider bills for the nodes: it
stands beside that bill, not on top of it, and therefore comes from a provider of its own. Labels of the pod,
then of its namespace, say whose cost it is. Idle capacity is a service of its own, so that rules can share it.
Source: https://opencost.io/docs/integrations/api/
"""

from __future__ import annotations

from datetime import timedelta
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
LABELS: Final = "properties.labels."
_START: Final = ("window.start", "start", "Date")
_NAME: Final = ("name", "pod")
_DAY: Final = timedelta(days=1)


def convert(block: Block, context: Context) -> Columns:
    """Turn allocations into FOCUS."""
    cost = block.needed_amount("totalCost")
    start = block.needed_instant(*_START)
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
        "charge_period_end": [
            end or begin + _DAY for end, begin in zip(block.instant("window.end", "end"), start, strict=True)
        ],
        "billing_period_start": [begin for begin, _ in periods],
        "billing_period_end": [end for _, end in periods],
        "charge_description": block.text(*_NAME),
        "service_name": [IDLE if _is_idle(name) else "Kubernetes" for name in block.text(*_NAME)],
        "service_category": "Compute",
        "provider_name": "OpenCost",
        "billing_account_id": block.text("properties.cluster", "cluster"),
        "sub_account_id": block.text("properties.namespace", "namespace"),
        "resource_id": block.text("properties.providerID", *_NAME),
        "resource_name": block.text("properties.pod", *_NAME),
        "consumed_unit": "Minutes",
        "consumed_quantity": block.amount("minutes"),
        "tags": tags,
        "scope": scopes_of(block, tags),
    }


def _is_idle(name: str | None) -> bool:
    """Tell whether an allocation is what nobody used: of the cluster, or, as `node-1/__idle__`, of a node."""
    return "__idle__" in (name or "").split("/")


def _labels(block: Block) -> list[dict[str, str]]:
    names = ("properties.namespaceLabels", "properties.labels", "labels")
    columns = [block.tags(parse_tags, name) for name in names if name in block]
    for name, column in block.starting_with((LABELS,)):
        key = name[len(LABELS) :]
        columns.append([{key: cell} if cell else {} for cell in column])
    return [{key: value for each in found for key, value in each.items()} for found in zip(*columns, strict=True)] or [
        {} for _ in range(len(block))
    ]


FORMAT: Final = Format(
    name="opencost",
    provider="OpenCost",
    needs=(("totalCost",), _START, ("cpuCost",)),
    uses=(
        *_NAME, "window.end", "end", "cluster", "namespace", "labels", "currency", "minutes", "properties.cluster",
        "properties.namespace", "properties.pod", "properties.providerID", "properties.labels",
        "properties.namespaceLabels", "ramCost", "gpuCost", "pvCost",
    ),
    tags=(LABELS,),
    convert=convert,
    dataset="allocation",
)  # fmt: skip
