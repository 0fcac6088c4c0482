"""Questions about cost: read them, plan which windows and projection answer them, add up the lines that come back.

`asking` reads what a person asked, `planning` chooses what to read, `folding` sums it, `retention` knows which
windows may be forgotten. All exact: any grouping and any split of the time sums to the same total.
"""

from __future__ import annotations

from domain.queries.asking import (
    BEST,
    BILLING,
    FILTERS,
    GROUPINGS,
    SOURCES,
    TOTAL,
    CostQuery,
    Span,
    parse_as_of,
    parse_filters,
    parse_granularity,
    parse_group_by,
    parse_source,
    parse_span,
)
from domain.queries.folding import Costs, Fold, Group, selection
from domain.queries.planning import MAX_WINDOWS, Plan, narrowest, plan
from domain.queries.retention import coarsened, doubtful, parts
from domain.queries.slots import Slot, Slots

__all__ = [
    "BEST",
    "BILLING",
    "FILTERS",
    "GROUPINGS",
    "MAX_WINDOWS",
    "SOURCES",
    "TOTAL",
    "CostQuery",
    "Costs",
    "Fold",
    "Group",
    "Plan",
    "Slot",
    "Slots",
    "Span",
    "coarsened",
    "doubtful",
    "narrowest",
    "parse_as_of",
    "parse_filters",
    "parse_granularity",
    "parse_group_by",
    "parse_source",
    "parse_span",
    "parts",
    "plan",
    "selection",
]
