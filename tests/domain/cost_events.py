"""Priced events and the rows that a view would hold of them, counted the slow way."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from hypothesis import strategies as st

from domain.cells import CostRow
from domain.money import EXACT
from domain.projections import PROJECTIONS
from domain.queries.asking import DETAILS
from domain.scope import DIMENSIONS
from domain.sources import parse
from domain.windows import DAY, MINUTE, Granularity, Window, floor

if TYPE_CHECKING:
    from collections.abc import Sequence

FIRST = 1_780_272_000  # 2026-06-01T00:00:00Z
DAYS = 4


class Priced(NamedTuple):
    """One event as the meter leaves it; `amount` None when it has no price."""

    minute: int
    scope: tuple[str, str, str, str, str]
    resource_type: str
    cost_unit: str
    units: Decimal
    amount: Decimal | None
    source: str = "metered"


def events() -> st.SearchStrategy[list[Priced]]:
    name = st.sampled_from(["a", "b", "c"])
    resource_type = st.sampled_from(["compute.requests", "network.egress_gb", "third_party.llm_tokens"])
    cost_unit = st.sampled_from(["", "request", "task"])
    units = st.decimals(min_value=0, max_value=10**9, places=3)
    amount = st.none() | st.decimals(min_value=-(10**6), max_value=10**12, places=15)
    minute = st.integers(0, DAYS * DAY // MINUTE - 1).map(lambda at: FIRST + at * MINUTE)
    scope = st.tuples(name, name, name, name, name)
    source = st.sampled_from(["metered", "metered/aws", "metered/gcp"])
    return st.lists(st.builds(Priced, minute, scope, resource_type, cost_unit, units, amount, source), max_size=25)


def rows(events: Sequence[Priced], projection: str, windows: Sequence[Window], owners: int = 2) -> list[CostRow]:
    """Return the lines of a projection; each of them in as many parts as there are owners."""
    wanted = {(window.granularity, window.start): window for window in windows}
    held = [DIMENSIONS.index(name) for name in PROJECTIONS[projection]]
    sums: dict[tuple[object, ...], CostRow] = {}
    for at, event in enumerate(events):
        scope = tuple(event.scope[index] for index in held)
        for granularity in Granularity:
            window = wanted.get((granularity, floor(event.minute, granularity.seconds)))
            if window is None:
                continue
            key = (at % owners, window, scope, event.resource_type, event.source, event.cost_unit)
            sums[key] = _added(sums.get(key) or _empty(window, scope, event), event)
    return list(sums.values())


def brute_force(events: Sequence[Priced], group_by: Sequence[str]) -> dict[tuple[str, ...], Decimal]:
    """Sum event by event, without windows and projections."""
    sums: defaultdict[tuple[str, ...], Decimal] = defaultdict(Decimal)
    for event in events:
        key = tuple(value_of(event, name) for name in group_by)
        sums[key] = EXACT.add(sums[key], event.amount or Decimal(0))
    return dict(sums)


def value_of(event: Priced, name: str) -> str:
    if name == "driver":
        return event.resource_type.split(".")[0]
    if name == "provider":
        return parse(event.source).provider
    if name in {"category", "charge_category"}:
        return parse(event.source).category
    if name in DETAILS:
        return ""
    return event.resource_type if name == "resource_type" else event.scope[DIMENSIONS.index(name)]


def _empty(window: Window, scope: tuple[str, ...], event: Priced) -> CostRow:
    return CostRow(window, scope, event.resource_type, event.source, event.cost_unit, Decimal(0), Decimal(0), 0, 0)


def _added(row: CostRow, event: Priced) -> CostRow:
    return row._replace(
        amount=EXACT.add(row.amount, event.amount or Decimal(0)),
        units=EXACT.add(row.units, event.units),
        events=row.events + 1,
        unpriced=row.unpriced + (event.amount is None),
    )
